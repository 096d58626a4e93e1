"""Columns as a file or a data frame has them: numbers, or texts that may be numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from optuna_kappa._typing import Floats, Texts
from optuna_kappa._validation import shown

Column: TypeAlias = Sequence[Any] | NDArray[Any]
Cells: TypeAlias = Mapping[str, Column]  # columns by name


@dataclass(frozen=True)
class Place:
    """Where a row is, in words.

    Attributes:
        word: What a row is called, such as "line".
        numbers: Number of each row; None to count them from 0.

    Example:
        >>> Place("line", [2, 3])(1), Place("row")(1)
        ('line 3', 'row 1')
    """

    word: str
    numbers: Sequence[int] | None = None

    def __call__(self, row: int) -> str:
        """The place of a row."""
        number = row if self.numbers is None else self.numbers[row]
        return f"{self.word} {number}"


def numbers(name: str, values: Column, place: Place) -> Floats:
    """A column as floats; NaN where a cell is empty.

    Args:
        name: What they are, for the error message.
        values: Numbers, or texts of numbers.
        place: Where a row is.

    Raises:
        ValueError: If a cell holds something else. The message says where.

    Example:
        >>> numbers("lr", ["0.1", "", "1e-3"], Place("row")).tolist()
        [0.1, nan, 0.001]
        >>> numbers("lr", ["0.1", "fast"], Place("row"))
        Traceback (most recent call last):
        ValueError: row 1: lr must be a number, but is 'fast'
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiu":
        return values.astype(np.float64)

    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array([_number(name, value, place, row) for row, value in enumerate(values)])


def _number(name: str, value: Any, place: Place, row: int) -> float:
    if value is None or (isinstance(value, str) and not value.strip()):
        return np.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{place(row)}: {name} must be a number, but is {shown(value)}") from None


def texts(values: Column) -> Texts:
    """A column as texts; '' where a cell is empty.

    Whole numbers are written without a decimal point, since a data frame makes floats of a column
    with empty cells.

    Example:
        >>> texts(["adam", None]).tolist(), texts(np.array([64.0, np.nan])).tolist()
        (['adam', ''], ['64', ''])
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiu":
        # Columns of numbers have few values, and each is written once.
        each, index = np.unique(values, return_inverse=True)
        return np.array([_text(value) for value in each.tolist()], dtype=np.str_)[index]
    if not len(values):
        return np.empty(0, dtype=np.str_)

    try:
        distinct = set(values)
    except TypeError:  # a list, as some data frames hold them
        return texts([str(value) for value in values])
    written = {value: _text(value) for value in distinct}

    # Each label is written once, however many rows a run has.
    differs = any(value is not text for value, text in written.items())
    column = [written[value] for value in values] if differs else values
    return np.array(column, dtype=np.str_)


def is_empty(value: Any) -> bool:
    """Whether a cell is empty.

    Example:
        >>> is_empty(" "), is_empty(None), is_empty("nan")
        (True, True, False)
    """
    if isinstance(value, str):
        return not value.strip()
    return value is None or value != value


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        if np.isnan(value):
            return ""
        return repr(value).removesuffix(".0")
    text = str(value)
    return text if text.strip() else ""
