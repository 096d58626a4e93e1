"""Full runs that all stop far before their horizon: the objective trains for less than it says.

An objective that always trains for 24 steps ends its probes as planned, and nothing is wrong with
them. Its full runs, planned for 256 steps, end at 24: what they return is no loss of such a run.
One run alone may have stopped early, as may be best for its learning rate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from optuna.trial import FrozenTrial, TrialState

from optuna_kappa.study.counting import interval_of
from optuna_kappa.study.evidence import diverged_at
from optuna_kappa.study.imported import is_imported
from optuna_kappa.study.plans import plan_of

_FAR = 0.5  # part of its horizon that a run does not reach
_FEWEST = 2  # runs of which one is no exception


def runs_that_stop_short(evidence: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The completed full runs, if there are several, and all stopped far before their horizon.

    Runs of the latest horizon count. Those that diverged, or were imported, tell nothing.

    Args:
        evidence: Trials that the law is fitted to, by number.

    Example:
        >>> from optuna.trial import create_trial
        >>> attrs = {"kappa:plan": {"horizon": 256, "kind": "law", "schedule": "constant"}}
        >>> reports = {step: 1 / step for step in range(1, 25)}
        >>> trial = create_trial(value=0.1, intermediate_values=reports, user_attrs=attrs)
        >>> len(runs_that_stop_short([trial])), len(runs_that_stop_short([trial, trial]))
        (0, 2)
    """
    planned = []
    for trial in evidence:
        plan = plan_of(trial)
        if plan and not plan.is_probe and not is_imported(trial) and trial.intermediate_values:
            planned.append((trial, plan.horizon))
    if not planned:
        return []

    short = []
    _, latest = planned[-1]
    for trial, horizon in planned:
        if horizon != latest or _diverged(trial):
            continue
        if _reached(trial) >= _FAR * horizon:
            return []
        if trial.state == TrialState.COMPLETE:
            short.append(trial)
    return short if len(short) >= _FEWEST else []


def _diverged(trial: FrozenTrial) -> bool:
    infinite = trial.values is not None and not all(map(math.isfinite, trial.values))
    return infinite or diverged_at(trial) is not None


def _reached(trial: FrozenTrial) -> int:
    """The last step that a run may have reached: its next report would have been beyond it."""
    steps = trial.intermediate_values
    last = max(steps)
    return last + (interval_of(trial) if len(steps) > 1 else last)
