"""Replays all that the documents claim, and writes `docs/replay.md` with its figures."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from optuna_kappa import read_csv
from optuna_kappa.visualization.theme import OTHERS, SAMPLERS
from studies.charts import Axis, Chart, Series, draw
from studies.replay.results import BUDGETS, LEVELS, Json, Replay, searches
from studies.replay.table import prepare

PAGE, FIGURES, RESULTS = "replay.md", "replay", "results.json"
PRUNED = {
    "tpe+kappa": "kappa",
    "tpe+median": "median",
    "tpe+hyperband": "hyperband",
    "tpe+sha": "sha",
    "tpe+wilcoxon": "wilcoxon",
}
SEARCHED = ("kappa", "tpe", "gp", "random", *PRUNED, "top-k")
SLOW = ("gp",)  # takes more time than all others: at constant rate only
TRANSFER = "kappa from constant"  # its probes are constant-rate runs, for a scheduled target
PROBES_FOR = 12  # epochs that these are laid out for: the longest of 4
MEANS = ("kappa", "tpe")
_SCALE = (0.1, 200.0)  # of the regrets in a figure, in %


class Target(NamedTuple):
    """One recorded table and the horizon, in epochs, that is searched for."""

    table: str
    epochs: int

    @property
    def searched(self) -> list[str]:
        """The samplers to replay, without the one that starts from other runs."""
        constant = self.table.endswith("-constant")
        return [name for name in SEARCHED if constant or name not in SLOW]

    @property
    def title(self) -> str:
        """Optimizer, schedule and horizon in words."""
        optimizer, schedule = self.table.split("-")
        name = {"adam": "Adam", "sgd": "SGD"}[optimizer]
        return f"{name}, {schedule}, {self.epochs} epochs"


TARGETS = (
    Target("adam-constant", 24),
    Target("sgd-constant", 24),
    Target("adam-cosine", 16),
    Target("sgd-cosine", 16),
    Target("adam-halving", 12),
    Target("sgd-halving", 12),
    Target("adam-cyclic", 12),
    Target("sgd-cyclic", 12),
)


class Replayed(NamedTuple):
    """What came of one target: the JSON of the search command."""

    target: Target
    searches: Json


def replay(
    tables: Path,
    repeats: int,
    on_step: Callable[[str], None],
    targets: Sequence[Target] = TARGETS,
    only: Collection[str] = (),
) -> Iterator[Replayed]:
    """Replays targets, one by one.

    Args:
        tables: Folder of the recorded runs.
        repeats: Searches of each sampler.
        on_step: Told what comes next.
        targets: What to search for.
        only: Samplers to replay; all by default.

    Raises:
        ValueError: A table is missing or lacks runs.
    """
    for target in targets:
        what = _prepared(tables, target.table, target.epochs, repeats)
        names = [name for name in target.searched if not only or name in only]
        on_step(target.title)
        searched = searches(what, names, BUDGETS[-1], lambda n: None)
        optimizer, schedule = target.table.split("-")
        if schedule != "constant" and (not only or TRANSFER in only):
            lender = _prepared(tables, f"{optimizer}-constant", PROBES_FOR, repeats).objective
            lent = searches(what._replace(lender=lender), ["kappa"], BUDGETS[-1], lambda n: None)
            searched["samplers"][TRANSFER] = lent["samplers"]["kappa"]
        yield Replayed(target, searched)


def _prepared(tables: Path, table: str, epochs: float, repeats: int) -> Replay:
    made = prepare(read_csv(tables / f"{table}.csv.gz"), None, epochs)
    return Replay(made.objective, repeats, 0, os.cpu_count() or 1)


def save(one: Replayed, repeats: int, docs: Path) -> Replayed:
    """Keeps results beside the figures, and joins them to those kept before of as many repeats.

    Returns:
        All that is known of this target now.

    Raises:
        ValueError: Something of the page is neither among these results nor was it kept.
    """
    file = docs / FIGURES / RESULTS
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    targets = kept.get("targets", {}) if kept.get("repeats") == repeats else {}
    old = targets.get(one.target.table, {}).get("samplers", {})
    searched = _ordered(old | one.searches["samplers"])
    if lacking := set(one.target.searched) - set(searched):
        raise ValueError(
            f"{file} has no results of {', '.join(sorted(lacking))} for {one.target.title} "
            f"with {repeats} repeats; replay without --only first"
        )
    joined = Replayed(one.target, one.searches | {"samplers": searched})
    targets[one.target.table] = joined.searches
    text = json.dumps({"repeats": repeats, "targets": targets}, indent=0)
    file.write_text(text + "\n", encoding="utf-8")
    return joined


def _ordered(found: Json) -> Json:
    """By the order in which the page has them."""
    order = [SEARCHED[0], TRANSFER, *SEARCHED[1:]]
    return dict(sorted(found.items(), key=lambda item: order.index(item[0])))


def write(found: Sequence[Replayed], repeats: int, docs: Path) -> Path:
    """Writes the page and its figures; returns the page."""
    folder = docs / FIGURES
    folder.mkdir(parents=True, exist_ok=True)
    for one in found:
        draw(_chart(one), folder / f"{one.target.table}.svg")
    page = docs / PAGE
    page.write_text("\n".join(_page(found, repeats)) + "\n", encoding="utf-8")
    return page


def bias(one: Replayed) -> list[tuple[str, str]]:
    """What each stock pruner does to TPE's search at the end of the budget, in a few words."""
    plain = one.searches["samplers"]["tpe"]
    return [(pruner, _judged(one, name, plain)) for name, pruner in PRUNED.items()]


