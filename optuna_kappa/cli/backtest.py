"""`optuna-kappa backtest`: would the law have worked on past runs?"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from textwrap import fill

from optuna_kappa.backtest import METHODS, Backtest, Outcome, Skipped, backtest
from optuna_kappa.cli.arguments import HORIZON_UNIT, add_runs, parse_horizon
from optuna_kappa.cli.inputs import confounder_notes, context_columns, read_runs
from optuna_kappa.cli.output import (
    WIDTH,
    group_name,
    print_json,
    print_notes,
    print_text,
    shortened,
)
from optuna_kappa.cli.priors import add_prior, check_prior, prior_of
from optuna_kappa.runs import RunTable
from optuna_kappa.runs.selection import in_unit

SUMMARY = "hide the longest runs, propose for them, and compare"
USAGE = """optuna-kappa backtest RUNS [options]
       optuna-kappa backtest --storage URL [options]"""
DESCRIPTION = """\
Hide the runs of the largest horizon, fit the law to the shorter ones, and
propose an lr for the hidden horizon. Prints the regret: how far the loss
recorded at that lr lies above the best loss recorded there. Other rules are
shown beside it: "copy" takes the best lr of the largest horizon left, and
"slope-S" takes that lr times (hidden horizon / largest horizon left)^-S.
"""
EXAMPLES = """\
examples:
  optuna-kappa backtest runs.csv
  optuna-kappa backtest runs.csv --hide 16 --fit-up-to 4
"""

_NAME_WIDTH = 27  # columns for the name of a group, so that a row fits the screen
_MANY = 20  # groups; of more, only those with the largest regrets are shown
_SHOWN = 10  # of many


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `backtest`."""
    add_runs(command, horizon_option=True)
    add_prior(command, "the longest run of the table, hidden or not")
    command.add_argument(
        "--hide",
        type=parse_horizon,
        metavar="D",
        help=f"horizon to hide, {HORIZON_UNIT}; default: the largest with at least four "
        "learning rates",
    )
    command.add_argument(
        "--fit-up-to",
        type=parse_horizon,
        metavar="D",
        help="largest horizon to fit to; default: the next smaller one, or half of the hidden "
        "one if all constant-rate runs have the same length",
    )
    command.add_argument(
        "--all",
        action="store_true",
        help="show all groups, even if there are many",
    )


def run(options: argparse.Namespace) -> None:
    """Print the regret of the law and of the other rules at the hidden horizons.

    Raises:
        ValueError: The runs cannot be read, or they do not allow the horizons or the prior asked
            for.
    """
    check_prior(options)
    runs = read_runs(options)
    context = context_columns(options)
    hide = _in_unit(runs, options.hide)
    fit_up_to = _in_unit(runs, options.fit_up_to)

    prior = prior_of(options, runs, planned=None)
    result = backtest(runs, context, hide=hide, fit_up_to=fit_up_to, prior=prior)

    # Where horizons are given and nothing fits them, the mistake is in the options.
    if not result.tested and (hide or fit_up_to):
        raise ValueError(result.skipped[0].reason)
    print_notes(confounder_notes(runs, context))

    if options.json:
        print_json(result.to_dict())
    else:
        print_text(_text(result, show_all=options.all))


def _in_unit(runs: RunTable, horizon: float | None) -> float | None:
    return None if horizon is None else in_unit(runs, horizon)


def _text(result: Backtest, *, show_all: bool) -> str:
    """Regrets by group and in summary, then the groups that were left out, and why."""
    parts = []
    if result.tested:
        parts.append(_groups_text(result.tested, show_all=show_all))
        parts.append(_summary_text(result))

    parts += _skipped_texts(result.skipped)
    return "\n".join(parts)


