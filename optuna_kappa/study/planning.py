"""What a new trial is planned to be: enqueued by the user, a probe, or a run at the target."""

from __future__ import annotations

from collections.abc import Sequence

from optuna.trial import FrozenTrial

from optuna_kappa.search.ladder import next_probe
from optuna_kappa.study.dead import Living
from optuna_kappa.study.plans import Plan
from optuna_kappa.study.study_law import StudyLaw
from optuna_kappa.study.trials import fixed_params


def next_plan(
    trial: FrozenTrial,
    living: Living,
    study_law: StudyLaw,
    rungs: Sequence[tuple[int, int]],
) -> Plan:
    """The plan of a new trial.

    Args:
        trial: The trial.
        living: The other trials that told something, or still may.
        study_law: What the finished trials and the sources say.
        rungs: (horizon, number of probes) of each rung of the ladder, ascending.

    Example:
        >>> import optuna
        >>> from optuna_kappa.schedules import as_schedule
        >>> from optuna_kappa.study.study_law import Problem
        >>> study = optuna.create_study()
        >>> asked = study.ask()
        >>> problem = Problem(24, as_schedule("constant"), "lr", [], study.direction)
        >>> no_others = Living([], study.trials[0], "lr")
        >>> next_plan(study.trials[0], no_others, StudyLaw(problem, []), [(1, 6), (8, 4)])
        Plan(horizon=1, kind='probe', schedule='constant')
    """
    problem = study_law.problem
    schedule = problem.schedule.name
    target = problem.horizon
    if problem.lr in fixed_params(trial):
        return Plan(target, "enqueued", schedule)

    n_planned = {rung: len(trials) for rung, trials in living.by_horizon.items()}
    probe_horizon = next_probe(rungs, n_planned, target)
    if probe_horizon is not None and living.may_probe(probe_horizon):
        return Plan(probe_horizon, "probe", schedule)

    target_trials = living.by_horizon.get(target, ())
    trusted = study_law.is_trusted(target_trials, has_probes=bool(rungs))
    return Plan(target, "law" if trusted else "base", schedule)
