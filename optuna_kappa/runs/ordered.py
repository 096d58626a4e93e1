"""Rows of a history ordered by run and step, each step once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from optuna_kappa._typing import Bools, Floats, Rows, Texts
from optuna_kappa.runs.cells import Cells, Place
from optuna_kappa.runs.grouping import first_of, last_of, runs_of
from optuna_kappa.runs.mapping import ColumnNames
from optuna_kappa.runs.resumed import without_superseded

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OrderedRows:
    """Rows of a history, ordered by run and step, one a step.

    Attributes:
        labels: Labels of the runs, shape `(r,)`.
        code: Which run each row belongs to, ascending, shape `(n,)`.
        step: Step of each row.
        loss: Its loss, NaN where none was logged.
        lr: Its rate, NaN where none was logged.
        source: Which row of the history has the loss, or the first one of the step.
        all_rows: All rows of the history that belong to a run, by run, shape `(m,)`.
        all_codes: Which run each of them belongs to, ascending.
    """

    labels: Texts
    code: Rows
    step: Floats
    loss: Floats
    lr: Floats
    source: Rows
    all_rows: Rows
    all_codes: Rows

    def of_runs(self, keep: Bools) -> OrderedRows:
        """The rows of the runs where `keep`, of shape `(r,)`, is true."""
        new_code = np.cumsum(keep) - 1
        rows = keep[self.code]
        every = keep[self.all_codes]
        return OrderedRows(
            labels=self.labels[keep],
            code=new_code[self.code[rows]],
            step=self.step[rows],
            loss=self.loss[rows],
            lr=self.lr[rows],
            source=self.source[rows],
            all_rows=self.all_rows[every],
            all_codes=new_code[self.all_codes[every]],
        )

    @property
    def starts(self) -> Rows:
        """First row of each run."""
        return np.searchsorted(self.code, np.arange(len(self.labels)))

    def first_rows(self, is_given: Bools) -> Rows:
        """The first row of the history, of each run, at which `is_given`, shape `(r,)`."""
        starts = np.searchsorted(self.all_codes, np.arange(len(self.labels)))
        return self.all_rows[first_of(is_given[self.all_rows], starts)]


def ordered(
    cells: Cells,
    chosen: Mapping[str, str],
    names: ColumnNames,
    taken: Mapping[str, Floats],
) -> OrderedRows:
    """The rows of each run by step, each step once."""
    step = taken["step"]
    labels, code = runs_of(cells, chosen, names, taken)
    has_place = np.isfinite(step) & (code >= 0)
    n_lost = int((~has_place & np.isfinite(taken["loss"])).sum())
    if n_lost:
        _logger.warning("%d losses have no step or no run and are left out", n_lost)

    source = np.flatnonzero(has_place)
    if not len(source):
        raise ValueError(f"no row has a step in the column {chosen['step']!r} and a run")
    source = source[np.lexsort((step[source], code[source]))]
    source = without_superseded(source, code, step, taken["loss"])

    # Rows of one run at one step become one; what was logged last counts.
    code, step = code[source], step[source]
    is_first = np.ones(len(source), dtype=np.bool_)
    is_first[1:] = (code[1:] != code[:-1]) | (step[1:] != step[:-1])
    starts = np.flatnonzero(is_first)
    loss_row = last_of(~np.isnan(taken["loss"][source]), starts)
    lr_row = last_of(~np.isnan(taken["lr"][source]), starts)

    present, all_codes = np.unique(code, return_inverse=True)
    return OrderedRows(
        labels=labels[present],
        code=all_codes[starts],
        step=step[starts],
        loss=taken["loss"][source[loss_row]],
        lr=taken["lr"][source[lr_row]],
        source=source[loss_row],
        all_rows=source,
        all_codes=all_codes,
    )


def value_of_runs(
    values: Any,
    is_given: Bools,
    rows: OrderedRows,
    column: str,
    name: str,
    place: Place,
) -> Any:
    """The value that each run has in a column, shape `(r,)`; its first one.

    Raises:
        ValueError: If a run has two.
    """
    firsts = rows.first_rows(is_given)
    of_run = values[firsts]
    differs = is_given[rows.all_rows] & (values[rows.all_rows] != of_run[rows.all_codes])
    if differs.any():
        found = int(np.argmax(differs))
        run = rows.all_codes[found]
        row = int(rows.all_rows[found])
        raise ValueError(
            f"{place(row)}: run {str(rows.labels[run])!r} has {name} {values[row]} in the column "
            f"{column!r}, but {of_run[run]} at {place(int(firsts[run]))}; a run has one"
        )
    return of_run
