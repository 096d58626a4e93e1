"""Trials that a killed process left RUNNING, marked so that they are planned again."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa._validation import Interval
from optuna_kappa.study.private import check_study, set_user_attr

INTERRUPTED = "kappa:interrupted"

_LONGEST_AGE = 3e9  # seconds; dates do not reach much further back


def fail_interrupted(study: Study, older_than: float = 0.0) -> list[int]:
    """Mark the trials that a killed process left RUNNING as failed and interrupted.

    `KappaSampler` plans them again: an interrupted trial uses up no probe, and its learning rate
    is not avoided. A trial that failed by itself, in contrast, may say something about its rate.
    Call it before a search is resumed. If other processes are at work on the study, give the age
    beyond which none of their trials can be.

    Args:
        study: The study to resume.
        older_than: Seconds since the start of a trial below which it is left alone.

    Returns:
        Numbers of the trials that were marked.

    Raises:
        ValueError: The age is not a number of seconds, or this is no study.

    Example:
        >>> import optuna
        >>> import optuna_kappa
        >>> study = optuna.create_study()
        >>> trial = study.ask()  # and then the process was killed
        >>> optuna_kappa.fail_interrupted(study)
        [0]
        >>> study.trials[0].state.name
        'FAIL'
    """
    remedy = "it is the age of a trial in seconds"
    seconds = Interval(0, math.inf, "[)").check("older_than", older_than, remedy)
    youngest = datetime.now() - timedelta(seconds=min(seconds, _LONGEST_AGE))

    check_study(study)
    marked = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        started = trial.datetime_start
        is_young = started is not None and started > youngest
        if seconds and is_young:
            continue

        mark_interrupted(study, trial)
        marked.append(trial.number)
    return marked


def mark_interrupted(study: Study, trial: FrozenTrial) -> None:
    """Mark a running trial as failed and interrupted.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> trial = study.ask()
        >>> mark_interrupted(study, study.trials[0])
        >>> was_interrupted(study.trials[0])
        True
    """
    set_user_attr(study, trial, INTERRUPTED, True)
    study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)


def was_interrupted(trial: FrozenTrial) -> bool:
    """Whether a trial was marked as interrupted."""
    return bool(trial.user_attrs.get(INTERRUPTED, False))
