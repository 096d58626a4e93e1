"""The runs that `optuna-kappa import` reads, as trials."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.distributions import FloatDistribution
from optuna.study import StudyDirection

from optuna_kappa._validation import POSITIVE, one_line
from optuna_kappa.cli.arguments import column_names
from optuna_kappa.cli.output import print_notes
from optuna_kappa.cli.storages import readable, study_in
from optuna_kappa.imports import read_source
from optuna_kappa.imports.databases import is_optuna, sqlite_file
from optuna_kappa.runs import RunTable
from optuna_kappa.runs.selection import parse_where, select, varying
from optuna_kappa.study.incoming import Incoming, Target, incoming_runs, incoming_trials
from optuna_kappa.study.opening import open_any, shown
from optuna_kappa.study.param_ranges import parse_range
from optuna_kappa.study.rebuilding import lr_name_of
from optuna_kappa.study.storage import close_storage

# Options that say how to read a table; trials of a study are copied as they are.
_OF_TABLES = {
    "where": "--where",
    "loss": "--loss",
    "step": "--step",
    "run_column": "--run",
    "horizon_column": "--horizon-column",
    "schedule_column": "--schedule-column",
    "param": "--param",
    "lr_range": "--lr-range",
}


def target_of(options: argparse.Namespace, known: Mapping[str, Any]) -> Target:
    """What the study is about that runs are imported into.

    Args:
        options: Options of the command.
        known: Settings of the study, if it exists.

    Raises:
        ValueError: An option is not allowed.

    Example:
        >>> names = ("lr_param", "lr_range", "horizon")
        >>> options = argparse.Namespace(unit=1.0, param=[], **dict.fromkeys(names))
        >>> target_of(options, {"horizon": 24}).horizon
        24
    """
    unit = POSITIVE.check("--unit", options.unit, "it is what a step of the study stands for")
    lr_range = None
    if options.lr_range is not None:
        low, high = options.lr_range
        if not 0 < low <= high < float("inf"):
            raise ValueError(f"--lr-range must be LOW HIGH, both above 0, got {low:g} {high:g}")
        lr_range = FloatDistribution(low, high, log=True)

    lr = options.lr_param or known.get("lr", "lr")
    return Target(
        horizon=options.horizon or known.get("horizon"),
        lr=lr if isinstance(lr, str) else str(lr[0]),
        lr_range=lr_range,
        params=dict(map(parse_range, options.param)),
        unit=unit,
    )


def read_incoming(
    options: argparse.Namespace, target: Target
) -> tuple[list[Incoming], StudyDirection]:
    """The runs of the source as trials, and the direction of a study of them.

    Args:
        options: Options of the command.
        target: What the study is about that they are imported into.

    Raises:
        ValueError: They cannot be read, or they have no place in such a study.
    """
    source = shown(options.source)
    if not is_optuna(options.source):
        if options.from_study is not None:
            raise ValueError(f"--from-study is for storages, and {one_line(source)} is none")
        where = parse_where(options.where)
        runs = select(read_source(options.source, column_names(options), where), where)
        _check_params(runs, target)
        return incoming_runs(runs, target, source), StudyDirection.MINIMIZE

    for name, option in _OF_TABLES.items():
        if getattr(options, name):
            raise ValueError(f"{option} is for tables and logs; trials are copied as they are")
    with _source_study(options) as study:
        return _trials_of(study, options, target, source), study.direction


def _check_params(runs: RunTable, target: Target) -> None:
    """Say which other parameters the runs differ in.

    Raises:
        ValueError: A parameter is none of the columns.
    """
    params = target.params or {}
    for name in params:
        if name not in runs.context:
            names = ", ".join(map(one_line, runs.context)) or "none"
            raise ValueError(f"--param: the runs have no column {name!r}; others are {names}")

    others = [one_line(name) for name in varying(runs) if name not in params]
    if others:
        print_notes(
            [
                f"the runs also differ in {', '.join(others)}: what that does to the optimum is "
                "taken for noise. --param makes a parameter of a column, --where chooses a value."
            ]
        )


def _trials_of(
    study: optuna.Study, options: argparse.Namespace, target: Target, source: str
) -> list[Incoming]:
    lr = options.lr if options.lr != "lr" else lr_name_of(study)
    if not isinstance(lr, str):
        names = ", ".join(lr)
        raise ValueError(f"the study has several learning rates, {names}: choose one by --lr")

    incoming = incoming_trials(study, lr, target, source, options.trained_with)
    if not incoming:
        raise ValueError(
            f"no finished trial of {study.study_name!r} has {lr!r} and a loss; --lr names the "
            "learning rate"
        )
    return incoming


@contextmanager
def _source_study(options: argparse.Namespace) -> Iterator[optuna.Study]:
    """The study of the source.

    Raises:
        ValueError: There is none, or it is the one that it would be imported into.
    """
    url = _as_url(options.source)
    with readable(url):
        storage = open_any(url)
    try:
        with readable(url):
            study = study_in(storage, url, options.from_study)
            is_same = url == _as_url(options.storage) and study.study_name == options.study
            if is_same:
                raise ValueError(
                    f"the study {options.study!r} cannot be imported into itself; choose another "
                    "--study"
                )
            yield study
    finally:
        close_storage(storage)


def _as_url(source: str) -> str:
    """The URL of a storage, also if the name of a SQLite file is given."""
    path = sqlite_file(source)
    return source if path is None else f"sqlite:///{os.path.abspath(path)}"
