"""Data frames of pandas, Polars and PyArrow, read by way of narwhals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optuna_kappa._validation import one_line, shown
from optuna_kappa.runs.cells import Column

if TYPE_CHECKING:
    # Types only: nothing is imported when the module runs.
    import narwhals as nw

_MISSING_TYPES = ("NAType", "NaTType")  # of pandas
_REMEDY = "give one of pandas or Polars, or a PyArrow table"


def frame_cells(frame: Any) -> dict[str, Column]:
    """The columns of a data frame by name: arrays of numbers, and lists of anything else.

    Raises:
        ValueError: If it is no data frame, or two of its columns have the same name.

    Example:
        >>> import pyarrow  # doctest: +SKIP
        >>> frame_cells(pyarrow.table({"lr": [0.1, None]}))["lr"].tolist()  # doctest: +SKIP
        [0.1, nan]
    """
    # Imported here, so that everything else works without it.
    import narwhals as nw

    _check_names(frame)
    try:
        native = nw.from_native(frame)
    except TypeError:
        raise ValueError(f"frame must be a data frame, got {shown(frame)}: {_REMEDY}.") from None
    except Exception as error:  # of any of the libraries
        raise ValueError(f"cannot read the data frame: {one_line(str(error))}") from error

    table = native.collect() if isinstance(native, nw.LazyFrame) else native
    return {str(name): _cells(table[name]) for name in table.columns}


def _check_names(frame: Any) -> None:
    """Raise a ValueError if two columns have the same name, as pandas and PyArrow allow."""
    is_pandas = hasattr(frame, "iloc")
    given = getattr(frame, "columns" if is_pandas else "column_names", ())
    names = [str(name) for name in given] if np.iterable(given) else []
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"the data frame has two columns named {name!r}; rename one")


def _cells(column: nw.Series[Any]) -> Column:
    """An array of a column of numbers, NaN where it is empty; a list of any other column."""
    if not column.dtype.is_numeric():
        return [None if _is_missing(value) else value for value in column.to_list()]
    values = column.to_numpy()
    if values.dtype.kind in "fiu":
        return values

    # Decimals, and integers of pandas with a mark for what is missing.
    floats = [np.nan if value is None else float(value) for value in column.to_list()]
    return np.array(floats)


def _is_missing(value: object) -> bool:
    """Whether a value stands for a missing one, as the marks of pandas do."""
    return type(value).__name__ in _MISSING_TYPES or value != value
