"""Hints about set-ups that waste probes or hide what happened, seen in a trial that ended."""

from __future__ import annotations

from typing import NamedTuple

from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa.study.asked import never_asked
from optuna_kappa.study.plans import Plan
from optuna_kappa.study.pruner import KappaPruner

# A last step that differs from the planned horizon by more than this factor is in another unit.
_UNIT_FACTOR = 1.5


class Hint(NamedTuple):
    """What the user should know about the set-up.

    Attributes:
        topic: What it is about, in a word or two; each topic is logged once.
        message: What is wrong and what to do, in sentences.

    Example:
        >>> Hint("step 0", "Trial 3 reported at step 0.").topic
        'step 0'
    """

    topic: str
    message: str


def hint(
    trial: FrozenTrial,
    plan: Plan | None,
    state: TrialState,
    pruner: BasePruner,
    lr: str,
) -> Hint | None:
    """Say what is wrong with the set-up of a trial.

    Args:
        trial: The trial, still running.
        plan: Its plan.
        state: The state that it ends in.
        pruner: The study's pruner.
        lr: Name of the learning-rate parameter.

    Returns:
        None if all is well.

    Example:
        >>> import optuna
        >>> trial = optuna.trial.create_trial(value=0.5)
        >>> hint(trial, None, TrialState.COMPLETE, optuna.pruners.NopPruner(), "lr").topic
        'no lr'
    """
    unasked = plan is not None and never_asked(trial, plan.schedule)
    failed = state == TrialState.FAIL
    if lr not in trial.params:
        return None if failed else _no_lr(trial, lr)
    if failed:
        return None if trial.intermediate_values else _failed_silently(trial)
    if 0 in trial.intermediate_values:
        return _step_zero(trial)
    if plan is None:
        return None

    complete = state == TrialState.COMPLETE
    last_step = max(trial.intermediate_values, default=plan.horizon)

    too_long = complete or last_step > plan.horizon
    if plan.is_probe and too_long and not isinstance(pruner, KappaPruner):
        return _no_pruner(trial, plan, pruner)

    far_beyond = last_step > _UNIT_FACTOR * plan.horizon
    far_short = complete and _UNIT_FACTOR * last_step < plan.horizon
    if far_beyond or far_short:
        return _other_unit(trial, plan, last_step)

    if plan.is_probe and unasked:
        return _never_asked(trial, plan)
    return _complete_probe(trial, plan) if plan.is_probe and complete else None


def _no_lr(trial: FrozenTrial, lr: str) -> Hint:
    return Hint(
        "no lr",
        f"No parameter {lr!r} in trial {trial.number}: KappaSampler leaves all parameters to "
        "its base sampler. If the learning rate has another name, pass it as "
        "KappaSampler(lr=...).",
    )


def _failed_silently(trial: FrozenTrial) -> Hint:
    return Hint(
        "failed",
        f"Trial {trial.number} failed without a report. If its loss was NaN, give it to "
        "trial.report before returning it. Optuna does not store a NaN that is only returned, "
        "so the law cannot learn that this learning rate diverged.",
    )


def _step_zero(trial: FrozenTrial) -> Hint:
    return Hint(
        "step 0",
        f"Trial {trial.number} reported at step 0. A step counts the training that is done, so "
        "the first epoch ends at step 1: trial.report(loss, step=epoch + 1). The report at step "
        "0 is ignored, and probes run one step too long.",
    )


def _no_pruner(trial: FrozenTrial, plan: Plan, pruner: BasePruner) -> Hint:
    return Hint(
        "pruner",
        f"Trial {trial.number} was planned as a probe of {plan.horizon} steps, but the study's "
        f"{type(pruner).__name__} did not end it there. Probes then cost more than they should, "
        "and study.best_trial may be a probe. Give the study "
        "pruner=optuna_kappa.KappaPruner().",
    )


def _other_unit(trial: FrozenTrial, plan: Plan, last_step: int) -> Hint:
    return Hint(
        "unit",
        f"Trial {trial.number} was planned for {plan.horizon} steps, but its last report was at "
        f"step {last_step}. KappaSampler's horizon must be in the unit of trial.report's step, "
        "and the objective should stop as soon as trial.should_prune() returns True.",
    )


def _never_asked(trial: FrozenTrial, plan: Plan) -> Hint:
    return Hint(
        "horizon",
        f"Trial {trial.number} was planned as a probe of {plan.horizon} steps with the schedule "
        f"{plan.schedule!r}, but its objective did not ask how long it should train. A schedule "
        "that is built for a full run is cut off in a probe, and the law learns nonsense: build "
        "it for optuna_kappa.horizon(trial) steps.",
    )


def _complete_probe(trial: FrozenTrial, plan: Plan) -> Hint:
    return Hint(
        "probe complete",
        f"Trial {trial.number} was planned as a probe of {plan.horizon} steps but ended "
        "COMPLETE, so study.best_trial may be a probe. Call trial.should_prune() after each "
        "trial.report() in the objective.",
    )
