"""Make an objective from a random search, in which every recorded run is another configuration.

All columns that vary are parameters. A trial replays the curve of the configuration that is
nearest to its parameters. To measure the distance, each parameter is scaled to [0, 1] over its
recorded range, on a logarithmic scale if all its values are positive and cover more than two
decades.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from optuna_kappa._typing import Floats
from optuna_kappa.runs import RunTable
from optuna_kappa.runs.table import SAME_HORIZON
from optuna_kappa.schedules import constant
from studies.replay.objective import LR, Curve, Params

_NEAR = 0.1  # the expected loss is the mean over the steps within this fraction of the target
_WIDE = 100.0  # ratio of largest to smallest value above which a scale is logarithmic


class Lookup:
    """An objective that looks up the nearest recorded run.

    See `studies.replay.objective.Objective`.
    """

    schedule = constant()  # the beginning of a run stands for a shorter run

    def __init__(
        self,
        runs: RunTable,
        columns: Sequence[str],
        horizon: float,
        epoch: float,
    ) -> None:
        """Create the objective.

        Args:
            runs: Runs of one schedule, at least one of them of the target horizon.
            columns: Context columns that are parameters besides the learning rate.
            horizon: Target horizon, in steps.
            epoch: A short horizon, in steps.
        """
        self.horizon = horizon
        self.epoch = epoch

        long_enough = runs.horizon >= horizon
        inside = (runs.step > 0) & (runs.step <= horizon)
        runs = runs.where(long_enough & inside)

        rows_by_run = runs.by_run()
        first = np.array([rows[0] for rows in rows_by_run])
        self._curves = []
        for rows in rows_by_run:
            curve = Curve(runs.step[rows], runs.loss[rows])
            self._curves.append(curve)

        # A parameter has one value in each run: that of its first row.
        self._values = {LR: runs.lr[first]}
        for name in columns:
            self._values[name] = _numbers(runs.context[name][first])

    @cached_property
    def space(self) -> Mapping[str, BaseDistribution]:
        """The recorded range of each parameter."""
        return {name: _distribution(values) for name, values in self._values.items()}

    @cached_property
    def recorded(self) -> Sequence[Params]:
        """The recorded configurations."""
        columns = [values.tolist() for values in self._values.values()]
        configurations = []
        for row in zip(*columns, strict=True):
            params = dict(zip(self._values, row, strict=True))
            configurations.append(params)

        return configurations

    def curve(
        self,
        params: Params,
        horizon: float,
        rng: np.random.Generator,
    ) -> Curve:
        """Return the curve of the nearest configuration. Nothing is drawn at random."""
        steps, losses = self._curves[self._nearest(params)]
        end = horizon * (1 + SAME_HORIZON)
        n = max(1, int(np.searchsorted(steps, end, side="right")))

        return Curve(steps[:n], losses[:n])

    def regret(self, params: Params) -> float:
        """Mean loss near the end of a full run, divided by that of the best one, minus 1.

        If the best loss is not positive, its difference to the median loss is the unit instead.
        """
        best = float(np.min(self._finals))
        excess = float(self._finals[self._nearest(params)]) - best
        if best > 0:
            return excess / best

        finite = self._finals[np.isfinite(self._finals)]
        return excess / (float(np.median(finite)) - best)

    def _nearest(self, params: Params) -> int:
        distance = np.zeros(len(self._curves))
        for name, values in self._values.items():
            distance += _differences(self.space[name], values, params[name]) ** 2

        return int(np.argmin(distance))

    @cached_property
    def _finals(self) -> Floats:
        """Mean loss of each configuration near the target; infinite if it diverged."""
        begin = (1 - _NEAR) * self.horizon
        means = []
        for steps, losses in self._curves:
            near = steps >= begin
            mean = float(np.mean(losses[near])) if near[-1] else math.nan
            means.append(mean)

        return np.where(np.isfinite(means), means, np.inf)


def _numbers(texts: np.ndarray) -> np.ndarray:
    """Return a column as numbers if all its texts are numbers, else unchanged."""
    try:
        return texts.astype(np.float64)
    except ValueError:
        return texts


def _distribution(values: np.ndarray) -> BaseDistribution:
    if not np.issubdtype(values.dtype, np.number):
        return CategoricalDistribution(sorted({str(value) for value in values}))

    low = float(values.min())
    high = float(values.max())
    return FloatDistribution(low, high, log=low > 0 and high / low > _WIDE)


def _differences(
    distribution: BaseDistribution,
    values: np.ndarray,
    wanted: Any,
) -> Floats:
    """Distance of each recorded value from the wanted one, as a fraction of the range."""
    if not isinstance(distribution, FloatDistribution):
        return np.asarray(values != wanted, dtype=np.float64)

    scale = np.log if distribution.log else np.asarray
    low = scale(distribution.low)
    high = scale(distribution.high)
    return np.asarray((scale(values) - scale(wanted)) / (high - low))
