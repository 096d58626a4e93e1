"""What a command works on: runs from a file or a study, their laws, or a study itself."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import optuna

from optuna_kappa.cli.arguments import column_names
from optuna_kappa.cli.output import group_name, listed, print_notes
from optuna_kappa.cli.priors import check_prior, prior_of
from optuna_kappa.cli.storages import opened_study
from optuna_kappa.imports import read_source
from optuna_kappa.law import Law, fit, omissions, pool
from optuna_kappa.runs import RunTable
from optuna_kappa.runs.selection import parse_where, select, varying
from optuna_kappa.schedules import find_schedule
from optuna_kappa.study.trials import run_table

_MOST_NOTES = 4  # on what does not count


class Group(NamedTuple):
    """Runs with the same context, and their law.

    Attributes:
        context: Values of the context columns.
        runs: The runs; None for a law read from a file.
        law: Their law.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> runs = example_runs()
        >>> Group({"optimizer": "adam"}, runs, fit(runs)).law.verdict.word
        'holds'
    """

    context: Mapping[str, str]
    runs: RunTable | None
    law: Law


def asks_for_runs(options: argparse.Namespace) -> bool:
    """Whether the options name any runs.

    Example:
        >>> asks_for_runs(argparse.Namespace(runs="runs.csv", storage=None, study=None))
        True
    """
    names = (options.runs, options.storage, options.study)
    return any(name is not None for name in names)


def fit_groups(options: argparse.Namespace, planned: float | None = None) -> list[Group]:
    """Fit a law to each context group of the runs, and print what to know about them.

    Args:
        options: Options of the command.
        planned: Horizon of the run whose passes over the data are given; None for the longest
            of the runs.

    Raises:
        ValueError: There are no runs, they cannot be read, a context column is unknown, or what
            is said to be known before any run is not allowed.
    """
    check_prior(options)
    runs = read_runs(options)
    context = context_columns(options)

    # An unknown context column raises here, before any note is printed.
    parts = list(runs.groups(context))
    print_notes(confounder_notes(runs, context) + unknown_shape_notes(runs))
    print_notes(omission_notes(parts))

    laws = []
    for values, part in parts:
        # A planned horizon may be in epochs, whose size in samples may differ from group to group.
        prior = prior_of(options, runs if planned is None else part, planned)
        laws.append((values, fit(part, prior=prior)))

    groups = []
    for (values, part), law in zip(parts, pool(laws), strict=True):
        groups.append(Group(values, part, law))
    return groups


def read_runs(options: argparse.Namespace) -> RunTable:
    """Read the runs that the options ask for.

    Raises:
        ValueError: There are none, or they cannot be read.
    """
    if options.study is not None and options.storage is None:
        raise ValueError("--study needs --storage, such as --storage sqlite:///my.db")
    if (options.runs is None) == (options.storage is None):
        what = "one of them" if options.runs is None else "either, not both"
        raise ValueError(f"give a run table (RUNS.csv) or a study (--storage URL): {what}")

    # First, so that a mistake in it does not wait until all runs are read.
    where = parse_where(options.where)
    is_study = options.runs is None
    runs = _runs_of_study(options) if is_study else _runs_of_table(options)
    return select(runs, where)


def context_columns(options: argparse.Namespace) -> list[str]:
    """Return the names of the context columns.

    Example:
        >>> context_columns(argparse.Namespace(context="optimizer, batch_size"))
        ['optimizer', 'batch_size']
    """
    names = [name.strip() for name in options.context.split(",")]
    return [name for name in names if name]


def confounder_notes(runs: RunTable, context: Sequence[str]) -> list[str]:
    """Write a note if the runs differ in more than the context columns.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> confounder_notes(example_runs(), [])
        []
    """
    others = [name for name in varying(runs) if name not in context]
    if not others:
        return []

    return [
        f"the runs also differ in {listed(others)}: what that does to the optimum is taken for "
        "noise. --context makes a group of each value, --where chooses one."
    ]


def unknown_shape_notes(runs: RunTable) -> list[str]:
    """Write a note if the runs have a schedule whose shape is not known.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> unknown_shape_notes(example_runs(schedule="cosine"))
        []
    """
    schedules = sorted(set(runs.schedule.tolist()))
    unknown = [name for name in schedules if find_schedule(name) is None]
    if not unknown:
        return []

    return [
        f"the shape of the schedule {listed(unknown)} is not known: no kappa, and nothing "
        "follows for other schedules."
    ]


def omission_notes(parts: Sequence[tuple[Mapping[str, str], RunTable]]) -> list[str]:
    """Write notes on the runs and losses of each group that do not count.

    Args:
        parts: Values of the context columns, and the runs of each group.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> omission_notes([({}, example_runs())])
        []
    """
    notes = []
    for values, part in parts:
        group = f"{group_name(values)}: " if values else ""
        notes += [group + text for text in omissions(part)]

    n_more = len(notes) - _MOST_NOTES
    if n_more > 0:
        notes[_MOST_NOTES:] = [f"{n_more} more notes on runs and losses that do not count."]
    return notes


def require_lr(study: optuna.Study, lr: str) -> None:
    """Raise a ValueError if no trial of a study has a learning rate of this name.

    Example:
        >>> study = optuna.create_study()
        >>> study.optimize(lambda trial: trial.suggest_float("rate", 0.1, 1.0), n_trials=1)
        >>> require_lr(study, "rate")
    """
    used = {name for trial in study.get_trials(deepcopy=False) for name in trial.params}
    if lr in used:
        return

    raise ValueError(
        f"no trial of {study.study_name!r} has a parameter {lr!r}; they have "
        f"{listed(sorted(used)) or 'none'}: give the learning rate's name as --lr"
    )


def _runs_of_study(options: argparse.Namespace) -> RunTable:
    with opened_study(options) as study:
        runs = run_table(study, lr=options.lr, schedule=options.trained_with)
        if not len(runs):
            # The most frequent reason is another name of the learning rate.
            require_lr(study, options.lr)
            raise ValueError(
                f"no trial of {study.study_name!r} has both {options.lr!r} above 0 and a reported "
                "loss; report losses by trial.report(loss, step)"
            )
    return runs


def _runs_of_table(options: argparse.Namespace) -> RunTable:
    names = column_names(options)
    return read_source(options.runs, names, parse_where(options.where))
