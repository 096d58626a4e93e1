"""The measured parts of `docs/psi.md`, from recorded trainings.

The page is written by hand but for the parts between two comments, which are replaced:

    <!-- measured: NAME -->
    ...
    <!-- end -->
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from studies.budgets.problem import PASSES
from studies.mnist.training import OptimizerName
from studies.psi import figure
from studies.psi.answer import answer
from studies.psi.cells import CLOSED, GRID_SEEDS, OPEN, OPTIMIZERS, SEEDS, Trainings
from studies.psi.labels import METHODS
from studies.psi.labels import OPTIMIZERS as NAMES
from studies.psi.measures import Measures, Results, summarize
from studies.replay.markdown import as_table

PAGE = "psi.md"
FIGURE = "psi.svg"
_SOURCE = Path(__file__).parents[2] / "docs" / PAGE
_PART = re.compile(r"(<!-- measured: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_CLEAR = 0.005  # medians closer than this, as a fraction of the loss, are called equal
_WANTED = 0.01  # most that Psi's open loop should end above the best schedule in hindsight

ByOptimizer = Mapping[OptimizerName, Results]


def write(done: Trainings, docs: Path) -> Path:
    """Write the page and its figure.

    Args:
        done: Recorded trainings.
        docs: Folder of the page. What is written by hand comes from the page of this project.

    Returns:
        Path of the page.

    Raises:
        ValueError: No seed is complete.
    """
    results: dict[OptimizerName, Results] = {}
    for optimizer in OPTIMIZERS:
        result = summarize(done, optimizer)
        if result is None:
            raise ValueError(
                f"no seed of {NAMES[optimizer]} is complete with {GRID_SEEDS} seeds at all peaks; "
                "run python -m studies.psi measures sweep"
            )
        results[optimizer] = result

    parts: Mapping[str, Callable[[ByOptimizer], Iterator[str]]] = {
        "losses": losses,
        "measures": measures,
        "answer": answer,
    }
    page = _PART.sub(
        lambda part: part[1] + "\n".join(parts[part[2]](results)) + "\n" + part[3],
        _SOURCE.read_text(encoding="utf-8"),
    )
    figure.draw(results, docs / FIGURE)
    path = docs / PAGE
    path.write_text(page, encoding="utf-8")
    return path


def losses(results: ByOptimizer) -> Iterator[str]:
    """List where Psi loses."""
    for optimizer, result in results.items():
        name = NAMES[optimizer]
        seeds = result.tuned[OPEN].seeds
        one = result.open_beside_best
        verdict = "at most 1 % was wanted" if one.above > _WANTED else "within the 1 % wanted"
        yield (
            f"- **{name}, beside the best schedule in hindsight** "
            f"({METHODS[result.best]} at {_rate(result.hindsight[result.best].peak)}), Psi's open "
            f"loop ends {_signed(one.above)} in the median of {seeds} seeds; {verdict}. "
            f"The closed loop: {_signed(result.closed_beside_best.above)}."
        )
        for method, beside in ((OPEN, result.open_beside), (CLOSED, result.closed_beside)):
            better = [
                f"{METHODS[other]} (Psi {_signed(pair.above)})"
                for other, pair in beside.items()
                if pair.above > _CLEAR
            ]
            lost = ", ".join(better) if better else "none"
            yield f"- {name}, tuned with the same data and better than {METHODS[method]}: {lost}."
        yield from _late(name, result)


def _late(name: str, result: Results) -> Iterator[str]:
    """Say which methods get to the stated loss earlier, or more reliably, than the open loop."""
    ours = result.tuned[OPEN]
    earlier = []
    surer = []
    for method, one in result.tuned.items():
        if method not in (OPEN, CLOSED) and one.time.median < ours.time.median:
            earlier.append(f"{METHODS[method]} ({_part(one.time.median)})")
        if method not in (OPEN, CLOSED) and one.reached > ours.reached:
            surer.append(f"{METHODS[method]} ({100 * one.reached:.0f} %)")
    if earlier:
        yield (
            f"- {name}, earlier at the stated loss than Psi's open loop "
            f"({_part(ours.time.median)} of the run): {', '.join(earlier)}."
        )
    if surer:
        yield (
            f"- {name}, more seeds reach the stated loss than with Psi's open loop "
            f"({100 * ours.reached:.0f} %): {', '.join(surer)}."
        )


def measures(results: ByOptimizer) -> Iterator[str]:
    """The figure, the tables, and how they were measured."""
    seeds = {one.seeds for result in results.values() for one in result.tuned.values()}
    if min(seeds) < SEEDS:
        yield f"**Not finished**: {min(seeds)} of {SEEDS} seeds so far."
        yield ""
    yield f"![Test loss, time and rates of each method]({FIGURE})"
    yield ""
    yield (
        "Dots are medians over seeds and bars go from the 10 to the 90 % quantile. A triangle is "
        "a median beyond the frame."
    )
    for optimizer, result in results.items():
        yield ""
        yield f"**{NAMES[optimizer]}**, stated loss {result.target:.3f}:"
        yield ""
        yield from _table(result)
    yield ""
    yield _HOW.format(passes=PASSES, seeds=min(seeds), grid=GRID_SEEDS)


def _table(result: Results) -> Iterator[str]:
    heads = ["method", "peak", "test loss", "10 to 90 %", "accuracy, %", "time", "reached, %"]
    heads += ["Psi open beside it", "best peak", "its test loss"]
    rows = []
    for method, one in sorted(result.tuned.items(), key=lambda item: item[1].loss.median):
        ideal = result.hindsight.get(method)
        row = [METHODS[method], *_row(one)]
        row.append("" if method == OPEN else _signed(result.open_beside[method].above))
        row += [_rate(ideal.peak), f"{ideal.loss.median:.4f}"] if ideal else ["", ""]
        rows.append(row)
    return as_table(heads, rows)


def _row(one: Measures) -> list[str]:
    return [
        _rate(one.peak),
        f"{one.loss.median:.4f}",
        f"{one.loss.low:.4f} to {one.loss.high:.4f}",
        f"{100 * one.accuracy.median:.2f}",
        _part(one.time.median),
        f"{100 * one.reached:.0f}",
    ]


def _rate(rate: float) -> str:
    return f"{rate:.2g}"


def _part(time: float) -> str:
    """Part of a run; a dash if it is not reached."""
    return f"{time:.2f}" if time <= 1 else "-"


def _signed(above: float) -> str:
    return f"{100 * abs(above):.1f} % {'above' if above > 0 else 'below'}"


_HOW = """\
- **Task**: the network with one hidden layer of 256 on MNIST, {passes} passes over 30,000 images,
  Adam or SGD without momentum, {seeds} seeds. A seed is the initial weights and the order of the
  images, the same for all methods.
