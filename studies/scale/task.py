"""A training run that takes as long as it is told to, and whose best learning rate is known."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import optuna

from optuna_kappa import KappaPruner, KappaSampler, horizon

TARGET = 24
"""Steps of a full run."""

BEST_LR = 1e-3
"""The best learning rate of a full run."""

_LOW, _HIGH = 1e-5, 1e-1


def loss_at(lr: float, step: int) -> float:
    """The loss of a run after some steps; longer runs need a lower learning rate."""
    off = math.log(lr / (BEST_LR * TARGET / step))
    return float(step**-0.25 * math.exp(math.sqrt(1 + off**2) - 1))


def objective(seconds: float) -> Callable[[optuna.Trial], float]:
    """An objective whose full run takes so many seconds, and a probe its share of them."""

    def train(trial: optuna.Trial) -> float:
        lr = trial.suggest_float("lr", _LOW, _HIGH, log=True)
        n_steps = horizon(trial, default=TARGET)
        loss = math.nan

        for step in range(1, n_steps + 1):
            time.sleep(seconds / TARGET)
            loss = loss_at(lr, step)
            trial.report(loss, step)
            if trial.should_prune():
                raise optuna.TrialPruned()
        return loss

    return train


def sampler() -> KappaSampler:
    """The sampler that every worker has."""
    return KappaSampler(TARGET, seed=0)


def pruner() -> KappaPruner:
    """The pruner that every worker has."""
    return KappaPruner()
