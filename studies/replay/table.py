"""Turn a run table, and what is asked of it, into an objective."""

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

_FINE = 2.0**30  # steps of the longest run, if the table's own unit cannot count whole steps
_DISTINCT = 0.9  # a random search has at least this fraction of distinct learning rates
_SHORT = 24  # without epochs, a short horizon is the target divided by this


class Prepared(NamedTuple):
    """An objective and what it was made from.

    Attributes:
        objective: It counts data in steps that are whole numbers and fit Optuna's storages.
        schedule: Name of the schedule in the table.
        horizon: Target horizon in the unit of the table.
        runs: The runs of the schedule, with data in steps.
        prefix: Whether the beginning of a run is a run of a shorter horizon.
        per_unit: Steps in a unit of the table.
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
    """Make an objective from the runs of one schedule.

    Args:
        runs: Runs of one context, except for their seeds, or of a random search over several
            columns.
        schedule: Name of the schedule, or its first word. It may be None if the table has only
            one schedule.
        horizon: Target horizon in the unit of the table. If that unit is samples and a column
            `epoch` says how many make an epoch, a number below the first report is taken as a
            number of epochs. None for the largest horizon that has runs.
        per_unit: Steps in a unit of the table; `steps_per_unit` of the table by default.

    Raises:
        ValueError: The table has no such runs, or they cannot be told apart.
    """
    runs = _of_schedule(runs, schedule)
    target = _horizon(runs, horizon)
    name = str(runs.schedule[0])

    per_unit = per_unit or steps_per_unit(runs)
    shape = _shape(name, per_unit)
    prefix = _is_prefix(shape, runs)
    short = per_unit * (samples_an_epoch(runs) or target / _SHORT)
    steps = _in_steps(runs, per_unit)
    objective = _objective(
        steps,
        shape,
        target=round(target * per_unit),
        short=short,
        prefix=prefix,
    )
    return Prepared(objective, name, target, steps, prefix, per_unit)


def _in_steps(runs: RunTable, per_unit: float) -> RunTable:
    """The same runs, with data in steps."""
    return replace(
        runs,
        horizon=np.round(runs.horizon * per_unit),
        step=np.round(runs.step * per_unit),
    )


def _objective(
    runs: RunTable,
    shape: AnySchedule | None,
    *,
    target: float,
    short: float,
    prefix: bool,
) -> Objective:
    """Make the objective of a grid or of a random search.

    Args:
        runs: Runs of one schedule, with data in steps.
        shape: Their schedule, if it is known.
        target: Target horizon, in steps.
        short: A short horizon, in steps.
        prefix: Whether the beginning of a run is a run of a shorter horizon.
    """
    columns = varying(runs)
    if not columns:
        return Grid(
            runs,
            target,
            prefix=prefix,
            schedule=shape or constant(),
            epoch=short,
        )

    # A random search uses most learning rates once; rounding makes a few of them equal.
    n_lrs = len(np.unique(runs.lr))
    n_runs = len(np.unique(runs.run))
    if n_lrs < _DISTINCT * n_runs:
        example = ",".join(f"{column}={runs.context[column][0]}" for column in columns)
        raise ValueError(
            f"the runs differ in {', '.join(columns)} as well; choose by "
            f"--where {example} or other values"
        )

    return Lookup(runs, columns, target, short)


def steps_per_unit(*tables: RunTable) -> float:
    """Return the factor that turns the unit of data of the tables into steps.

    It is 1 if data is counted in whole numbers that fit 32 bits. Otherwise it makes the longest
    run `_FINE` steps long.

    Args:
        tables: Run tables in one unit of data.
    """
    steps = np.concatenate([table.step for table in tables])
    largest = max(float(table.horizon.max()) for table in tables)
    if (steps == np.round(steps)).all() and largest <= MAX_STEP:
        return 1.0

    return _FINE / largest


def _of_schedule(runs: RunTable, schedule: str | None) -> RunTable:
    """The runs of one schedule; None for the only one."""
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
    """The target horizon in the unit of the table; None for the largest."""
    longest = runs.horizon.max()
    if horizon is None:
        return float(longest)

    epoch = samples_an_epoch(runs)
    horizon = in_unit(runs, horizon)
    if not 0 < horizon <= longest:
        in_epochs = f" or {longest / epoch:g} (epochs of {epoch:g})" if epoch else ""
        raise ValueError(
            "horizon must be above 0 and at most that of the longest run, "
            f"{longest:g}{in_epochs}, but is {horizon:g}"
        )

    return float(horizon)


def _shape(name: str, per_unit: float) -> AnySchedule | None:
    """The schedule of this name, with its period in steps; None if the name is not understood."""
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
