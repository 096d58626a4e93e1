"""Whether a study counts its steps from 1 or from 0.

Many callbacks count epochs from 0: the report after the first epoch is at step 0, and the last of
a run of n epochs at n - 1. Such reports are read one step later. A study that evaluates the
untrained model also reports at step 0, but its runs end at n. Before a run has shown its end, the
losses tell the two apart: an untrained model has not seen its learning rate, so at step 0 its
losses hardly differ from run to run.

Imported runs say nothing of this: another program counted their steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa.study.imported import is_imported
from optuna_kappa.study.plans import plan_of

_ASKED = 64  # trials whose first losses are compared, the first ones, so that the answer stays
_FEWEST = 3  # trials whose first losses can be compared
_SAME = 0.25  # losses before training differ by less than this part of those after a step


def interval_of(trial: FrozenTrial) -> int:
    """Steps between the last two reports of a trial; 1 if it has fewer.

    Example:
        >>> from optuna.trial import create_trial
        >>> interval_of(create_trial(value=0.1, intermediate_values={5: 0.3, 10: 0.2, 15: 0.1}))
        5
    """
    steps = sorted(trial.intermediate_values)
    return steps[-1] - steps[-2] if len(steps) > 1 else 1


def starts_from_0(trial: FrozenTrial) -> bool | None:
    """Whether the first reports of a trial are counted from 0; None if they do not show it.

    Evaluated every k steps, a run reports at k, 2k, ...; counted from 0, at k - 1, 2k - 1, ...
    Only for k = 1 might the report at 0 be that of the untrained model. Irregular steps, such as
    1, 3, 9, show nothing.

    Example:
        >>> from optuna.trial import create_trial
        >>> starts_from_0(create_trial(value=0.5, intermediate_values={3: 0.7, 7: 0.5, 11: 0.4}))
        True
        >>> starts_from_0(create_trial(value=0.5, intermediate_values={4: 0.7, 8: 0.5}))
        False
        >>> starts_from_0(create_trial(value=0.5, intermediate_values={0: 0.7, 1: 0.5})) is None
        True
    """
    steps = sorted(trial.intermediate_values)
    if len(steps) < 2 or is_imported(trial):
        return None

    first = steps[0]
    every = steps[1] - first
    if first == every:
        return False

    is_regular = len(steps) > 2 and steps[2] - steps[1] == every
    return True if is_regular and first == every - 1 > 0 else None


def counts_from_0(
    complete: Sequence[FrozenTrial],
    reported: Sequence[FrozenTrial],
) -> bool:
    """Whether steps are counted from 0.

    Args:
        complete: Completed trials that have reports.
        reported: All trials that have reports.

    Example:
        >>> counts_from_0([], [])
        False
    """
    votes = sum(map(_vote, complete))
    if not votes:
        votes = sum(map(_vote, reported[:_ASKED]))
    if votes:
        return votes > 0

    # No run has shown its end: does the loss at step 0 depend on the run?
    at_0, after = _first_losses(reported)
    if len(at_0) < _FEWEST:
        return False
    return _scatter(at_0) > _SAME * _scatter(after)


def is_step_0_unclear(trials: Sequence[FrozenTrial]) -> bool:
    """Whether nothing tells if the reports at step 0 came before or after a step of training.

    Example:
        >>> from optuna.trial import create_trial
        >>> alike = create_trial(value=0.5, intermediate_values={0: 0.5, 1: 0.5})
        >>> is_step_0_unclear([alike] * 3)
        True
    """
    at_0, after = _first_losses(trials)
    if len(at_0) < _FEWEST or _scatter(after) > 0:
        return False
    return not any(_vote(trial) for trial in trials if trial.state == TrialState.COMPLETE)


def _first_losses(trials: Sequence[FrozenTrial]) -> tuple[list[float], list[float]]:
    """Losses at step 0 and at the next report, of the first trials that have both."""
    at_0: list[float] = []
    after: list[float] = []
    for trial in trials:
        reports = trial.intermediate_values
        if not trial.state.is_finished() or 0 not in reports or len(reports) < 2:
            continue
        if is_imported(trial):
            continue

        second = sorted(reports)[1]
        if math.isfinite(reports[0]) and math.isfinite(reports[second]):
            at_0.append(reports[0])
            after.append(reports[second])
        if len(at_0) == _ASKED:
            break
    return at_0, after


def _vote(trial: FrozenTrial) -> int:
    """What a trial says about its steps: 1 from 0, -1 not from 0, 0 nothing."""
    starts = starts_from_0(trial)
    if starts is not None:
        return 1 if starts else -1

    plan = plan_of(trial)
    if is_imported(trial):
        return 0
    if plan is None or trial.state != TrialState.COMPLETE or not trial.intermediate_values:
        return 0

    # What is left has its first report at step 0, or one report only.
    steps = sorted(trial.intermediate_values)
    if steps[-1] >= plan.horizon:
        return -1
    begins_at_0 = steps[0] == 0 and (len(steps) == 1 or steps[1] == 1)
    return int(begins_at_0 and steps[-1] == plan.horizon - 1)


def _scatter(values: Sequence[float]) -> float:
    """Median distance from the median."""
    return float(np.median(np.abs(np.array(values) - np.median(values))))