- **Tuned with the same data**: each method had one full run of data for each seed, on other seeds.
  The tuned ones trained six peaks, a factor of 2.3 apart, for a sixth of the horizon, and took
  the one with the lowest validation loss. Psi got four constant rates for an eighth of the
  horizon each, and warm-up-stable-decay without a warm-up at the two middle peaks for a quarter
  each. This choice of probes is one of about fifteen that were tried on two other seeds.
- **Best peak in hindsight**: the one of eleven, a factor of 1.5 apart, with the lowest mean
  validation loss over {grid} seeds. No one has this for the price of one run; it shows what the
  tuning lost.
- **Time**: part of the run until the stated loss, read at 20 looks at 2,500 validation images.
  The stated loss is the one at which the median tuned constant run ends. A dash: less than half
  of the seeds reach it. **Reached**: seeds that do.
- **Rules**: `ReduceLROnPlateau` (factor 0.5, patience 2 looks) and Psi's closed loop are told the
  losses of the looks, GreedyLR that of each batch. Schedule-Free has no schedule but does have a
  rate, which was tuned like the peaks; its losses are those of the averaged weights.
- **Psi open beside it**: median over seeds of the test loss of Psi's open loop over that of the
  method, both as tuned.

`python -m studies.psi measures sweep` trains all of this and goes on where it was stopped."""
