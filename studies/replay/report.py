"""Replay all that the documents claim, and write `docs/replay.md` with its figures."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from optuna_kappa import read_csv
from studies.charts import draw
from studies.replay.charts import overview_chart, regret_chart
from studies.replay.markdown import as_table, ends, percent
from studies.replay.results import BUDGETS, LEVELS, Json, searches
from studies.replay.table import prepare
from studies.replay.targets import INFORMED, PRUNED, SEARCHED, TARGETS, Target
from studies.replay.workers import Replay

PAGE = "replay.md"
FIGURES = "replay"
RESULTS = "results.json"
OVERVIEW = "overview.svg"
TRANSFER = "kappa from constant"  # its probes are constant-rate runs, for a scheduled target
PROBES_FOR = 12  # epochs that these probes are planned for; the longest of them takes 4
MEANS = ("kappa", INFORMED, "tpe")

_INTRO = """\
# Searches replayed from recorded runs

Written by `make replay`. Each search is an Optuna study whose trials replay recorded learning
curves: a trial is the curve of a random seed, interpolated between learning rates. The learning
rate is searched over the three decades of the table. All data that a trial trains on is charged,
in full-run equivalents.

*Regret* is the expected loss of the recommended learning rate, divided by that of the best one,
minus 1. Kappa recommends what `KappaSampler.recommend` returns. The other samplers recommend the
best full run so far.

Each sampler has {repeats} repeats; 95 % bootstrap intervals are in parentheses. `top-k` runs every
learning rate of the grid for one epoch, then runs the best in full, best first. GP takes more time
than all the others together, so it is replayed at constant rate only. `{transfer}` has a
scheduled target but starts from probes at constant rate, which take at most {longest_probe:.2g}
epochs. Where there is a row `{informed}`, its searches are told the optimizer and the passes over
the data.

![Median regret against budget, optuna-kappa and TPE]({overview})

All problems together. The line is the middle one of their median regrets, the band goes from the
best of them to the worst.

## Do pruners lead TPE to the wrong learning rate?

