"""Why trials were pruned, or not: for people, from what a study holds."""

from __future__ import annotations

from typing import Any, NamedTuple

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa import trials as door
from optuna_kappa.pruner import KappaPruner
from optuna_kappa.pruning import Decision, ends_anyway


class Kill(NamedTuple):
    """A pruned trial.

    Attributes:
        trial: Its number.
        lr: Its learning rate; None where it has none.
        step: Its last step; None without reports.
        value: What it reported there.
        probability: To become the best, when `KappaPruner` ended it; None where something else
            did.
        reason: Why it was ended, in a sentence.
    """

    trial: int
    lr: float | None
    step: int | None
    value: float | None
    probability: float | None
    reason: str


class Explanation(NamedTuple):
    """What became of a trial.

    Attributes:
        trial: Its number.
        lr: Its learning rate; None where it has none.
        state: Name of its state.
        outcome: What became of it, in a sentence.
        decisions: What `KappaPruner` decided, phase by phase, worked out again.
    """

    trial: int
    lr: float | None
    state: str
    outcome: str
    decisions: list[Decision]


def kills(study: Study, lr: str = "lr") -> list[Kill]:
    """Every pruned trial of a study, with the reason.

    Args:
        study: A study with one objective.
        lr: Name of the learning-rate parameter.
    """
    door.require_single_objective(study, "this table")
    pruned = [t for t in door.snapshot_now(study) if t.state == TrialState.PRUNED]
    return [_kill(trial, lr) for trial in pruned]


def explain(study: Study, number: int, pruner: KappaPruner | None = None) -> Explanation:
    """Why a trial was pruned, or was not.

    Args:
        study: A study with one objective.
        number: Number of the trial.
        pruner: The study's pruner, if it is not one with the default arguments.

    Raises:
        ValueError: There is no such trial, or the study has several objectives.
    """
    door.require_single_objective(study, "an explanation")
    pruner = pruner or KappaPruner()
    decisions = pruner.decisions(study, number)
    (trial,) = (t for t in door.snapshot_now(study) if t.number == number)
    if trial.state == TrialState.PRUNED:
        outcome = _kill(trial, pruner.lr).reason
    else:
        outcome = {
            TrialState.COMPLETE: f"came to its end with {trial.value}",
            TrialState.FAIL: "failed",
        }.get(trial.state, "is not finished")
    return Explanation(number, door.lr_of(trial, pruner.lr), trial.state.name, outcome, decisions)


def _kill(trial: FrozenTrial, lr: str) -> Kill:
    reports = trial.intermediate_values
    step = max(reports, default=None)
    stored: dict[str, Any] = trial.user_attrs.get(door.PRUNED, {})
    plan = door.plan_of(trial)
    horizon = plan.horizon if plan is not None and plan.is_probe else None
    reason = stored.get("reason") or ends_anyway(reports, horizon)
    return Kill(
        trial.number,
        door.lr_of(trial, lr),
        step,
        None if step is None else reports[step],
        stored.get("probability"),
        reason or "pruned by the objective or by another pruner, which left no reason",
    )
