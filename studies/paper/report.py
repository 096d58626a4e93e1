"""Writes `docs/paper.md` and its figures from the recorded tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from studies.charts import draw
from studies.paper.claims import Item, figures_and_tables, table_lines, text_claims
from studies.paper.curves import Archive
from studies.paper.verdicts import Verdict
from studies.paper.wording import listed

PAGE = "paper.md"
FIGURES = "paper"

_CLAIMS = {
    "The best rate is inversely proportional to the data": {
        "Adam": "figure-5",
        "SGD": "figure-6",
    },
    "Epochs and images count alike": {
        "Adam": "figure-7",
    },
    "κ is the same number for all schedules": {
        "Adam": "theorem-5.1-adam",
        "SGD": "theorem-5.1-sgd",
    },
}
_INTERVALS = {
    1: "One seed gives no interval, and nothing is decided without one.",
    2: "Intervals are 95 % over seeds; with two they are so wide that little can be decided.",
}


def write(tables: Path, docs: Path) -> Path:
    """Check the paper against recorded tables.

    Args:
        tables: Folder of the tables.
        docs: Folder that gets `paper.md`, and `paper/` with the figures.

    Returns:
        The page.

    Raises:
        ValueError: A table is missing or lacks runs.
    """
    archive = Archive(tables)
    items = figures_and_tables(archive)
    texts = text_claims(archive)

    folder = docs / FIGURES
    folder.mkdir(parents=True, exist_ok=True)
    for item in [*items, *texts]:
        if item.chart:
            draw(item.chart, folder / f"{item.key}.svg")

    page = docs / PAGE
    lines = _page(archive, items, texts)
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return page


def summary(items: Sequence[Item]) -> str:
    """Say in a sentence how many of the claims hold."""
    counts = Counter(item.verdict for item in items)
    parts = []
    for verdict in Verdict:
        n = counts[verdict]
        if n == 0:
            continue

        words = verdict.value
        if n > 1:
            words = words.replace("holds", "hold").replace("does not", "do not")
        parts.append(f"{n} {words}")

    return f"Of the paper's {len(items)} figures and tables, {listed(parts)}."


def _page(archive: Archive, items: Sequence[Item], texts: Sequence[Item]) -> Iterator[str]:
    """Yield the lines of the page."""
    yield "# The paper, checked"
    yield ""
    yield _INTRODUCTION
    yield ""
    yield f"**{summary(items)}**"
    yield ""
    yield from _main_claims({item.key: item for item in [*items, *texts]})
    yield ""
    yield _basis(archive)
    yield ""
    yield from _table(items)
    yield ""
    yield "What the text claims beyond its figures:"
    yield ""
    yield from _table(texts)
    yield ""
    yield from _METHOD

    for item in [*items, *texts]:
        yield ""
        yield from _section(item)


def _main_claims(items: Mapping[str, Item]) -> Iterator[str]:
    """Yield the paper's three main claims, with the results that bear on each."""
    for claim, keys in _CLAIMS.items():
        yield f"- {claim}."
        for name, key in keys.items():
            yield f"  - {name}: **{items[key].verdict.value}**; {items[key].ours}."


def _basis(archive: Archive) -> str:
    """Say what the results rest on: seeds, learning rates and epochs."""
    n_seeds = len(archive.seeds)
    seeds = f"{n_seeds} seeds" if n_seeds > 1 else "one seed"
    grids = []
    for name, table in (("Adam", "adam-constant"), ("SGD", "sgd-constant")):
        lrs = archive.lrs[table]
        grids.append(f"{len(lrs)} from {lrs[0]:g} to {lrs[-1]:g} ({name})")

    curves = archive.curves("adam-constant")
    text = (
        f"All results rest on {seeds} of each run and these learning rates: {listed(grids)}. "
        f"Constant rates were trained for up to {curves.horizon // curves.epoch} epochs of "
        f"{curves.epoch:,} images. "
    )
    text += _INTERVALS.get(n_seeds, "Intervals are 95 % over seeds.")
    if archive.left_out:
        text += f" Left out, since not all of their runs are recorded: {_left_out(archive)}."
    return text


