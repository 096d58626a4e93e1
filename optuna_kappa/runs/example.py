"""A small run table with a known law, to try things on. The examples of the docs start from it."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from optuna_kappa._validation import POSITIVE, Interval, check_items, check_type
from optuna_kappa.runs.columns import COLUMNS
from optuna_kappa.runs.table import RunTable
from optuna_kappa.schedules import as_schedule

_SLOPE = Interval(-10, 10)
_LR_AT_1 = 0.01  # the optimal learning rate of a constant-rate run of horizon 1
_STEEPNESS = 0.8  # a run whose rate is off by a factor of e has a loss a third higher
# Rates of the runs over the optimum. They are shifted, so that the optimum is not among them.
_MULTIPLES = np.exp(np.linspace(-2.5, 2.5, 6) + 0.2)


def example_runs(
    slope: float = 1.0,
    schedule: str = "constant",
    horizons: Sequence[float] = (1, 4, 16, 64),
) -> RunTable:
    """Make a run table of six learning rates at each horizon, with the final loss of each run.

    The optimal learning rate is 0.01 horizon^-slope / (mean of the schedule). The loss is
    horizon^-0.3 cosh(0.8 ln(lr / optimum)), without noise.

    Args:
        slope: How fast the optimum falls with the horizon, -d ln lr / d ln horizon.
        schedule: Name of the schedule of the runs.
        horizons: Horizons of the runs, each above 0.

    Raises:
        ValueError: If a horizon is not positive, or the schedule is not known.

    Example:
        >>> runs = example_runs(slope=0.5, horizons=[1, 4])
        >>> len(runs), runs.lr[runs.loss == runs.loss.min()].round(5).tolist()
        (12, [0.0037])
    """
    slope = _SLOPE.check("slope", slope, "the optimum falls as horizon^-slope")
    check_type("schedule", schedule, str, "it is the name of a schedule")
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}

    remedy = "it is the data a whole run sees"
    for given in check_items("horizons", horizons, Real, remedy):
        horizon = POSITIVE.check("horizon", given, remedy)
        optimum = _LR_AT_1 * horizon**-slope / as_schedule(schedule).resolve(horizon).mean

        for multiple in _MULTIPLES:
            loss = horizon**-0.3 * np.cosh(_STEEPNESS * np.log(multiple))
            columns["run"].append(len(columns["run"]))
            columns["lr"].append(optimum * multiple)
            columns["schedule"].append(schedule)
            columns["horizon"].append(horizon)
            columns["step"].append(horizon)
            columns["loss"].append(loss)

    return RunTable.from_columns(columns)
