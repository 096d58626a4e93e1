"""The losses at one horizon, by learning rate: the data that a valley is fitted to.

Which rate is the best, and which ones are far from it, must depend neither on the units of rates
and losses nor on how either is rounded. So losses that are equal but for rounding tie, thresholds
are not decided by the last bit, and cells of rates begin at the lowest rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from optuna_kappa._typing import Floats, Rows
from optuna_kappa.law.observations import Observations
from optuna_kappa.law.rates import SAME_LN_LR, distinct

# The scale is the excess loss at these distances from the best, in ln lr: around 1, a factor of e.
_SCALE_FROM = 0.5
_SCALE_TO = 1.5

# Losses whose difference is a smaller part of their level cannot be told apart: it is about what
# rounding to single precision leaves of a mean. Thresholds have the same slack.
TIE = 1e-6

# Excess, in scales of the losses, that compressed losses approach. Larger losses only say that a
# rate is bad, not how bad.
_COMPRESSED = 4.0


@dataclass(frozen=True, eq=False)
class Losses:
    """The losses at one horizon, by distinct learning rate.

    Attributes:
        x: Distinct ln lr of the runs that did not diverge, ascending, shape `(n,)`.
        excess: Mean loss of each rate minus the smallest one, shape `(n,)`; of the logarithms of
            the losses if these were asked for. 0 for all rates that tie with the best.
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
    def tied(self) -> Rows:
        """Indices of the learning rates whose losses cannot be told from the smallest one.

        Example:
            >>> from optuna_kappa.law.observations import observations_of
            >>> rows = [(-7.0, 0.4, "a"), (-6.0, 0.4, "b"), (-5.0, 0.9, "c")]
            >>> read(observations_of("constant", 1.0, rows), logarithmic=False).tied.tolist()
            [0, 1]
        """
        return np.flatnonzero(self.excess == 0)

    @property
    def best(self) -> int:
        """Index of the learning rate with the smallest loss; of several, the middle one.

        Example:
            >>> from optuna_kappa.law.observations import observations_of
            >>> seen = observations_of("constant", 1.0, [(-7.0, 0.5, "a"), (-6.0, 0.4, "b")])
            >>> read(seen, logarithmic=False).best
            1
        """
        tied = self.tied
        return int(tied[(len(tied) - 1) // 2])

    @property
    def is_flat(self) -> bool:
        """Whether the losses locate no best rate: the lowest and the highest rate tie for it.

        Example:
            >>> from optuna_kappa.law.observations import observations_of
            >>> rows = [(-7.0, 0.4, "a"), (-6.0, 0.4, "b"), (-5.0, 0.4, "c")]
            >>> read(observations_of("constant", 1.0, rows), logarithmic=False).is_flat
            True
        """
        lowest, highest = self.excess[[0, -1]]
        return bool(lowest == 0 and highest == 0)

    @property
    def plateau(self) -> float:
        """Distance in ln lr between the outermost rates that tie for the best.

        Example:
            >>> from optuna_kappa.law.observations import observations_of
            >>> rows = [(-7.0, 0.4, "a"), (-6.0, 0.4, "b"), (-5.0, 0.9, "c")]
            >>> read(observations_of("constant", 1.0, rows), logarithmic=False).plateau
            1.0
        """
        tied = self.tied
        return float(self.x[tied[-1]] - self.x[tied[0]])

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
        tied = self.tied
        if tied[0] == 0:
            return -1

        highest = len(self.x) - 1
        higher_rates_failed = np.isfinite(self.wall)
        return int(tied[-1] == highest and not higher_rates_failed)

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

        far_enough = distance >= _SCALE_FROM - SAME_LN_LR
        near_enough = distance <= _SCALE_TO + SAME_LN_LR
        counts = far_enough & near_enough

        if not counts.any():
            others = distance[distance > 0]
            nearest = others.min(initial=np.inf) if len(others) else 0.0
            counts = np.abs(distance - nearest) <= SAME_LN_LR

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

    level = float(np.median(np.abs(finite_loss)))
    x, rate_of_run = distinct(seen.ln_lr[finite])
    count = np.bincount(rate_of_run).astype(np.float64)
    total = np.bincount(rate_of_run, weights=y)
    mean = total / count

    # A difference of logarithms is a part of the loss already.
    excess = mean - mean.min()
    excess[excess <= TIE * (1.0 if logarithmic else level)] = 0.0

    losses = Losses(
        x=x,
        excess=excess,
        count=count,
        level=level,
        wall=np.inf,
        runs=len(seen.loss),
    )

    diverged = seen.ln_lr[~finite]
    diverged_above = diverged[diverged > x[losses.best] + SAME_LN_LR]
    return replace(losses, wall=float(diverged_above.min(initial=np.inf)))


def common_scale(losses: Sequence[Losses]) -> float:
    """Median scale of the losses at all horizons, without those where the best rates tie.

    On a plateau the scale is 0. If it is 0 everywhere, the largest excess gives the unit.

    Example:
        >>> losses = Losses(
        ...     x=np.array([-8.0, -7.0, -6.0]), excess=np.array([0.3, 0.0, 0.2]),
        ...     count=np.ones(3), level=1.0, wall=np.inf, runs=3,
        ... )
        >>> common_scale([losses, replace(losses, excess=np.zeros(3))])
        0.25
    """
    scales = [one.scale for one in losses]
    positive = [scale for scale in scales if scale > 0]
    if positive:
        return float(np.median(positive))

    largest = max(float(one.excess.max()) for one in losses)
    return largest or 1.0


def compress(excess: Floats) -> Floats:
    """Compress large excess losses, both in scales of the losses and of the same shape.

    Small ones hardly change: the formula is 4 tanh(excess / 4).

    Example:
        >>> compress(np.array([0.0, 0.5, 4.0, 100.0])).round(2).tolist()
        [0.0, 0.5, 3.05, 4.0]
    """
    compressed: Floats = _COMPRESSED * np.tanh(excess / _COMPRESSED)
    return compressed
