"""The range of the learning rate for given values of the other parameters.

An objective may choose the range by other parameters: one for Adam, another for SGD. Only the
trials know it. The range for some parameters is that of the trial whose parameters are nearest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial

from optuna_kappa._typing import Floats
from optuna_kappa.law.features import Scale, scale_of
from optuna_kappa.study.lr_names import LrName, name_used, names_of

_ELSEWHERE = 2.0  # distance to a trial without the parameter: farther than any value of it


def lr_range_for(
    params: Mapping[str, Any],
    trials: Sequence[FrozenTrial],
    lr: str,
    missing: Mapping[str, Any],
) -> BaseDistribution | None:
    """The range of the learning rate in the trial with the nearest parameters.

    Args:
        params: Values of the other parameters.
        trials: Any trials; those without a learning rate are left out.
        lr: Name of the learning-rate parameter.
        missing: Values that decide between trials that are equally near. Of trials that are still
            equally near, the last one counts.

    Returns:
        None if no trial has a learning rate.

    Example:
        >>> import optuna
        >>> def objective(trial):
        ...     optimizer = trial.suggest_categorical("optimizer", ["adam", "sgd"])
        ...     highest = 0.01 if optimizer == "adam" else 1.0
        ...     return trial.suggest_float("lr", 1e-5, highest, log=True)
        >>> study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        >>> study.optimize(objective, n_trials=6)
        >>> lr_range_for({"optimizer": "sgd"}, study.trials, "lr", missing={}).high
        1.0
    """
    nearest = _nearest(params, trials, lr, missing)
    if nearest is None:
        return None
    found: BaseDistribution = nearest.distributions[lr]
    return found


def lr_name_for(
    params: Mapping[str, Any],
    trials: Sequence[FrozenTrial],
    lr: LrName,
    missing: Mapping[str, Any],
) -> str:
    """The name of the learning rate that goes with some parameters, if there are several.

    It is the name among these parameters, or the one in the trial with the nearest parameters.

    Args:
        params: Values of the other parameters, or of all.
        trials: Any trials.
        lr: Name of the learning-rate parameter, or several names.
        missing: Values that decide between trials that are equally near.

    Example:
        >>> import optuna
        >>> def objective(trial):
        ...     optimizer = trial.suggest_categorical("optimizer", ["adam", "sgd"])
        ...     return trial.suggest_float(f"{optimizer}_lr", 1e-5, 1.0, log=True)
        >>> study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        >>> study.optimize(objective, n_trials=6)
        >>> lr_name_for({"optimizer": "sgd"}, study.trials, ("adam_lr", "sgd_lr"), missing={})
        'sgd_lr'
    """
    name = name_used(params, lr)
    if name is None and not isinstance(lr, str):
        nearest = _nearest(params, trials, lr, missing)
        name = None if nearest is None else name_used(nearest.params, lr)
    return name or names_of(lr)[0]


def _nearest(
    params: Mapping[str, Any],
    trials: Sequence[FrozenTrial],
    lr: LrName,
    missing: Mapping[str, Any],
) -> FrozenTrial | None:
    """The trial with the nearest parameters, of those with a learning rate."""
    with_lr = [trial for trial in trials if name_used(trial.params, lr) is not None]
    if not with_lr:
        return None

    distance = _distances(params, with_lr, lr)
    tie_break = {name: value for name, value in missing.items() if name not in params}
    farther = _distances(tie_break, with_lr, lr)

    age = -np.arange(len(with_lr))
    return with_lr[int(np.lexsort((age, farther, distance))[0])]


def _distances(
    params: Mapping[str, Any],
    trials: Sequence[FrozenTrial],
    lr: LrName,
) -> Floats:
    """How far the parameters of each trial are from these, shape `(n,)`, in parts of ranges."""
    squares = np.zeros(len(trials))

    for name, value in params.items():
        if name in names_of(lr):
            continue

        texts = [str(trial.params.get(name, "")) for trial in trials]
        scale = scale_of(name, np.array(texts))
        wanted = str(value)

        # Few values occur many times, and each needs its distance once.
        known = {text: _distance(text, wanted, scale) for text in set(texts)}
        squares += np.square([known[text] for text in texts])

    distances: Floats = np.sqrt(squares)
    return distances


def _distance(text: str, wanted: str, scale: Scale | None) -> float:
    """Distance between two values of a parameter: 1 from one end of its range to the other."""
    if text == wanted:
        return 0.0
    if not text:
        return _ELSEWHERE
    if scale is None:
        return 1.0

    apart = np.subtract(scale.features(text), scale.features(wanted))
    # Two values that are not numbers differ in two features.
    return float(np.linalg.norm(apart)) / (np.sqrt(2) if scale.values else 1.0)
