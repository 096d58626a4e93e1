"""`optuna-kappa fit`: the law that runs follow."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from optuna_kappa.cli.figures import add_figure, add_unit, write_figures
from optuna_kappa.cli.inputs import Group, add_runs, groups
from optuna_kappa.cli.output import label, print_json, shortened, verdict_text
from optuna_kappa.law import Checks, Law, Optimum

SUMMARY = "fit the law"
DESCRIPTION = (
    "Fits how the best lr moves with the horizon, and says whether it holds: the optimum "
    "found at each horizon, the slope, and a verdict."
)
USAGE = """optuna-kappa fit RUNS [options]
       optuna-kappa fit --storage URL [options]"""

_EDGES = {-1: "lowest lr tried was best", 0: "", 1: "highest lr tried was best"}


def _text(context: Mapping[str, str], n_runs: int, law: Law) -> str:
    """The optima of a group's law, its slope and its verdict."""
    lines = [f"{label(context) or 'All runs'}: {n_runs} runs"]
    for schedule, optima in groupby(law.optima, key=lambda optimum: optimum.schedule):
        lines += ["", f"  {schedule}"]
        lines += [f"  {'horizon':>12} {'best lr':>10} {'s.e. factor':>12} {'kappa':>10}"]
        lines += [_optimum(optimum) for optimum in optima]
    if law.optima:
        median, low, high = law.slope
        text = f"slope {median:.2f}, 90 % interval {low:.2f} to {high:.2f}"
        lines += ["", f"  {text} (best lr ~ horizon^-slope)", *_checks(law.checks)]
    return "\n".join([*lines, "", verdict_text(law.verdict), ""])


def _checks(checks: Checks) -> list[str]:
    """What the verdict rests on, a line each."""
    found: list[tuple[str, str]] = []
    if checks.left_out is not None:
        apart = f"{checks.left_out:+.1f} standard deviations"
        found.append(("largest horizon, from half of it", apart))
    if checks.kappa_cv is not None:
        varies = f"coefficient of variation {checks.kappa_cv:.2f}"
        found.append(("kappa, from an eighth of it on", varies))
    if checks.alone is not None:
        apart = f"a factor of {np.exp(checks.alone):.2f} apart"
        found.append(("law beside each horizon alone", apart))
    if checks.at_edge:
        edges = f"{checks.at_edge} of {checks.horizons} optima"
        found.append(("at the edge of the rates tried", edges))
    for schedule, one in checks.shifts.items():
        interval = f"90 % interval {one.low:.2g} to {one.high:.2g}"
        found.append(
            (shortened(f"by others: {schedule}", 33), f"{one.factor:.2f} times, {interval}")
        )
    return [f"  {name:<33} {value}" for name, value in found]


def _optimum(optimum: Optimum) -> str:
    lr, kappa = float(np.exp(optimum.ln_lr)), optimum.kappa
    shown = "-" if kappa is None else f"{kappa:.3g}"
    return (
        f"  {optimum.horizon:>12.6g} {lr:>10.3g} {np.exp(optimum.se):>12.3g} {shown:>10}"
        f"  {_EDGES[optimum.at_edge]}"
    ).rstrip()


def run(options: argparse.Namespace) -> None:
    """Print the law of each group of runs, and save or draw it if asked to."""
    fitted = list(groups(options))
    if options.save:
        if len(fitted) > 1:
            raise ValueError(
                f"--save is for one law, but there are {len(fitted)} groups; choose by --where"
            )
        _save(options.save, fitted[0].law)
    if options.figure:
        write_figures(options, [(group, []) for group in fitted])
    if options.json:
        print_json({"groups": [_law_dict(group) for group in fitted]})
        return
    for context, runs, law in fitted:
        print(_text(context, 0 if runs is None else len(np.unique(runs.run)), law))


def _save(path: str, law: Law) -> None:
    try:
        Path(path).write_text(law.to_json() + "\n")
    except OSError as error:
        raise ValueError(f"cannot write the law {path}: {error.strerror}") from error


def _law_dict(group: Group) -> dict[str, Any]:
    context, _, law = group
    optima = [
        {
            "schedule": optimum.schedule,
            "horizon": optimum.horizon,
            "lr": float(np.exp(optimum.ln_lr)),
            "se": optimum.se,
            "n": optimum.n,
            "at_edge": optimum.at_edge,
            "kappa": optimum.kappa,
        }
        for optimum in law.optima
    ]
    slope = dict(zip(("median", "low", "high"), law.slope, strict=True)) if law.optima else None
    return {
        "context": dict(context),
        "optima": optima,
        "slope": slope,
        "checks": asdict(law.checks),
        "verdict": asdict(law.verdict),
    }


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `fit`."""
    add_runs(command)
    command.add_argument("--save", metavar="FILE", help="keep the law, for propose --law")
    add_figure(command)
    add_unit(command)
