"""From a run table and what is asked of it to an objective."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from optuna_kappa import RunTable
from optuna_kappa._validation import MAX_STEP
from optuna_kappa.runs.selection import in_unit, samples_an_epoch, varying
from optuna_kappa.schedules import AnySchedule, PeriodicSchedule, constant, parse
from studies.replay.grid import Grid
from studies.replay.lookup import Lookup
from studies.replay.objective import Objective

_FINE = 2.0**30  # steps of the longest run where the table's unit is not one of whole steps
_DISTINCT = 0.9
_SHORT = 24  # a short horizon, where the table has no epochs, is this part of the target


class Prepared(NamedTuple):
    """An objective and what it was made from.

    Attributes:
        objective: It counts data in steps that are whole numbers and fit Optuna's storages.
        schedule: Name of the schedule in the table.
        horizon: Target horizon in the unit of the table.
        runs: The runs of the schedule, their data in steps.
        prefix: Whether the beginning of a run is a run of a shorter horizon.
        per_unit: Steps in the unit of the table.
    """

    objective: Objective
    schedule: str
    horizon: float
    runs: RunTable
    prefix: bool
    per_unit: float


def prepare(
    runs: RunTable,
    schedule: str | None,
    horizon: float | None,
    per_unit: float | None = None,
) -> Prepared:
    """Makes an objective of the runs of one schedule.

    Args:
        runs: Runs of one context, seeds aside, or of a random search over several columns.
        schedule: Name of the schedule, or its first word; None where the table has only one.
        horizon: Target horizon in the unit of the table. Where that is samples and a column
            `epoch` says how many make one, a number below the first report is one of epochs.
            None for the largest that has runs.
        per_unit: Steps in the unit of the table; `steps_per_unit` of it by default.

    Raises:
        ValueError: The table has no such runs, or they cannot be told apart.
    """
    runs = _of_schedule(runs, schedule)
    target = _horizon(runs, horizon)
    name, per_unit = str(runs.schedule[0]), per_unit or steps_per_unit(runs)
    shape = _shape(name, per_unit)
    short = per_unit * (samples_an_epoch(runs) or target / _SHORT)
    steps = replace(
        runs,
        horizon=np.round(runs.horizon * per_unit),
        step=np.round(runs.step * per_unit),
    )
    prefix = _is_prefix(shape, runs)
    made = _objective(steps, shape, round(target * per_unit), short, prefix=prefix)
    return Prepared(made, name, target, steps, prefix, per_unit)


def _objective(
    runs: RunTable, shape: AnySchedule | None, target: float, short: float, *, prefix: bool
) -> Objective:
    """The objective of runs that count steps."""
    columns = varying(runs)
    if not columns:
        return Grid(runs, target, prefix=prefix, schedule=shape or constant(), epoch=short)
    # Of a random search most learning rates are used once; rounding makes a few the same.
    if len(np.unique(runs.lr)) < _DISTINCT * len(np.unique(runs.run)):
        raise ValueError(
            f"the runs differ in {', '.join(columns)} as well; choose by "
            f"--where {','.join(f'{c}={runs.context[c][0]}' for c in columns)} or other values"
        )
    return Lookup(runs, columns, target, short)


def steps_per_unit(*tables: RunTable) -> float:
    """1 where data is counted in whole numbers that fit 32 bits, else what makes it so.

    Args:
        tables: Run tables in one unit of data.
    """
    whole = all((table.step == np.round(table.step)).all() for table in tables)
    largest = max(float(table.horizon.max()) for table in tables)
    return 1.0 if whole and largest <= MAX_STEP else _FINE / largest


def _of_schedule(runs: RunTable, schedule: str | None) -> RunTable:
    names = sorted(set(runs.schedule.tolist()))
    if schedule is None:
        if len(names) > 1:
            raise ValueError(f"the table has several schedules; choose one of {', '.join(names)}")
        return runs
    matching = [name for name in names if schedule in (name, name.partition("(")[0])]
    if len(matching) != 1:
        count = "several" if matching else "no"
        raise ValueError(f"{count} runs have schedule {schedule!r}; there are {', '.join(names)}")
    return runs.where(runs.schedule == matching[0])


def _horizon(runs: RunTable, horizon: float | None) -> float:
    if horizon is None:
        return float(runs.horizon.max())
    epoch = samples_an_epoch(runs)
    horizon = in_unit(runs, horizon)
    if not 0 < horizon <= runs.horizon.max():
        unit = f" (epochs of {epoch:g})" if epoch else ""
        raise ValueError(
            f"horizon must be above 0 and at most that of the longest run, "
            f"{runs.horizon.max():g}{unit and f' or {runs.horizon.max() / epoch:g}'}{unit}, but "
            f"is {horizon:g}"
        )
    return float(horizon)


def _shape(name: str, per_unit: float) -> AnySchedule | None:
    """The schedule of this name with its period in steps; None if the name says nothing."""
    try:
        shape = parse(name)
    except ValueError:
        return None
    if isinstance(shape, PeriodicSchedule):
        return replace(shape, period=shape.period * per_unit)
    return shape


def _is_prefix(shape: AnySchedule | None, runs: RunTable) -> bool:
    """Whether the beginning of a run is a run of a shorter horizon."""
    if shape is None:
        return len(np.unique(runs.horizon)) == 1
    return isinstance(shape, PeriodicSchedule) or shape == constant()
