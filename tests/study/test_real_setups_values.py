"""Whole searches of objectives that report one measurement and return another."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import optuna
import pytest
from optuna.trial import Trial
from searching import LR, TARGET
from simulated import AT_LARGEST, Simulated

from optuna_kappa import KappaPruner, KappaSampler, horizon

PROBLEM = Simulated(slope=0.7)

# Of regret: the noise of a run, or twice where reports are of another order, scale and optimum.
# TPE, which sees only values, misses by more.
TOLERANCE = 0.02

Measure = Callable[[float, int, float], float]  # of the lr, the step and the noise of a run


def validation_loss(lr: float, step: int, noise: float) -> float:
    return PROBLEM.loss(lr, step) * noise


def training_loss(lr: float, step: int, noise: float) -> float:
    """Its best rates are twice as high."""
    return 0.9 * PROBLEM.loss(lr / 2, step) * noise


def accuracy(lr: float, step: int, noise: float) -> float:
    """Ten classes: most rates stay at chance level in short runs."""
    return 0.1 + 0.9 * math.exp(-validation_loss(lr, step, noise))


def error(lr: float, step: int, noise: float) -> float:
    return 1 - accuracy(lr, step, noise)


def training_accuracy(lr: float, step: int, noise: float) -> float:
    return 0.1 + 0.9 * math.exp(-training_loss(lr, step, noise))


@pytest.mark.parametrize(
    ("reported", "returned", "direction", "n_warnings"),
    [
        (training_loss, validation_loss, "minimize", 0),
        (training_accuracy, accuracy, "maximize", 0),
        (training_loss, accuracy, "maximize", 1),
        (accuracy, error, "minimize", 1),
    ],
)
def test_what_is_returned_decides(
    reported: Measure,
    returned: Measure,
    direction: Literal["minimize", "maximize"],
    n_warnings: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def train(trial: Trial) -> float:
        lr = trial.suggest_float("lr", LR.low, LR.high, log=True)
        noise = math.exp(0.02 * np.random.default_rng(trial.number).standard_normal())
        for step in range(1, horizon(trial) + 1):
            trial.report(reported(lr, step, noise), step)
            if trial.should_prune():
                raise optuna.TrialPruned()
        return returned(lr, horizon(trial), noise)

    sampler = KappaSampler(TARGET, seed=1)
    study = optuna.create_study(direction=direction, sampler=sampler, pruner=KappaPruner())
    study.optimize(train, n_trials=24)

    tolerance = 2 * TOLERANCE if (reported, returned) == (training_loss, accuracy) else TOLERANCE
    least = PROBLEM.loss(AT_LARGEST, TARGET)
    assert PROBLEM.loss(sampler.recommend(study), TARGET) / least - 1 < tolerance
    said = [r.message for r in caplog.records if "The values that the objective" in r.message]
    assert len(said) == n_warnings
