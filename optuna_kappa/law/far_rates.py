"""Which learning rates are so much worse than the best that they are far from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from optuna_kappa._typing import Bools, Floats
from optuna_kappa.law.losses import TIE, Losses

# A rate is far from the best if its excess loss is above this many scales of the losses, that is,
# if it loses more than a rate that is off by a factor of about e.
FAR = 1.0


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
    far = np.flatnonzero(is_far(seen.excess, scale))
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


def is_far(excess: Floats, scale: float) -> Bools:
    """Whether rates lose so much more than the best one that they are far from it.

    The scale is often the excess of one of the rates, which must not be decided by rounding.

    Args:
        excess: Excess losses, any shape.
        scale: Scale of the losses at all horizons, see `Losses.scale`.

    Example:
        >>> is_far(np.array([0.1, 0.2, 0.3]), scale=0.2).tolist()
        [False, False, True]
    """
    far: Bools = excess > FAR * scale * (1 + TIE)
    return far


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
    far = is_far(near.excess, scale)
    low = float(near.x[0]) if far[0] else -np.inf
    high = float(near.x[-1]) if far[-1] else np.inf
    return low, high
