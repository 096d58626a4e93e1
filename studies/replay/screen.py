"""What the commands print: tables of results, or their JSON."""

from __future__ import annotations

import json

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from studies.replay.misled import MOST_DELAY, MOST_LATE, MOST_RATIO
from studies.replay.results import LEVELS, Json

_WIDTH = 140  # of a table that goes to a file


def print_json(found: Json) -> None:
    """Prints the results, with intervals, and nothing else."""
    print(json.dumps(found, allow_nan=False))


def show_searches(found: Json) -> None:
    """Prints regret against budget."""
    for kind in ("median", "mean"):
        title = f"Expected regret in %, {kind} of {found['repeats']} searches, {_target(found)}"
        table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("full runs:")
        for budget in found["budgets"]:
            table.add_column(f"{budget:g}", justify="right")
        for level in LEVELS:
            table.add_column(f"to {level:.0%}", justify="right")
        table.add_column("ask ms", justify="right")
        for name, one in found["samplers"].items():
            regrets = [_percent(value) for value in one[f"{kind}_regret"]]
            to = [_or_dash(value, "{:g}") for value in one["budget_to"].values()]
            rest = [*to, f"{one['ask_ms']:.2f}"] if kind == "median" else [""] * (len(to) + 1)
            table.add_row(name, *regrets, *rest)
        _console().print(table)
    _console().print(
        "to 5 %: full runs from which on the median stays at or under it. --json has the "
        "bootstrap intervals.",
        highlight=False,
    )


def show_pruners(found: Json) -> None:
    """Prints what each pruner did."""
    title = (
        f"Means of {found['repeats']} streams of {found['trials']} {found['proposals']} "
        f"proposals, {_target(found)}; 95 % intervals"
    )
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    heads = {
        "survival": "best survives %",
        "survival_1pct": "or within 1 % %",
        "regret": "regret %",
        "saved": "saved %",
        "lr_shift": "ln lr shift",
    }
    for i, head in enumerate(("pruner", *heads.values())):
        table.add_column(head, justify="right" if i else "left")
    for name, one in found["pruners"].items():
        cells = []
        for field in heads:
            scale = 1 if field == "lr_shift" else 100
            low, high = (scale * end for end in one["intervals"][field])
            cells.append(f"{scale * one[field]:.3g} ({low:.3g} to {high:.3g})")
        table.add_row(name, *cells)
    _console().print(table)


def show_misled(found: Json) -> None:
    """Prints what each scenario cost."""
    level, tpe = f"{found['level']:.0%}", _or_dash(found["tpe"]["median"], "{:g}")
    title = (
        f"Full runs to {level} regret, {found['repeats']} searches each, {_target(found)}; "
        f"TPE: {tpe}, {found['tpe']['censored']} never within {found['budget']:g}"
    )
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    heads = ("source", "to it", "never", "ratio", "delay", "95th %", "late %", "by rank %", "held")
    for head in (*heads, "by rank"):
        table.add_column(head, justify="left" if head == "source" else "right")
    for name, one in ({"(TPE, other seeds)": found["luck"]} | found["scenarios"]).items():
        cells = [_or_dash(one["median"], "{:g}"), str(one["censored"])]
        cells.append(_with_interval(one, "ratio", "{:.2f}"))
        cells += [_or_dash(one[field], "{:+g}") for field in ("delay", "delay_95")]
        cells += [_with_interval(one, f, "{:.0f}", 100) for f in ("late", "late_by_rank")]
        cells += ["yes" if one[f] else "no" for f in ("held", "held_by_rank")]
        table.add_row(name, *cells)
    _console().print(table)
    _console().print(
        f"to it: median; ratio: of the medians, may be {MOST_RATIO:g}; delay: kappa's time minus "
        f"TPE's with the same seed; late: above {MOST_DELAY:g}, as {MOST_LATE:.0%} may be. by "
        "rank: the fastest beside the fastest, and so on. Where a search never arrived, a delay "
        "is the largest that it may be. Intervals: 95 %, --json has those of the delays; -: "
        "beyond the budget.",
        highlight=False,
    )


def _with_interval(one: Json, field: str, form: str, scale: float = 1) -> str:
    value, low, high = (
        _or_dash(None if end is None else scale * end, form)
        for end in (one[field], *one["intervals"][field])
    )
    return f"{value} ({low} to {high})"


def _target(found: Json) -> str:
    return f"{found['schedule']}, horizon {found['horizon']:g}"


def _percent(value: float | None) -> str:
    return _or_dash(None if value is None else 100 * value, "{:.3g}")


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)
