"""A scheduled study whose objective does not ask for the horizon is told so, once."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import optuna
import pytest
from simulated import Simulated

import optuna_kappa
from optuna_kappa import KappaPruner, KappaSampler
from optuna_kappa.schedules import AnySchedule, from_callable
from optuna_kappa.study import asked

PROBLEM = Simulated(slope=0.7)


def messages(
    caplog: pytest.LogCaptureFixture,
    schedule: str | AnySchedule,
    *,
    asks: bool,
    n_trials: int = 4,
    storage: str | None = None,
) -> list[str]:
    sampler = KappaSampler(24, schedule=schedule, seed=0)
    study = optuna.create_study(storage=storage, sampler=sampler, pruner=KappaPruner())

    def objective(trial: optuna.Trial) -> float:
        lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
        n = optuna_kappa.horizon(trial, default=24) if asks else 24
        for step in range(1, n + 1):
            loss = PROBLEM.loss(lr, step)
            trial.report(loss, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return loss

    with caplog.at_level(logging.WARNING, logger="optuna_kappa"):
        study.optimize(objective, n_trials=n_trials)
    return [r.getMessage() for r in caplog.records if "horizon(trial)" in r.getMessage()]


INVERSE_SQRT = from_callable(lambda p: 1 / np.sqrt(1 + 9 * p), "inverse-sqrt")


@pytest.mark.parametrize("schedule", ["cosine", "linear(warmup=0.1)", "wsd", INVERSE_SQRT])
def test_told_once(caplog: pytest.LogCaptureFixture, schedule: str | AnySchedule) -> None:
    (message,) = messages(caplog, schedule, asks=False)
    assert "Trial 0 was planned as a probe of 1 steps" in message


@pytest.mark.parametrize("schedule", ["cosine", INVERSE_SQRT])
def test_nothing_to_tell_if_it_asks(
    caplog: pytest.LogCaptureFixture, schedule: str | AnySchedule
) -> None:
    assert messages(caplog, schedule, asks=True) == []


@pytest.mark.parametrize("schedule", ["constant", "halving(period=8)"])
def test_nothing_to_tell_where_the_beginning_is_a_shorter_run(
    caplog: pytest.LogCaptureFixture, schedule: str
) -> None:
    assert messages(caplog, schedule, asks=False) == []


def test_nothing_is_remembered_of_trials_that_ended(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    asked._asked.clear()
    storage = f"sqlite:///{tmp_path}/a.db"
    assert messages(caplog, "cosine", asks=True, n_trials=12, storage=storage) == []
    assert not asked._asked
