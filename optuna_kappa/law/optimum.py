"""The best learning rate at each horizon, with a standard error.

The minimum of the valley that the losses at a horizon make (`optuna_kappa.law.valley`). Its shape
at one horizon, widened with the distance, is the prior of the next, so that two trials at a new
horizon already say on which side of them the optimum lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from optuna_kappa.law.contexts import Context
from optuna_kappa.law.losses import Losses, read
from optuna_kappa.law.observations import Observations
from optuna_kappa.law.valley import fit_valley
from optuna_kappa.law.valley_shapes import SHAPE_PRIOR, Shape
from optuna_kappa.schedules.kappa import kappa

OWN = 0
_LEAST_SE = 0.02
_OUT_OF_REACH = 0.7  # added error of an optimum beyond the rates tried, whose valley is not seen
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

    @property
    def kappa(self) -> float | None:
        """Cumulative learning of a run at the optimum; None where the mean is not known."""
        if self.mean is None:
            return None
        return kappa(float(np.exp(self.ln_lr)), self.horizon, self.mean)


class Link(NamedTuple):
    """What a chain found at one horizon.

    Attributes:
        seen: The observations there.
        losses: Their losses, on the scale of all.
        prior: Of the valley's shape, from the horizons before.
        optimum: None while no horizon had three rates.
    """

    seen: Observations
    losses: Losses
    prior: Shape
    optimum: Optimum | None


@dataclass(frozen=True, eq=False)
class Chain:
    """Valleys of one table, horizon by horizon, each with the shape of the last as its prior.

    Attributes:
        links: One for each horizon, in the order of the observations.
        scale: Scale of the losses of all horizons.
        logarithmic: Whether these are logarithms.
    """

    links: Sequence[Link]
    scale: float
    logarithmic: bool

    @property
    def optima(self) -> list[Optimum]:
        """The optimum at each horizon, from the first on that has three learning rates."""
        return [link.optimum for link in self.links if link.optimum is not None]


def find_chain(observations: Sequence[Observations], *, logarithmic: bool | None = None) -> Chain:
    """Finds the valley at each horizon.

    Args:
        observations: Of one table, those at constant rate first, each schedule by ascending
            horizon. Horizons with two learning rates count only after one with three; a diverged
            rate above the best counts as one of them.
        logarithmic: Whether to take logarithms of the losses; by default if all are positive.
    """
    if not observations:
        return Chain((), 1.0, logarithmic=True)
    losses = np.concatenate([one.loss[np.isfinite(one.loss)] for one in observations])
    logarithmic = bool((losses > 0).all()) and logarithmic is not False
    each = [read(one, logarithmic=logarithmic) for one in observations]
    scale = float(np.median([one.scale for one in each])) or 1.0
    last: tuple[Observations, Shape] | None = None
    links = []
    for seen, here in zip(observations, each, strict=True):
        prior = _prior(seen, last, scale)
        if len(here.x) + np.isfinite(here.wall) < 3 and last is None:
            links.append(Link(seen, here, prior, None))
            continue
        valley = fit_valley(here, scale, prior)
        links.append(Link(seen, here, prior, _optimum(seen, valley.minimum, here)))
        if not here.edge:
            last = seen, valley.shape
        elif last is None:
            # Where the optimum is out of reach, what was seen is not the valley around it.
            last = seen, prior
    return Chain(links, scale, logarithmic)


def find_optima(observations: Sequence[Observations]) -> list[Optimum]:
    """The optimum at each horizon; see `find_chain`."""
    return find_chain(observations).optima


def _prior(seen: Observations, last: tuple[Observations, Shape] | None, scale: float) -> Shape:
    """What the last horizon's valley says of the shape of the next."""
    if last is None:
        return Shape(float(np.log(scale)), _FRESH, SHAPE_PRIOR)
    before, shape = last
    away = np.sqrt(abs(np.log(seen.horizon / before.horizon)))
    wider = _DRIFT * float(away) if seen.schedule == before.schedule else _OTHER
    sd = min(float(np.hypot(shape.sd, wider)), _FRESH)
    return Shape(shape.mean, sd, _KEPT * shape.weight + (1 - _KEPT) * SHAPE_PRIOR)


def _optimum(seen: Observations, minimum: tuple[float, float], losses: Losses) -> Optimum:
    ln_lr, sd = minimum
    se = float(np.hypot(sd, _OUT_OF_REACH)) if losses.edge else max(sd, _LEAST_SE)
    return Optimum(seen.schedule, seen.horizon, ln_lr, se, losses.runs, losses.edge)
