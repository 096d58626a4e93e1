"""Names of the learning rate: one, or several of which each trial has one.

An objective may call the learning rate by another name for each optimizer:

    if trial.suggest_categorical("optimizer", ["adam", "sgd"]) == "adam":
        lr = trial.suggest_float("adam_lr", 1e-5, 1e-1, log=True)
    else:
        lr = trial.suggest_float("sgd_lr", 1e-3, 10.0, log=True)

To the law, the name that a trial uses is a parameter like any other, with a text for its value:
the optima of two names may be far apart. Each name keeps its own range.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from optuna_kappa._validation import shown

LrName: TypeAlias = str | tuple[str, ...]

# Stands for a parameter whose value is the name used. No objective has a parameter of this name.
NAME_USED = "kappa:lr"


def check_lr(lr: object) -> LrName:
    """Return the name of the learning rate, or a tuple of two names and more.

    Raises:
        ValueError: It is neither a text nor a list or tuple of different ones.

    Example:
        >>> check_lr("lr"), check_lr(["adam_lr", "sgd_lr"]), check_lr(("lr",))
        ('lr', ('adam_lr', 'sgd_lr'), 'lr')
        >>> check_lr(3)
        Traceback (most recent call last):
        ValueError: lr must be a str or a tuple of different ones, got 3: it is the name of the
        learning-rate parameter, or the names of several of which each trial has one.
    """
    if isinstance(lr, str):
        return lr

    given = list(lr) if isinstance(lr, (list, tuple)) else []
    names = tuple(name for name in given if isinstance(name, str))
    if not names or len(names) < len(given) or len(set(names)) < len(names):
        raise ValueError(
            f"lr must be a str or a tuple of different ones, got {shown(lr)}: it is the name of "
            "the learning-rate parameter, or the names of several of which each trial has one."
        )
    return names if len(names) > 1 else names[0]


def names_of(lr: LrName) -> tuple[str, ...]:
    """All names of the learning rate.

    Example:
        >>> names_of("lr")
        ('lr',)
    """
    return (lr,) if isinstance(lr, str) else lr


def name_used(params: Mapping[str, Any], lr: LrName) -> str | None:
    """The name of the learning rate among some parameters; None if they have none.

    Should they have several, the first of the names counts.

    Example:
        >>> name_used({"optimizer": "sgd", "sgd_lr": 0.1}, ("adam_lr", "sgd_lr"))
        'sgd_lr'
    """
    for name in names_of(lr):
        if name in params:
            return name
    return None


def with_name_used(params: Mapping[str, Any], lr: LrName) -> Mapping[str, Any]:
    """Parameters of a trial; with several names, the one used is a parameter as well.

    Example:
        >>> with_name_used({"sgd_lr": 0.1}, ("adam_lr", "sgd_lr"))
        {'sgd_lr': 0.1, 'kappa:lr': 'sgd_lr'}
        >>> with_name_used({"lr": 0.1}, "lr")
        {'lr': 0.1}
    """
    used = None if isinstance(lr, str) else name_used(params, lr)
    return params if used is None else {**params, NAME_USED: used}


def quoted(lr: LrName) -> str:
    """The names as they are written in messages.

    Example:
        >>> quoted("lr"), quoted(("adam_lr", "sgd_lr"))
        ("'lr'", "'adam_lr' or 'sgd_lr'")
    """
    return " or ".join(repr(name) for name in names_of(lr))
