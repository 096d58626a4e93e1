"""Whether an objective asked how long its trial should train.

Under a schedule that is stretched over the run, an objective that does not ask
`optuna_kappa.horizon(trial)` builds the schedule for the full run, and its probes are cut off in
mid-schedule. What was asked is remembered in this process only, until the trial ends.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from optuna.trial import FrozenTrial, Trial

from optuna_kappa.schedules import find_schedule

# No study is known here, so a trial is told from one of the same number by when it started.
_Key: TypeAlias = tuple[int, datetime | None]

_asked: set[_Key] = set()


def remember_asked(trial: Trial | FrozenTrial) -> None:
    """Remember that an objective asked for the horizon of its running trial.

    Example:
        >>> import optuna
        >>> trial = optuna.create_study().ask()
        >>> remember_asked(trial)
    """
    if isinstance(trial, Trial):  # the library itself asks for that of finished trials
        _asked.add(_key(trial))


def was_asked(trial: FrozenTrial) -> bool:
    """Whether the objective of a running trial has asked for its horizon.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> trial = study.ask()
        >>> remember_asked(trial)
        >>> was_asked(study.trials[0])
        True
    """
    return _key(trial) in _asked


def never_asked(trial: FrozenTrial, schedule: str) -> bool:
    """Whether the objective of a trial that ends had to ask for its horizon, and did not.

    What was remembered of the trial is forgotten.

    Args:
        trial: The trial.
        schedule: Name of its schedule.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> trial = study.ask()
        >>> never_asked(study.trials[0], "constant"), never_asked(study.trials[0], "cosine")
        (False, True)
    """
    key = _key(trial)
    asked = key in _asked
    _asked.discard(key)

    shape = find_schedule(schedule)
    is_stretched = shape is None or not shape.beginning_is_shorter_run
    return is_stretched and not asked


def _key(trial: Trial | FrozenTrial) -> _Key:
    return trial.number, trial.datetime_start
