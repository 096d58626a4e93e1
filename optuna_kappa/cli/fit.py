"""`optuna-kappa fit`: the law that runs follow."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from itertools import groupby
from typing import Any

import numpy as np

from optuna_kappa._files import write_file
from optuna_kappa._validation import one_line
from optuna_kappa.cli.arguments import add_figure, add_runs, add_unit
from optuna_kappa.cli.inputs import Group, fit_groups
from optuna_kappa.cli.law_page import write_law_page
from optuna_kappa.cli.output import (
    group_name,
    number_text,
    print_json,
    print_text,
    shares_lines,
    shortened,
    verdict_text,
)
from optuna_kappa.cli.priors import add_prior
from optuna_kappa.law import Checks, Law, Optimum
from optuna_kappa.law.class_shares import shares_of

SUMMARY = "fit the law of your runs"
USAGE = """optuna-kappa fit RUNS [options]
       optuna-kappa fit --storage URL [options]"""
DESCRIPTION = """\
Fit how the best lr moves with the horizon. Prints the best lr found at each
horizon, the slope, some checks, and a verdict on whether the law holds.
"""
EXAMPLES = """\
examples:
  optuna-kappa fit runs.csv
  optuna-kappa fit runs.csv --save law.json --figure law.html
"""

_EDGES = {-1: "lowest lr tried was best", 0: "", 1: "highest lr tried was best"}
_NAME_WIDTH = 33  # columns for the name of a check


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `fit`."""
    add_runs(command, horizon_option=True)
    add_prior(command, "the longest run of the table")
    command.add_argument("--save", metavar="FILE", help="save the law, for propose --law")
    add_figure(command)
    add_unit(command)


def run(options: argparse.Namespace) -> None:
    """Print the law of each group of runs, and save or draw it if asked to.

    Raises:
        ValueError: The runs cannot be read, a file cannot be written, or one file is asked for
            to save several laws.
    """
    groups = fit_groups(options)
    if options.save:
        _save(options.save, groups)
    if options.figure:
        write_law_page(options, [(group, []) for group in groups])

    if options.json:
        print_json({"groups": [_as_dict(group) for group in groups]})
    else:
        for group in groups:
            print_text(_text(group))


def _save(path: str, groups: list[Group]) -> None:
    if len(groups) > 1:
        raise ValueError(
            f"--save is for one law, but there are {len(groups)} groups; choose by --where"
        )

    (group,) = groups
    text = group.law.to_json() + "\n"
    write_file(path, text.encode(), "law")


def _as_dict(group: Group) -> dict[str, Any]:
    law = group.law
    optima = []
    for optimum in law.optima:
        optima.append(
            {
                "schedule": optimum.schedule,
                "horizon": optimum.horizon,
                "lr": float(np.exp(optimum.ln_lr)),
                "se": optimum.se,
                "n": optimum.n,
                "at_edge": optimum.at_edge,
                "kappa": optimum.kappa,
            }
        )

    slope = dict(zip(("median", "low", "high"), law.slope, strict=True)) if optima else None
    return {
        "context": dict(group.context),
        "optima": optima,
        "slope": slope,
        "prior": law.prior.name,
        "classes": shares_of(law),
        "checks": asdict(law.checks),
        "verdict": asdict(law.verdict),
    }


def _text(group: Group) -> str:
    """The optima of a group's law, its slope, its checks and its verdict."""
    context, runs, law = group
    n_runs = 0 if runs is None else len(np.unique(runs.run))
    lines = [f"{group_name(context) or 'All runs'}: {n_runs} runs"]

    # The optima of a law are sorted by schedule.
    for schedule, optima in groupby(law.optima, key=lambda optimum: optimum.schedule):
        lines += ["", f"  {one_line(schedule)}"]
        lines.append(f"  {'horizon':>12} {'best lr':>10} {'s.e. factor':>12} {'kappa':>10}")
        for optimum in optima:
            lines.append(_optimum_line(optimum))

    if law.optima:
        lines += ["", _slope_line(law), *_check_lines(law.checks)]
        lines += ["", shares_lines(law)]
    lines += ["", verdict_text(law.verdict), ""]
    return "\n".join(lines)


def _optimum_line(optimum: Optimum) -> str:
    lr = float(np.exp(optimum.ln_lr))
    kappa = number_text(optimum.kappa, ".3g")
    line = (
        f"  {optimum.horizon:>12.6g} {lr:>10.3g} {np.exp(optimum.se):>12.3g} {kappa:>10}"
        f"  {_EDGES[optimum.at_edge]}"
    )
    # Inside of the learning rates tried, the last column is empty.
    return line.rstrip()


def _slope_line(law: Law) -> str:
    median, low, high = law.slope
    interval = f"90 % interval {low:.2f} to {high:.2f}"
    return f"  slope {median:.2f}, {interval} (best lr ~ horizon^-slope)"


def _check_lines(checks: Checks) -> list[str]:
    """What the verdict rests on. A check that the runs do not allow has no line."""
    values: dict[str, str] = {}
    if checks.left_out is not None:
        apart = f"{checks.left_out:+.1f} standard deviations"
        values["largest horizon, from half of it"] = apart
    if checks.kappa_cv is not None:
        variation = f"coefficient of variation {checks.kappa_cv:.2f}"
        values["kappa, from an eighth of it on"] = variation
    if checks.alone is not None:
        factor = f"a factor of {np.exp(checks.alone):.2f} apart"
        values["law beside each horizon alone"] = factor
    if checks.at_edge:
        edges = f"{checks.at_edge} of {checks.horizons} optima"
        values["at the edge of the rates tried"] = edges

    lines = [f"  {name:<{_NAME_WIDTH}} {value}" for name, value in values.items()]
    for schedule, shift in checks.shifts.items():
        name = shortened(f"by others: {schedule}", _NAME_WIDTH)
        interval = f"90 % interval {shift.low:.2g} to {shift.high:.2g}"
        lines.append(f"  {name:<{_NAME_WIDTH}} {shift.factor:.2f} times, {interval}")
    return lines