def _left_out(archive: Archive) -> str:
    seeds = list(archive.left_out)
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {listed(seeds)}"


def _table(items: Sequence[Item]) -> tuple[str, ...]:
    rows = []
    for item in items:
        link = f"[{item.name}](#{item.key})"
        verdict = f"**{item.verdict.value}**"
        rows.append((link, item.title, item.paper, item.ours, verdict))

    return table_lines(("item", "what", "paper", "ours", "verdict"), rows)


def _section(item: Item) -> Iterator[str]:
    # GitHub makes anchors from headings by its own rules; this one is ours.
    yield f'<a id="{item.key}"></a>'
    yield ""
    yield f"## {item.name}: {item.title}"
    yield ""
    if item.chart:
        yield f"![{item.chart.title}]({FIGURES}/{item.key}.svg)"
        yield ""

    yield f"- Paper: {item.paper}."
    yield f"- Ours: {item.ours}."
    yield f"- Verdict: **{item.verdict.value}**."
    yield ""
    yield item.reading
    if item.details:
        yield ""
        yield from item.details

    yield ""
    yield f"*Limits.* {item.limits}"


_INTRODUCTION = (
    'N. Faraj, "Tuning Learning Rates with the Cumulative-Learning Constant", makes three claims. '
    "The best learning rate is inversely proportional to the data that a model sees. Epochs and "
    "images count alike. And κ, the learning rate summed over the data, is the same number for "
    "all schedules. We trained the paper's runs again, with a finer grid of rates and more "
    "horizons, and compared each of its figures and tables with our results. This page is written "
    "by `python -m studies.paper report`: each of our numbers and verdicts is computed from the "
    "recorded runs, and none is typed in."
)
_METHOD = """## How the numbers are made

- **Reproduce.** `make paper` writes this page and its figures from `studies/recorded/*.csv.gz`
  in under a minute. `python -m studies.paper sweep` trains those runs again, which takes hours.
- **Model and data.** MNIST scaled to [-1, 1], 784-256-10 with ReLU, cross-entropy, batch 64,
  Adam with PyTorch's defaults or plain SGD. The paper gives no batch size. It chooses rates by
  test loss. We choose by the loss on 10,000 validation images taken from the training set, except
  where all 60,000 are used for training (figures 1 to 4).
- **A long run contains its shorter ones.** Constant, halving and cyclic rates count data, not
  fractions of a run. So the loss at epoch n of a long run is the final loss of a run of n epochs.
  Cosine runs are trained for each horizon.
- **Optimum.** We take the mean over seeds of ln loss, averaged over the horizons within 15 % on
  both sides where there are any. A cubic in ln lr is fitted within a factor of 3 of the best rate
  tried, and its minimum is the optimum. A seed has the same initial weights and order of images
  at all rates.
- **Interval.** Student's t over the jackknife: the whole computation is repeated without each
  seed in turn. With so few seeds a bootstrap would be too narrow. The spacing of the rates adds a
  standard error of a tenth of a step. For a number computed from several optima (slopes, ratios,
  coefficients of variation), the jackknife repeats the whole computation, so that errors which
  the optima have in common count once.
- **Coefficient of variation.** The paper does not define its 22.4 %. Here it is the root mean
  square of found minus expected rate over the epochs 1 to 22, divided by the mean found rate.
- **Verdict.** *Holds*: the paper's number is inside our interval, or within a factor of 1.25 of
  ours (for slopes: 0.15). *Does not hold*: it is more than a factor of 2 away (slopes: 0.5).
  *Holds in part*: it is in between; or the parts of a claim differ; or some parts hold and others
  cannot be decided. *Cannot be decided*: there is no interval; or the interval reaches from
  agreement to contradiction; or the optimum is at the edge of the rates tried; or more than half
  of a claim's parts cannot be decided. A coefficient of variation agrees up to 1.25 times the
  paper's, and contradicts it from twice the paper's on. Of the many intervals here, one in twenty
  is expected to miss.""".split("\n")
