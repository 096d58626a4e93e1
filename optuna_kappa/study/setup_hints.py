"""Set-ups that waste probes or hide what happened, told from a finished trial."""

from __future__ import annotations

from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa.study.plans import Plan
from optuna_kappa.study.pruner import KappaPruner

_OFF = 1.5  # a last step off the planned horizon by more than this factor is of another unit


def hint(
    trial: FrozenTrial, plan: Plan | None, state: TrialState, pruner: BasePruner, lr: str
) -> tuple[str, str] | None:
    """What the user should know about the set-up of a trial.

    Args:
        trial: The trial, still running.
        plan: Its plan.
        state: The state that it ends in.
        pruner: The study's pruner.
        lr: Name of the learning-rate parameter.

    Returns:
        A short reason, so that each is told once, and the message; None if all is well.
    """
    if lr not in trial.params:
        if state == TrialState.FAIL:
            return None
        return "no lr", (
            f"No parameter {lr!r} in trial {trial.number}: KappaSampler leaves all parameters to "
            "its base sampler. Name the learning rate by KappaSampler(lr=...)."
        )
    if state == TrialState.FAIL:
        return None if trial.intermediate_values else _failed(trial)
    if 0 in trial.intermediate_values:
        return _step_zero(trial)
    if plan is None:
        return None
    complete = state == TrialState.COMPLETE
    last = max(trial.intermediate_values, default=plan.horizon)
    if plan.is_probe and (complete or last > plan.horizon) and not _ends_probes(pruner):
        return _no_pruner(trial, plan, pruner)
    if last > _OFF * plan.horizon or (complete and _OFF * last < plan.horizon):
        return _other_unit(trial, plan, last)
    return _complete_probe(trial, plan) if plan.is_probe and complete else None


def _ends_probes(pruner: BasePruner) -> bool:
    return isinstance(pruner, KappaPruner)


def _step_zero(trial: FrozenTrial) -> tuple[str, str]:
    return "step 0", (
        f"Trial {trial.number} reported at step 0. A step is data seen, so that the first epoch "
        "ends at step 1: trial.report(loss, step=epoch + 1). The report at 0 is not used, and "
        "probes run one step too long."
    )


def _no_pruner(trial: FrozenTrial, plan: Plan, pruner: BasePruner) -> tuple[str, str]:
    return "pruner", (
        f"Trial {trial.number} was planned as a probe of {plan.horizon} steps, but the study's "
        f"{type(pruner).__name__} did not end it there: probes cost more than they should, and "
        "study.best_trial may be one. Give the study pruner=optuna_kappa.KappaPruner()."
    )


def _other_unit(trial: FrozenTrial, plan: Plan, last: int) -> tuple[str, str]:
    return "unit", (
        f"Trial {trial.number} was planned for {plan.horizon} steps, but its last report was at "
        f"step {last}. KappaSampler's horizon must be in the unit of trial.report's step, and a "
        "probe should end when trial.should_prune() says so."
    )


def _failed(trial: FrozenTrial) -> tuple[str, str]:
    return "failed", (
        f"Trial {trial.number} failed without a report. If its loss was NaN, give it to "
        "trial.report before returning it: a NaN that is only returned is lost, and the law does "
        "not learn that this learning rate diverged."
    )


def _complete_probe(trial: FrozenTrial, plan: Plan) -> tuple[str, str]:
    return "probe complete", (
        f"Trial {trial.number} was planned as a probe of {plan.horizon} steps but ended COMPLETE, "
        "so study.best_trial may be a probe. Call trial.should_prune() after each trial.report() "
        "in the objective."
    )
