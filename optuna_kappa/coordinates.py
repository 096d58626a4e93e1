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

from optuna_kappa.runs import Floats
from optuna_kappa.trials import lr_of

LENGTH_LR = 1.1  # ln lr over which what losses do changes
LENGTH_OTHER = 0.353  # the same, in parts of the range of another parameter

Space = Mapping[str, BaseDistribution]


def space_of(trials: Sequence[FrozenTrial]) -> dict[str, BaseDistribution]:
    """All parameters of some trials, sorted by name; of several ranges the last."""
    found = {name: d for trial in trials for name, d in trial.distributions.items()}
    return {name: found[name] for name in sorted(found)}


def place_of(trial: FrozenTrial, space: Space, lr: str) -> Floats:
    """A trial's coordinates, shape `(p,)`, in lengths over which losses change.

    A parameter that has a single value is none of them.
    """
    found: list[float] = []
    for name, distribution in space.items():
        if distribution.single():
            continue
        value = trial.params.get(name)
        if name == lr and (rate := lr_of(trial, lr)):
            found.append(math.log(rate) / LENGTH_LR)
        else:
            found += [at / LENGTH_OTHER for at in _parts(distribution, value)]
    return np.array(found)


def _parts(distribution: BaseDistribution, value: Any) -> list[float]:
    """A value in parts of its range, the middle where there is none; categories are 1 apart."""
    if isinstance(distribution, CategoricalDistribution):
        return [(choice == value) / math.sqrt(2) for choice in distribution.choices]
    assert isinstance(distribution, (FloatDistribution, IntDistribution))
    if not isinstance(value, (int, float)):
        return [0.5]
    low, high, at = float(distribution.low), float(distribution.high), float(value)
    if distribution.log and at > 0:
        low, high, at = math.log(low), math.log(high), math.log(at)
    return [(at - low) / (high - low)]
