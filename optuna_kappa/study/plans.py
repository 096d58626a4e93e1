"""What a trial was planned to be: its horizon, its kind and its schedule.

A plan is kept as the trial's user attribute `kappa:plan`, so that it survives a restart, any
worker can read it, and optuna-dashboard shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal

from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from optuna_kappa.study.private import filtered, set_user_attr

PLAN = "kappa:plan"
PRUNED = "kappa:pruned"
INTERRUPTED = "kappa:interrupted"

Kind = Literal["probe", "law", "base", "enqueued"]


@dataclass(frozen=True)
class Plan:
    """What a trial was planned to be, stored as its user attribute `kappa:plan`.

    Attributes:
        horizon: Steps (in the unit of `trial.report`) it should train for.
        kind: "probe" (below the target's horizon), "law" (at the target, lr from the law),
            "base" (at the target, lr from the base sampler) or "enqueued" (lr from the user).
        schedule: Name of the schedule it runs.

    Example:
        >>> Plan(horizon=3, kind="probe", schedule="constant").is_probe
        True
    """

    horizon: int
    kind: Kind
    schedule: str

    @property
    def is_probe(self) -> bool:
        """Whether the trial is for a horizon below the target's."""
        return self.kind == "probe"


_shared_plan = lru_cache(Plan)  # thousands of trials share a few plans


def plan_of(trial: Trial | FrozenTrial) -> Plan | None:
    """The plan stored on a trial, None for a trial of another sampler.

    Raises:
        ValueError: Something else is stored under its name.
    """
    stored = trial.user_attrs.get(PLAN)
    if stored is None:
        return None
    try:
        return _shared_plan(**stored)
    except TypeError as error:
        raise ValueError(
            f"the attribute {PLAN!r} of trial {trial.number} is {stored!r}, not a plan; "
            "KappaSampler writes it, and it is not meant to be set by hand"
        ) from error


def kind_of(trial: FrozenTrial) -> str | None:
    """The kind of a planned trial, None for a trial of another sampler."""
    plan = plan_of(trial)
    return None if plan is None else plan.kind


def probe_end(trial: FrozenTrial) -> int | None:
    """The step at which a probe ends; None for a full run, or a trial of another sampler."""
    plan = plan_of(trial)
    return plan.horizon if plan is not None and plan.is_probe else None


def horizon(trial: Trial | FrozenTrial, default: int | None = None) -> int:
    """How long a trial should plan to train: what a scheduled objective builds its schedule for.

    Args:
        trial: The trial given to the objective.
        default: Answer for trials of other samplers, normally the full horizon.

    Returns:
        Horizon in the unit of `trial.report`'s step.

    Raises:
        ValueError: The trial has no planned horizon and there is no default.
    """
    plan = plan_of(trial)
    if plan is not None:
        return plan.horizon
    if default is None:
        raise ValueError(
            f"trial {trial.number} has no planned horizon, because its study's sampler is not a "
            "KappaSampler; give horizon(trial, default=...) the full horizon"
        )
    return default


def store_plan(study: Study, trial: FrozenTrial, plan: Plan) -> None:
    """Store the plan of a running trial."""
    set_user_attr(study, trial, PLAN, asdict(plan))


def store_pruned(study: Study, trial: FrozenTrial, why: Mapping[str, Any]) -> None:
    """Store why a running trial was pruned."""
    set_user_attr(study, trial, PRUNED, dict(why))


def fail_interrupted(study: Study) -> None:
    """Mark the trials that a killed process left running as failed and interrupted.

    Only for studies that no other process is working on. Samplers that know the mark plan these
    trials again; a trial that failed by itself says something about its learning rate.
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        set_user_attr(study, trial, INTERRUPTED, True)
        study.tell(trial.number, state=TrialState.FAIL)


def was_interrupted(trial: FrozenTrial) -> bool:
    """Whether `fail_interrupted` marked this trial."""
    return bool(trial.user_attrs.get(INTERRUPTED, False))


def at_horizon(study: Study, horizon: int) -> Study:
    """The study as a base sampler should see it: values of other horizons cannot be compared."""

    def keep(trial: FrozenTrial) -> bool:
        plan = plan_of(trial)
        return plan is None or plan.horizon == horizon

    return filtered(study, keep)
