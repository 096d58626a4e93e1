"""Parameters of a trial as coordinates: how far apart two trials are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial

from optuna_kappa.pruning import Place
from optuna_kappa.study.trials import lr_of

Space = Mapping[str, BaseDistribution]


def space_of(trials: Sequence[FrozenTrial]) -> dict[str, BaseDistribution]:
    """All parameters of some trials, sorted by name; of several ranges the last."""
    found = {name: d for trial in trials for name, d in trial.distributions.items()}
    return {name: found[name] for name in sorted(found)}


def place_of(trial: FrozenTrial, space: Space, lr: str) -> Place:
    """Where a trial is in a space; a parameter that has a single value is left out."""
    others: list[float] = []
    ln_lr = 0.0
    for name, distribution in space.items():
        if name == lr and not isinstance(distribution, CategoricalDistribution):
            low, high = _ends(distribution)
            if low >= 0 < high:
                ln_lr = math.log(lr_of(trial, lr) or math.sqrt(low * high) or high)
                continue
        if not distribution.single():
            others += _parts(distribution, trial.params.get(name))
    return Place(ln_lr, np.array(others))


def _parts(distribution: BaseDistribution, value: Any) -> list[float]:
    """A value in parts of its range, the middle where there is none; categories are 1 apart."""
    if isinstance(distribution, CategoricalDistribution):
        return [(choice == value) / math.sqrt(2) for choice in distribution.choices]
    if not isinstance(value, (int, float)):
        return [0.5]
    (low, high), at = _ends(distribution), float(value)
    if getattr(distribution, "log", False) and at > 0:
        low, high, at = math.log(low), math.log(high), math.log(at)
    return [(at - low) / (high - low)]


def _ends(distribution: BaseDistribution) -> tuple[float, float]:
    assert isinstance(distribution, (FloatDistribution, IntDistribution))
    return float(distribution.low), float(distribution.high)


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
