"""The page about stated probabilities, `docs/certainty.md`, from recorded replays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from optuna_kappa.visualization.theme import BLUE, GREY, ORANGE
from studies.certainty.statements import FULL_RUNS, MNIST, REGRETS, Stated, held
from studies.charts import Axis, Chart, Series, draw
from studies.replay.markdown import as_table, percent

PAGE = "certainty.md"
FIGURE = "certainty.svg"
_BINS = ((0.0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 0.95), (0.95, 1.01))
_GROUPS = {MNIST: "MNIST", "atlas": "the atlas"}
_COLOURS = {MNIST: BLUE, "atlas": ORANGE}
_FEWEST = 10  # statements that a point of the figure stands for
_TICKS = (0, 20, 40, 60, 80, 100)

_INTRO = """\
# How often stated probabilities hold

Written by `python -m studies.certainty report` from recorded replays
(`python -m studies.certainty sweep` makes them anew, in about ten minutes of two cores).

`optuna_kappa.Certified`, `optuna-kappa plan` and `optuna_kappa.study.certainty` state a
probability that the recommended learning rate is within some regret of the best: that the loss
expected of it is at most 1, 2 or 5 % above the least. It is computed from the valley that is
fitted to the losses of the full runs or, as long as there are none, from the law and the valleys
of the probes. Nothing in it was fitted to the searches on this page.

Here, searches that are told nothing of optimizer and passes are asked after their probes and
after {full_runs} full runs: {n_mnist} searches on the eight recorded MNIST problems, and {n_atlas}
on the tables of the [atlas](atlas.md) at a constant rate. What is true is known from all recorded
runs. These scatter by about 1 % themselves.

![Stated probability against the fraction that was right]({figure})

The probability to be within 2 %. On the line, statements are as often right as they say.
"""

_BY_RUNS = """\
Statements of at least 80 % to be within 2 %, on all tables together. Before the first full run
they rest on the law and on probes alone."""


def write(stated: Sequence[Stated], docs: Path) -> Path:
    """Write the page and its figure.

    Args:
        stated: Statements.
        docs: Folder of the page.

    Returns:
        Path of the page.
    """
    docs.mkdir(parents=True, exist_ok=True)
    draw(chart(stated), docs / FIGURE)

    lines = [_intro(stated)]
    for group, name in _GROUPS.items():
        of_group = [one for one in stated if one.group == group]
        lines += [f"## On {name}", "", *_table(of_group), ""]
    lines += ["## By the number of full runs", "", _BY_RUNS, "", *_by_full_runs(stated)]

    page = docs / PAGE
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return page


def chart(stated: Sequence[Stated]) -> Chart:
    """Chart of the fraction that was right against the stated probability, within 2 %."""
    place = REGRETS.index(0.02)
    series = [Series("as often as said", (0, 100), (0, 100), "guide", GREY)]
    for group, name in _GROUPS.items():
        of_group = [one for one in stated if one.group == group]
        points = [held(of_group, place, *ends) for ends in _BINS]
        kept = [(100 * said, 100 * right) for n, said, right in points if n >= _FEWEST]
        x, y = zip(*kept, strict=True) if kept else ((), ())
        series.append(Series(name, x, y, "line", _COLOURS[group]))

    return Chart(
        "Stated probability to be within 2 % of the best, and how often it was",
        Axis("stated, %", ticks=_TICKS, range=(0, 100), log=False),
        Axis("was right, %", ticks=_TICKS, range=(0, 100), log=False),
        tuple(series),
    )


def _intro(stated: Sequence[Stated]) -> str:
    searches: dict[str, set[tuple[str, int]]] = {group: set() for group in _GROUPS}
    for one in stated:
        searches[one.group].add((one.table, one.seed))

    *numbers, last = FULL_RUNS[1:]
    return _INTRO.format(
        full_runs=f"{', '.join(map(str, numbers))} and {last}",
        n_mnist=len(searches[MNIST]),
        n_atlas=len(searches["atlas"]),
        figure=FIGURE,
    )


def _table(stated: Sequence[Stated]) -> list[str]:
    """How often statements were right, by the stated probability."""
    heads = ["stated, %"]
    for regret in REGRETS:
        heads += [f"within {percent(regret)} %: number", "said, %", "right, %"]

    rows = []
    for low, high in _BINS:
        row = [f"{100 * low:.0f} to {min(100, 100 * high):.0f}"]
        for place in range(len(REGRETS)):
            n, said, right = held(stated, place, low, high)
            row += [str(n), *((percent(said), percent(right)) if n else ("-", "-"))]
        rows.append(row)
    return list(as_table(heads, rows))


def _by_full_runs(stated: Sequence[Stated]) -> list[str]:
    place = REGRETS.index(0.02)
    rows = []
    for n_full in FULL_RUNS:
        asked = [one for one in stated if one.full_runs == n_full]
        n, said, right = held(asked, place, 0.8, 1.01)
        numbers = (percent(said), percent(right)) if n else ("-", "-")
        rows.append([str(n_full), str(len(asked)), str(n), *numbers])
    heads = ["full runs", "searches", "of them sure", "said, %", "right, %"]
    return list(as_table(heads, rows))
