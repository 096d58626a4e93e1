"""The columns of a run table, and what they may hold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optuna_kappa._typing import Floats, Rows, Texts
from optuna_kappa._validation import LARGEST_LOSS, REACH, one_line
from optuna_kappa.runs.cells import Place

COLUMNS = ("run", "lr", "schedule", "horizon", "step", "loss")
TEXTS = ("run", "schedule")
NUMBERS = ("lr", "horizon", "step", "loss")

_NO_NUMBERS = "cmMV"  # kinds of NumPy's types that floats would change: complex, dates, records
SAME_HORIZON = 1e-6  # relative difference below which two horizons are the same

_ROW = Place("row")

Columns: TypeAlias = Mapping[str, Any]  # by name


def missing_column(names: Collection[str]) -> str:
    """Error message that names the first column of the format that is missing; '' if none is.

    Example:
        >>> missing_column(["run", "lr"])
        "column 'schedule' is missing; a run table has the columns run, ... but got run, lr"
    """
    for name in COLUMNS:
        if name not in names:
            return (
                f"column {name!r} is missing; a run table has the columns {', '.join(COLUMNS)}, "
                f"but got {one_line(', '.join(names)) or 'none'}"
            )
    return ""


def as_text(values: ArrayLike) -> Texts:
    """A copy of the values as text.

    Raises:
        ValueError: If they are no column, or one of them has no text.

    Example:
        >>> as_text([64, "auto"]).tolist()
        ['64', 'auto']
    """
    try:
        return np.asarray(values).astype(np.str_)
    except Exception as error:  # the text of others' objects may raise anything
        raise ValueError(f"a column must hold texts: {one_line(str(error))}") from None


def as_numbers(name: str, values: ArrayLike) -> Floats:
    """A copy of the values as floats.

    Args:
        name: What they are, for the error message.
        values: Numbers, or texts of numbers; a masked one is missing.

    Raises:
        ValueError: If one of them is not a number.

    Example:
        >>> as_numbers("loss", [2, float("nan")]).tolist()
        [2.0, nan]
    """
    try:
        given = np.asanyarray(values)
        if given.dtype.kind in _NO_NUMBERS:
            raise ValueError(f"they are {given.dtype}")
        # What is masked is missing, whatever lies below the mask.
        return np.array(np.ma.filled(given.astype(np.float64), np.nan))
    except (TypeError, ValueError, OverflowError) as error:
        cause = one_line(str(error))
        raise ValueError(f"{name} must hold numbers: {cause}") from None


def as_losses(values: ArrayLike) -> Floats:
    """A copy of the losses as floats, infinite where they are too large to reckon with.

    Raises:
        ValueError: If one of them is not a number.

    Example:
        >>> as_losses([2, 1e200, -1e200, float("nan")]).tolist()
        [2.0, inf, inf, nan]
    """
    losses = as_numbers("column 'loss'", values)
    too_large = np.isfinite(losses) & (np.abs(losses) > LARGEST_LOSS)
    losses[too_large] = np.inf
    return losses


def check_shapes(columns: Mapping[str, NDArray[Any]]) -> None:
    """Raise a ValueError unless all columns have one dimension and the same length.

    Example:
        >>> check_shapes({"lr": np.ones(2), "loss": np.ones(3)})
        Traceback (most recent call last):
        ValueError: all columns must have the same length (n,), but ... {'lr': (2,), 'loss': (3,)}
    """
    shapes = {name: values.shape for name, values in columns.items()}
    dimensions = {values.ndim for values in columns.values()}
    if len(set(shapes.values())) > 1 or dimensions != {1}:
        raise ValueError(
            f"all columns must have the same length (n,), but their shapes are {shapes}"
        )


def check_values(
    columns: Columns,
    place: Place = _ROW,
    source: Rows | None = None,
) -> None:
    """Raise a ValueError for the first value that is not allowed.

    Args:
        columns: Columns by name, of the same length.
        place: Where a row is, for the message.
        source: Which row of what was read each row is; None if they are the same.

    Raises:
        ValueError: If lr, horizon or step is out of its range, or if the rows of a run differ in
            lr, schedule or horizon.

    Example:
        >>> columns = {"lr": np.array([0.0]), "horizon": np.ones(1), "step": np.ones(1)}
        >>> check_values(columns, Place("line", [7]))
        Traceback (most recent call last):
        ValueError: line 7: lr must be a positive finite number, but is 0
    """

    def where(row: int) -> str:
        return place(row if source is None else int(source[row]))

    _check_ranges(columns, where)
    _check_agreement(columns, where)


def _check_ranges(columns: Columns, where: Callable[[int], str]) -> None:
    """Raise a ValueError if a learning rate, horizon or step is out of its range."""
    lr = columns["lr"]
    horizon = columns["horizon"]
    step = columns["step"]
    is_inside = (step >= 0) & (step <= horizon * (1 + SAME_HORIZON))
    rules = (
        ("lr", "a positive finite number", (lr > 0) & np.isfinite(lr)),
        ("horizon", "a positive finite number", (horizon > 0) & np.isfinite(horizon)),
        ("lr", f"in {REACH}", (lr >= REACH.low) & (lr <= REACH.high)),
        ("horizon", f"in {REACH}", (horizon >= REACH.low) & (horizon <= REACH.high)),
        ("step", "between 0 and the run's horizon", is_inside),
    )

    for name, allowed, is_fine in rules:
        if np.all(is_fine):
            continue
        row = int(np.argmin(is_fine))
        value = f"{columns[name][row]:g}"
        if name == "step":
            value += f" (horizon {horizon[row]:g})"
        raise ValueError(f"{where(row)}: {name} must be {allowed}, but is {value}")


def _check_agreement(columns: Columns, where: Callable[[int], str]) -> None:
    """Raise a ValueError if the rows of a run differ in what the whole run has in common."""
    _, firsts, index = np.unique(
        columns["run"],
        return_index=True,
        return_inverse=True,
    )
    first_of_run = firsts[index]

    for name in ("lr", "schedule", "horizon"):
        values = np.asarray(columns[name])
        differs = values != values[first_of_run]
        if differs.any():
            row = int(np.argmax(differs))
            first = int(first_of_run[row])
            label = str(columns["run"][row])
            raise ValueError(
                f"{where(row)}: run {label!r} has {name} {values[row]}, but "
                f"{values[first]} at {where(first)}; give each run a label of its own"
            )
