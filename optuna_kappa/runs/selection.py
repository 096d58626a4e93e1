"""Which rows of a run table are meant: those with certain values, in which unit, what varies."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from optuna_kappa.runs import RunTable

EPOCH = "epoch"  # a column of the number of samples that make one
NOT_PARAMETERS = ("seed", EPOCH)  # columns that no optimum depends on
_SCHEDULE = "schedule"
_SHOWN = 12  # values of a column in a message


def parse_where(text: str) -> dict[str, str]:
    """Reads COLUMN=VALUE,...; commas in parentheses belong to a value.

    Raises:
        ValueError: The text is written otherwise, or names a column twice.
    """
    where: dict[str, str] = {}
    for item in re.split(r",(?![^(]*\))", text):
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
    """The rows with these values of context columns or of `schedule`.

    Args:
        runs: Run table.
        where: Values by column; a number may be written in any way ("64.0" is "64").

    Raises:
        ValueError: There is no such column, or no such row.
    """
    for name, value in where.items():
        if name != _SCHEDULE and name not in runs.context:
            raise ValueError(
                f"{name!r} is not a context column; the table has "
                f"{', '.join(runs.context) or 'none'}, and 'schedule'"
            )
        column = runs.schedule if name == _SCHEDULE else runs.context[name]
        found = runs.where(_equal(column, value))
        if not len(found):
            values = sorted(set(column.tolist()))
            more = ", ..." if len(values) > _SHOWN else ""
            raise ValueError(
                f"no run has {name}={value}; there are {', '.join(values[:_SHOWN])}{more}"
            )
        runs = found
    return runs


def varying(runs: RunTable) -> list[str]:
    """Context columns with more than one value, but for those that no optimum depends on."""
    return [
        name
        for name, values in runs.context.items()
        if name not in NOT_PARAMETERS and bool((values != values[:1]).any())
    ]


def samples_an_epoch(runs: RunTable) -> float:
    """Samples that make an epoch where the table has one value of it, else 0."""
    values = set(runs.context.get(EPOCH, np.array([], dtype=np.str_)).tolist())
    try:
        return float(values.pop()) if len(values) == 1 else 0.0
    except ValueError:
        return 0.0


def in_unit(runs: RunTable, horizon: float) -> float:
    """A horizon in the table's unit.

    Where that is samples and a column `epoch` says how many make one, a number below the first
    report is one of epochs.
    """
    epoch = samples_an_epoch(runs)
    seen = runs.step[runs.step > 0]
    return horizon * epoch if epoch and len(seen) and horizon < seen.min() else horizon


def _equal(column: NDArray[np.str_], value: str) -> NDArray[np.bool_]:
    """Where a column has a value, written as the same text or the same number."""
    same = np.asarray(column == value)
    try:
        same = same | np.asarray(column.astype(np.float64) == float(value))
    except ValueError:
        pass
    return same