Median regret in % after {budget:g} full-run equivalents, for TPE alone and with each pruner.
*Above TPE* and *below TPE* mean that the intervals do not overlap.
"""


class Replayed(NamedTuple):
    """Results for one target.

    Attributes:
        target: The target.
        searches: What `studies.replay.results.searches` returns.
    """

    target: Target
    searches: Json


def replay(
    tables: Path,
    repeats: int,
    on_step: Callable[[str], None],
    targets: Sequence[Target] = TARGETS,
    only: Collection[str] = (),
) -> Iterator[Replayed]:
    """Replay targets, one by one.

    Args:
        tables: Folder of the recorded runs.
        repeats: Searches of each sampler.
        on_step: Called with the title of each target before it is replayed.
        targets: What to search for.
        only: Samplers to replay; all by default.

    Raises:
        ValueError: A table is missing or lacks runs.
    """
    for target in targets:
        plan = _prepared(tables, target.table, target.epochs, repeats)
        names = [name for name in target.searched if not only or name in only]
        on_step(target.title)
        results = searches(plan, names, BUDGETS[-1], lambda n: None)

        if not only or INFORMED in only:
            told = plan._replace(known=target.known)
            informed = searches(told, ["kappa"], BUDGETS[-1], lambda n: None)
            results["samplers"][INFORMED] = informed["samplers"]["kappa"]

        optimizer, schedule = target.table.split("-")
        if schedule != "constant" and (not only or TRANSFER in only):
            constant = _prepared(tables, f"{optimizer}-constant", PROBES_FOR, repeats)
            lent = plan._replace(lender=constant.objective)
            transferred = searches(lent, ["kappa"], BUDGETS[-1], lambda n: None)
            results["samplers"][TRANSFER] = transferred["samplers"]["kappa"]

        yield Replayed(target, results)


def _prepared(
    tables: Path,
    table: str,
    epochs: float,
    repeats: int,
) -> Replay:
    objective = prepare(read_csv(tables / f"{table}.csv.gz"), None, epochs).objective
    return Replay(objective, repeats, seed=0, jobs=os.cpu_count() or 1)


def save(one: Replayed, repeats: int, docs: Path) -> Replayed:
    """Keep results beside the figures, joined to those kept before with as many repeats.

    Args:
        one: Results for a target.
        repeats: Searches of each sampler.
        docs: Folder of the page.

    Returns:
        All results that are now known for this target.

    Raises:
        ValueError: A result that the page needs is neither given nor kept.
    """
    file = docs / FIGURES / RESULTS
    file.parent.mkdir(parents=True, exist_ok=True)
    targets = _kept(file, repeats)
    old = targets.get(one.target.table, {}).get("samplers", {})
    samplers = _ordered(old | one.searches["samplers"])
    if lacking := set(one.target.searched) - set(samplers):
        raise ValueError(
            f"{file} has no results of {', '.join(sorted(lacking))} for {one.target.title} "
            f"with {repeats} repeats; replay without --only first"
        )

    joined = Replayed(one.target, one.searches | {"samplers": samplers})
    targets[one.target.table] = joined.searches
    text = json.dumps({"repeats": repeats, "targets": targets}, indent=0)
    file.write_text(text + "\n", encoding="utf-8")
    return joined


def _kept(file: Path, repeats: int) -> Json:
    """The results of the targets that were kept, if they have as many repeats."""
    if not file.exists():
        return {}

    kept = json.loads(file.read_text(encoding="utf-8"))
    targets: Json = kept["targets"] if kept["repeats"] == repeats else {}
    return targets


def _ordered(samplers: Json) -> Json:
    """Results in the order in which the page shows them."""
    order = [SEARCHED[0], INFORMED, TRANSFER, *SEARCHED[1:]]
    return dict(sorted(samplers.items(), key=lambda item: order.index(item[0])))


def write(results: Sequence[Replayed], repeats: int, docs: Path) -> Path:
    """Write the page and its figures.

    Args:
        results: Results for all targets.
        repeats: Searches of each sampler.
        docs: Folder of the page.

    Returns:
        The page.
    """
    folder = docs / FIGURES
    folder.mkdir(parents=True, exist_ok=True)
    for one in results:
        chart = regret_chart(one.target.title, one.searches)
        draw(chart, folder / f"{one.target.table}.svg")
    draw(overview_chart([one.searches for one in results]), folder / OVERVIEW)

    page = docs / PAGE
    page.write_text("\n".join(_page(results, repeats)) + "\n", encoding="utf-8")
    return page


def bias(one: Replayed) -> list[tuple[str, str]]:
    """Say for each pruner what it does to TPE's search by the end of the budget.

    Returns:
        Pairs of a pruner's name and a few words.
    """
    plain = one.searches["samplers"]["tpe"]
    return [(pruner, _judged(one, name, plain)) for name, pruner in PRUNED.items()]


def _judged(one: Replayed, name: str, plain: Json) -> str:
    """Whether the intervals of the medians overlap, and if not, which one is higher."""
    pruned = one.searches["samplers"][name]
    low, high = pruned["intervals"][-1]
    plain_low, plain_high = plain["intervals"][-1]
    value = f"{percent(pruned['median_regret'][-1])} ({percent(low)} to {percent(high)})"

    if low is None or low > plain_high:
        return f"**above TPE**: {value}"
    if high is not None and high < plain_low:
        return f"below TPE: {value}"
    return f"no difference: {value}"


def _page(results: Sequence[Replayed], repeats: int) -> Iterator[str]:
    """The lines of the page."""
    yield _INTRO.format(
        repeats=repeats,
        informed=INFORMED,
        overview=f"{FIGURES}/{OVERVIEW}",
        transfer=TRANSFER,
        longest_probe=PROBES_FOR / 3.2,
        budget=BUDGETS[-1],
    )
    rows = []
    for one in results:
        plain = _last(one.searches["samplers"]["tpe"])
        verdicts = [verdict for _, verdict in bias(one)]
        rows.append((one.target.title, plain, *verdicts))
    yield from as_table(("", "TPE alone", *PRUNED.values()), rows)
    yield ""
    for one in results:
        yield from _section(one)


def _section(one: Replayed) -> Iterator[str]:
    """The lines of one target."""
    samplers = one.searches["samplers"]
    budgets = [f"{budget:g}" for budget in one.searches["budgets"]]
    levels = [f"to {level:.0%}" for level in LEVELS]

    yield f"## {one.target.title}\n"
    yield f"![]({FIGURES}/{one.target.table}.svg)\n"
    yield "Median regret in % at each budget, in full-run equivalents. The columns"
    yield f"*{', '.join(levels)}* give the budget from which on it stays at or under that level.\n"
    rows = [(name, *_median_cells(sampler)) for name, sampler in samplers.items()]
    yield from as_table(("sampler", *budgets, *levels, "ask, ms"), rows)
    yield ""
    yield "Mean regret in %:\n"
    shown = [name for name in MEANS if name in samplers]
    means = [(name, *map(percent, samplers[name]["mean_regret"])) for name in shown]
    yield from as_table(("sampler", *budgets), means)
    yield ""


def _median_cells(sampler: Json) -> Iterator[str]:
    """The cells of one sampler."""
    yield from map(percent, sampler["median_regret"])
    for budget in sampler["budget_to"].values():
        yield "-" if budget is None else f"{budget:g}"
    yield f"{sampler['ask_ms']:.1f}"


def _last(sampler: Json) -> str:
    """Median regret at the largest budget, with its interval."""
    return f"{percent(sampler['median_regret'][-1])} ({ends(sampler['intervals'][-1])})"
