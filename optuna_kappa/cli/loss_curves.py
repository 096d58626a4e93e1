"""What `psi` and `schedule` work on: the loss curves of runs, and the law fitted to them."""

from __future__ import annotations

import argparse
from typing import NamedTuple

from optuna_kappa.cli.arguments import add_runs
from optuna_kappa.cli.inputs import confounder_notes, read_runs
from optuna_kappa.cli.output import print_notes
from optuna_kappa.psi import Curve, LossLaw, curves_of, fit, read_curves
from optuna_kappa.psi.curve_file import has_curves

_POOR = 0.03  # scatter of seeds of small networks; language-model curves are within 0.002


class Fitted(NamedTuple):
    """Curves, and their law.

    Attributes:
        curves: The curves.
        law: The law.
        horizon: Data of the longest run.
    """

    curves: list[Curve]
    law: LossLaw
    horizon: float


def add_curves(command: argparse.ArgumentParser) -> None:
    """Add the options that say which runs to use."""
    add_runs(command)
    command.add_argument(
        "--curve-warmup",
        type=float,
        metavar="DATA",
        help="of loss curves (columns run, step, rate, loss): data over which the rate rose from "
        "0 (default: all before the first record)",
    )


def fit_curves(options: argparse.Namespace) -> Fitted:
    """Read the runs and fit the law; print what to know about them.

    Raises:
        ValueError: There are no runs, they cannot be read, or they do not determine the law.
    """
    if options.context:
        raise ValueError("--context is not for this command; choose one group by --where")

    if options.runs is not None and options.storage is None and has_curves(options.runs):
        curves = list(read_curves(options.runs, options.curve_warmup).values())
    else:
        if options.curve_warmup is not None:
            raise ValueError("--curve-warmup is for loss curves with the columns run, step, rate")
        runs = read_runs(options)
        print_notes(confounder_notes(runs, []))
        curves, note = curves_of(runs)
        print_notes([note] if note else [])

    law = fit(curves)
    notes = []
    if law.one_peak:
        notes.append("all runs have one peak rate: whether another is better, they do not tell.")
    if not any(len(curve.changes[0]) for curve in curves):
        notes.append(
            "no run has a rate that changes: what a fall of the rate gains is a guess. Add a run "
            "whose rate decays."
        )
    if law.scatter > _POOR:
        notes.append(
            f"the law is {100 * law.scatter:.0f} % off on the runs that it is fitted to: trust "
            "the order of schedules more than their losses."
        )
    print_notes(notes)
    return Fitted(curves, law, max(float(curve.step[-1]) for curve in curves))
