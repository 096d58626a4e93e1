"""Why trials were pruned, or were not: in words, from what a study holds.

The reason for which a trial was pruned is stored on it. The decisions on the way are not stored;
they are worked out again from the trials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa.pruning import Decision, ends_anyway
from optuna_kappa.study.attributes import note_unreadable
from optuna_kappa.study.decisions import decisions
from optuna_kappa.study.lr_names import LrName, check_lr
from optuna_kappa.study.plans import (
    PLAN,
    PRUNED,
    has_unreadable_plan,
    has_unreadable_reason,
    is_exempt,
    probe_end,
    pruned_reason,
)
from optuna_kappa.study.private import direction_of, require_single_objective, snapshot_now
from optuna_kappa.study.pruner import KappaPruner
from optuna_kappa.study.reporting import find_reporting
from optuna_kappa.study.trials import lr_of, sign_of

Kind = Literal["forecast", "diverged", "probe", "other"]
"""What ended a trial: `KappaPruner`'s forecast, its own loss, its plan, or something else."""


class Kill(NamedTuple):
    """A pruned trial.

    Attributes:
        trial: Its number.
        lr: Its learning rate; None if it has none.
        step: Its last step; None without reports.
        value: Its last report; NaN or infinite if it diverged.
        probability: To become the best, if `KappaPruner` ended the trial for its forecast.
        kind: "forecast" (`KappaPruner` gave it too small a chance), "diverged", "probe" (it
            reached the short horizon that `KappaSampler` had planned, which is no verdict on it),
            or "other" (the objective or another pruner ended it).
        reason: Why it was ended, in a sentence.

    Example:
        >>> Kill(3, 0.01, 8, 0.9, None, "probe", "a probe, planned to end at step 8").kind
        'probe'
    """

    trial: int
    lr: float | None
    step: int | None
    value: float | None
    probability: float | None
    kind: Kind
    reason: str


class Explanation(NamedTuple):
    """What happened to a trial, and why.

    Attributes:
        trial: Its number.
        lr: Its learning rate; None if it has none.
        state: Name of its state.
        kind: What ended it, as `Kill.kind`; None if it was not pruned.
        outcome: What happened to it, in a sentence.
        decisions: What `KappaPruner` decides, phase by phase, worked out again.
        note: Why there are no decisions, or why the outcome differs from them; otherwise empty.

    Example:
        >>> Explanation(0, 0.01, "COMPLETE", None, "completed with 0.5", [], "").state
        'COMPLETE'
    """

    trial: int
    lr: float | None
    state: str
    kind: Kind | None
    outcome: str
    decisions: list[Decision]
    note: str


def kills(study: Study, lr: LrName = "lr") -> list[Kill]:
    """Every pruned trial of a study, with the reason, by its number.

    A trial of the kind "probe" ended as planned.

    Args:
        study: A study with one objective.
        lr: Name of the learning-rate parameter, or a tuple of several.

    Raises:
        ValueError: The study has several objectives.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaPruner
        >>> def objective(trial):
        ...     trial.report(float("inf"), step=trial.suggest_int("diverges_at", 3, 3))
        ...     if trial.should_prune():
        ...         raise optuna.TrialPruned()
        >>> study = optuna.create_study(pruner=KappaPruner())
        >>> study.optimize(objective, n_trials=1)
        >>> kills(study)[0].reason
        'diverged: its loss at step 3 is inf'
    """
    require_single_objective(study, "a table of pruned trials")
    lr = check_lr(lr)
    trials = snapshot_now(study)
    note_unreadable(trials, PLAN, has_unreadable_plan)
    note_unreadable(trials, PRUNED, has_unreadable_reason)
    shift = find_reporting(trials, sign_of(direction_of(study))).shift

    pruned = [trial for trial in trials if trial.state == TrialState.PRUNED]
    pruned.sort(key=lambda trial: trial.number)
    return [_kill(trial, lr, shift) for trial in pruned]


