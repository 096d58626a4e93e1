"""What a command is about: runs of a file or of a study, or a study itself."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import optuna

from optuna_kappa.cli.output import print_notes
from optuna_kappa.law import Law, fit_contexts
from optuna_kappa.runs import RunTable, read_csv
from optuna_kappa.runs.selection import parse_where, select, varying
from optuna_kappa.schedules import find_schedule
from optuna_kappa.study.storage import open_storage, shown
from optuna_kappa.study.trials import run_table

_NAMES = 8  # shown in a message


def is_given(options: argparse.Namespace) -> bool:
    """Whether the options name any runs."""
    return bool(options.runs or options.storage or options.study)


def read_runs(options: argparse.Namespace) -> RunTable:
    """The runs that the options ask for.

    Raises:
        ValueError: There are none, or they cannot be read.
    """
    if options.study and not options.storage:
        raise ValueError("--study needs --storage, such as --storage sqlite:///my.db")
    if bool(options.runs) == bool(options.storage):
        what = "either, not both" if options.runs else "one of them"
        raise ValueError(f"give a run table (RUNS.csv) or a study (--storage URL): {what}")
    where = parse_where(options.where)
    return select(read_csv(options.runs) if options.runs else _of_study(options), where)


def context_columns(options: argparse.Namespace) -> list[str]:
    """The context columns."""
    return [name.strip() for name in options.context.split(",") if name.strip()]


def confounders(runs: RunTable, names: Sequence[str]) -> list[str]:
    """A note if more varies between the runs than these context columns."""
    others = [name for name in varying(runs) if name not in names]
    if not others:
        return []
    return [
        f"the runs also differ in {_listed(others)}: what that does to the optimum is taken for "
        "noise. --context makes a group of each value, --where chooses one."
    ]


def unknown_shapes(runs: RunTable) -> list[str]:
    """A note if a schedule's name says nothing of its shape."""
    unknown = [name for name in sorted(set(runs.schedule.tolist())) if find_schedule(name) is None]
    if not unknown:
        return []
    return [
        f"the shape of the schedule {_listed(unknown)} is not known: no kappa, and nothing "
        "follows for other schedules."
    ]


@contextmanager
def opened(options: argparse.Namespace) -> Iterator[optuna.Study]:
    """The study that the options name; its storage is closed at the end.

    Raises:
        ValueError: There is none, there are several to choose from, or it cannot be opened.
    """
    storage = open_storage(options.storage, create=False)
    try:
        yield optuna.load_study(study_name=_name(options, storage), storage=storage)
    finally:
        storage.engine.dispose()


def require_lr(study: optuna.Study, lr: str) -> None:
    """Raises a ValueError where no trial of a study has a learning rate of this name."""
    used = sorted({name for trial in study.get_trials(deepcopy=False) for name in trial.params})
    if lr not in used:
        raise ValueError(
            f"no trial of {study.study_name!r} has a parameter {lr!r}; they have "
            f"{_listed(used) or 'none'}: give the learning rate's name as --lr"
        )


def _of_study(options: argparse.Namespace) -> RunTable:
    with opened(options) as study:
        runs = run_table(study, lr=options.lr, schedule=options.trained_with)
        if not len(runs):
            require_lr(study, options.lr)
            raise ValueError(
                f"no trial of {study.study_name!r} has both {options.lr!r} above 0 and a reported "
                "loss; report losses by trial.report(loss, step)"
            )
    return runs


def _name(options: argparse.Namespace, storage: optuna.storages.RDBStorage) -> str:
    """The study's name, if it has to be given or is wrong."""
    names = optuna.get_all_study_names(storage)
    if options.study in names:
        return str(options.study)
    where = shown(options.storage)
    if not names:
        raise ValueError(f"there is no study in {where}")
    if options.study:
        raise ValueError(f"there is no study {options.study!r} in {where}, only {_listed(names)}")
    if len(names) > 1:
        raise ValueError(f"{where} has several studies; choose by --study: {_listed(names)}")
    return names[0]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(names[:_NAMES]) + more


class Group(NamedTuple):
    """A context group: its values, its runs (None for a law from a file), and its law."""

    context: Mapping[str, str]
    runs: RunTable | None
    law: Law


def groups(options: argparse.Namespace) -> Iterator[Group]:
    """The groups of the runs asked for, each with its law."""
    runs, context = read_runs(options), context_columns(options)
    parts = list(runs.groups(context))
    print_notes(confounders(runs, context) + unknown_shapes(runs))
    for (values, part), law in zip(parts, fit_contexts(parts), strict=True):
        yield Group(values, part, law)


IN_UNIT = "in the unit of the runs (or in epochs, where a column 'epoch' says how many make one)"


def add_runs(command: argparse.ArgumentParser) -> None:
    """Adds the options that say which runs are meant."""
    add = command.add_argument_group(
        "which runs",
        "A run table or a study. The unit of a horizon (samples, tokens, steps) is that of the "
        "runs; a lower loss is better, and of a study that maximises the sign is turned.",
    ).add_argument
    text = "run table, .csv or .csv.gz, with the columns run, lr, schedule, horizon, step, loss"
    add("runs", nargs="?", metavar="RUNS", help=text)
    add_study(add)
    text = "schedule of the study's trials, where KappaSampler did not plan them (constant)"
    add("--trained-with", default="constant", metavar="SCHEDULE", help=text)
    add("--where", default="", metavar="COLUMN=VALUE,...", help="only these runs")
    text = "columns or parameters (optimizer, batch size) that the optimum depends on: each of "
    text += "their values is a group with a law of its own"
    add("--context", default="", metavar="COLUMN,...", help=text)


def add_study(add: Callable[..., argparse.Action], *, required: bool = False) -> None:
    """Adds the options that say which study is meant."""
    text = "Optuna storage, such as sqlite:///my.db"
    add("--storage", required=required, metavar="URL", help=text)
    add("--study", metavar="NAME", help="study in it, if it holds several")
    add("--lr", default="lr", metavar="NAME", help="learning-rate parameter of the study (lr)")


def horizon_type(text: str) -> float:
    """A horizon as argparse reads it, positive and finite."""
    try:
        horizon = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a number, but is {text!r} (RUNS comes before this option)"
        ) from None
    if not 0 < horizon < np.inf:
        raise argparse.ArgumentTypeError(f"must be positive and finite, but is {text}")
    return horizon
