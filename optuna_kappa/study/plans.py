"""The plan of a trial: its horizon, its kind and its schedule.

A plan is stored as the trial's user attribute `kappa:plan`, a text. It survives a restart, every
worker can read it, and optuna-dashboard shows it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal, cast

from optuna.study import Study
from optuna.trial import BaseTrial, FrozenTrial, Trial

from optuna_kappa._validation import STEPS, check_horizon, check_type
from optuna_kappa.study.asked import remember_asked
from optuna_kappa.study.attributes import as_fields, as_text
from optuna_kappa.study.private import filtered, set_user_attr

PLAN = "kappa:plan"
PRUNED = "kappa:pruned"

# Kinds of trials that are run for evidence: the law is fitted to probes, and trials that follow
# the law show whether it holds.
_EXEMPT = ("probe", "law")

Kind = Literal["probe", "law", "cover", "base", "enqueued", "imported"]


@dataclass(frozen=True)
class Plan:
    """What a trial was planned to be, stored as its user attribute `kappa:plan`.

    Attributes:
        horizon: Steps to train for, in the unit of `trial.report`.
        kind: "probe" (below the target's horizon), "law" (at the target, lr from the law),
            "cover" (at the target, over the whole range, since all losses tie or no probe has
            learned), "base" (at the target, lr from the base sampler), "enqueued" (lr from the
            user) or "imported" (a full run that was trained outside of the study).
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


def plan_of(trial: Trial | FrozenTrial) -> Plan | None:
    """The plan stored on a trial.

    None for a trial of another sampler, and for one whose attribute `kappa:plan` holds something
    other than a plan.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> plan_of(study.ask())
        Plan(horizon=1, kind='probe', schedule='constant')
    """
    check_type("trial", trial, BaseTrial, "the objective gets one, and study.trials has them")
    stored = trial.user_attrs.get(PLAN)
    if stored is None:
        return None
    if isinstance(stored, str):
        return _read_text(stored)
    return _read(stored)


def _read(stored: object) -> Plan | None:
    """The plan that an attribute holds; fields of later versions are left alone."""
    fields = as_fields(stored)
    if fields is None:
        return None

    try:
        return _plan(fields.get("horizon"), fields.get("kind"), fields.get("schedule"))
    except TypeError:  # a list or a dictionary in place of a field
        return None


@lru_cache(typed=True)  # thousands of trials share a few plans; 1 is a horizon, but True is not
def _plan(horizon: object, kind: object, schedule: object) -> Plan | None:
    """The plan of these fields; None if they are none of a plan."""
    for text in (kind, schedule):
        if not isinstance(text, str) or not text.strip() or not text.isprintable():
            return None

    try:
        steps = check_horizon(horizon)
    except ValueError:
        return None
    return Plan(steps, cast("Kind", kind), cast("str", schedule))


_read_text = lru_cache(_read)


def has_unreadable_plan(trial: FrozenTrial) -> bool:
    """Whether the attribute `kappa:plan` of a trial holds something other than a plan.

    Nobody knows what such a trial is, so it is left out.

    Example:
        >>> import optuna
        >>> has_unreadable_plan(optuna.trial.create_trial(value=0.5))  # of another sampler
        False
        >>> attrs = {"kappa:plan": "eight steps"}
        >>> has_unreadable_plan(optuna.trial.create_trial(value=0.5, user_attrs=attrs))
        True
    """
    return PLAN in trial.user_attrs and plan_of(trial) is None


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
    if default is not None:
        STEPS.check("default", default, "it is the full horizon, for trials without a plan")
    if plan is not None:
        remember_asked(trial)
        return plan.horizon
    if default is None:
        raise ValueError(
            f"trial {trial.number} has no planned horizon, because its study's sampler is not a "
            "KappaSampler; give horizon(trial, default=...) the full horizon"
        )
    return default


def store_plan(study: Study, trial: FrozenTrial, plan: Plan) -> None:
    """Store the plan of a running trial.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> trial = study.ask()
        >>> store_plan(study, study.trials[0], Plan(24, "base", "constant"))
        >>> study.trials[0].user_attrs["kappa:plan"]
        '{"horizon": 24, "kind": "base", "schedule": "constant"}'
    """
    set_user_attr(study, trial, PLAN, as_text(asdict(plan)))


def store_pruned(study: Study, trial: FrozenTrial, reason: Mapping[str, Any]) -> None:
    """Store why a running trial was pruned.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> trial = study.ask()
        >>> store_pruned(study, study.trials[0], {"step": 3, "probability": 0.01})
        >>> study.trials[0].user_attrs["kappa:pruned"]
        '{"step": 3, "probability": 0.01}'
    """
    set_user_attr(study, trial, PRUNED, as_text(reason))


def pruned_reason(trial: FrozenTrial) -> Mapping[str, Any]:
    """Why `KappaPruner` ended a trial, as it was stored; empty if nothing or garbage is stored.

    Example:
        >>> import optuna
        >>> attrs = {"kappa:pruned": '{"step": 3, "probability": 0.01, "reason": "behind"}'}
        >>> pruned_reason(optuna.trial.create_trial(value=0.5, user_attrs=attrs))["reason"]
        'behind'
    """
    fields = as_fields(trial.user_attrs.get(PRUNED))
    if fields is None or not isinstance(fields.get("reason"), str):
        return {}

    # The step may be missing in what an earlier version stored.
    for name in ("step", "probability"):
        value = fields.get(name)
        if value is not None and not _is_number(value):
            return {}
    return fields


def _is_number(value: object) -> bool:
    """Whether a value is a finite number; JSON knows integers that no float can hold."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) <= sys.float_info.max


def has_unreadable_reason(trial: FrozenTrial) -> bool:
    """Whether the attribute `kappa:pruned` of a trial holds something other than a reason."""
    return PRUNED in trial.user_attrs and not pruned_reason(trial)


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
        if plan is None:
            return not has_unreadable_plan(trial)
        return plan.horizon == horizon

    return filtered(study, keep)
