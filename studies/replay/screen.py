"""Print results as tables or as JSON."""

from __future__ import annotations

import json

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from studies.replay.misled import MOST_DELAY, MOST_LATE, MOST_RATIO
from studies.replay.results import LEVELS, Json

_WIDTH = 140  # of a table that goes to a file
_PRUNING_HEADS = {
    "survival": "best survives %",
    "survival_1pct": "or within 1 % %",
    "regret": "regret %",
    "saved": "saved %",
    "lr_shift": "ln lr shift",
}
_MISLED_HEADS = (
    "source",
    "to it",
    "never",
    "ratio",
    "delay",
    "95th %",
    "late %",
    "by rank %",
    "held",
    "by rank",
)


def print_json(results: Json) -> None:
    """Print the results as JSON and nothing else. They include the intervals."""
    print(json.dumps(results, allow_nan=False))


def show_searches(results: Json) -> None:
    """Print regret against budget."""
    for kind in ("median", "mean"):
        _console().print(_regret_table(results, kind))

    _console().print(
        "to 5 %: full runs from which on the median stays at or under it. --json has the "
        "bootstrap intervals.",
        highlight=False,
    )


def _regret_table(results: Json, kind: str) -> Table:
    """Regret against budget.

    Args:
        results: Results of the searches.
        kind: "median" or "mean" over the repeats. The columns beside the regret are filled in
            for the median only.
    """
    table = _table(
        f"Expected regret in %, {kind} of {results['repeats']} searches, {_target(results)}"
    )
    table.add_column("full runs:")
    for budget in results["budgets"]:
        table.add_column(f"{budget:g}", justify="right")
    for level in LEVELS:
        table.add_column(f"to {level:.0%}", justify="right")
    table.add_column("ask ms", justify="right")

    for name, sampler in results["samplers"].items():
        cells = [_percent(value) for value in sampler[f"{kind}_regret"]]
        if kind == "median":
            cells += [_or_dash(value, "{:g}") for value in sampler["budget_to"].values()]
            cells.append(f"{sampler['ask_ms']:.2f}")
        table.add_row(name, *cells)

    return table


def show_proposals(results: Json) -> None:
    """Print the regret of one proposal by each rule, against the budget of the probes."""
    table = _table(
        f"Expected regret in % of one proposal, median / mean / 90th percentile of "
        f"{results['repeats']}, {_target(results)}; probes: {results['source']}"
    )
    table.add_column("probes, full runs:")
    for budget in results["budgets"]:
        table.add_column(f"{budget:g}", justify="right")

    for rule, regrets in results["rules"].items():
        columns = [regrets[f"{kind}_regret"] for kind in ("median", "mean", "p90")]
        cells = []
        for values in zip(*columns, strict=True):
            cells.append(" / ".join(_percent(value) for value in values))
        table.add_row(rule, *cells)

    table.add_row("cost", *[f"{cost:.3g}" for cost in results["cost"]])
    for name, field in (("in its 90 % interval, %", "coverage90"), ("has a law, %", "has_law")):
        table.add_row(name, *[_percent(value) for value in results[field]])
    _console().print(table)


def show_pruners(results: Json) -> None:
    """Print what each pruner did."""
    table = _table(
        f"Means of {results['repeats']} streams of {results['trials']} {results['proposals']} "
        f"proposals, {_target(results)}; 95 % intervals"
    )
    table.add_column("pruner")
    for head in _PRUNING_HEADS.values():
        table.add_column(head, justify="right")

    for name, pruner in results["pruners"].items():
        cells = []
        for field in _PRUNING_HEADS:
            scale = 1 if field == "lr_shift" else 100
            low, high = (scale * end for end in pruner["intervals"][field])
            cells.append(f"{scale * pruner[field]:.3g} ({low:.3g} to {high:.3g})")
        table.add_row(name, *cells)

    _console().print(table)


def show_misled(results: Json) -> None:
    """Print what each scenario cost."""
    tpe = results["tpe"]
    table = _table(
        f"Full runs to {results['level']:.0%} regret, {results['repeats']} searches each, "
        f"{_target(results)}; TPE: {_or_dash(tpe['median'], '{:g}')}, {tpe['censored']} never "
        f"within {results['budget']:g}"
    )
    for head in _MISLED_HEADS:
        table.add_column(head, justify="left" if head == "source" else "right")

    rows = {"(TPE, other seeds)": results["luck"]} | results["scenarios"]
    for name, scenario in rows.items():
        table.add_row(name, *_misled_cells(scenario))

    _console().print(table)
    _console().print(
        f"to it: median; ratio: of the medians, at most {MOST_RATIO:g} is allowed; delay: kappa's "
        f"time minus TPE's with the same seed; late: delays above {MOST_DELAY:g}, at most "
        f"{MOST_LATE:.0%} are allowed. by rank: the fastest beside the fastest, and so on. Where "
        "a search never arrived, its delay is the largest that is possible. Intervals: 95 %, "
        "--json has those of the delays; -: beyond the budget.",
        highlight=False,
    )


def _misled_cells(scenario: Json) -> list[str]:
    """The cells of a scenario, in the order of `_MISLED_HEADS` without the first."""
    return [
        _or_dash(scenario["median"], "{:g}"),
        str(scenario["censored"]),
        _with_interval(scenario, "ratio", "{:.2f}"),
        _or_dash(scenario["delay"], "{:+g}"),
        _or_dash(scenario["delay_95"], "{:+g}"),
        _with_interval(scenario, "late", "{:.0f}", scale=100),
        _with_interval(scenario, "late_by_rank", "{:.0f}", scale=100),
        "yes" if scenario["held"] else "no",
        "yes" if scenario["held_by_rank"] else "no",
    ]


def _with_interval(
    scenario: Json,
    field: str,
    form: str,
    scale: float = 1,
) -> str:
    """A value with its interval, each times a scale."""
    texts = []
    for value in (scenario[field], *scenario["intervals"][field]):
        texts.append(_or_dash(None if value is None else scale * value, form))

    value, low, high = texts
    return f"{value} ({low} to {high})"


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)


def _target(results: Json) -> str:
    return f"{results['schedule']}, horizon {results['horizon']:g}"


def _percent(value: float | None) -> str:
    return _or_dash(None if value is None else 100 * value, "{:.3g}")


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)
