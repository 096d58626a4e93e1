"""What a command is about: runs of a file or of a study, or a study itself."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import optuna

from optuna_kappa.runs import RunTable, read_csv
from optuna_kappa.schedules import parse
from optuna_kappa.selection import parse_where, select, varying
from optuna_kappa.storage import open_storage, shown
from optuna_kappa.trials import run_table

_NAMES = 8  # shown in a message


def is_given(options: argparse.Namespace) -> bool:
    """Whether the options name any runs."""
    return bool(options.runs or options.storage or options.study)


def read(options: argparse.Namespace) -> RunTable:
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


def context(options: argparse.Namespace) -> list[str]:
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
    unknown = [name for name in sorted(set(runs.schedule.tolist())) if not _is_known(name)]
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


def _is_known(schedule: str) -> bool:
    try:
        parse(schedule)
    except ValueError:
        return False
    return True


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(names[:_NAMES]) + more
