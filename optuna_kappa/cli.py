"""The command line: `optuna-kappa fit`, `propose`, `backtest` and `explain`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optuna

from optuna_kappa import cli_explain, reading, screen
from optuna_kappa.arguments import parser
from optuna_kappa.backtest import backtest
from optuna_kappa.law import Law, Proposal, fit_contexts
from optuna_kappa.runs import RunTable
from optuna_kappa.selection import in_unit

_USAGE, _STOPPED, _PIPE = 2, 130, 141  # exit codes: wrong input, interrupted, nobody reads on


class _Group(NamedTuple):
    """A context group: its values, its runs (None for a law from a file), and its law."""

    context: Mapping[str, str]
    runs: RunTable | None
    law: Law


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit code."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        try:
            options = parser(_COMMANDS).parse_args(arguments)
            options.run(options)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer would raise once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return _USAGE
    except KeyboardInterrupt:
        return _STOPPED
    return 0


def _fit(options: argparse.Namespace) -> None:
    groups = list(_groups(options))
    if options.save:
        if len(groups) > 1:
            raise ValueError(
                f"--save is for one law, but there are {len(groups)} groups; choose by --where"
            )
        _save(options.save, groups[0].law)
    if options.figure:
        _write_figure(options, [(group, []) for group in groups])
    if options.json:
        _print_json({"groups": [_law_dict(group) for group in groups]})
        return
    for context, runs, law in groups:
        print(screen.fitted(context, 0 if runs is None else len(np.unique(runs.run)), law))


def _propose(options: argparse.Namespace) -> None:
    if options.law and reading.is_given(options):
        raise ValueError("give either --law or runs to fit one to, not both")
    groups = [_saved(options.law)] if options.law else list(_groups(options))
    proposals = _all_proposals(options, groups)
    if options.figure:
        _write_figure(options, proposals)
    if options.json:
        found = [
            {"context": dict(group.context), **asdict(one)}
            for group, several in proposals
            for one in several
        ]
        _print_json({"proposals": found})
        return
    for group, several in proposals:
        print(screen.proposed(group.context, several))


def _backtest(options: argparse.Namespace) -> None:
    runs, context = reading.read(options), reading.context(options)
    hide, fit_up_to = (
        None if horizon is None else in_unit(runs, horizon)
        for horizon in (options.hide, options.fit_up_to)
    )
    found = backtest(runs, context, hide=hide, fit_up_to=fit_up_to)
    if not found.tested and (hide or fit_up_to):
        raise ValueError(found.skipped[0].reason)
    _print_notes(reading.confounders(runs, context))
    if options.json:
        _print_json(found.to_dict())
    else:
        print(screen.backtested(found, every=options.all))


def _groups(options: argparse.Namespace) -> Iterator[_Group]:
    """The groups of the runs asked for, each with its law."""
    runs, context = reading.read(options), reading.context(options)
    groups = list(runs.groups(context))
    _print_notes(reading.confounders(runs, context) + reading.unknown_shapes(runs))
    for (values, part), law in zip(groups, fit_contexts(groups), strict=True):
        yield _Group(values, part, law)


def _save(path: str, law: Law) -> None:
    try:
        Path(path).write_text(law.to_json() + "\n")
    except OSError as error:
        raise ValueError(f"cannot write the law {path}: {error.strerror}") from error


def _saved(path: str) -> _Group:
    try:
        return _Group({}, None, Law.from_json(Path(path).read_text()))
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read the law {path}: {error}") from error


def _all_proposals(
    options: argparse.Namespace, groups: Sequence[_Group]
) -> list[tuple[_Group, list[Proposal]]]:
    """The proposals of each group that has any.

    Raises:
        ValueError: None has.
    """
    found, wrong = [], []
    for group in groups:
        try:
            found.append((group, _proposals(options, group)))
        except ValueError as error:
            name = screen.label(group.context)
            wrong.append(f"{name}: {error}" if name else str(error))
    if not found:
        raise ValueError(wrong[0])
    _print_notes(wrong)
    return found


def _proposals(options: argparse.Namespace, group: _Group) -> list[Proposal]:
    """What a group's law proposes for the horizons asked for."""
    schedule = options.schedule
    if not schedule:
        names = sorted({optimum.schedule for optimum in group.law.optima})
        if len(names) > 1:
            raise ValueError(
                f"the runs have several schedules; choose by --schedule: {', '.join(names)}, "
                "or any other"
            )
        schedule = names[0] if names else "constant"
    return [
        group.law.propose(
            horizon if group.runs is None else in_unit(group.runs, horizon), schedule
        )
        for horizon in options.horizon
    ]


def _law_dict(group: _Group) -> dict[str, Any]:
    context, _, law = group
    optima = [
        {
            "schedule": optimum.schedule,
            "horizon": optimum.horizon,
            "lr": float(np.exp(optimum.ln_lr)),
            "se": optimum.se,
            "n": optimum.n,
            "at_edge": optimum.at_edge,
            "kappa": screen.kappa_of(optimum),
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


def _write_figure(
    options: argparse.Namespace, groups: Sequence[tuple[_Group, Sequence[Proposal]]]
) -> None:
    """Writes a page with the figures of each group: the law, and loss against learning rate."""
    from optuna_kappa.report import Section, page, write
    from optuna_kappa.visualization import plot_law, plot_loss_vs_lr

    sections = []
    for (context, runs, law), proposals in groups:
        targets = [(one.horizon, one.schedule) for one in proposals]
        figures = [plot_law(law, targets=targets, unit=options.unit)]
        for schedule in dict.fromkeys(optimum.schedule for optimum in law.optima):
            if runs is not None:
                figures.append(plot_loss_vs_lr(runs, law, schedule=schedule, unit=options.unit))
        sections.append(Section(screen.label(context) or "All runs", figures=figures))
    write(options.figure, page("Optimal learning rate", sections=sections))


def _print_json(found: Mapping[str, Any]) -> None:
    print(screen.as_json(found))


def _print_notes(notes: Sequence[str]) -> None:
    for text in notes:
        print(screen.note(text), file=sys.stderr)


_COMMANDS = {
    "fit": _fit,
    "propose": _propose,
    "backtest": _backtest,
    "explain": cli_explain.run,
}
