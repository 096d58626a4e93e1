"""The best learning rate at each horizon, with a standard error.

The optimum is the minimum of the valley that is fitted to the losses at a horizon
(`optuna_kappa.law.valley`). The valley's shape at one horizon, made less certain with the
distance, is the prior of its shape at the next. So two trials at a new horizon already tell on
which side of them the optimum lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from optuna_kappa.law.contexts import Context
from optuna_kappa.law.losses import Losses, common_scale, read
from optuna_kappa.law.observations import Observations
from optuna_kappa.law.stages import on_plateau
from optuna_kappa.law.valley import fit_valley
from optuna_kappa.law.valley_shapes import FIRST_SD, SHAPE_PRIOR, Shape
from optuna_kappa.schedules.kappa import kappa

OWN = 0  # the table that proposals are for

# The first optimum needs this many learning rates: with fewer, its valley has no known shape.
_FEWEST_RATES = 3

# Smallest standard error of an optimum, in ln lr, however sharp its valley is.
_LEAST_SE = 0.02

# Standard deviation of a uniform distribution of width 1.
_UNIFORM_SD = 12**-0.5

# Added standard error, in ln lr, of an optimum beyond the rates tried: its valley is not seen.
_EDGE_SE = 0.7


@dataclass(frozen=True)
class Optimum:
    """The optimum at one horizon under one schedule.

    Attributes:
        schedule: Name of the schedule.
        horizon: Horizon, in the unit of data of the runs.
        ln_lr: ln of the best learning rate, its posterior mean.
        se: Standard error of ln_lr.
        n: Number of observations that it rests on, including those that diverged.
        at_edge: -1 if the best learning rate tried was the lowest one, 1 if it was the highest
            one, else 0.
        mean: Mean multiplier of the schedule at this horizon; None if it is not known.
        peak: Largest multiplier of the schedule; None if it is not known.
        end: Mean multiplier over the last fiftieth of the run; None if it is not known.
        table: Which table it was found in: `OWN` for the one that proposals are for, the others
            counted from 1.
        context: Values of the context columns of its runs.
        ln_loss: ln of the lowest loss of its runs; None if it is not known, or not positive.

    Example:
        >>> optimum = Optimum("cosine", horizon=100.0, ln_lr=-6.0, se=0.1, n=8, at_edge=0)
        >>> round(float(np.exp(optimum.ln_lr)), 4)
        0.0025
    """

    schedule: str
    horizon: float
    ln_lr: float
    se: float
    n: int
    at_edge: int
    mean: float | None = None
    peak: float | None = None
    end: float | None = None
    table: int = OWN
    context: Context = ()
    ln_loss: float | None = None

    @property
    def kappa(self) -> float | None:
        """Cumulative learning of a run at the optimum; None if the mean is not known.

        Example:
            >>> optimum = Optimum("cosine", 100.0, np.log(0.002), 0.1, 8, 0, mean=0.5)
            >>> round(optimum.kappa, 6)
            0.1
        """
        if self.mean is None:
            return None

        lr = float(np.exp(self.ln_lr))
        return kappa(lr, self.horizon, self.mean)


class Link(NamedTuple):
    """What a chain found at one horizon.

    Attributes:
        seen: Observations at the horizon.
        losses: Their losses, logarithms if the chain is logarithmic.
        prior: Prior of the valley's shape, from the horizons before.
        optimum: The optimum; None until a horizon has had three learning rates, where the losses
            are flat (`Losses.is_flat`), and on a plateau (`optuna_kappa.law.stages`).

    Example:
        >>> from optuna_kappa.law.observations import observe
        >>> from optuna_kappa.runs import example_runs
        >>> first, second = find_chain(observe(example_runs(horizons=[1, 4]))).links
        >>> second.prior.sd < first.prior.sd  # the first valley tells about the second
        True
    """

    seen: Observations
    losses: Losses
    prior: Shape
    optimum: Optimum | None


@dataclass(frozen=True, eq=False)
class Chain:
    """Valleys of one table, horizon by horizon; the shape of each is the prior of the next.

    Attributes:
        links: One for each horizon, in the order of the observations.
        scale: Scale of the losses at all horizons, see `Losses.scale`.
        logarithmic: Whether the losses are logarithms.

    Example:
        >>> from optuna_kappa.law.observations import observe
        >>> from optuna_kappa.runs import example_runs
        >>> chain = find_chain(observe(example_runs()))
        >>> [optimum.horizon for optimum in chain.optima]
        [1.0, 4.0, 16.0, 64.0]
    """

    links: Sequence[Link]
    scale: float
    logarithmic: bool

    @property
    def optima(self) -> list[Optimum]:
        """The optimum at each horizon, from the first one with three learning rates on.

        Example:
            >>> find_chain([]).optima
            []
        """
        return [link.optimum for link in self.links if link.optimum is not None]


class _Previous(NamedTuple):
    """The last horizon before, and what is known of the valley's shape there."""

    seen: Observations
    shape: Shape


