"""Columns that were read from anywhere, made into a run table."""

from __future__ import annotations

from typing import Any

import numpy as np

from optuna_kappa._typing import Bools, Floats
from optuna_kappa.runs.cells import Cells, Column, Place, is_empty, numbers, texts
from optuna_kappa.runs.columns import COLUMNS, NUMBERS, TEXTS, check_values
from optuna_kappa.runs.histories import table_of
from optuna_kappa.runs.mapping import ColumnNames
from optuna_kappa.runs.table import RunTable


def read_cells(cells: Cells, names: ColumnNames, place: Place) -> RunTable:
    """Make a run table: as it stands if it has all columns by their names, else as a history.

    Args:
        cells: Columns by name: arrays of numbers, or lists of texts, of the same length.
        names: Which column holds what.
        place: Where a row is, in words, for messages.

    Raises:
        ValueError: If a column is missing, or holds a value that is not allowed.

    Example:
        >>> cells = {"lr": ["0.1", "0.2"], "step": ["5", "10"], "loss": ["1.5", "1.2"]}
        >>> names = ColumnNames(horizon=10, run="lr")
        >>> read_cells(cells, names, Place("line", [2, 3])).lr.tolist()
        [0.1, 0.2]
    """
    if not names.is_native(list(cells)):
        return table_of(cells, names, place)

    columns: dict[str, Any] = {}
    for name, values in cells.items():
        if name not in NUMBERS:
            columns[name] = texts(values)
    for name in TEXTS:
        _require(name, columns[name] == "", cells, place)
    for name in NUMBERS:
        columns[name] = numbers(name, cells[name], place)
        if name != "loss":  # a row without a loss is one with a gap, as trackers export them
            _require(name, _empty(cells[name], columns[name]), cells, place)

    # RunTable checks the values again, but only here it is known where a row is.
    check_values({name: columns[name] for name in COLUMNS}, place)
    return RunTable.from_columns(columns)


def _empty(values: Column, read: Floats) -> Bools:
    """Where the cells of a column of numbers are empty; others may say that they are NaN."""
    empty = np.isnan(read)
    for row in np.flatnonzero(empty).tolist():
        empty[row] = is_empty(values[row])
    return empty


def _require(name: str, is_empty: Any, cells: Cells, place: Place) -> None:
    """Raise a ValueError for the first cell of a column that is empty."""
    if not is_empty.any():
        return
    row = int(is_empty.argmax())
    if name in TEXTS:
        raise ValueError(f"{place(row)}: {name} must not be empty")
    raise ValueError(f"{place(row)}: {name} must be a number, but is {cells[name][row]!r}")
