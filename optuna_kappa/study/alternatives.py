"""Values of parameters that are not numbers: each is tried before one is preferred.

A sampler that learns from few runs may drop the better of two optimizers, because its first runs
had unlucky learning rates. So as long as a search has not tried them, values are not left to luck:

1. Probes, and the first full runs by the law, try the values of such a parameter equally often.
2. Some more full runs by the law take a value whose best run is its outermost one, as long as
   there is one: its optimum, and so its level, is not known yet. The others take the value with
   the lowest expected level, the loss at the best learning rate for this value.
3. From then on the base sampler decides, which has seen good runs of each value by now.

All this holds for the default base sampler. One that the user passed chooses for itself.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial

from optuna_kappa.law.features import scale_of
from optuna_kappa.search.bracketing import step_beyond
from optuna_kappa.study.dead import is_dead
from optuna_kappa.study.evidence import is_evidence
from optuna_kappa.study.lr_names import name_used, with_name_used
from optuna_kappa.study.plans import horizon, is_exempt, kind_of, plan_of
from optuna_kappa.study.search_space import ends
from optuna_kappa.study.study_law import StudyLaw
from optuna_kappa.study.trials import lr_of
from optuna_kappa.study.turns import trials_before

# Full runs by the law that try the values equally often: with two values five each, which bracket
# two optima. And those that then take the best value: as many again, to make sure of its optimum.
N_EQUALLY = 10
N_BEST = 10


def is_alternative(distribution: BaseDistribution) -> bool:
    """Whether a parameter has several values that are not numbers.

    Example:
        >>> is_alternative(CategoricalDistribution(["adam", "sgd"]))
        True
        >>> is_alternative(CategoricalDistribution([16, 64, 256]))
        False
    """
    if not isinstance(distribution, CategoricalDistribution):
        return False
    scale = scale_of("", np.array([str(choice) for choice in distribution.choices]))
    return scale is not None and bool(scale.values)


def choose(
    trial: FrozenTrial,
    name: str,
    distribution: BaseDistribution,
    others: Sequence[FrozenTrial],
    study_law: Callable[[], StudyLaw],
    seed: int,
) -> Any:
    """The value of a parameter of a trial; NotImplemented if the base sampler is to choose it.

    Args:
        trial: The trial, which has a plan.
        name: Name of the parameter.
        distribution: Its values.
        others: The other trials of the study.
        study_law: Tells what the finished trials and the sources say.
        seed: Seed of the search. It decides between values that have been tried equally often.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> from optuna_kappa.schedules import as_schedule
        >>> from optuna_kappa.study.study_law import Problem
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> optimizer = CategoricalDistribution(["adam", "sgd"])
        >>> asked = [study.ask({"optimizer": optimizer}) for _ in range(2)]
        >>> problem = Problem(24, as_schedule("constant"), "lr", [], study.direction)
        >>> first, second = study.trials
        >>> law = StudyLaw(problem, [])
        >>> value = choose(second, "optimizer", optimizer, [first], lambda: law, seed=0)
        >>> {value, first.params["optimizer"]} == {"adam", "sgd"}
        True
    """
    if not is_exempt(trial) or not is_alternative(distribution):
        return NotImplemented
    assert isinstance(distribution, CategoricalDistribution)

    plan = plan_of(trial)
    before = trials_before(trial, others)
    alike = [other for other in before if plan_of(other) == plan and not is_dead(other)]
    choices = distribution.choices
    if kind_of(trial) == "law" and len(alike) >= N_EQUALLY:
        if len(alike) >= N_EQUALLY + N_BEST:
            return NotImplemented
        return _best(name, choices, before, study_law())

    # A value without a learning rate is tried by full runs of the base sampler.
    lr = study_law().problem.lr
    without = [t for t in before if name_used(t.params, lr) is None and is_evidence(t)]
    drawn = zlib.crc32(f"{name}:{seed}:{trial.number}".encode())
    return _least_tried(name, choices, [*alike, *without], drawn)


def _least_tried(
    name: str,
    choices: Sequence[Any],
    alike: Sequence[FrozenTrial],
    drawn: int,
) -> Any:
    """The value that the fewest trials have; of several, the one that was drawn."""
    tried = [other.params.get(name, NotImplemented) for other in alike]
    counts = [tried.count(choice) for choice in choices]
    least = [i for i, count in enumerate(counts) if count == min(counts)]
    return choices[least[drawn % len(least)]]


def _best(
    name: str,
    choices: Sequence[Any],
    before: Sequence[FrozenTrial],
    law: StudyLaw,
) -> Any:
    """The value whose level is unknown or lowest; NotImplemented if the law knows none of one."""
    by_name = {scale.name: scale for scale in law.effects.scales}
    known = by_name[name].values if name in by_name else ()
    if not all(str(choice) in known for choice in choices):
        return NotImplemented

    full_runs = []
    for other in before:
        plan = plan_of(other)
        is_full = plan is not None and plan.horizon == law.problem.horizon
        if is_full and name in other.params and not is_dead(other):
            full_runs.append(other)

    for choice in choices:
        runs = [run for run in full_runs if run.params[name] == choice]
        if runs and _is_open(runs, law):
            return choice

    levels = [law.effects.level({name: choice}) for choice in choices]
    return choices[int(np.argmin(levels))]


def _is_open(runs: Sequence[FrozenTrial], law: StudyLaw) -> bool:
    """Whether the best of some full runs is the outermost one, and not at the end of its range."""
    used = [name_used(run.params, law.problem.lr) for run in runs]
    ranges = [run.distributions[name] for run, name in zip(runs, used, strict=True) if name]
    last = ranges[-1] if ranges else None
    if not isinstance(last, FloatDistribution) or last.low <= 0:
        return False

    low, high = ends(last)
    shift = law.shift(with_name_used(runs[-1].params, law.problem.lr))
    return _step(runs, law, (low - shift, high - shift)) is not None


def bracketing_step(
    trial: FrozenTrial,
    rivals: Sequence[FrozenTrial],
    study_law: StudyLaw,
    params: Mapping[str, Any],
    ln_range: tuple[float, float],
) -> float | None:
    """Ln lr beyond the best run of a trial's category; None if the law is to propose one.

    The category is the values of all parameters that are not numbers. Learning rates and losses
    are those for the average of the other parameters.

    Args:
        trial: The trial, which has a plan.
        rivals: The other trials of its horizon.
        study_law: What the finished trials and the sources say.
        params: Other parameters of the trial.
        ln_range: Lower and upper end of the range of ln lr, for the average of the parameters.

    Example:
        >>> import optuna
        >>> from optuna_kappa.schedules import as_schedule
        >>> from optuna_kappa.study.study_law import Problem
        >>> trial = optuna.trial.create_trial(value=0.5)
        >>> law = StudyLaw(Problem(24, as_schedule("constant"), "lr", [], 1), [])
        >>> bracketing_step(trial, [], law, {}, (-9.0, -3.0))  # not by the law
    """
    if kind_of(trial) != "law":
        return None
    category = study_law.category(params)
    if not category:
        return None

    lr = study_law.problem.lr
    with_lr = [rival for rival in rivals if lr_of(rival, lr)]
    runs = [rival for rival in with_lr if study_law.category_of(rival) == category]
    return _step(runs, study_law, ln_range)


def _step(
    runs: Sequence[FrozenTrial],
    law: StudyLaw,
    ln_range: tuple[float, float],
) -> float | None:
    """Ln lr beyond the best of some full runs; None if it is not the outermost one."""
    ln_lr: list[float] = []
    loss: list[float] = []
    running: list[float] = []

    for run in runs:
        if not lr_of(run, law.problem.lr):
            continue
        place = law.centered_ln_lr(run)
        if is_evidence(run):
            ln_lr.append(place)
            loss.append(_final_loss(run, law))
        else:
            running.append(place)
    return step_beyond(ln_lr, loss, running, *ln_range)


def _final_loss(trial: FrozenTrial, study_law: StudyLaw) -> float:
    """The loss of a finished trial; NaN if it diverged, infinite if it was ended before."""
    step = study_law.diverged_at(trial)
    if step is not None and step <= horizon(trial):
        return math.nan
    return study_law.final_losses.get(trial.number, math.inf)
