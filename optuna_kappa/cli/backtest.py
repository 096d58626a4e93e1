"""`optuna-kappa backtest`: would the law have worked on past runs?"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from textwrap import fill

from optuna_kappa.backtest import METHODS, Backtest, Outcome, backtest
from optuna_kappa.cli.inputs import (
    IN_UNIT,
    add_runs,
    confounders,
    context_columns,
    horizon_type,
    read_runs,
)
from optuna_kappa.cli.output import WIDTH, label, print_json, print_notes, shortened
from optuna_kappa.runs.selection import in_unit

SUMMARY = "hide the longest runs, propose for them, and compare"
DESCRIPTION = (
    "Hides the largest horizon, fits the law to what lies below, proposes for the hidden "
    "horizon, and shows the regret: by how much the loss recorded there is above the best. "
    "Beside it, the same for copying the best lr of the largest horizon left, and for moving "
    "that lr as horizon^-0.32, ^-0.5 and ^-1."
)
USAGE = """optuna-kappa backtest RUNS [options]
       optuna-kappa backtest --storage URL [options]"""


_LABEL = 27  # columns for the name of a group
_MANY = 20  # groups; of more, those with the largest regret are shown
_SHOWN = 10


def _text(found: Backtest, *, every: bool) -> str:
    """Regrets by group and in summary, the groups that were left out, and why.

    Args:
        found: What came of it.
        every: Whether all groups are shown.
    """
    parts = []
    if found.tested:
        parts += [_groups(found.tested, every=every), _summary(found)]
    reasons = Counter(group.reason for group in found.skipped)
    for reason, n in reasons.items():
        one = next(group for group in found.skipped if group.reason == reason)
        name = label({**one.context, "schedule": one.schedule})
        who = name if n == 1 else f"{n} groups ({name}, ...)"
        parts.append(
            fill(
                f"Not used: {who}: {reason}.",
                WIDTH,
                subsequent_indent="  ",
                break_on_hyphens=False,
            )
        )
    return "\n".join(parts)


def _groups(tested: Sequence[Outcome], *, every: bool) -> str:
    shown = list(tested)
    if len(shown) > _MANY and not every:
        shown = sorted(shown, key=lambda group: -group.methods["law"].regret)[:_SHOWN]
    schedules = len({group.schedule for group in tested}) > 1
    heads = [*tested[0].context, *(["schedule"] if schedules else [])]
    names = [
        ", ".join([*group.context.values(), *([group.schedule] if schedules else [])])
        for group in shown
    ]
    head = ", ".join(heads) or "group"
    width = min(_LABEL, max(len(name) for name in [head, *names]))
    columns = "".join(f"{_short(method):>7}" for method in METHODS)
    lines = ["Regret in % at the hidden horizon", ""]
    lines += [f"{shortened(head, width):<{width}} {'hidden':>10}{columns}  held"]
    for name, group in zip(names, shown, strict=True):
        regrets = "".join(f"{_percent(group.methods[method].regret):>7}" for method in METHODS)
        held = "yes" if group.covered else "no"
        lines.append(
            f"{shortened(name or 'all', width):<{width}} {group.hidden:>10.6g}{regrets}  {held:>4}"
        )
    if len(shown) < len(tested):
        rest = len(tested) - len(shown)
        lines.append(f"... and {rest} groups where the law lost less; --all shows them")
    return "\n".join([*lines, ""])


def _summary(found: Backtest) -> str:
    summary = found.summary()
    n = len(found.tested)
    lines = [f"Regret in %, {n} group{'s' * (n != 1)}", ""]
    lines += [f"{'':<12}{'mean':>9}{'median':>9}{'90th pct':>10}"]
    for method in METHODS:
        one = summary[method]
        mean, median, p90 = (_percent(one[f"{kind}_regret"]) for kind in ("mean", "median", "p90"))
        lines.append(f"{method:<12}{mean:>9}{median:>9}{p90:>10}")
    held = sum(group.covered for group in found.tested)
    covered = f"The law's 90 % interval held the optimum in {held} of {n} ({held / n:.0%})"
    edges = sum(group.optimum.at_edge != 0 for group in found.tested)
    if edges:
        covered += f"; in {edges}, that is at or beyond the end of the recorded learning rates"
    return "\n".join([*lines, "", fill(f"{covered}.", WIDTH), ""])


def _short(method: str) -> str:
    return method.removeprefix("slope")


def _percent(regret: float) -> str:
    return f"{100 * regret:.3f}" if regret < 1 else f"{100 * regret:.3g}"


def run(options: argparse.Namespace) -> None:
    """Print what the law and its rivals lose at the hidden horizons."""
    runs, context = read_runs(options), context_columns(options)
    hide, fit_up_to = (
        None if horizon is None else in_unit(runs, horizon)
        for horizon in (options.hide, options.fit_up_to)
    )
    found = backtest(runs, context, hide=hide, fit_up_to=fit_up_to)
    if not found.tested and (hide or fit_up_to):
        raise ValueError(found.skipped[0].reason)
    print_notes(confounders(runs, context))
    if options.json:
        print_json(found.to_dict())
    else:
        print(_text(found, every=options.all))


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `backtest`."""
    add_runs(command)
    add = command.add_argument
    text = f"horizon to hide, {IN_UNIT}; otherwise the largest with four learning rates"
    add("--hide", type=horizon_type, metavar="D", help=text)
    text = "largest horizon to fit to; otherwise the next smaller one, or half of the hidden one "
    text += "where constant-rate runs are of one length"
    add("--fit-up-to", type=horizon_type, metavar="D", help=text)
    add("--all", action="store_true", help="show all groups, however many")
