"""Writes `docs/paper.md` and its figures from the recorded tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from studies.charts import draw
from studies.paper import claims_data, claims_first, claims_horizon, claims_schedule, claims_text
from studies.paper.claims import Item, table_lines
from studies.paper.curves import Archive
from studies.paper.verdicts import Verdict
from studies.paper.wording import listed

PAGE, FIGURES = "paper.md", "paper"
_CLAIMS = {
    "The best rate is inverse to the data": (("Adam", "figure-5"), ("SGD", "figure-6")),
    "Epochs and images count alike": (("Adam", "figure-7"),),
    "κ is one number for all schedules": (
        ("Adam", "theorem-5.1-adam"),
        ("SGD", "theorem-5.1-sgd"),
    ),
}
_SEEDS = {
    1: "One seed has no interval, and without one nothing is decided.",
    2: "Intervals are 95 % over seeds; with two they are so wide that little can be decided.",
}
_ORDER = (*(f"figure-{n}" for n in range(1, 14)), "table-1", "table-2")


def write(tables: Path, docs: Path) -> Path:
    """Checks the paper against recorded tables.

    Args:
        tables: Folder of the tables.
        docs: Folder that gets `paper.md`, and `paper/` with the figures.

    Returns:
        The page.

    Raises:
        ValueError: A table is missing or lacks runs.
    """
    archive = Archive(tables)
    items, texts = checked(archive), claims_text.items(archive)
    folder = docs / FIGURES
    folder.mkdir(parents=True, exist_ok=True)
    for item in [*items, *texts]:
        if item.chart:
            draw(item.chart, folder / f"{item.key}.svg")
    page = docs / PAGE
    page.write_text("\n".join(_page(archive, items, texts)) + "\n", encoding="utf-8")
    return page


def checked(archive: Archive) -> list[Item]:
    """The paper's 13 figures and 2 tables, in this order."""
    parts = (claims_first, claims_horizon, claims_data, claims_schedule)
    found = {item.key: item for part in parts for item in part.items(archive)}
    return [found[key] for key in _ORDER]


def summary(items: Sequence[Item]) -> str:
    """How many of the claims hold, in a sentence."""
    counts = Counter(item.verdict for item in items)
    parts = []
    for verdict in Verdict:
        n, words = counts[verdict], verdict.value
        if n > 1:
            words = words.replace("holds", "hold").replace("does not", "do not")
        if n:
            parts.append(f"{n} {words}")
    return f"Of the paper's {len(items)} figures and tables, {listed(parts)}."


def _page(archive: Archive, items: Sequence[Item], texts: Sequence[Item]) -> Iterator[str]:
    yield "# The paper, checked"
    yield ""
    yield (
        'N. Faraj, "Tuning Learning Rates with the Cumulative-Learning Constant", claims that the '
        "best learning rate is inverse to the data that a model sees, that epochs and images "
        "count alike, and that κ, the learning rate summed over the data, is one number for all "
        "schedules. Its runs were trained again, over a finer grid and more horizons, and each of "
        "its figures and tables is compared with what they give. Written by `python -m "
        "studies.paper report`: each of our numbers and each verdict is computed from the "
        "recorded runs, none is typed in."
    )
    yield ""
    yield f"**{summary(items)}**"
    yield ""
    yield from _short({item.key: item for item in [*items, *texts]})
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


def _short(items: Mapping[str, Item]) -> Iterator[str]:
    """The paper's three main claims, by the items that bear on them."""
    for claim, keys in _CLAIMS.items():
        yield f"- {claim}."
        for name, key in keys:
            yield f"  - {name}: **{items[key].verdict.value}**; {items[key].ours}."


def _basis(archive: Archive) -> str:
    n, curves = len(archive.seeds), archive.curves("adam-constant")
    grids = {
        name: archive.lrs[f"{key}-constant"] for key, name in (("adam", "Adam"), ("sgd", "SGD"))
    }
    spans = listed(
        [f"{len(lrs)} from {lrs[0]:g} to {lrs[-1]:g} ({name})" for name, lrs in grids.items()]
    )
    seeds = f"{n} seeds" if n > 1 else "one seed"
    text = (
        f"All of it rests on {seeds} of each run and these learning rates: {spans}; constant "
        f"rates up to {curves.horizon // curves.epoch} epochs of {curves.epoch:,} images. "
    )
    text += _SEEDS.get(n, "Intervals are 95 % over seeds.")
    if archive.left_out:
        text += (
            f" Of seed {listed(list(archive.left_out))} not all runs are recorded, so it is left "
            "out."
        )
    return text


def _table(items: Sequence[Item]) -> tuple[str, ...]:
    rows = [
        (
            f"[{item.name}](#{item.key})",
            item.title,
            item.paper,
            item.ours,
            f"**{item.verdict.value}**",
        )
        for item in items
    ]
    return table_lines(("item", "what", "paper", "ours", "verdict"), rows)


def _section(item: Item) -> Iterator[str]:
    # GitHub makes anchors of headings by rules of its own; this one is ours.
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


_METHOD = """## How the numbers are made

- **Reproduce.** `make paper` writes this page and its figures from `studies/recorded/*.csv.gz`
  in under a minute. `python -m studies.paper sweep` trains those runs again, in hours.
- **Model and data.** MNIST scaled to [-1, 1], 784-256-10 with ReLU, cross-entropy, batch 64,
  Adam with PyTorch's defaults or plain SGD. The paper gives no batch size, and chooses by test
  loss; ours is chosen by the loss on 10,000 validation images taken from the training set, but
  where all 60,000 are trained on (figures 1 to 4).
- **A run is its shorter runs too.** Constant, halving and cyclic rates count data, not fractions
  of a run, so the loss at epoch n of a long run is the final loss of a run of n epochs. Cosine
  runs are trained for each horizon.
- **Optimum.** The mean over seeds of ln loss, averaged over the horizons within 15 % on both
  sides where there are any, then the minimum of a cubic in ln lr fitted within a factor of 3 of
  the best rate tried. A seed has the same initial weights and order of images at all rates.
- **Interval.** Student's t over the jackknife: the whole computation again without each seed in
  turn. With a handful of seeds a bootstrap would be too narrow. The spacing of the rates adds a
  standard error of a tenth of a step. What is computed from several optima (slopes, ratios,
  coefficients of variation) has the jackknife of the whole, so that what its parts have in
  common counts once.
- **Coefficient of variation.** The paper does not define its 22.4 %. Here it is the root mean
  square of found minus expected rate over the epochs 1 to 22, divided by the mean found rate.
- **Verdict.** *Holds*: the paper's number is inside our interval, or within a factor of 1.25 of
  ours (for slopes: 0.15). *Does not hold*: it is more than a factor of 2 away (slopes: 0.5).
  *Holds in part*: in between, or the parts of a claim differ, or some hold and others cannot be
  told. *Cannot be told*: no interval, or one that reaches from agreement to contradiction, or an
  optimum at the edge of the rates tried, or so for more than half of a claim's parts. A
  coefficient of variation agrees up to 1.25 times the paper's, and contradicts it from twice
  that on. There are many intervals, of which one in twenty is expected to miss.""".split("\n")
