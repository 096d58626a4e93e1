"""Why trials were pruned, or not: for people, from what a study holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa.pruning import Decision, ends_anyway
from optuna_kappa.study.plans import PRUNED, kind_of, probe_end
from optuna_kappa.study.private import require_single_objective, snapshot_now
from optuna_kappa.study.pruner import KappaPruner
from optuna_kappa.study.trials import lr_of

Kind = Literal["forecast", "diverged", "probe", "other"]
"""What ended a trial: `KappaPruner`'s forecast of it, its loss, its plan, or someone else."""


class Kill(NamedTuple):
    """A pruned trial.

    Attributes:
        trial: Its number.
        lr: Its learning rate; None where it has none.
        step: Its last step; None without reports.
        value: What it reported there; NaN or infinite where it diverged.
        probability: To become the best, when `KappaPruner` ended it for its forecast.
        kind: "forecast" (`KappaPruner` gave it too small a chance), "diverged", "probe" (it came
            to the short horizon that `KappaSampler` had planned, which is no verdict on it), or
            "other" (the objective or another pruner ended it).
        reason: Why it was ended, in a sentence.
    """

    trial: int
    lr: float | None
    step: int | None
    value: float | None
    probability: float | None
    kind: Kind
    reason: str


class Explanation(NamedTuple):
    """What became of a trial.

    Attributes:
        trial: Its number.
        lr: Its learning rate; None where it has none.
        state: Name of its state.
        kind: What ended it, as `Kill.kind`; None if it was not pruned.
        outcome: What became of it, in a sentence.
        decisions: What `KappaPruner` decides, phase by phase, worked out again.
        note: Why there are no decisions, or why others were taken; else empty.
    """

    trial: int
    lr: float | None
    state: str
    kind: Kind | None
    outcome: str
    decisions: list[Decision]
    note: str


def kills(study: Study, lr: str = "lr") -> list[Kill]:
    """Every pruned trial of a study, with the reason, by its number.

    Those whose kind is "probe" ended as they were planned to.

    Args:
        study: A study with one objective.
        lr: Name of the learning-rate parameter.

    Raises:
        ValueError: The study has several objectives.
    """
    require_single_objective(study, "a table of pruned trials")
    pruned = [t for t in snapshot_now(study) if t.state == TrialState.PRUNED]
    return [_kill(trial, lr) for trial in sorted(pruned, key=lambda trial: trial.number)]


def explain(study: Study, number: int, pruner: KappaPruner | None = None) -> Explanation:
    """Why a trial was pruned, or was not.

    Args:
        study: A study with one objective.
        number: Number of the trial.
        pruner: The study's pruner, if it is not one with the default arguments.

    Raises:
        ValueError: There is no such trial, or the study has several objectives.
    """
    require_single_objective(study, "an explanation")
    pruner = pruner or KappaPruner()
    decisions = pruner.decisions(study, number)
    (trial,) = (t for t in snapshot_now(study) if t.number == number)
    kind: Kind | None = None
    if trial.state == TrialState.PRUNED:
        kind, outcome = _ended(trial)
    elif trial.state == TrialState.COMPLETE:
        outcome = f"came to its end with {trial.values[0]:.6g}"
    else:
        outcome = "failed" if trial.state == TrialState.FAIL else "is not finished"
    if probe_end(trial) is not None:
        decisions = []
    note = _differs(trial, kind, decisions) if decisions else _undecided(trial)
    lr = lr_of(trial, pruner.lr)
    return Explanation(number, lr, trial.state.name, kind, outcome, decisions, note)


def _kill(trial: FrozenTrial, lr: str) -> Kill:
    step = max(trial.intermediate_values, default=None)
    value = None if step is None else trial.intermediate_values[step]
    probability = _stored(trial).get("probability")
    return Kill(trial.number, lr_of(trial, lr), step, value, probability, *_ended(trial))


def _stored(trial: FrozenTrial) -> Mapping[str, Any]:
    """What `KappaPruner` kept when it ended a trial; nothing where the trial then went on."""
    stored: dict[str, Any] = trial.user_attrs.get(PRUNED, {})
    last = max(trial.intermediate_values, default=None)
    return stored if stored.get("step", last) == last else {}


def _ended(trial: FrozenTrial) -> tuple[Kind, str]:
    """What ended a pruned trial, and why."""
    stored = _stored(trial)
    if "reason" in stored:
        asked = stored.get("probability") is not None
        return "forecast" if asked else "diverged", stored["reason"]
    reports, horizon = trial.intermediate_values, probe_end(trial)
    diverged, planned = ends_anyway(reports, None), ends_anyway(reports, horizon)
    if diverged is not None:
        return "diverged", diverged
    if planned is not None:
        return "probe", planned
    return "other", "pruned by the objective or by another pruner, which left no reason"


def _undecided(trial: FrozenTrial) -> str:
    """Why nothing was decided about a trial."""
    if probe_end(trial) is not None:
        return "no decisions: a probe is for what it tells, and not judged"
    if kind_of(trial) == "law":
        return "no decisions: a trial by the law is there to test it, and not judged"
    if not any(step > 0 for step in trial.intermediate_values):
        return "no decisions: it has no report at a step above 0"
    return (
        "no decisions: no trial to compare it with had come to its end before, or it has no "
        "finite report where one would be compared"
    )


def _differs(trial: FrozenTrial, kind: Kind | None, decisions: list[Decision]) -> str:
    """Why what became of a trial is not what is decided about it; '' where it is."""
    ended = [decision.step for decision in decisions if decision.prune]
    if kind == "forecast" and ended and ended[0] < max(trial.intermediate_values):
        return (
            f"by these decisions it would have been ended at step {ended[0]}: some of the trials "
            "that it is compared with here were not finished then"
        )
    if kind == "forecast" and not ended:
        return (
            "by these decisions it would have gone on: the study's KappaPruner had other "
            "arguments, or several trials ran at once"
        )
    if ended and (trial.state == TrialState.COMPLETE or kind == "other"):
        return (
            f"by these decisions it would have been ended at step {ended[0]}: the study had "
            "another pruner, a KappaPruner with other arguments, or several trials ran at once"
        )
    return ""
