"""Cumulative learning, kappa: the one place where it is computed.

    kappa = integral of lr * m(x / D) over x from 0 to D = lr * D * mean

with lr the base learning rate, D the horizon and `mean` the mean multiplier of the schedule (N.
Faraj, "Tuning Learning Rates with the Cumulative-Learning Constant", section 5). Its unit is that
of the horizon times a learning rate. Functions of plain numbers; `Schedule.kappa` and
`Schedule.lr` check what they are given.
"""

from __future__ import annotations


def kappa(lr: float, horizon: float, mean: float) -> float:
    """Cumulative learning of a run, lr * horizon * mean.

    Args:
        lr: Base learning rate.
        horizon: Data the run is planned to see.
        mean: Mean multiplier of its schedule.

    Example:
        >>> kappa(lr=0.002, horizon=100, mean=0.5)
        0.1
    """
    return lr * horizon * mean


def lr_for(kappa: float, horizon: float, mean: float) -> float:
    """Base learning rate of a run with this cumulative learning; inverse of `kappa`.

    Args:
        kappa: Cumulative learning.
        horizon: Data the run is planned to see.
        mean: Mean multiplier of its schedule.

    Example:
        >>> lr_for(kappa=0.1, horizon=100, mean=0.5)
        0.002
    """
    return kappa / (horizon * mean)
