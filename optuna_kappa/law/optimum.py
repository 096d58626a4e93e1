"""The best learning rate at each horizon, with a standard error.

The minimum of the valley that the losses at a horizon make (`optuna_kappa.law.valley`). Its shape
at one horizon, widened with the distance, is the prior of the next, so that two trials at a new
horizon already say on which side of them the optimum lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optuna_kappa.law.contexts import Context
from optuna_kappa.law.observations import Observations
from optuna_kappa.law.valley import SHAPE_PRIOR, Losses, Shape, fit_valley, read

OWN = 0
_LEAST_SE = 0.02
_OUT_OF_REACH = 0.5  # added error of an optimum beyond the rates tried, whose valley is not seen
_FRESH = 1.0  # sd of ln s before any amplitude was seen
_DRIFT = 0.5  # sd that ln s gains in a unit of ln horizon
_OTHER = 1.0  # sd that it gains from one schedule to another
_KEPT = 0.5  # how much of the probabilities of the shapes goes on to the next horizon


@dataclass(frozen=True)
class Optimum:
    """The optimum at one horizon under one schedule.

    Attributes:
        schedule: Name of the schedule.
        horizon: Horizon, in the unit of data of the runs.
        ln_lr: ln of the best learning rate, the posterior mean.
        se: Its standard error, in units of ln lr.
        n: Observations that it rests on (those that diverged included).
        at_edge: Whether the best learning rate tried was the lowest or highest one; -1, 0 or 1.
        mean: Mean multiplier of the schedule at this horizon, None where it is not known.
        peak: Its largest multiplier, None where that is not known.
        table: Which table it was found in: `OWN` for the one that proposals are for, the others
            counted from 1.
        context: Values of the context columns of its runs.
    """

    schedule: str
    horizon: float
    ln_lr: float
    se: float
    n: int
    at_edge: int
    mean: float | None = None
    peak: float | None = None
    table: int = OWN
    context: Context = ()


class Chain:
    """Valleys of one table, horizon by horizon, each with the shape of the last as its prior."""

    def __init__(self, observations: Sequence[Observations]) -> None:
        """Reads the losses.

        Args:
            observations: Of one table, those at constant rate first, each schedule by ascending
                horizon; at least one.
        """
        losses = np.concatenate([seen.loss[np.isfinite(seen.loss)] for seen in observations])
        self._logarithmic = bool((losses > 0).all())
        seen = [read(one, logarithmic=self._logarithmic) for one in observations]
        self.scale = float(np.median([one.scale for one in seen])) or 1.0
        self._last: tuple[Observations, Shape] | None = None

    def losses(self, seen: Observations) -> Losses:
        """The losses of one horizon, on the scale of all."""
        return read(seen, logarithmic=self._logarithmic)

    def prior(self, seen: Observations) -> Shape:
        """What the valleys so far say of the shape of the next."""
        if self._last is None:
            return Shape(float(np.log(self.scale)), _FRESH, SHAPE_PRIOR)
        last, shape = self._last
        away = np.sqrt(abs(np.log(seen.horizon / last.horizon)))
        wider = _DRIFT * float(away) if seen.schedule == last.schedule else _OTHER
        sd = min(float(np.hypot(shape.sd, wider)), _FRESH)
        return Shape(shape.mean, sd, _KEPT * shape.weight + (1 - _KEPT) * SHAPE_PRIOR)

    def next(self, seen: Observations) -> Optimum | None:
        """The optimum of the next horizon; None while no horizon had three rates.

        A diverged rate above the best counts as one of them.
        """
        losses = self.losses(seen)
        if len(losses.x) + np.isfinite(losses.wall) < 3 and self._last is None:
            return None
        prior = self.prior(seen)
        valley = fit_valley(losses, self.scale, prior)
        ln_lr, sd = valley.minimum
        if not losses.edge:
            self._last = seen, valley.shape
        elif self._last is None:
            # Where the optimum is out of reach, what was seen is not the valley around it.
            self._last = seen, prior
        se = float(np.hypot(sd, _OUT_OF_REACH)) if losses.edge else max(sd, _LEAST_SE)
        return Optimum(seen.schedule, seen.horizon, ln_lr, se, losses.runs, losses.edge)


def find_optima(observations: Sequence[Observations]) -> list[Optimum]:
    """The optimum at each horizon.

    Args:
        observations: As for `Chain`. Horizons with two learning rates count only after one with
            three.
    """
    if not observations:
        return []
    chain = Chain(observations)
    found = (chain.next(seen) for seen in observations)
    return [optimum for optimum in found if optimum is not None]
