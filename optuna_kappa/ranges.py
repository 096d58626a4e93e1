"""The range of the learning rate, as Optuna's distributions have it."""

from __future__ import annotations

import math

from optuna.distributions import BaseDistribution, FloatDistribution


def require_lr(name: str, distribution: BaseDistribution) -> FloatDistribution:
    """The distribution of the learning rate, if it is one that the law can use.

    Raises:
        ValueError: It is not a float range above 0.
    """
    if not isinstance(distribution, FloatDistribution) or distribution.low <= 0:
        raise ValueError(
            f"parameter {name!r} is taken for the learning rate and must be a float range above "
            f"0, such as suggest_float({name!r}, 1e-5, 1e-1, log=True), but is {distribution}; "
            "if the learning rate has another name, give it as KappaSampler(lr=...)"
        )
    return distribution


def snap(distribution: FloatDistribution, value: float) -> float:
    """The allowed value nearest to `value`."""
    value = min(max(value, distribution.low), distribution.high)
    if distribution.step is not None:
        steps = round((value - distribution.low) / distribution.step)
        value = min(distribution.low + steps * distribution.step, distribution.high)
    return float(value)


def ends(distribution: FloatDistribution) -> tuple[float, float]:
    """Natural logarithms of the ends of a range."""
    return math.log(distribution.low), math.log(distribution.high)
