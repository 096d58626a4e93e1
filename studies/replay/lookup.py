"""An objective from a random search: every recorded run is another configuration.

All columns that vary are parameters, and a trial is the curve of the configuration nearest to its
parameters, each scaled to [0, 1] over its recorded range: on a logarithmic scale if all its values
are positive and cover more than two decades.
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
from optuna_kappa.schedules import constant
from studies.replay.objective import LR, Curve, Params

_NEAR = 0.1  # expected losses are averaged over steps within this part of the target
_WIDE = 100.0  # ratio from which a parameter counts as one on a logarithmic scale


class Lookup:
    """The objective; see `studies.replay.objective.Objective`."""

    schedule = constant()  # the beginning of a run stands for a shorter one

    def __init__(
        self, runs: RunTable, columns: Sequence[str], horizon: float, epoch: float
    ) -> None:
        """Makes the objective.

        Args:
            runs: Runs of one schedule, at least one of them of the target horizon.
            columns: Context columns that are parameters besides the learning rate.
            horizon: Target horizon, in steps.
            epoch: A short horizon.
        """
        self.horizon, self.epoch = horizon, epoch
        runs = runs.where((runs.horizon >= horizon) & (runs.step > 0) & (runs.step <= horizon))
        rows_of = runs.by_run()
        self._curves = [Curve(runs.step[rows], runs.loss[rows]) for rows in rows_of]
        first = np.array([rows[0] for rows in rows_of])
        columns_of = {LR: runs.lr[first]}
        columns_of |= {name: _numbers(runs.context[name][first]) for name in columns}
        self._values = columns_of

    @cached_property
    def space(self) -> Mapping[str, BaseDistribution]:
        """The recorded range of each parameter."""
        return {name: _distribution(values) for name, values in self._values.items()}

    @cached_property
    def recorded(self) -> Sequence[Params]:
        """The recorded configurations."""
        rows = zip(*(values.tolist() for values in self._values.values()), strict=True)
        return [dict(zip(self._values, row, strict=True)) for row in rows]

    def curve(self, params: Params, horizon: float, rng: np.random.Generator) -> Curve:
        """The curve of the nearest configuration; nothing is drawn."""
        steps, losses = self._curves[self._nearest(params)]
        n = max(1, int(np.searchsorted(steps, horizon * (1 + 1e-6), side="right")))
        return Curve(steps[:n], losses[:n])

    def regret(self, params: Params) -> float:
        """Mean loss near the end of a full run over that of the best one, minus 1."""
        best = float(np.min(self._finals))
        excess = float(self._finals[self._nearest(params)]) - best
        finite = self._finals[np.isfinite(self._finals)]
        return excess / (best if best > 0 else float(np.median(finite)) - best)

    def _nearest(self, params: Params) -> int:
        distance = np.zeros(len(self._curves))
        for name, values in self._values.items():
            distance += _differences(self.space[name], values, params[name]) ** 2
        return int(np.argmin(distance))

    @cached_property
    def _finals(self) -> Floats:
        """Mean loss of each configuration near the target; infinite if it diverged."""
        means = [
            float(np.mean(losses[steps >= (1 - _NEAR) * self.horizon]))
            if steps[-1] >= (1 - _NEAR) * self.horizon
            else math.nan
            for steps, losses in self._curves
        ]
        return np.where(np.isfinite(means), means, np.inf)


def _numbers(texts: np.ndarray) -> np.ndarray:
    """A column as numbers where it is one of numbers, else as it is."""
    try:
        return texts.astype(np.float64)
    except ValueError:
        return texts


def _distribution(values: np.ndarray) -> BaseDistribution:
    if not np.issubdtype(values.dtype, np.number):
        return CategoricalDistribution(sorted({str(value) for value in values}))
    low, high = float(values.min()), float(values.max())
    return FloatDistribution(low, high, log=low > 0 and high / low > _WIDE)


def _differences(distribution: BaseDistribution, values: np.ndarray, wanted: Any) -> Floats:
    """Distance of recorded values to the wanted one, in parts of the range."""
    if not isinstance(distribution, FloatDistribution):
        return np.asarray(values != wanted, dtype=np.float64)
    scale = np.log if distribution.log else np.asarray
    low, high = scale(distribution.low), scale(distribution.high)
    return np.asarray((scale(values) - scale(wanted)) / (high - low))
