"""The plan of a trial: its horizon, its kind and its schedule.

A plan is stored as the trial's user attribute `kappa:plan`. It survives a restart, every worker
can read it, and optuna-dashboard shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal

from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from optuna_kappa.study.asked import remember_asked
from optuna_kappa.study.private import filtered, set_user_attr

PLAN = "kappa:plan"
PRUNED = "kappa:pruned"
INTERRUPTED = "kappa:interrupted"

# Kinds of trials that are run for evidence: the law is fitted to probes, and trials that follow
# the law show whether it holds.
_EXEMPT = ("probe", "law")

Kind = Literal["probe", "law", "base", "enqueued"]


@dataclass(frozen=True)
class Plan:
    """What a trial was planned to be, stored as its user attribute `kappa:plan`.

    Attributes:
        horizon: Steps to train for, in the unit of `trial.report`.
        kind: "probe" (below the target's horizon), "law" (at the target, lr from the law),
            "base" (at the target, lr from the base sampler) or "enqueued" (lr from the user).
        schedule: Name of the schedule of the run.

    Example:
        >>> Plan(horizon=3, kind="probe", schedule="constant").is_probe
        True
    """

    horizon: int
    kind: Kind
    schedule: str

    @property
    def is_probe(self) -> bool:
        """Whether the trial was planned for a horizon below the target's."""
        return self.kind == "probe"


_shared_plan = lru_cache(Plan)  # thousands of trials share a few plans


def plan_of(trial: Trial | FrozenTrial) -> Plan | None:
    """The plan stored on a trial; None for a trial of another sampler.

    Raises:
        ValueError: The attribute `kappa:plan` holds something other than a plan.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> plan_of(study.ask())
        Plan(horizon=1, kind='probe', schedule='constant')
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
    """The kind of a planned trial, as in `Plan.kind`; None for a trial of another sampler.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, n_probes=0, seed=0))
        >>> trial = study.ask()
        >>> kind_of(study.trials[0])
        'base'
    """
    plan = plan_of(trial)
    return None if plan is None else plan.kind


def is_exempt(trial: FrozenTrial) -> bool:
    """Whether `KappaPruner` never prunes a trial for its forecast: a probe, or one by the law.

    Example:
        >>> import optuna
        >>> plan = {"horizon": 24, "kind": "law", "schedule": "constant"}
        >>> is_exempt(optuna.trial.create_trial(value=0.5, user_attrs={"kappa:plan": plan}))
        True
    """
    return kind_of(trial) in _EXEMPT


def probe_end(trial: FrozenTrial) -> int | None:
    """The step at which a probe ends; None for a full run or a trial of another sampler.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> trial = study.ask()
        >>> probe_end(study.trials[0])
        1
    """
    plan = plan_of(trial)
    return plan.horizon if plan is not None and plan.is_probe else None


def horizon(trial: Trial | FrozenTrial, default: int | None = None) -> int:
    """How many steps a trial should plan to train for.

    An objective with a learning-rate schedule builds the schedule for this number of steps.

    Args:
        trial: The trial given to the objective.
        default: Answer for trials of other samplers, normally the full horizon.

    Returns:
        Horizon in the unit of `trial.report`'s step.

    Raises:
        ValueError: The trial has no planned horizon and there is no default.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> horizon(study.ask())
        1
        >>> horizon(optuna.create_study().ask(), default=24)
        24
    """
    plan = plan_of(trial)
    if plan is not None:
        remember_asked(trial)
        return plan.horizon
    if default is None:
        raise ValueError(
            f"trial {trial.number} has no planned horizon, because its study's sampler is not a "
            "KappaSampler; give horizon(trial, default=...) the full horizon"
        )
    return default


def trials_by_horizon(
    trials: Sequence[FrozenTrial], lr: str
) -> Mapping[int, Sequence[FrozenTrial]]:
    """Group planned trials by their horizon.

    A failed trial counts if it had suggested its lr. An objective that returns NaN fails its
    trial; if that trial did not count, the same lr would be proposed again and again. Interrupted
    trials do not count: they are planned again.

    Args:
        trials: Any trials of a study; those without a plan are left out.
        lr: Name of the learning-rate parameter.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> asked = [study.ask() for _ in range(7)]
        >>> by_horizon = trials_by_horizon(study.trials, lr="lr")
        >>> {horizon: len(trials) for horizon, trials in by_horizon.items()}
        {1: 6, 8: 1}
    """
    by_horizon: dict[int, list[FrozenTrial]] = {}

    for trial in trials:
        failed = trial.state == TrialState.FAIL
        if failed and (lr not in trial.params or was_interrupted(trial)):
            continue

        plan = plan_of(trial)
        if plan is not None:
            by_horizon.setdefault(plan.horizon, []).append(trial)

    return by_horizon


def store_plan(study: Study, trial: FrozenTrial, plan: Plan) -> None:
    """Store the plan of a running trial.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> trial = study.ask()
        >>> store_plan(study, study.trials[0], Plan(24, "base", "constant"))
        >>> study.trials[0].user_attrs["kappa:plan"]["horizon"]
        24
    """
    set_user_attr(study, trial, PLAN, asdict(plan))


def store_pruned(study: Study, trial: FrozenTrial, reason: Mapping[str, Any]) -> None:
    """Store why a running trial was pruned.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> trial = study.ask()
        >>> store_pruned(study, study.trials[0], {"step": 3, "probability": 0.01})
        >>> study.trials[0].user_attrs["kappa:pruned"]["probability"]
        0.01
    """
    set_user_attr(study, trial, PRUNED, dict(reason))


def fail_interrupted(study: Study) -> None:
    """Mark the trials that a killed process left running as failed and interrupted.

    Use it only for a study that no other process is working on. Samplers that know the mark plan
    these trials again. A trial that failed by itself, in contrast, says something about its
    learning rate.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> trial = study.ask()  # and then the process was killed
        >>> fail_interrupted(study)
        >>> study.trials[0].state.name
        'FAIL'
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        set_user_attr(study, trial, INTERRUPTED, True)
        study.tell(trial.number, state=TrialState.FAIL)


def was_interrupted(trial: FrozenTrial) -> bool:
    """Whether `fail_interrupted` marked this trial."""
    return bool(trial.user_attrs.get(INTERRUPTED, False))


def at_horizon(study: Study, horizon: int) -> Study:
    """A view of the study without the trials that were planned for other horizons.

    A base sampler is given this view, because values of different horizons cannot be compared.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> asked = [study.ask() for _ in range(7)]
        >>> len(at_horizon(study, 8).trials)
        1
    """

    def keep(trial: FrozenTrial) -> bool:
        plan = plan_of(trial)
        return plan is None or plan.horizon == horizon

    return filtered(study, keep)
