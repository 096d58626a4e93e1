"""What a valley misses of the losses at one horizon: a smooth misfit, and noise.

Both grow with the excess loss y (in scales of the losses): where losses are high, their exact
shape says little about where the minimum is. In units of the variance of the noise at the best,
the losses at rates x_i, each the mean of c_i runs, miss a valley with covariance

    G_i G_j (v exp(-(x_i - x_j)^2 / (2 l^2)) + [i = j] / c_i),    G = sqrt(1 + (GROWTH y)^2)

where l is the length and v the variance of the misfit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.law.losses import Losses

# How fast misfit and noise grow with the excess loss: at half a scale above the best, their
# standard deviation is 1.4 times that at the best.
GROWTH = 2.0


class Misfit(NamedTuple):
    """A Gaussian process: how a valley may be wrong about the losses.

    Attributes:
        length: Length, in ln lr, over which the misfit varies.
        variance: Variance of the misfit over that of the noise.
        probability: Prior probability.

    Example:
        >>> Misfit(length=1.0, variance=0.5, probability=0.6).length
        1.0
    """

    length: float
    variance: float
    probability: float


# A smooth and a rough misfit. Many runs are needed to tell the rough one from noise. Without it,
# many runs would not find the best rate of a rough valley.
_SMOOTH = Misfit(
    length=1.0,
    variance=0.5,
    probability=0.6,
)
_ROUGH = Misfit(
    length=0.5,
    variance=1.0,
    probability=0.4,
)
MISFITS = (_SMOOTH, _ROUGH)


def growth(y: Floats) -> Floats:
    """Standard deviation of the noise at excess loss y, in multiples of that at the best.

    Example:
        >>> growth(np.array([0.0, 0.5, 4.0])).round(2).tolist()
        [1.0, 1.41, 8.06]
    """
    grown = GROWTH * y
    factor: Floats = np.sqrt(1 + grown**2)
    return factor


def covariance(
    misfit: Misfit,
    seen: Losses,
    y: Floats,
) -> Floats:
    """Covariance of misfit and noise at the rates seen, shape `(n, n)`.

    Args:
        misfit: One of `MISFITS`.
        seen: Losses at the horizon, of n rates.
        y: Their excess losses in scales of the losses, shape `(n,)`.

    Example:
        >>> seen = Losses(
        ...     x=np.array([-8.0, -7.0]), excess=np.zeros(2), count=np.ones(2),
        ...     level=1.0, wall=np.inf, runs=2,
        ... )
        >>> covariance(MISFITS[0], seen, y=seen.excess).round(2).tolist()
        [[1.5, 0.3], [0.3, 1.5]]
    """
    factor = growth(y)
    smooth = _smooth(misfit, seen.x, seen.x)
    noise = np.diag(1 / seen.count)

    factors = np.outer(factor, factor)
    total: Floats = factors * (smooth + noise)
    return total


def interpolate(
    misfit: Misfit,
    seen: Losses,
    y: Floats,
    x: Floats,
) -> tuple[Floats, Floats]:
    """Interpolate what a valley misses (kriging with an unknown level).

    Args:
        misfit: One of `MISFITS`.
        seen: Losses at the horizon, of n rates.
        y: Their excess losses in scales of the losses, shape `(n,)`.
        x: Values of ln lr to interpolate at, r of them.

    Returns:
        Weights of what the valley misses at the rates seen, shape `(r, n)`; they interpolate
        misfit and level together. And the variance of the misfit that remains at x, shape
        `(r,)`, in units of the variance of the noise at the best.
    """
    factor_seen = growth(y)
    factor = np.interp(x, seen.x, factor_seen)
    factors = np.outer(factor, factor_seen)

    cross = _smooth(misfit, x, seen.x) * factors
    inverse = np.linalg.inv(covariance(misfit, seen, y))

    # The level is estimated by generalized least squares, and the misfit from what is left.
    level_weights = inverse.sum(axis=0) / inverse.sum()
    misfit_weights = cross @ inverse
    level_share = misfit_weights.sum(axis=1) - 1
    weights = misfit_weights - np.outer(level_share, level_weights)

    explained = (misfit_weights * cross).sum(axis=1)
    remaining = misfit.variance * factor**2 - explained
    return weights, np.maximum(remaining, 0.0)


def _smooth(
    misfit: Misfit,
    rows: Floats,
    columns: Floats,
) -> Floats:
    """Covariance of the misfit where losses are lowest, shape `(len(rows), len(columns))`."""
    distance = rows[:, None] - columns
    z = distance / misfit.length
    smooth: Floats = misfit.variance * np.exp(-0.5 * z**2)
    return smooth
