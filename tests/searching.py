"""Searches on simulated training runs, in a fraction of a second."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import optuna
from optuna.distributions import FloatDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import Trial
from simulated import LARGEST, Simulated

from optuna_kappa import KappaPruner, KappaSampler, horizon
from optuna_kappa.study.plans import plan_of

TARGET = int(LARGEST)
LR = FloatDistribution(1e-6, 1e-1, log=True)
SIMPLE = Simulated(slope=1.0, diverges=30.0)


def objective(
    problem: Simulated = SIMPLE, sign: float = 1.0, n_reports: int = 3
) -> Callable[[Trial], float]:
    """Trains for `horizon(trial)` steps at constant rate, with reports at powers of 2 below it."""

    def train(trial: Trial) -> float:
        lr = trial.suggest_float("lr", LR.low, LR.high, log=True)
        planned, loss = horizon(trial, default=TARGET), math.nan
        for step in sorted({max(1, planned >> halvings) for halvings in range(n_reports)}):
            loss = sign * problem.loss(lr, step)
            trial.report(loss, step)
            if trial.should_prune():
                raise optuna.TrialPruned()
        return loss

    return train


def search(
    sampler: BaseSampler | None = None,
    n_trials: int = 20,
    problem: Simulated = SIMPLE,
    **study: Any,
) -> Study:
    """A study of the simulated problem; by default KappaSampler's, with seed 0."""
    made = optuna.create_study(
        sampler=sampler or KappaSampler(TARGET, seed=0), pruner=KappaPruner(), **study
    )
    made.optimize(objective(problem), n_trials=n_trials)
    return made


def kinds(study: Study) -> list[str]:
    """Kinds of the planned trials; other samplers' are "?"."""
    return [plan.kind if (plan := plan_of(trial)) else "?" for trial in study.trials]


def lrs(study: Study) -> list[float]:
    return [trial.params["lr"] for trial in study.trials]