def _judged(one: Replayed, name: str, plain: Json) -> str:
    """Above, below or no difference, by whether the intervals of the medians overlap."""
    pruned = one.searches["samplers"][name]
    low, high = pruned["intervals"][-1]
    other_low, other_high = plain["intervals"][-1]
    value = f"{percent(pruned['median_regret'][-1])} ({percent(low)} to {percent(high)})"
    if low is None or low > other_high:
        return f"**above TPE**: {value}"
    if high is not None and high < other_low:
        return f"below TPE: {value}"
    return f"no difference: {value}"


def _page(found: Sequence[Replayed], repeats: int) -> Iterator[str]:
    yield from (
        "# Searches replayed from recorded runs",
        "",
        "Written by `make replay`. Each search is an Optuna study whose objective is a recorded "
        "curve: that of a random seed, interpolated between learning rates. Everything is "
        "charged, in full-run equivalents; the learning rate is searched over the three decades "
        "of the table. Regret is that of the recommended learning rate: its expected loss over "
        "the best one's, minus 1. Recommended is the best full run seen, by kappa what "
        "`KappaSampler.recommend` says.",
        "",
        f"{repeats} repeats each; in parentheses 95 % bootstrap intervals. `top-k` runs every "
        "learning rate of the grid for one epoch, then the best in full, best first. GP takes "
        "more time than all others together and is replayed at constant rate only. "
        f"`{TRANSFER}` starts from probes at constant rate, of at most {PROBES_FOR / 3.2:.2g} "
        "epochs, for a scheduled target.",
        "",
        "## Do pruners lead TPE to the wrong learning rate?",
        "",
        f"Median regret in % after {BUDGETS[-1]:g} full-run equivalents, TPE alone and with each "
        "pruner. *Above* and *below*: the intervals do not overlap.",
        "",
    )
    yield from as_table(
        ("", "TPE alone", *PRUNED.values()),
        [
            (one.target.title, _last(one.searches["samplers"]["tpe"]), *(t for _, t in bias(one)))
            for one in found
        ],
    )
    yield ""
    for one in found:
        yield from _section(one)


def _section(one: Replayed) -> Iterator[str]:
    yield from (f"## {one.target.title}", "", f"![]({FIGURES}/{one.target.table}.svg)", "")
    budgets = one.searches["budgets"]
    yield "Median regret in %, and the budget from which on it stays under a level:"
    yield ""
    heads = ("sampler", *(f"{b:g}" for b in budgets), *(f"to {v:.0%}" for v in LEVELS), "ask, ms")
    rows = [
        (
            name,
            *map(percent, found["median_regret"]),
            *("-" if b is None else f"{b:g}" for b in found["budget_to"].values()),
            f"{found['ask_ms']:.1f}",
        )
        for name, found in one.searches["samplers"].items()
    ]
    yield from as_table(heads, rows)
    means = [
        (name, *map(percent, one.searches["samplers"][name]["mean_regret"])) for name in MEANS
    ]
    yield from ("", "Means of the regret, in %:", "")
    yield from as_table(heads[: len(budgets) + 1], means)
    yield ""


def _chart(one: Replayed) -> Chart:
    """Median regret against budget; the pruners of TPE aside from the others."""
    budgets, others = one.searches["budgets"], cycle(OTHERS)
    series = []
    for name, found in one.searches["samplers"].items():
        rows = [
            (b, *(100 * max(v, _SCALE[0] / 100) for v in (value, *span)))
            for b, value, span in zip(
                budgets, found["median_regret"], found["intervals"], strict=True
            )
            if value is not None and None not in span
        ]
        colour = SAMPLERS.get(name) or next(others)
        if rows:
            x, y, low, high = zip(*rows, strict=True)
            band = (low, high) if name in ("kappa", "tpe") else ((), ())
            series.append(Series(name, x, y, "line", colour, *band))
    return Chart(
        one.target.title,
        Axis("budget, full-run equivalents", ticks=(1, 2, 3, 4, 6, 8, 12, 16, 24)),
        Axis("median regret, %", range=_SCALE),
        tuple(series),
    )


def as_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table in Markdown, all but its first column to the right."""
    yield f"| {' | '.join(heads)} |"
    yield f"|---|{'---:|' * (len(heads) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _last(found: Json) -> str:
    return f"{percent(found['median_regret'][-1])} ({ends(found['intervals'][-1])})"


def ends(interval: Sequence[float | None]) -> str:
    """An interval of fractions in %."""
    return " to ".join(map(percent, interval))


def percent(value: float | None) -> str:
    """A fraction in %, to two digits."""
    return "-" if value is None else f"{100 * value:.2g}" if value < 0.1 else f"{100 * value:.0f}"
