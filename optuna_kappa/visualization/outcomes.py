"""What became of each trial: how far it was trained, how it ended, and its last loss."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from optuna.trial import FrozenTrial, TrialState

from optuna_kappa._validation import LARGEST_LOSS, REACH
from optuna_kappa.study.lengths import losses_by_step
from optuna_kappa.study.plans import has_unreadable_plan, kind_of
from optuna_kappa.study.trials import lr_of
from optuna_kappa.visualization import theme
from optuna_kappa.visualization.searched import Searched

Outcome = Literal["complete", "probe", "pruned", "diverged", "failed", "running"]

# Later ones are drawn over earlier ones.
COLORS: dict[Outcome, str] = {
    "failed": "#B8C0CA",
    "probe": theme.GREY,
    "running": theme.GREEN,
    "pruned": theme.ORANGE,
    "diverged": theme.RED,
    "complete": theme.BLUE,
}


# What `Kill.kind` says about a pruned trial; "forecast" and "other" are both "pruned".
_PRUNED: dict[str, Outcome] = {"probe": "probe", "diverged": "diverged"}


class Ran(NamedTuple):
    """What became of one trial.

    Attributes:
        trial: Its number.
        lr: Its learning rate; None if it has none, or none that a law reckons with.
        kind: Kind of its plan, such as "probe" or "law"; "" if it has none.
        planned: Steps that it was planned for.
        trained: Steps that it was trained for.
        value: Its value at the last of them, in the direction of the study; None without a finite
            one.
        outcome: How it ended.

    Example:
        >>> Ran(3, 0.01, "probe", planned=8, trained=8, value=0.9, outcome="probe").trained
        8
    """

    trial: int
    lr: float | None
    kind: str
    planned: int
    trained: int
    value: float | None
    outcome: Outcome


def ran(known: Searched) -> list[Ran]:
    """What became of each trial of a study that has started, by its number.

    Trials whose plan cannot be read are left out: nobody knows what they are.

    Example:
        >>> import optuna
        >>> from optuna_kappa.visualization.searched import searched
        >>> study = optuna.create_study()
        >>> study.add_trial(optuna.create_trial(value=1.0, intermediate_values={1: 2.0, 8: 1.0}))
        >>> ran(searched(study))
        [Ran(trial=0, lr=None, kind='', planned=8, trained=8, value=1.0, outcome='complete')]
    """
    ended_by = {kill.trial: kill.kind for kill in known.kills}

    found = []
    for trial in known.trials:
        if trial.state == TrialState.WAITING or has_unreadable_plan(trial):
            continue
        found.append(_ran(trial, known, ended_by.get(trial.number)))
    return found


def is_full_run(one: Ran, horizon: int) -> bool:
    """Whether a trial tells the value of a full run.

    Args:
        one: What became of a trial.
        horizon: Steps of a full run; 0 where nothing tells, and all completed trials count.

    Example:
        >>> is_full_run(Ran(3, 0.01, "probe", 8, 8, 0.9, "probe"), horizon=24)
        False
    """
    return one.outcome == "complete" and one.planned >= horizon and one.value is not None


def _ran(trial: FrozenTrial, known: Searched, ended_by: str | None) -> Ran:
    lengths = known.lengths
    step = lengths.reporting.step
    last = max((step(reported) for reported in trial.intermediate_values), default=0)
    trained = max(last, 0)
    if trial.state == TrialState.COMPLETE:
        trained = lengths.end(trial)

    lr = lr_of(trial, known.lr)
    return Ran(
        trial=trial.number,
        lr=lr if lr is not None and lr in REACH else None,
        kind=kind_of(trial) or "",
        planned=lengths.planned(trial),
        trained=trained,
        value=_last_value(trial, known),
        outcome=_outcome(trial, ended_by),
    )


def _last_value(trial: FrozenTrial, known: Searched) -> float | None:
    """The value at the last step; None where it is not finite."""
    values = list(losses_by_step(trial, known.lengths).values())
    if not values and trial.state == TrialState.COMPLETE:
        values = [float(trial.values[0])]

    return values[-1] if values and abs(values[-1]) <= LARGEST_LOSS else None


def _outcome(trial: FrozenTrial, ended_by: str | None) -> Outcome:
    """How a trial ended."""
    if trial.state == TrialState.COMPLETE:
        return "complete" if math.isfinite(trial.values[0]) else "diverged"
    if trial.state == TrialState.PRUNED:
        return _PRUNED.get(ended_by or "", "pruned")
    if trial.state == TrialState.FAIL:
        return "diverged" if _last_report_diverged(trial) else "failed"
    return "running"


def _last_report_diverged(trial: FrozenTrial) -> bool:
    reports = trial.intermediate_values
    return bool(reports) and not math.isfinite(reports[max(reports)])
