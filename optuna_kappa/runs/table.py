"""Tables of training runs, the input of every fit.

One row is one evaluation of one run. In CSV (gzipped when the name ends in `.gz`):

    run, lr, schedule, horizon, step, loss [, context columns ...]

`horizon` is the data (samples, tokens or steps: one unit a table) that the run was planned for,
`step` the data seen when `loss` was measured. A loss that is NaN or infinite says that the run
diverged; it is data, not an error. Context columns (optimizer, batch size, ...) are kept as text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optuna_kappa._typing import Floats

COLUMNS = ("run", "lr", "schedule", "horizon", "step", "loss")
NUMBERS = ("lr", "horizon", "step", "loss")
SAME_HORIZON = 1e-6  # two horizons this close, relative to one of them, are one


@dataclass(frozen=True, eq=False)
class RunTable:
    """Validated columns, each of shape `(n,)`, in the order they were given.

    Attributes:
        run: Label of the run that a row belongs to.
        lr: Base (peak) learning rate, positive.
        schedule: Name of the schedule; the names of `optuna_kappa.schedules` are understood.
        horizon: Data that the run was planned for, positive, in the table's unit of data.
        step: Data seen when the loss was measured, 0 <= step <= horizon.
        loss: Loss, lower is better; NaN or infinite where the run diverged.
        context: Further columns by name, as text.

    Raises:
        ValueError: A column is missing, of another length, or holds a value that is not allowed.
    """

    run: NDArray[np.str_]
    lr: Floats
    schedule: NDArray[np.str_]
    horizon: Floats
    step: Floats
    loss: Floats
    context: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        texts = {"run": self.run, "schedule": self.schedule}
        columns: dict[str, NDArray[Any]] = {
            name: np.asarray(values).astype(np.str_) for name, values in texts.items()
        }
        columns |= {name: _as_numbers(name, getattr(self, name)) for name in NUMBERS}
        context = {name: np.asarray(v).astype(np.str_) for name, v in self.context.items()}
        sizes = {name: values.shape for name, values in (columns | context).items()}
        if len(set(sizes.values())) > 1 or any(len(shape) != 1 for shape in sizes.values()):
            raise ValueError(
                f"all columns must have the same length (n,), but their shapes are {sizes}"
            )
        check_values(columns)
        for values in (columns | context).values():
            values.flags.writeable = False
        for name, values in columns.items():
            object.__setattr__(self, name, values)
        object.__setattr__(self, "context", context)

    def __len__(self) -> int:
        return len(self.run)

    @classmethod
    def from_columns(cls, columns: Mapping[str, ArrayLike]) -> RunTable:
        """Makes a table from named columns; those beyond the six of the format are context.

        Raises:
            ValueError: A column is missing or holds a value that is not allowed.
        """
        if lacking := missing_column(columns):
            raise ValueError(lacking)
        context = {name: np.asarray(columns[name]) for name in columns if name not in COLUMNS}
        known: dict[str, Any] = {name: columns[name] for name in COLUMNS}
        return cls(**known, context=context)

    @classmethod
    def empty(cls) -> RunTable:
        """A table without rows."""
        return cls.from_columns({name: [] for name in COLUMNS})

    @classmethod
    def concatenate(cls, tables: Iterable[RunTable]) -> RunTable:
        """Joins tables; runs of different tables stay apart, missing context becomes ''."""
        tables = list(tables)
        if not tables:
            return cls.empty()
        names = dict.fromkeys(name for table in tables for name in table.context)
        columns: dict[str, ArrayLike] = {
            name: np.concatenate([getattr(table, name) for table in tables])
            for name in COLUMNS[1:]
        }
        columns["run"] = [f"{i}:{run}" for i, table in enumerate(tables) for run in table.run]
        for name in names:
            parts = [t.context.get(name, np.full(len(t), "", dtype=np.str_)) for t in tables]
            columns[name] = np.concatenate(parts)
        return cls.from_columns(columns)

    def where(self, mask: NDArray[np.bool_]) -> RunTable:
        """The rows where `mask`, of shape `(n,)`, is true."""
        columns: dict[str, ArrayLike] = {name: getattr(self, name)[mask] for name in COLUMNS}
        return RunTable.from_columns(columns | {k: v[mask] for k, v in self.context.items()})

    @property
    def positive(self) -> bool:
        """Whether all finite losses are above 0, so that their logarithms can be taken."""
        return bool((self.loss[np.isfinite(self.loss)] > 0).all())

    def by_run(self) -> list[NDArray[np.intp]]:
        """The rows of each run, by ascending step."""
        if not len(self):
            return []
        order = np.lexsort((self.step, self.run))
        label = self.run[order]
        return np.split(order, np.flatnonzero(label[1:] != label[:-1]) + 1)

    def groups(self, names: Sequence[str]) -> Iterator[tuple[dict[str, str], RunTable]]:
        """Splits the table by the values of context columns, in sorted order.

        Raises:
            ValueError: A name is not a context column.
        """
        unknown = [name for name in names if name not in self.context]
        if unknown:
            raise ValueError(
                f"{unknown[0]!r} is not a context column of this table; "
                f"it has {', '.join(self.context) or 'none'}"
            )
        if not names:
            yield {}, self
            return
        keys = np.stack([self.context[name] for name in names], axis=1)
        for key in np.unique(keys, axis=0):
            values = dict(zip(names, (str(k) for k in key), strict=True))
            yield values, self.where((keys == key).all(axis=1))

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Writes the table, gzipped if the name ends in `.gz`; same table, same bytes."""
        from optuna_kappa.runs.files import write_csv  # which reads into a RunTable

        write_csv(self, path)


def missing_column(names: Collection[str]) -> str:
    """Says which column of the format is not among these; '' if none."""
    for name in COLUMNS:
        if name not in names:
            return (
                f"column {name!r} is missing; a run table has the columns {', '.join(COLUMNS)}, "
                f"but got {', '.join(names) or 'none'}"
            )
    return ""


def _as_numbers(name: str, values: ArrayLike) -> Floats:
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"column {name!r} must hold numbers: {error}") from None


def check_values(columns: Mapping[str, Any], lines: Sequence[int] | None = None) -> None:
    """Raises the first violated rule; `lines` says where in a file each row stands."""
    lr, horizon, step = columns["lr"], columns["horizon"], columns["step"]

    def place(row: int) -> str:
        return f"line {lines[row]}" if lines else f"row {row}"

    rules = (
        ("lr", "a positive finite number", (lr > 0) & np.isfinite(lr)),
        ("horizon", "a positive finite number", (horizon > 0) & np.isfinite(horizon)),
        ("step", "between 0 and the run's horizon", (step >= 0) & (step <= horizon)),
    )
    for name, allowed, fine in rules:
        if not np.all(fine):
            row = int(np.argmin(fine))
            horizon_text = f" (horizon {horizon[row]:g})" if name == "step" else ""
            value = f"{columns[name][row]:g}{horizon_text}"
            raise ValueError(f"{place(row)}: {name} must be {allowed}, but is {value}")
    _, firsts, index = np.unique(columns["run"], return_index=True, return_inverse=True)
    for name in ("lr", "schedule", "horizon"):
        values = np.asarray(columns[name])
        other = values != values[firsts[index]]
        if other.any():
            row = int(np.argmax(other))
            first = int(firsts[index[row]])
            raise ValueError(
                f"{place(row)}: run {str(columns['run'][row])!r} has {name} {values[row]}, but "
                f"{values[first]} at {place(first)}; give each run a label of its own"
            )
