"""Cumulative learning, kappa: the one place where it is computed.

    kappa = integral of lr * m(x / D) over x from 0 to D = lr * D * mean

with lr the base learning rate, D the horizon, m the shape of the schedule and `mean` its mean (N.
Faraj, "Tuning Learning Rates with the Cumulative-Learning Constant", section 5). The unit of kappa
is the unit of the horizon times a learning rate.

These are functions of plain numbers that check nothing; `Schedule.kappa` and `Schedule.lr` check
their arguments.
"""

from __future__ import annotations


def kappa(lr: float, horizon: float, mean: float) -> float:
    """Cumulative learning of a run, lr * horizon * mean.

    Args:
        lr: Base learning rate.
        horizon: Data the run is planned to see.
        mean: Mean multiplier of the run's schedule.

    Example:
        >>> kappa(lr=0.002, horizon=100, mean=0.5)
        0.1
    """
    return lr * horizon * mean


def lr_for(kappa: float, horizon: float, mean: float) -> float:
    """Base learning rate of a run with a given cumulative learning; inverse of `kappa`.

    Args:
        kappa: Cumulative learning.
        horizon: Data the run is planned to see.
        mean: Mean multiplier of the run's schedule.

    Example:
        >>> lr_for(kappa=0.1, horizon=100, mean=0.5)
        0.002
    """
    return kappa / (horizon * mean)
