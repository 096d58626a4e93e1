"""Which trials are alike, so that one can be compared with the others."""

from __future__ import annotations

from functools import lru_cache

from optuna.trial import FrozenTrial

from optuna_kappa.schedules import find_schedule
from optuna_kappa.study.plans import plan_of

Group = tuple[int, str] | None  # horizon and schedule of a planned trial; None without a plan


def group_of(trial: FrozenTrial) -> Group:
    """Horizon and schedule of a trial; None without a plan. Only trials alike are compared.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> trial = study.ask()
        >>> group_of(study.trials[0])
        (1, 'constant')
    """
    plan = plan_of(trial)
    return (plan.horizon, plan.schedule) if plan else None


def begins_as(group: Group, other: Group) -> bool:
    """Whether runs of a group are the same as runs of another group, or as their beginning.

    Example:
        >>> begins_as((8, "constant"), (24, "constant")), begins_as((8, "cosine"), (24, "cosine"))
        (True, False)
    """
    if group == other or group is None or other is None:
        return group == other

    horizon, schedule = group
    other_horizon, other_schedule = other
    if schedule != other_schedule or horizon >= other_horizon:
        return False
    return _begins_alike(schedule)


@lru_cache
def _begins_alike(schedule: str) -> bool:
    """Whether runs of a schedule begin alike at all horizons; False if its shape is not known."""
    shape = find_schedule(schedule)
    return shape is not None and shape.beginning_is_shorter_run
