"""The losses at one horizon, by learning rate: the data that a valley is fitted to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optuna_kappa._typing import Floats
from optuna_kappa.law.observations import Observations

# A rate is far from the best if its excess loss is above this many scales of the losses, that is,
# if it loses more than a rate that is off by a factor of about e.
FAR = 1.0

# The scale is the excess loss at these distances from the best, in ln lr: around 1, a factor of e.
_SCALE_FROM = 0.5
_SCALE_TO = 1.5

# With more distinct rates than this, rates in the same cell of width _SAME_RATE (in ln lr) count
# as one. A valley is far wider than a cell, and the cost of a fit grows with the number of rates.
_MANY_RATES = 30
_SAME_RATE = 0.05

# Excess, in scales of the losses, that compressed losses approach. Larger losses only say that a
# rate is bad, not how bad.
_COMPRESSED = 4.0


@dataclass(frozen=True, eq=False)
class Losses:
    """The losses at one horizon, by distinct learning rate.

    Attributes:
        x: Distinct ln lr of the runs that did not diverge, ascending, shape `(n,)`.
        excess: Mean loss of each rate minus the smallest one, shape `(n,)`; of the logarithms of
            the losses if these were asked for.
        count: Number of runs that each mean is taken over, shape `(n,)`.
        level: Typical absolute value of the losses (their median).
        wall: The lowest diverged ln lr above the best one; infinite if there is none.
        runs: Number of runs, including those that diverged.

    Example:
        >>> losses = Losses(
        ...     x=np.array([-8.0, -7.0, -6.0]), excess=np.array([0.3, 0.0, 0.2]),
        ...     count=np.ones(3), level=1.0, wall=np.inf, runs=3,
        ... )
        >>> losses.best, losses.edge, losses.contrast, losses.scale
        (1, 0, 0.2, 0.25)
    """

    x: Floats
    excess: Floats
    count: Floats
    level: float
    wall: float
    runs: int

    @property
    def best(self) -> int:
        """Index of the learning rate with the smallest loss.

        Example:
            >>> from optuna_kappa.law.observations import observations_of
            >>> seen = observations_of("constant", 1.0, [(-7.0, 0.5, "a"), (-6.0, 0.4, "b")])
            >>> read(seen, logarithmic=False).best
            1
        """
        return int(np.argmin(self.excess))

    @property
    def edge(self) -> int:
        """Side on which the best rate is the outermost one: -1 lowest, 1 highest, 0 neither.

        It is also 0 if the best rate is the highest that did not diverge: then higher rates were
        tried, and they failed.

        Example:
            >>> from optuna_kappa.law.observations import observations_of
            >>> seen = observations_of("constant", 1.0, [(-7.0, 0.5, "a"), (-6.0, 0.4, "b")])
            >>> read(seen, logarithmic=False).edge
            1
        """
        if self.best == 0:
            return -1

        highest = len(self.x) - 1
        higher_rates_failed = np.isfinite(self.wall)
        return int(self.best == highest and not higher_rates_failed)

    @property
    def contrast(self) -> float:
        """How far the losses rise above the best one on both sides; 0 if the best is outermost.

        The smaller rise of the two sides counts. A diverged rate is an infinite rise.
        """
        lower_rates = self.excess[: self.best]
        left = lower_rates.max(initial=0.0)

        right = np.inf
        if np.isinf(self.wall):
            best_and_higher_rates = self.excess[self.best :]
            right = best_and_higher_rates.max()

        return float(min(left, right))

    @property
    def scale(self) -> float:
        """Excess loss of rates that are off by a factor of about e.

        It hardly depends on how many rates were tried or how far they reach.
        """
        best_x = self.x[self.best]
        distance = np.abs(self.x - best_x)

        far_enough = distance >= _SCALE_FROM
        near_enough = distance <= _SCALE_TO
        counts = far_enough & near_enough

        if not counts.any():
            others = distance[distance > 0]
            nearest = min(others, default=0.0)
            counts = distance == nearest

        median = np.median(self.excess[counts])
        return float(median)


def read(seen: Observations, *, logarithmic: bool) -> Losses:
    """Summarize the observations at one horizon, at least one of which has a finite loss.

    Args:
        seen: Observations at the horizon.
        logarithmic: Whether to take the logarithms of the losses.

    Example:
        >>> from optuna_kappa.law.observations import observations_of
        >>> rows = [(-7.0, 0.5, "a"), (-6.0, 0.2, "b"), (-6.0, 0.8, "c"), (-5.0, np.nan, "d")]
        >>> losses = read(observations_of("constant", 1.0, rows), logarithmic=False)
        >>> losses.x.tolist(), losses.count.tolist(), losses.wall, losses.runs
        ([-7.0, -6.0], [1.0, 2.0], -5.0, 4)
    """
    finite = np.isfinite(seen.loss)
    finite_loss = seen.loss[finite]
    y = np.log(finite_loss) if logarithmic else finite_loss

    x, rate_of_run = _distinct(seen.ln_lr[finite])
    count = np.bincount(rate_of_run).astype(np.float64)
    total = np.bincount(rate_of_run, weights=y)
    mean = total / count
    best_x = x[np.argmin(mean)]

    diverged = seen.ln_lr[~finite]
    diverged_above = diverged[diverged > best_x]
    wall = np.inf
    if len(diverged_above):
        wall = float(diverged_above.min())

    typical = np.median(np.abs(finite_loss))

    return Losses(
        x=x,
        excess=mean - mean.min(),
        count=count,
        level=float(typical),
        wall=wall,
        runs=len(seen.loss),
    )


def near_the_best(seen: Losses, scale: float) -> Losses:
    """Leave out the rates beyond the first one on each side that is far from the best.

    Farther out, losses no longer follow the valley. That they are high there is known from the
    first far rate already.

    Args:
        seen: Losses at one horizon.
        scale: Scale of the losses at all horizons, see `Losses.scale`.

    Example:
        >>> losses = Losses(
        ...     x=np.arange(5.0), excess=np.array([9.0, 2.0, 0.0, 0.5, 3.0]),
        ...     count=np.ones(5), level=1.0, wall=np.inf, runs=5,
        ... )
        >>> near_the_best(losses, scale=1.0).x.tolist()
        [1.0, 2.0, 3.0, 4.0]
    """
    far = np.flatnonzero(seen.excess > FAR * scale)
    far_left = far[far < seen.best]
    far_right = far[far > seen.best]

    first = far_left[-1] if len(far_left) else 0
    end = far_right[0] + 1 if len(far_right) else None
    near = slice(first, end)

    return replace(
        seen,
        x=seen.x[near],
        excess=seen.excess[near],
        count=seen.count[near],
    )


def compress(excess: Floats) -> Floats:
    """Compress large excess losses, both in scales of the losses and of the same shape.

    Small ones hardly change: the formula is 4 tanh(excess / 4).

    Example:
        >>> compress(np.array([0.0, 0.5, 4.0, 100.0])).round(2).tolist()
        [0.0, 0.5, 3.05, 4.0]
    """
    compressed: Floats = _COMPRESSED * np.tanh(excess / _COMPRESSED)
    return compressed


def _distinct(ln_lr: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Return the distinct rates, ascending, and for each run the index of its rate.

    If there are many, rates in the same cell count as one, at their mean.
    """
    x, rate_of_run = np.unique(ln_lr, return_inverse=True)
    if len(x) <= _MANY_RATES:
        return x, rate_of_run

    cells = np.round(x / _SAME_RATE)
    _, cell_of_rate = np.unique(cells, return_inverse=True)

    count = np.bincount(cell_of_rate)
    total = np.bincount(cell_of_rate, weights=x)
    return total / count, cell_of_rate[rate_of_run]


def bad_ends(seen: Losses, scale: float) -> tuple[float, float]:
    """Ln lr of the nearest clearly bad rate below the best one, and above it.

    Args:
        seen: Losses at one horizon.
        scale: Scale of the losses at all horizons, see `Losses.scale`.

    Returns:
        Both ends; minus infinity or infinity where no rate on that side is far from the best.

    Example:
        >>> losses = Losses(
        ...     x=np.arange(4.0), excess=np.array([9.0, 2.0, 0.0, 0.5]),
        ...     count=np.ones(4), level=1.0, wall=np.inf, runs=4,
        ... )
        >>> bad_ends(losses, scale=1.0)
        (1.0, inf)
    """
    near = near_the_best(seen, scale)
    low = float(near.x[0]) if near.excess[0] > FAR * scale else -np.inf
    high = float(near.x[-1]) if near.excess[-1] > FAR * scale else np.inf
    return low, high