def _groups_text(tested: Sequence[Outcome], *, show_all: bool) -> str:
    """A row for each group, or for those with the largest regrets."""
    shown = list(tested)
    if len(shown) > _MANY and not show_all:
        # The groups where the law failed say most about it.
        shown = sorted(shown, key=lambda group: -group.methods["law"].regret)[:_SHOWN]

    columns = list(tested[0].context)
    several_schedules = len({group.schedule for group in tested}) > 1
    if several_schedules:
        columns.append("schedule")

    head = ", ".join(columns) or "group"
    names = [_values_text(group, with_schedule=several_schedules) for group in shown]
    longest = max(len(name) for name in [head, *names])
    width = min(_NAME_WIDTH, longest)

    methods = "".join(f"{method.removeprefix('slope'):>7}" for method in METHODS)
    lines = ["Regret in % at the hidden horizon", ""]
    lines.append(f"{shortened(head, width):<{width}} {'hidden':>10}{methods}  held")
    for name, group in zip(names, shown, strict=True):
        lines.append(f"{shortened(name or 'all', width):<{width}} {_group_cells(group)}")

    n_rest = len(tested) - len(shown)
    if n_rest:
        lines.append(f"... and {n_rest} groups where the law lost less; --all shows them")
    lines.append("")
    return "\n".join(lines)


def _values_text(group: Outcome, *, with_schedule: bool) -> str:
    values = list(group.context.values())
    if with_schedule:
        values.append(group.schedule)

    return ", ".join(values)


def _group_cells(group: Outcome) -> str:
    """The hidden horizon, the regret of each rule, and whether the interval held the optimum."""
    cells = f"{group.hidden:>10.6g}"
    for method in METHODS:
        cells += f"{_percent(group.methods[method].regret):>7}"

    held = "yes" if group.covered else "no"
    return f"{cells}  {held:>4}"


def _percent(regret: float) -> str:
    """A regret in percent. Those of 100 % and more need no decimals to be told apart."""
    return f"{100 * regret:.3f}" if regret < 1 else f"{100 * regret:.3g}"


def _summary_text(result: Backtest) -> str:
    """Statistics of each rule over the groups, and how often the interval held the optimum."""
    n = len(result.tested)
    lines = [f"Regret in %, {n} group{'s' * (n != 1)}", ""]
    lines.append(f"{'':<12}{'mean':>9}{'median':>9}{'90th pct':>10}")

    summary = result.summary()
    for method in METHODS:
        mean = _percent(summary[method]["mean_regret"])
        median = _percent(summary[method]["median_regret"])
        p90 = _percent(summary[method]["p90_regret"])
        lines.append(f"{method:<12}{mean:>9}{median:>9}{p90:>10}")

    lines += ["", _coverage_text(result.tested)]
    lines += [fill(f"The law's prior: {result.prior}.", WIDTH), ""]
    return "\n".join(lines)


def _coverage_text(tested: Sequence[Outcome]) -> str:
    n = len(tested)
    n_held = sum(group.covered for group in tested)
    text = f"The law's 90 % interval held the optimum in {n_held} of {n} ({n_held / n:.0%})"

    # Beyond the recorded learning rates, nobody knows where the optimum is.
    n_at_edge = sum(group.optimum.at_edge != 0 for group in tested)
    if n_at_edge:
        text += f"; in {n_at_edge}, that is at or beyond the end of the recorded learning rates"
    return fill(f"{text}.", WIDTH)


def _skipped_texts(skipped: Sequence[Skipped]) -> list[str]:
    """Why groups could not be used: a text for each reason, with the first group as an example."""
    by_reason: dict[str, list[Skipped]] = {}
    for group in skipped:
        by_reason.setdefault(group.reason, []).append(group)

    texts = []
    for reason, groups in by_reason.items():
        first = groups[0]
        names = group_name({**first.context, "schedule": first.schedule})
        if len(groups) > 1:
            names = f"{len(groups)} groups ({names}, ...)"
        texts.append(
            fill(
                f"Not used: {names}: {reason}.",
                WIDTH,
                subsequent_indent="  ",
                break_on_hyphens=False,
            )
        )

    return texts
