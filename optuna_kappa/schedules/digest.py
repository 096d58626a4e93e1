"""A short text for a measured shape, the same for the same shape at any number of steps.

The rates of a scheduler are known at its steps only, at p = k / n of the run. So the shape is
interpolated, and its mean over the first tenth of the run and its values at a few fixed places
become digits from 0 (near 0) to 8 (near the peak). The steps of another run lie elsewhere, so the
interpolated values differ a little. That hardly ever changes a digit: the digits are coarse, and
neither the places nor the limits between digits are numbers at which schedules usually jump or
stay. Shapes that differ so little that all digits agree also have nearly the same kappa.
"""

from __future__ import annotations

import numpy as np

from optuna_kappa._typing import Floats

# Over this part of the run, the mean shows how long the warm-up is. A single value would not do:
# it changes too much if the end of the warm-up is rounded to a whole step.
_BEGINNING = (np.arange(50) + 0.5) / 500

# Limits between its digits: none is the mean of a cosine or a line after a usual warm-up, such as
# 1, 3, 5, 6 or 10 % of the run.
_BEGINNING_LIMITS = np.array([0.04, 0.13, 0.19, 0.28, 0.4, 0.6, 0.79, 0.93])

# Fractions of the run: none is a usual place for the end of a warm-up or for a drop.
_PLACES = np.array([0.131, 0.261, 0.457, 0.619, 0.784, 0.944])

# Limits between digits, as fractions of the peak: none is a usual level, such as 0.1 or 0.5.
_LIMITS = np.array([0.041, 0.189, 0.277, 0.433, 0.546, 0.679, 0.826, 0.917])

# A change from one step to the next that is this many times those beside it is a jump.
_JUMP = 3.0


def digest(values: Floats) -> str:
    """Return the digest of a shape.

    Args:
        values: Rates of the n steps of a run, as fractions of the peak, shape `(n,)`.

    Example:
        >>> cosine = lambda n: (1 + np.cos(np.pi * np.arange(n) / n)) / 2
        >>> digest(cosine(100)), digest(cosine(24_000))
        ('8875310', '8875310')
    """
    beginning = _interpolated(values, _BEGINNING).mean()
    first_digit = np.searchsorted(_BEGINNING_LIMITS, beginning)
    digits = np.searchsorted(_LIMITS, _interpolated(values, _PLACES))
    return "".join(map(str, [first_digit, *digits.tolist()]))


def _interpolated(values: Floats, places: Floats) -> Floats:
    """The shape at some fractions of the run, by cubics through four steps; held before a jump."""
    n = len(values)
    if n == 1:
        return np.full(len(places), values[0])

    # Beyond the ends, the shape goes on as a straight line.
    first = 2 * values[0] - values[1]
    last = values[-1] + (values[-1] - values[-2]) * np.arange(1, 3)
    extended = np.concatenate([[first], values, last])

    position = places * n
    before = np.minimum(np.floor(position).astype(np.intp), n - 1)
    t = position - before
    a, b, c, d = (extended[before + i] for i in range(4))

    # The cubic of Catmull and Rom (1974): its slopes at b and c are those of their neighbors.
    slope = (c - a) / 2
    squared = a - 2.5 * b + 2 * c - d / 2
    cubed = 1.5 * (b - c) + (d - a) / 2
    cubic = b + t * (slope + t * (squared + t * cubed))
    straight = b + t * (c - b)

    change = np.abs(c - b)
    largest_beside = np.maximum(np.abs(b - a), np.abs(d - c))
    is_jump = change > _JUMP * largest_beside
    is_beside_a_jump = largest_beside > _JUMP * change

    interpolated: Floats = np.where(is_beside_a_jump, straight, cubic)
    return np.where(is_jump, b, interpolated)