def find_chain(
    observations: Sequence[Observations],
    *,
    logarithmic: bool | None = None,
) -> Chain:
    """Find the valley at each horizon.

    Args:
        observations: Observations of one table, those at constant rate first, and each schedule
            by ascending horizon. Horizons with two learning rates count only after one with
            three; a diverged rate above the best counts as one of them. A horizon at which the
            losses of the lowest and the highest rate both tie for the best locates no optimum.
        logarithmic: Whether to take logarithms of the losses; by default if all are positive.

    Example:
        >>> from optuna_kappa.law.observations import observe
        >>> from optuna_kappa.runs import example_runs
        >>> chain = find_chain(observe(example_runs()))
        >>> np.exp([optimum.ln_lr for optimum in chain.optima]).round(5).tolist()
        [0.00974, 0.00243, 0.00061, 0.00015]
    """
    if not observations:
        return Chain((), 1.0, logarithmic=True)

    logarithmic = _are_positive(observations) and logarithmic is not False
    losses = [read(seen, logarithmic=logarithmic) for seen in observations]
    waiting = on_plateau(observations)
    scale = common_scale([one for one, waits in zip(losses, waiting, strict=True) if not waits])

    links = []
    previous: _Previous | None = None
    for seen, seen_losses, waits in zip(observations, losses, waiting, strict=True):
        link, previous = _next_link(seen, seen_losses, previous, scale, waits=waits)
        if logarithmic and link.optimum is not None:
            lowest = float(np.log(np.nanmin(seen.loss)))
            link = link._replace(optimum=replace(link.optimum, ln_loss=lowest))
        links.append(link)

    return Chain(links, scale, logarithmic)


def find_optima(observations: Sequence[Observations]) -> list[Optimum]:
    """Return the optimum at each horizon; see `find_chain`.

    Example:
        >>> from optuna_kappa.law.observations import observe
        >>> from optuna_kappa.runs import example_runs
        >>> [optimum.n for optimum in find_optima(observe(example_runs(horizons=[1, 4])))]
        [6, 6]
    """
    return find_chain(observations).optima


def _are_positive(observations: Sequence[Observations]) -> bool:
    """Whether all finite losses are above 0."""
    losses = np.concatenate([seen.loss for seen in observations])
    finite = np.isfinite(losses)
    return bool((losses[finite] > 0).all())


def _next_link(
    seen: Observations,
    losses: Losses,
    previous: _Previous | None,
    scale: float,
    *,
    waits: bool,
) -> tuple[Link, _Previous | None]:
    """Fit the valley at one horizon; return it, and what goes on to the next."""
    prior = _prior(seen, previous, scale)
    n_rates = len(losses.x) + np.isfinite(losses.wall)
    if waits or losses.is_flat:
        return Link(seen, losses, prior, None), previous
    if previous is None and n_rates < _FEWEST_RATES:
        return Link(seen, losses, prior, None), None

    valley = fit_valley(losses, scale, prior)
    optimum = _optimum(seen, valley.minimum, losses)
    link = Link(seen, losses, prior, optimum)

    if not losses.edge:
        return link, _Previous(seen, valley.shape)

    # Where the optimum is out of reach, the losses do not show the shape of the valley around it.
    return link, previous or _Previous(seen, prior)


def _prior(
    seen: Observations,
    previous: _Previous | None,
    scale: float,
) -> Shape:
    """Return the prior of the valley's shape at a horizon."""
    if previous is None:
        return Shape(float(np.log(scale)), FIRST_SD, SHAPE_PRIOR)

    before, shape = previous
    return shape.elsewhere(
        ln_ratio=float(np.log(seen.horizon / before.horizon)),
        same_schedule=seen.schedule == before.schedule,
    )


def _optimum(
    seen: Observations,
    minimum: tuple[float, float],
    losses: Losses,
) -> Optimum:
    """Make the optimum of the mean and the standard deviation of a valley's minimum."""
    ln_lr, sd = minimum

    # Anywhere on a plateau of equal losses the optimum is equally likely.
    sd = max(sd, losses.plateau * _UNIFORM_SD)
    se = max(sd, _LEAST_SE)
    if losses.edge:
        se = float(np.hypot(sd, _EDGE_SE))

    return Optimum(
        schedule=seen.schedule,
        horizon=seen.horizon,
        ln_lr=ln_lr,
        se=se,
        n=losses.runs,
        at_edge=losses.edge,
    )
