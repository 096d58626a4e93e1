"""The losses of one horizon, by learning rate: what a valley is fitted to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optuna_kappa._typing import Floats
from optuna_kappa.law.observations import Observations

FAR = 1.0  # excess, in scales of the losses, of a rate that is far from the best
_AWAY = (0.5, 1.5)  # distances from the best, in ln lr, at which the losses' scale is taken
_MANY = 30  # rates from which on those within _SAME, in ln lr, are taken as one
_SAME = 0.05


@dataclass(frozen=True, eq=False)
class Losses:
    """The losses of one horizon, by distinct learning rate.

    Attributes:
        x: Distinct ln lr of the runs that did not diverge, ascending, shape `(n,)`.
        excess: Mean loss over the least one, on the logarithmic scale where there is one.
        count: Runs that it is the mean of.
        level: Typical size of the losses, without their sign.
        wall: The lowest diverged ln lr above the best; infinite where there is none.
        runs: Number of runs, those that diverged included.
    """

    x: Floats
    excess: Floats
    count: Floats
    level: float
    wall: float
    runs: int

    @property
    def best(self) -> int:
        """Which learning rate had the least loss."""
        return int(np.argmin(self.excess))

    @property
    def edge(self) -> int:
        """-1 or 1 if the best is the lowest or highest rate, and divergence is not why; else 0."""
        if self.best == 0:
            return -1
        return int(self.best == len(self.x) - 1 and not np.isfinite(self.wall))

    @property
    def contrast(self) -> float:
        """How far the losses rise above the best on both sides of it; 0 if it is the outermost."""
        left = self.excess[: self.best].max(initial=0.0)
        right = self.excess[self.best :].max() if np.isinf(self.wall) else np.inf
        return float(min(left, right))

    @property
    def scale(self) -> float:
        """Excess at rates that are off by a factor of about e, however many were tried."""
        away = np.abs(self.x - self.x[self.best])
        near = (away >= _AWAY[0]) & (away <= _AWAY[1])
        if not near.any():
            near = away == min(away[away > 0], default=0.0)
        return float(np.median(self.excess[near]))


def read(seen: Observations, *, logarithmic: bool) -> Losses:
    """The losses of one horizon; at least one of them is finite."""
    finite = np.isfinite(seen.loss)
    y = np.log(seen.loss[finite]) if logarithmic else seen.loss[finite]
    x, index = _distinct(seen.ln_lr[finite])
    count = np.bincount(index).astype(np.float64)
    mean = np.bincount(index, weights=y) / count
    diverged = seen.ln_lr[~finite]
    above = diverged[diverged > x[np.argmin(mean)]]
    wall = float(above.min()) if len(above) else np.inf
    level = float(np.median(np.abs(seen.loss[finite])))
    return Losses(x, mean - mean.min(), count, level, wall, len(seen.loss))


def _distinct(ln_lr: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Distinct rates, and which of them each is; where there are many, near ones are one."""
    x, index = np.unique(ln_lr, return_inverse=True)
    if len(x) <= _MANY:
        return x, index
    _, cell = np.unique(np.round(x / _SAME), return_inverse=True)
    return np.bincount(cell, x) / np.bincount(cell), cell[index]


def near_the_best(seen: Losses, scale: float) -> Losses:
    """Without the rates beyond the first one on each side that lost a multiple of the scale.

    That far out the loss goes its own way; that it is high there says the first one already.
    """
    far = np.flatnonzero(seen.excess > FAR * scale)
    left, right = far[far < seen.best], far[far > seen.best]
    part = slice(left[-1] if len(left) else 0, right[0] + 1 if len(right) else None)
    return replace(seen, x=seen.x[part], excess=seen.excess[part], count=seen.count[part])
