"""Choose rows of a run table by value, and say what varies in it and in which unit."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from optuna_kappa._typing import Bools, Texts
from optuna_kappa.runs import RunTable

EPOCH = "epoch"  # name of the column that holds the number of samples in an epoch
NOT_PARAMETERS = ("seed", EPOCH)  # columns that no optimum depends on
_SCHEDULE = "schedule"
_MOST_SHOWN = 12  # values of a column in a message
_COMMA = re.compile(r",(?![^(]*\))")  # a comma that is not in parentheses


def parse_where(text: str) -> dict[str, str]:
    """Read COLUMN=VALUE,... as values by column; commas in parentheses belong to a value.

    Raises:
        ValueError: If the text has another form, or names a column twice.

    Example:
        >>> parse_where("width=64, schedule=step(factor=0.5, n=3)")
        {'width': '64', 'schedule': 'step(factor=0.5, n=3)'}
    """
    where: dict[str, str] = {}
    for item in _COMMA.split(text):
        if not item.strip():
            continue

        name, _, value = (part.strip() for part in item.partition("="))
        if not (name and value) or name in where:
            raise ValueError(
                f"--where must be COLUMN=VALUE,..., each column once, but is {text!r}"
            )
        where[name] = value
    return where


def select(runs: RunTable, where: Mapping[str, str]) -> RunTable:
    """Select the rows with these values of context columns or of `schedule`.

    Args:
        runs: Run table.
        where: Values by column. Numbers are compared as numbers: "64.0" selects "64".

    Raises:
        ValueError: If the table has no such column, or no such row.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> both = RunTable.concatenate([example_runs(), example_runs(schedule="cosine")])
        >>> len(both), len(select(both, {"schedule": "cosine"}))
        (48, 24)
    """
    selected = runs
    for name, value in where.items():
        column = _column(selected, name)
        matches = _equals(column, value)
        if not matches.any():
            raise ValueError(f"no run has {name}={value}; there are {_values_of(column)}")
        selected = selected.where(matches)
    return selected


def varying(runs: RunTable) -> list[str]:
    """Names of the context columns with more than one value, without `NOT_PARAMETERS`.

    Example:
        >>> rows = {"run": [0, 1], "lr": [0.1, 0.1], "schedule": ["constant"] * 2,
        ...         "horizon": [9, 9], "step": [9, 9], "loss": [1.2, 1.1],
        ...         "width": [64, 128], "optimizer": ["adam", "adam"], "seed": [0, 1]}
        >>> varying(RunTable.from_columns(rows))
        ['width']
    """
    names = []
    for name, values in runs.context.items():
        differs = values != values[:1]
        if differs.any() and name not in NOT_PARAMETERS:
            names.append(name)
    return names


def samples_an_epoch(runs: RunTable) -> float:
    """Number of samples in an epoch, from the column `epoch`; 0 if it does not say one number.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> samples_an_epoch(example_runs())
        0.0
    """
    if EPOCH not in runs.context:
        return 0.0

    values = set(runs.context[EPOCH].tolist())
    if len(values) != 1:
        return 0.0
    try:
        return float(values.pop())
    except ValueError:
        return 0.0


def in_unit(runs: RunTable, horizon: float) -> float:
    """A horizon in the unit of the table.

    If the unit is samples and a column `epoch` says how many make an epoch, a number below the
    first report is taken for epochs.

    Example:
        >>> rows = {"run": [0], "lr": [0.1], "schedule": ["constant"], "horizon": [5000],
        ...         "step": [500], "loss": [1.2], "epoch": [1000]}
        >>> in_unit(RunTable.from_columns(rows), 5)
        5000.0
    """
    per_epoch = samples_an_epoch(runs)
    steps = runs.step[runs.step > 0]

    is_epochs = bool(per_epoch and len(steps)) and horizon < steps.min()
    return horizon * per_epoch if is_epochs else horizon


def _column(runs: RunTable, name: str) -> Texts:
    """A context column, or the one of schedules."""
    if name == _SCHEDULE:
        return runs.schedule
    if name in runs.context:
        return runs.context[name]
    raise ValueError(
        f"{name!r} is not a context column; the table has "
        f"{', '.join(runs.context) or 'none'}, and 'schedule'"
    )


def _values_of(column: Texts) -> str:
    """The values of a column for a message."""
    values = sorted(set(column.tolist()))
    more = ", ..." if len(values) > _MOST_SHOWN else ""
    return ", ".join(values[:_MOST_SHOWN]) + more


def _equals(column: Texts, value: str) -> Bools:
    """Where a column has this value, as the same text or the same number."""
    same_text: Bools = np.asarray(column == value)
    try:
        numbers = column.astype(np.float64)
        same_number: Bools = np.asarray(numbers == float(value))
    except ValueError:
        return same_text
    either: Bools = same_text | same_number
    return either
