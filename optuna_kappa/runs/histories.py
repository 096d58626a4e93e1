"""Histories, as trackers record them, made into run tables.

A history has a row for each time that anything was logged. It need not be a run table yet:

- Metrics logged at different steps leave gaps. Rows of a run at the same step become one.
- A run that was resumed from a checkpoint logs a range of steps twice. The later rows count.
- The current rate may be logged in place of the base rate (`optuna_kappa.runs.rates`).
- Columns may be missing: the horizon, the schedule, or what tells runs apart.

All readers hand over plain columns, so that what is recognised is the same for each of them. What
was recognised is said once a table, by the logger of this package.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from optuna_kappa._typing import Bools, Floats, Texts
from optuna_kappa.runs.cells import Cells, Column, Place, numbers, texts
from optuna_kappa.runs.columns import check_values
from optuna_kappa.runs.logged_rates import base_rates, note_rates
from optuna_kappa.runs.mapping import ColumnNames, listed
from optuna_kappa.runs.ordered import OrderedRows, ordered, value_of_runs
from optuna_kappa.runs.rates import BaseRate
from optuna_kappa.runs.table import RunTable
from optuna_kappa.schedules import CONSTANT

_logger = logging.getLogger(__name__)


def table_of(cells: Cells, names: ColumnNames, place: Place) -> RunTable:
    """Make a run table of the columns of a history.

    Args:
        cells: Columns by name: arrays of numbers, or lists of texts, of the same length.
        names: Which column holds what.
        place: Where a row is, in words, for messages.

    Raises:
        ValueError: If a column is missing, holds a value that is not allowed, or no run has a
            learning rate and a loss.

    Example:
        >>> cells = {"Name": ["a", "a", "b"], "lr": [0.1, 0.1, 0.2], "_step": [1, 2, 2],
        ...          "loss": [1.5, 1.2, 1.3]}
        >>> runs = table_of(cells, ColumnNames(horizon=2), Place("row"))
        >>> runs.run.tolist(), runs.horizon.tolist()
        (['a', 'a', 'b'], [2.0, 2.0, 2.0])
    """
    chosen = names.resolve(list(cells))
    n_rows = len(cells[chosen["step"]])
    if not n_rows:
        raise ValueError("the table has no rows")

    taken = {name: numbers(name, cells[chosen[name]], place) for name in ("lr", "step", "loss")}
    _check_signs(taken, place)
    if not np.isfinite(taken["loss"]).any():
        raise ValueError(_no_loss(cells, chosen))

    rows = ordered(cells, chosen, names, taken)
    horizon = _horizons(cells, chosen, names, rows, place)
    rates = base_rates(rows, horizon)
    schedule = _schedules(cells, chosen, names, rows, rates)

    keep = np.array([rate is not None for rate in rates]) & (horizon > 0)
    _note_left_out(keep, chosen["lr"])
    lr = np.array([rate.lr if rate else np.nan for rate in rates])[keep]
    kept = rows.of_runs(keep)
    columns = {
        "run": kept.labels[kept.code],
        "lr": lr[kept.code],
        "schedule": schedule[keep][kept.code],
        "horizon": horizon[keep][kept.code],
        "step": kept.step,
        "loss": kept.loss,
    }
    check_values(columns, place, kept.source)
    context = _context(cells, chosen, names, kept)
    return RunTable(**columns, context=context)


def _check_signs(columns: Mapping[str, Floats], place: Place) -> None:
    """Raise a ValueError for a rate or a step below 0, or an infinite one."""
    for name in ("lr", "step"):
        values = columns[name]
        is_bad = (values < 0) | np.isinf(values)
        if is_bad.any():
            row = int(np.argmax(is_bad))
            raise ValueError(
                f"{place(row)}: {name} must be finite and at least 0, but is {values[row]:g}"
            )


def _no_loss(cells: Cells, chosen: Mapping[str, str]) -> str:
    """Error message for a column of losses that has none; it names the columns with numbers."""
    others = []
    for name, values in cells.items():
        if name not in chosen.values() and _has_numbers(values):
            others.append(name)
    return (
        f"no run has a loss in the column {chosen['loss']!r}; other columns with numbers are "
        f"{listed(others)}"
    )


def _has_numbers(values: Column) -> bool:
    try:
        return bool(np.isfinite(numbers("", values, Place("row"))).any())
    except ValueError:
        return False


def _horizons(
    cells: Cells,
    chosen: Mapping[str, str],
    names: ColumnNames,
    rows: OrderedRows,
    place: Place,
) -> Floats:
    """The horizon of each run, shape `(r,)`: the one given, or its last step."""
    n_runs = len(rows.labels)
    ends = np.append(rows.starts[1:], len(rows.code))
    last_step: Floats = rows.step[ends - 1]
    if isinstance(names.horizon, float):
        return np.full(n_runs, names.horizon)
    if "horizon" not in chosen:
        _logger.warning(
            "no column has the horizon of the runs: each run's is taken to be its last step"
        )
        return last_step

    values = numbers("horizon", cells[chosen["horizon"]], place)
    of_run = value_of_runs(values, ~np.isnan(values), rows, chosen["horizon"], "horizon", place)
    return np.where(np.isnan(of_run), last_step, of_run)


def _schedules(
    cells: Cells,
    chosen: Mapping[str, str],
    names: ColumnNames,
    rows: OrderedRows,
    rates: Sequence[BaseRate | None],
) -> Texts:
    """The name of each run's schedule, shape `(r,)`: the one given, or the one of its rates."""
    logged = np.array([rate.schedule if rate else CONSTANT for rate in rates], dtype=np.str_)
    note_rates(logged, chosen["lr"])
    if "schedule" not in chosen:
        return np.full(len(logged), names.schedule) if names.schedule else logged

    values = texts(cells[chosen["schedule"]])
    first = rows.first_rows(values != "")
    return np.where(values[first] == "", logged, values[first])


def _note_left_out(keep: Bools, column: str) -> None:
    """Say how many runs have no learning rate.

    Raises:
        ValueError: If none has one.
    """
    n_left_out = int((~keep).sum())
    if n_left_out == len(keep):
        raise ValueError(f"no run has a learning rate above 0 in the column {column!r}")
    if n_left_out:
        _logger.warning(
            "%d of %d runs have no learning rate in the column %r, or no steps: they are left out",
            n_left_out,
            len(keep),
            column,
        )


def _context(
    cells: Cells,
    chosen: Mapping[str, str],
    names: ColumnNames,
    rows: OrderedRows,
) -> dict[str, Texts]:
    """The other columns that do not change within a run, or those asked for.

    Raises:
        ValueError: If one that was asked for changes within a run.
    """
    others = [name for name in cells if name and name not in chosen.values()]
    context = {}
    for name in names.context if names.context is not None else others:
        values = texts(cells[name])
        is_given = values != ""
        of_run = values[rows.first_rows(is_given)]
        differs = values[rows.all_rows] != of_run[rows.all_codes]
        changes = is_given[rows.all_rows] & differs
        if changes.any() and names.context is not None:
            run = rows.labels[rows.all_codes[np.argmax(changes)]]
            raise ValueError(
                f"the column {name!r} changes within run {str(run)!r}: context must be the same "
                "in all rows of a run"
            )
        if not changes.any() and (of_run != "").any():
            context[name] = of_run[rows.code]
    return context
