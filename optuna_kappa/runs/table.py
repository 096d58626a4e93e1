"""Tables of training runs, the input of every fit.

One row is one evaluation of one run. In CSV (gzipped when the name ends in `.gz`):

    run, lr, schedule, horizon, step, loss [, context columns ...]

`horizon` is the data (samples, tokens or steps; one unit a table) that the run was planned for,
`step` the data seen when `loss` was measured. A loss that is NaN or infinite, and stays so, means
that the run diverged; that is data, not an error. One that is finite again later is a gap
(`optuna_kappa.runs.gaps`). Context columns (optimizer, batch size, ...) are kept as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optuna_kappa._typing import Bools, Floats, Rows, Texts
from optuna_kappa._validation import check_items, check_mapping, shown
from optuna_kappa.runs.columns import (
    COLUMNS,
    NUMBERS,
    SAME_HORIZON,
    TEXTS,
    as_losses,
    as_numbers,
    as_text,
    check_shapes,
    check_values,
    missing_column,
)

__all__ = ["SAME_HORIZON", "RunTable"]


@dataclass(frozen=True, eq=False)
class RunTable:
    """Validated columns, each of shape `(n,)`, in the order in which the rows were given.

    Attributes:
        run: Label of the run that a row belongs to.
        lr: Base (peak) learning rate, positive.
        schedule: Name of the schedule; the names of `optuna_kappa.schedules` are understood.
        horizon: Data that the run was planned for, positive, in the unit of data of the table.
        step: Data seen when the loss was measured, 0 <= step <= horizon, up to
            rounding.
        loss: Loss, lower is better; NaN or infinite if the run diverged, or where it is missing. A
            loss beyond 1e100 in absolute value is made infinite.
        context: Further columns by name, as text. They may have any name, that of a column too.

    Raises:
        ValueError: If a column is missing, has another length, or holds a value that is not
            allowed.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> runs = example_runs(horizons=[4])
        >>> runs.lr.round(4).tolist()
        [0.0003, 0.0007, 0.0019, 0.005, 0.0137, 0.0372]
    """

    run: Texts
    lr: Floats
    schedule: Texts
    horizon: Floats
    step: Floats
    loss: Floats
    context: Mapping[str, Texts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_mapping("context", self.context, "it has further columns by name")
        columns: dict[str, NDArray[Any]] = {}
        for name in TEXTS:
            columns[name] = as_text(getattr(self, name))
        for name in NUMBERS:
            columns[name] = as_numbers(f"column {name!r}", getattr(self, name))
        columns["loss"] = as_losses(self.loss)
        context = {name: as_text(values) for name, values in self.context.items()}

        # A context column may have the name of a column.
        everything = columns | {f"context {name}": values for name, values in context.items()}
        check_shapes(everything)
        check_values(columns)

        for values in everything.values():
            values.flags.writeable = False
        for name, values in columns.items():
            object.__setattr__(self, name, values)
        object.__setattr__(self, "context", context)

    def __len__(self) -> int:
        return len(self.run)

    @classmethod
    def from_columns(cls, columns: Mapping[str, ArrayLike]) -> RunTable:
        """Make a table from named columns; columns that the format does not know are context.

        Raises:
            ValueError: If a column is missing or holds a value that is not allowed.

        Example:
            >>> rows = {"run": ["a", "b"], "lr": [0.1, 0.2], "schedule": ["constant"] * 2,
            ...         "horizon": [9, 9], "step": [9, 9], "loss": [1.2, 1.1], "width": [64, 64]}
            >>> RunTable.from_columns(rows).context["width"].tolist()
            ['64', '64']
        """
        check_mapping("columns", columns, "it has the columns of the table by name")
        if problem := missing_column(columns):
            raise ValueError(problem)

        known: dict[str, Any] = {name: columns[name] for name in COLUMNS}
        others = [name for name in columns if name not in COLUMNS]
        context = {name: np.asarray(columns[name]) for name in others}
        return cls(**known, context=context)

    @classmethod
    def from_dataframe(
        cls,
        frame: Any,
        *,
        lr: str | None = None,
        horizon: str | float | None = None,
        step: str | None = None,
        loss: str | None = None,
        run: str | None = None,
        schedule: str | None = None,
        context: Sequence[str] | None = None,
    ) -> RunTable:
        """Make a table of a data frame of pandas, Polars or PyArrow.

        `optuna_kappa.runs.histories` says what is recognised in histories of trackers: gaps, steps
        logged twice, and current rates in place of the base rate. Without a horizon, that of a run
        is its last step. Without `run`, rows with the same learning rate, schedule, horizon and
        context are a run, and a new one begins where the step starts over.

        Args:
            frame: Data frame with a row for each evaluation of each run.
            lr: Column of the learning rate; by default "lr", or another usual name.
            horizon: Column of the planned horizon, or the horizon of all runs as a number.
            step: Column of the data seen.
            loss: Column of the loss.
            run: Column that tells runs apart.
            schedule: Column of the schedule's name, or the schedule of all runs.
            context: Columns to keep; by default all others that do not change within a run.

        Raises:
            ValueError: If a column is missing, or holds a value that is not allowed.

        Example:
            >>> import pandas  # doctest: +SKIP
            >>> frame = pandas.read_csv("history.csv")  # doctest: +SKIP
            >>> RunTable.from_dataframe(frame, loss="val/loss", run="Name")  # doctest: +SKIP
        """
        # Imported here, because these modules import this one.
        from optuna_kappa.runs.cells import Place
        from optuna_kappa.runs.frames import frame_cells
        from optuna_kappa.runs.mapping import ColumnNames
        from optuna_kappa.runs.reading import read_cells

        names = ColumnNames(run, lr, schedule, horizon, step, loss, context)
        return read_cells(frame_cells(frame), names, Place("row"))

    @classmethod
    def empty(cls) -> RunTable:
        """Make a table without rows.

        Example:
            >>> len(RunTable.empty())
            0
        """
        return cls.from_columns({name: [] for name in COLUMNS})

    @classmethod
    def concatenate(cls, tables: Iterable[RunTable]) -> RunTable:
        """Join tables. Runs of different tables stay apart; missing context becomes ''.

        Example:
            >>> from optuna_kappa.runs import example_runs
            >>> both = RunTable.concatenate([example_runs(), example_runs(schedule="cosine")])
            >>> both.run[[0, 24]].tolist()
            ['0:0', '1:0']
        """
        # Imported here, because that module imports this one.
        from optuna_kappa.runs.joining import joined

        return joined(check_items("tables", tables, cls, "read_csv and run_table make one"))

    def where(self, mask: Bools) -> RunTable:
        """Return the rows where `mask`, of shape `(n,)`, is true.

        Example:
            >>> from optuna_kappa.runs import example_runs
            >>> runs = example_runs()
            >>> len(runs.where(runs.horizon == 4))
            6
        """
        mask = np.asarray(mask)
        if mask.dtype != np.bool_ or mask.shape != (len(self),):
            raise ValueError(
                f"mask must have {len(self)} values, each True or False, got {shown(mask)}: it "
                "says which rows to keep."
            )

        columns = {name: getattr(self, name)[mask] for name in COLUMNS}
        context = {name: values[mask] for name, values in self.context.items()}
        return RunTable(**columns, context=context)

    @property
    def positive(self) -> bool:
        """Whether all finite losses are above 0, so that their logarithms can be taken.

        Example:
            >>> from optuna_kappa.runs import example_runs
            >>> example_runs().positive
            True
        """
        finite = self.loss[np.isfinite(self.loss)]
        return bool((finite > 0).all())

    def by_run(self) -> list[Rows]:
        """Indices of the rows of each run, by ascending step.

        Example:
            >>> from optuna_kappa.runs import example_runs
            >>> len(example_runs().by_run())
            24
        """
        if not len(self):
            return []

        order = np.lexsort((self.step, self.run))
        labels = self.run[order]
        is_start = labels[1:] != labels[:-1]
        return np.split(order, np.flatnonzero(is_start) + 1)

    def groups(self, names: Sequence[str]) -> Iterator[tuple[dict[str, str], RunTable]]:
        """Split the table by the values of context columns, in sorted order.

        Yields:
            The values by column, and the rows that have them.

        Raises:
            ValueError: If a name is not a context column.

        Example:
            >>> rows = {"run": [0, 1], "lr": [0.1, 0.2], "schedule": ["constant"] * 2,
            ...         "horizon": [9, 9], "step": [9, 9], "loss": [1.2, 1.1], "width": [64, 32]}
            >>> for values, runs in RunTable.from_columns(rows).groups(["width"]):
            ...     print(values, runs.lr)
            {'width': '32'} [0.2]
            {'width': '64'} [0.1]
        """
        names = check_items("names", names, str, "it has the names of context columns")
        self._check_context(names)
        if not names:
            yield {}, self
            return

        keys = np.stack([self.context[name] for name in names], axis=1)
        for key in np.unique(keys, axis=0):
            values = dict(zip(names, key.tolist(), strict=True))
            has_values = (keys == key).all(axis=1)
            yield values, self.where(has_values)

    def to_csv(self, path: str | PathLike[str]) -> None:
        r"""Write the table, gzipped if the name ends in `.gz`.

        The same table gives the same bytes.

        Example:
            >>> from pathlib import Path
            >>> from tempfile import TemporaryDirectory
            >>> with TemporaryDirectory() as folder:
            ...     RunTable.empty().to_csv(Path(folder, "runs.csv"))
            ...     Path(folder, "runs.csv").read_text()
            'run,lr,schedule,horizon,step,loss\n'
        """
        # Imported here, because that module imports this one.
        from optuna_kappa.runs.files import write_csv

        write_csv(self, path)

    def _check_context(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self.context:
                raise ValueError(
                    f"{name!r} is not a context column of this table; "
                    f"it has {', '.join(self.context) or 'none'}"
                )
