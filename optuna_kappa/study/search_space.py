"""Parameters of trials as coordinates, and the range of the learning rate.

A distance between two trials is a distance between their coordinates (`place_of`). The learning
rate counts by its logarithm; every other parameter counts in parts of its range.
"""

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
from optuna_kappa.study.lr_names import LrName, name_used, names_of
from optuna_kappa.study.trials import lr_of

Space = Mapping[str, BaseDistribution]


def space_of(trials: Sequence[FrozenTrial]) -> dict[str, BaseDistribution]:
    """All parameters of some trials, sorted by name.

    Where a parameter has had several ranges, the last one counts.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> trial = study.ask({"width": IntDistribution(1, 9), "lr": FloatDistribution(0.1, 1.0)})
        >>> list(space_of(study.trials))
        ['lr', 'width']
    """
    space: dict[str, BaseDistribution] = {}
    for trial in trials:
        space.update(trial.distributions)
    return dict(sorted(space.items()))


def place_of(
    trial: FrozenTrial,
    space: Space,
    lr: LrName,
) -> Place:
    """The coordinates of a trial in a space; a parameter with a single value has none.

    A trial without an lr is put at the geometric mean of the lr's range. With several names of the
    lr, the name used counts as a category.

    Args:
        trial: Any trial.
        space: Parameters of the study, as `space_of` gives them.
        lr: Name of the learning-rate parameter, or several names.

    Example:
        >>> import optuna
        >>> space = {"lr": FloatDistribution(0.01, 1.0), "width": IntDistribution(0, 8)}
        >>> params = {"lr": 1.0, "width": 2}
        >>> trial = optuna.trial.create_trial(params=params, distributions=space, value=0.5)
        >>> place_of(trial, space, lr="lr")
        Place(ln_lr=0.0, others=array([0.25]))
    """
    others: list[float] = []
    names = names_of(lr)
    used = name_used(trial.params, lr)
    ln_lr = 0.0

    for name, distribution in space.items():
        is_categorical = isinstance(distribution, CategoricalDistribution)
        if name in names and not is_categorical:
            low, high = _ends(distribution)
            if low >= 0 < high:
                middle = math.sqrt(low * high) or high  # a range from 0 has no geometric mean
                if used in (name, None):
                    ln_lr = math.log(lr_of(trial, lr) or middle)
                if len(names) > 1:
                    others.append((name == used) / math.sqrt(2))
                continue

        if not distribution.single():
            value = trial.params.get(name)
            others += _coordinates(distribution, value)

    return Place(ln_lr, np.array(others))


def _coordinates(distribution: BaseDistribution, value: Any) -> list[float]:
    """A value in parts of its range, the middle if it is missing; categories are 1 apart."""
    if isinstance(distribution, CategoricalDistribution):
        # Two unit vectors, divided by the square root of 2, are 1 apart.
        chosen = [choice == value for choice in distribution.choices]
        return [is_chosen / math.sqrt(2) for is_chosen in chosen]
    if not isinstance(value, (int, float)):
        return [0.5]

    low, high = _ends(distribution)
    number = float(value)
    if getattr(distribution, "log", False) and number > 0:
        low = math.log(low)
        high = math.log(high)
        number = math.log(number)

    return [(number - low) / (high - low)]


def _ends(distribution: BaseDistribution) -> tuple[float, float]:
    assert isinstance(distribution, (FloatDistribution, IntDistribution))
    return float(distribution.low), float(distribution.high)


def require_lr(name: str, distribution: BaseDistribution) -> FloatDistribution:
    """Return the distribution of the learning rate if the law can use it.

    Raises:
        ValueError: It is not a float range above 0.

    Example:
        >>> require_lr("lr", FloatDistribution(1e-5, 1e-1, log=True)).high
        0.1
    """
    if not isinstance(distribution, FloatDistribution) or distribution.low <= 0:
        raise ValueError(
            f"parameter {name!r} is taken for the learning rate and must be a float range above "
            f"0, such as suggest_float({name!r}, 1e-5, 1e-1, log=True), but is {distribution}; "
            "if the learning rate has another name, give it as KappaSampler(lr=...)"
        )
    return distribution


def snap(distribution: FloatDistribution, value: float) -> float:
    """The allowed value nearest to `value`.

    Example:
        >>> snap(FloatDistribution(0.0, 1.0, step=0.25), 0.6)
        0.5
        >>> snap(FloatDistribution(0.1, 1.0, log=True), 2.0)
        1.0
    """
    low = distribution.low
    high = distribution.high
    step = distribution.step

    value = min(max(value, low), high)
    if step is not None:
        n_steps = round((value - low) / step)
        value = min(low + n_steps * step, high)

    return float(value)


def ends(distribution: FloatDistribution) -> tuple[float, float]:
    """Natural logarithms of the ends of a range.

    Example:
        >>> ends(FloatDistribution(1.0, 2.0, log=True))
        (0.0, 0.6931471805599453)
    """
    low = math.log(distribution.low)
    high = math.log(distribution.high)
    return low, high
