r"""The shapes that a valley can have: width, skew and amplitude.

In x = ln lr, a valley of unit amplitude with its minimum at m is

    ln cosh(z / w),    z = x - m, times exp(k) on the right of m

It is a parabola near m and a straight line far from it; the smaller the width w, the sooner it
turns straight. The skew k makes the two sides differ: too high a rate fails faster (k > 0), or
more slowly, than too low a one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from optuna_kappa._typing import Floats

# Widths in ln lr, and their prior probabilities.
WIDTHS = np.array([0.5, 1.5])
WIDTH_PRIOR = np.array([0.6, 0.4])

# Skews, and their prior probabilities: symmetric is likeliest, and a cliff on the right (a rate
# at which training becomes unstable) is possible.
SKEWS = np.array([-0.8, -0.4, 0.0, 0.4, 0.8, 1.4])
SKEW_PRIOR = np.array([0.05, 0.17, 0.5, 0.17, 0.09, 0.02])

# sd of ln s (s the amplitude of a valley) before any valley was seen; the prior is never wider.
FIRST_SD = 1.0

# How much less certain ln s is at another horizon: the sd to add for a unit of ln horizon (a
# random walk), and from one schedule to another.
_SD_PER_LN_HORIZON = 0.5
_SD_OF_SCHEDULE = 1.0

# Part of the probabilities of the shapes that goes on to another horizon. The rest is the first
# prior's, so that no shape becomes impossible.
_KEPT = 0.5

# Amplitudes of a grid, and how many standard deviations of ln s they cover on both sides.
_N_AMPLITUDES = 9
_REACH = 2.2

# All (width, skew) pairs, shape (12, 2), and their prior probabilities, shape (12,).
SHAPES = np.array(list(product(WIDTHS, SKEWS)))
SHAPE_PRIOR = np.outer(WIDTH_PRIOR, SKEW_PRIOR).ravel()


@dataclass(frozen=True, eq=False)
class Shape:
    """What is known about the amplitude and the shape of a valley.

    Attributes:
        mean: Mean of ln s, where s is the amplitude.
        sd: Standard deviation of ln s.
        weight: Probabilities of `SHAPES`, shape `(12,)`.

    Example:
        >>> prior = Shape(mean=0.0, sd=1.0, weight=SHAPE_PRIOR)
        >>> round(float(prior.weight @ SHAPES[:, 0]), 2)  # the expected width
        0.9
    """

    mean: float
    sd: float
    weight: Floats

    @property
    def ln_amplitudes(self) -> Floats:
        """A grid of ln s around its mean, ascending, shape `(a,)`.

        Example:
            >>> shape = Shape(mean=0.0, sd=1.0, weight=SHAPE_PRIOR)
            >>> shape.ln_amplitudes[[0, -1]].tolist()
            [-2.2, 2.2]
        """
        grid: Floats = self.mean + self.sd * np.linspace(-_REACH, _REACH, _N_AMPLITUDES)
        return grid

    def elsewhere(self, *, ln_ratio: float, same_schedule: bool = True) -> Shape:
        """What it tells of the valley at another horizon, or under another schedule.

        Args:
            ln_ratio: ln of the ratio of the two horizons.
            same_schedule: Whether the schedules are the same.

        Example:
            >>> shape = Shape(mean=0.0, sd=0.3, weight=SHAPE_PRIOR)
            >>> round(shape.elsewhere(ln_ratio=1.0).sd, 2)
            0.58
        """
        added_sd = _SD_OF_SCHEDULE
        if same_schedule:
            added_sd = _SD_PER_LN_HORIZON * float(np.sqrt(abs(ln_ratio)))

        sd = float(np.hypot(self.sd, added_sd))
        return Shape(
            mean=self.mean,
            sd=min(sd, FIRST_SD),
            weight=_KEPT * self.weight + (1 - _KEPT) * SHAPE_PRIOR,
        )


def unit_valleys(x: Floats, m: Floats) -> Floats:
    """Return valleys of unit amplitude, shape `(len(SHAPES), len(m), len(x))`.

    Args:
        x: Values of ln lr.
        m: Minima, in ln lr.

    Example:
        >>> valleys = unit_valleys(x=np.array([-6.0, -5.0, -4.0]), m=np.array([-5.0]))
        >>> widest_and_symmetric = SHAPES.tolist().index([1.5, 0.0])
        >>> valleys[widest_and_symmetric].round(2).tolist()
        [[0.21, 0.0, 0.21]]
    """
    width, skew = SHAPES.T[:, :, None, None]

    offset = x - m[:, None]
    skewed = np.where(offset > 0, offset * np.exp(skew), offset)
    z = skewed / width

    # This form of ln cosh z does not overflow.
    distance = np.abs(z)
    valleys: Floats = distance + np.log1p(np.exp(-2 * distance)) - np.log(2.0)
    return valleys
