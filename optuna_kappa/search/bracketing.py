"""Which learning rate brackets the optimum of a category.

Two optimizers may have optima that are far apart, and few runs each. The law is shared, so a wrong
guess of how far apart they are is repeated with every run. What a category's own runs show counts
more: if its best run is its outermost one, its optimum is at or beyond it. The next run goes

    STEP in ln lr beyond the best one, within the range,

or halfway to the nearest rate at which a run of the category diverged, if that is less far.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

STEP = 0.7  # a factor of 2: near enough that an optimum within it is bracketed closely
_LEAST_STEP = 0.2  # what is gained by a smaller one cannot be told from noise
_SAME = 0.02  # no run can tell two ln lr apart that differ by no more than this


def step_beyond(
    ln_lr: Sequence[float],
    loss: Sequence[float],
    running: Sequence[float],
    low: float,
    high: float,
) -> float | None:
    """Ln lr beyond the best run of a category if that is the outermost one.

    Args:
        ln_lr: ln lr of the finished runs of the category.
        loss: Their losses: NaN if a run diverged, infinite if it was ended because it was behind.
        running: ln lr of the runs of the category that have not finished.
        low: Lower end of the range of ln lr.
        high: Upper end.

    Returns:
        None if the best run has others on both sides, if fewer than two rates show a direction,
        if a running one is beyond it already, or if there is nothing left beyond it.

    Example:
        >>> step_beyond([-7.0, -6.0], [1.2, 1.1], running=[], low=-9.0, high=-3.0)
        -5.3
        >>> step_beyond([-7.0, -6.0, -5.0], [1.2, 1.1, 1.3], running=[], low=-9.0, high=-3.0)
        >>> step_beyond([-7.0, -6.0, -5.5], [1.2, 1.1, math.nan], running=[], low=-9.0, high=-3.0)
        -5.75
    """
    x = np.array(ln_lr)
    y = np.array(loss)
    finite = np.isfinite(y)
    if not finite.any():
        return None

    best = float(x[finite][np.argmin(y[finite])])
    fine = x[~np.isnan(y)]
    has_below = bool((fine < best - _SAME).any())
    has_above = bool((fine > best + _SAME).any())
    if has_below == has_above:
        return None

    # Downwards it is the same with the signs turned.
    sign = 1.0 if has_below else -1.0
    diverged = sign * x[np.isnan(y)]
    wall = min(diverged[diverged > sign * best], default=math.inf)
    is_taken = any(sign * rate > sign * best for rate in running)
    wanted = _step_up(sign * best, float(wall), end=high if sign > 0 else -low)
    return None if wanted is None or is_taken else sign * wanted


def _step_up(best: float, wall: float, end: float) -> float | None:
    """Ln lr above the best one and below a wall; None if there is too little room."""
    wanted = min(best + STEP, end)
    if wanted >= wall:
        wanted = (best + wall) / 2
    return wanted if wanted - best >= _LEAST_STEP else None
