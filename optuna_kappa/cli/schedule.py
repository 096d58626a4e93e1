"""`optuna-kappa schedule`: which schedule ends lowest, each with its best peak rate."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from optuna_kappa.cli.arguments import HORIZON_UNIT, parse_horizon
from optuna_kappa.cli.loss_curves import add_curves, fit_curves
from optuna_kappa.cli.output import print_json, print_notes, print_text
from optuna_kappa.psi import Ranked, rank

SUMMARY = "rank schedules for a horizon"
USAGE = """optuna-kappa schedule RUNS --horizon D [options]
       optuna-kappa schedule --storage URL --horizon D [options]"""
DESCRIPTION = """\
Rank schedules for a horizon, each with its best peak rate: constant, cosine,
linear to zero, halving, warm-up-stable-decay, and the one that Psi searches.
RUNS is a run table, or loss curves (columns run, step, rate, loss).

P(best) is the probability that a schedule ends lowest of these, by how well
the runs determine the loss law. Where they say little of a schedule, it may
be high although a higher loss is expected.
"""
EXAMPLES = """\
examples:
  optuna-kappa schedule runs.csv --horizon 64
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `schedule`."""
    add_curves(command)
    command.add_argument(
        "--horizon",
        type=parse_horizon,
        required=True,
        metavar="D",
        help=f"horizon of the planned run, {HORIZON_UNIT.partition(' (')[0]}",
    )


def run(options: argparse.Namespace) -> None:
    """Print the schedules, best first.

    Raises:
        ValueError: The runs cannot be read, or do not determine the law.
    """
    fitted = fit_curves(options)
    ranked = rank(fitted.law, options.horizon)
    print_notes(list(dict.fromkeys(one.beyond for one in ranked if one.beyond))[:1])

    if options.json:
        print_json({"horizon": options.horizon, "schedules": [_as_dict(one) for one in ranked]})
    else:
        print_text(_text(ranked, options.horizon))


def _as_dict(one: Ranked) -> dict[str, Any]:
    return {
        "schedule": one.schedule.name,
        "lr": one.lr,
        "at_edge": one.at_edge,
        "loss": one.loss,
        "error": one.error,
        "above": one.above,
        "probability_best": one.chance,
    }


def _text(ranked: Sequence[Ranked], horizon: float) -> str:
    lines = [f"Schedules for a horizon of {horizon:g}, best first", ""]
    lines.append(
        f"  {'schedule':<22} {'lr':>9} {'loss':>9} {'error':>9} {'above best':>11} {'P(best)':>8}"
    )
    for one in ranked:
        edge = "  highest lr fitted" if one.at_edge else ""
        lines.append(
            f"  {one.schedule.name:<22} {one.lr:>9.3g} {one.loss:>9.4g} {one.error:>9.2g} "
            f"{one.above:>11.2%} {one.chance:>8.0%}{edge}"
        )
    lines += [
        "",
        "  error: standard error of the loss, by the law",
        "  P(best): probability that the schedule ends lowest of these; where the error",
        "    is large, it may be high although a higher loss is expected",
    ]
    return "\n".join(lines)