def explain(study: Study, number: int, pruner: KappaPruner | None = None) -> Explanation:
    """Why a trial was pruned, or was not.

    Args:
        study: A study with one objective.
        number: Number of the trial.
        pruner: The study's pruner; by default a `KappaPruner` with default arguments.

    Raises:
        ValueError: There is no such trial, or the study has several objectives.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> study.optimize(lambda trial: 0.25, n_trials=1)
        >>> explain(study, 0).note
        'no decisions: it has no report at a step above 0'
    """
    if pruner is None:
        pruner = KappaPruner()
    decided = decisions(study, number, pruner)
    trials = snapshot_now(study)
    trial = next(trial for trial in trials if trial.number == number)
    shift = find_reporting(trials, sign_of(direction_of(study))).shift

    kind, outcome = _outcome(trial, shift)
    note = _difference(trial, kind, decided) if decided else _no_decisions(trial)
    return Explanation(
        trial=number,
        lr=lr_of(trial, pruner.lr),
        state=trial.state.name,
        kind=kind,
        outcome=outcome,
        decisions=decided,
        note=note,
    )


def _kill(trial: FrozenTrial, lr: LrName, shift: int) -> Kill:
    last_step = max(trial.intermediate_values, default=None)
    kind, reason = _end_of(trial, shift)
    return Kill(
        trial=trial.number,
        lr=lr_of(trial, lr),
        step=last_step,
        value=None if last_step is None else trial.intermediate_values[last_step],
        probability=_stored(trial).get("probability"),
        kind=kind,
        reason=reason,
    )


def _stored(trial: FrozenTrial) -> Mapping[str, Any]:
    """What `KappaPruner` stored when it ended a trial; empty if the trial went on after that."""
    stored = pruned_reason(trial)
    last_step = max(trial.intermediate_values, default=None)
    # The objective may ignore should_prune() and report on.
    went_on = stored.get("step", last_step) != last_step
    return {} if went_on else stored


def _outcome(trial: FrozenTrial, shift: int) -> tuple[Kind | None, str]:
    """What ended a trial if it was pruned, and what happened to it."""
    if trial.state == TrialState.PRUNED:
        return _end_of(trial, shift)
    if trial.state == TrialState.COMPLETE:
        return None, f"completed with {trial.values[0]:.6g}"
    if trial.state == TrialState.FAIL:
        return None, "failed"
    return None, "is not finished"


def _end_of(trial: FrozenTrial, shift: int) -> tuple[Kind, str]:
    """What ended a pruned trial, and why.

    Args:
        trial: A pruned trial.
        shift: 1 if the steps of the study are counted from 0, otherwise 0.
    """
    stored = _stored(trial)
    if "reason" in stored:
        was_forecast = stored.get("probability") is not None
        return "forecast" if was_forecast else "diverged", stored["reason"]

    # Nothing was stored: `KappaPruner` stores no reason for a NaN or a probe's end.
    reports = trial.intermediate_values
    diverged = ends_anyway(reports, None)
    if diverged is not None:
        return "diverged", diverged

    end = probe_end(trial)
    planned = ends_anyway(reports, None if end is None else end - shift)
    if planned is not None:
        return "probe", planned

    return "other", "pruned by the objective or by another pruner, which left no reason"


def _no_decisions(trial: FrozenTrial) -> str:
    """Why nothing was decided about a trial."""
    if probe_end(trial) is not None:
        return "no decisions: a probe is run to fit the law and is never judged"
    if is_exempt(trial):
        return "no decisions: a trial that follows the law is run to test it and is never judged"
    if not any(step > 0 for step in trial.intermediate_values):
        return "no decisions: it has no report at a step above 0"
    return (
        "no decisions: no trial to compare it with had finished before, or it has no finite "
        "report at a step where it would be compared"
    )


def _difference(trial: FrozenTrial, kind: Kind | None, decided: Sequence[Decision]) -> str:
    """Why the outcome of a trial differs from the decisions about it; '' if it does not."""
    ends = [decision.step for decision in decided if decision.prune]

    if kind == "forecast" and ends and ends[0] < max(trial.intermediate_values):
        return (
            f"by these decisions it would have been ended at step {ends[0]}: some of the trials "
            "that it is compared with here were not finished then"
        )
    if kind == "forecast" and not ends:
        return (
            "by these decisions it would have gone on: the study's KappaPruner had other "
            "arguments, or several trials ran at once"
        )
    if ends and (trial.state == TrialState.COMPLETE or kind == "other"):
        return (
            f"by these decisions it would have been ended at step {ends[0]}: the study had "
            "another pruner, a KappaPruner with other arguments, or several trials ran at once"
        )
    return ""
