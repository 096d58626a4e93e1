"""Whose turn it is: what new trials are planned to be when several workers ask at once.

No worker waits for another. Each sees all trials with a lower number than its own, but some of
these have no plan yet: they were created a moment ago, and their own worker is planning them. So
the numbers decide. A trial counts only those that come before it, and of these it plans the
unplanned ones first, as their own workers do. All workers then agree without a lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from optuna.trial import FrozenTrial, TrialState

from optuna_kappa.study.plans import plan_of

# A trial that is this much older and has no plan will not get one: its worker was killed, or
# another sampler asked for it. Planning takes far less than a second.
_PLANNED_WITHIN = timedelta(minutes=1)


def trials_before(trial: FrozenTrial, others: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that come before a trial.

    These are the ones with a lower number. Before a trial from the queue of `enqueue_trial`,
    whose number is older than its turn, come all that have begun.

    Args:
        trial: A trial under way.
        others: The other trials of its study.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> asked = [study.ask() for _ in range(3)]
        >>> _, middle, _ = study.trials
        >>> [other.number for other in trials_before(middle, study.trials)]
        [0]
    """
    from_queue = "fixed_params" in trial.system_attrs
    before = []

    for other in others:
        has_begun = other.state != TrialState.WAITING
        is_other = other.number != trial.number
        if other.number < trial.number or (from_queue and has_begun and is_other):
            before.append(other)

    return before


def unplanned(trial: FrozenTrial, before: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that come before a trial and are being planned at this moment.

    Args:
        trial: A trial under way.
        before: The trials that come before it.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()  # its sampler makes no plans
        >>> asked = [study.ask() for _ in range(3)]
        >>> *before, last = study.trials
        >>> [other.number for other in unplanned(last, before)]
        [0, 1]
    """
    found = []
    for other in before:
        if other.state != TrialState.RUNNING or other.params or plan_of(other) is not None:
            continue

        # Its number was drawn before this one's, so it is not younger.
        if _age(trial, other) <= _PLANNED_WITHIN:
            found.append(other)

    return found


def _age(trial: FrozenTrial, other: FrozenTrial) -> timedelta:
    """How much earlier than a trial another one began."""
    if trial.datetime_start is None or other.datetime_start is None:
        return timedelta(0)
    return trial.datetime_start - other.datetime_start
