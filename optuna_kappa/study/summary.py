"""A study in a few values: its trials by kind, what they cost, and what it recommends."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa.law import Law, Verdict
from optuna_kappa.search.certainty import Certainty
from optuna_kappa.search.trajectory import Trajectory, trajectory
from optuna_kappa.study.imported import is_imported
from optuna_kappa.study.lr_names import NAME_USED, with_name_used
from optuna_kappa.study.outlook import certainty_at
from optuna_kappa.study.plans import has_unreadable_plan, horizon, kind_of
from optuna_kappa.study.private import snapshot_now
from optuna_kappa.study.recommending import recommended_lr
from optuna_kappa.study.reporting import find_reporting
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.study.trials import best_params, lr_of, sign_of

OTHER = "other"  # kind of a trial that another sampler planned


@dataclass(frozen=True)
class Recommendation:
    """The learning rate to train full runs with.

    Attributes:
        horizon: Steps of these runs.
        schedule: Name of their schedule.
        lr: The recommended rate, of the least expected loss.
        low: Lower end of the law's 90 % interval of the best rate.
        high: Upper end of it.
        verdict: What the law is worth.
        params: The other parameters for which it holds.
        law: The law behind it.
        certainty: The distribution of its regret; None if nothing is known of it, as where all
            full runs stop far before their horizon.

    Example:
        >>> from optuna_kappa import KappaSampler
        >>> from optuna_kappa.study.example import example_study
        >>> study = example_study()
        >>> found = recommendation(study, KappaSampler(24, seed=0))
        >>> found.low < found.lr < found.high, found.verdict.word
        (True, 'holds')
    """

    horizon: int
    schedule: str
    lr: float
    low: float
    high: float
    verdict: Verdict
    params: Mapping[str, Any]
    law: Law
    certainty: Certainty | None = None


class Best(NamedTuple):
    """The best full run.

    Attributes:
        value: What it returned.
        trial: Its number.
        lr: Its learning rate; None if it has none.
    """

    value: float
    trial: int
    lr: float | None


class Counts(NamedTuple):
    """Trials of a study, and what they have cost.

    Attributes:
        kinds: Number of trials by the kind of their plan.
        horizons: Number of trials by the horizon that they were planned for, ascending.
        steps: Steps trained, by all trials but those that were imported.
        spent: The same in full-run equivalents.
        best: The best full run; None if there is none.
    """

    kinds: Mapping[str, int]
    horizons: Mapping[int, int]
    steps: int
    spent: float
    best: Best | None


def recommendation(
    study: Study,
    sampler: KappaSampler,
    params: Mapping[str, Any] | None = None,
) -> Recommendation:
    """What a study recommends for its full runs.

    Args:
        study: The study.
        sampler: The sampler that searched it, or one made by `sampler_of`.
        params: Other parameters of these runs; by default those of the best full run so far.

    Raises:
        ValueError: Nothing can be recommended yet, or no trial has one of the parameters.

    Example:
        >>> from optuna_kappa import KappaSampler
        >>> from optuna_kappa.study.example import example_study
        >>> recommendation(example_study(), KappaSampler(24, seed=0)).horizon
        24
    """
    trials = snapshot_now(study)
    # The sampler's own, since it has the sources and the prior, and keeps what is fitted.
    study_law = sampler.study_law(study, trials)
    problem = study_law.problem
    lr = recommended_lr(study, trials, params, study_law)

    others = best_params(study, trials, problem.horizon) if params is None else params
    proposal = study_law.law.propose(problem.horizon, problem.schedule)
    # The law is that of the average of the other parameters.
    shift = study_law.shift(with_name_used(others, problem.lr))
    factor = math.exp(shift)
    names = {problem.lr} if isinstance(problem.lr, str) else set(problem.lr)

    return Recommendation(
        horizon=problem.horizon,
        schedule=problem.schedule.name,
        lr=lr,
        low=proposal.low * factor,
        high=proposal.high * factor,
        verdict=proposal.verdict,
        params={name: value for name, value in others.items() if name not in {*names, NAME_USED}},
        law=study_law.law,
        certainty=certainty_at(study_law, math.log(lr) - shift),
    )


def counts(study: Study, sampler: KappaSampler) -> Counts:
    """The trials of a study by kind and horizon, and the budget that they have spent.

    Args:
        study: A study with one objective.
        sampler: As for `recommendation`.

    Example:
        >>> from optuna_kappa import KappaSampler
        >>> from optuna_kappa.study.example import example_study
        >>> found = counts(example_study(), KappaSampler(24, seed=0))
        >>> dict(found.kinds), dict(found.horizons), round(found.spent, 2)
        ({'probe': 10, 'law': 3}, {1: 6, 8: 4, 24: 3}, 4.58)
    """
    trials = snapshot_now(study)
    problem = sampler.study_law(study, trials).problem
    sign = sign_of(problem.direction)
    shift = find_reporting(trials, sign).shift

    kinds: Counter[str] = Counter()
    horizons: Counter[int] = Counter()
    steps = 0
    best: Best | None = None
    for trial in trials:
        kinds[kind_of(trial) or OTHER] += 1
        planned = horizon(trial, default=problem.horizon)
        horizons[planned] += 1
        steps += _trained(trial, shift, planned)

        is_full = planned == problem.horizon and not has_unreadable_plan(trial)
        value = trial.values[0] if trial.state == TrialState.COMPLETE and is_full else None
        if value is not None and math.isfinite(value):
            if best is None or sign * value < sign * best.value:
                best = Best(value, trial.number, lr_of(trial, problem.lr))

    ascending = dict(sorted(horizons.items()))
    return Counts(kinds, ascending, steps, steps / problem.horizon, best)


def trajectory_of(study: Study, sampler: KappaSampler) -> Trajectory:
    """The best loss of a study against what it has spent, in full-run equivalents.

    Args:
        study: A study with one objective. If it maximizes, values are taken with the other sign.
        sampler: As for `recommendation`.

    Example:
        >>> from optuna_kappa import KappaSampler
        >>> from optuna_kappa.study.example import example_study
        >>> search = trajectory_of(example_study(), KappaSampler(24, seed=0))
        >>> float(search.spent[-1].round(2)), float(search.best[-1].round(3))
        (4.58, 0.042)
    """
    trials = snapshot_now(study)
    problem = sampler.study_law(study, trials).problem
    sign = sign_of(problem.direction)
    shift = find_reporting(trials, sign).shift

    costs = []
    losses = []
    for trial in trials:
        planned = horizon(trial, default=problem.horizon)
        costs.append(_trained(trial, shift, planned) / problem.horizon)
        is_full = planned == problem.horizon and trial.state == TrialState.COMPLETE
        losses.append(sign * trial.values[0] if is_full else math.nan)
    return trajectory(costs, losses)


def _trained(trial: FrozenTrial, shift: int, planned: int) -> int:
    """Steps that a trial has trained for in this study, as its reports show."""
    if is_imported(trial):
        return 0
    last = max(trial.intermediate_values, default=None)
    # A run that stopped early has trained up to its last report, one without reports as planned.
    if last is not None:
        return max(0, last + shift)
    return planned if trial.state == TrialState.COMPLETE else 0
