"""What the search says of trials that the law cannot use."""

from __future__ import annotations

import logging
import math

import optuna
import pytest
from optuna.trial import Trial
from searching import LR, search

from optuna_kappa import KappaPruner, KappaSampler, horizon
from optuna_kappa.search.ladder import N_PROBES
from optuna_kappa.study.plans import plan_of
from optuna_kappa.study.trials import run_table


def searched_at_chance(n_trials: int) -> None:
    def train(trial: Trial) -> float:
        trial.suggest_float("lr", LR.low, LR.high, log=True)
        trial.report(0.1, horizon(trial))
        if trial.should_prune():
            raise optuna.TrialPruned()
        return 0.1

    study = optuna.create_study(sampler=KappaSampler(24, seed=0), pruner=KappaPruner())
    study.optimize(train, n_trials=n_trials)


def said(caplog: pytest.LogCaptureFixture, text: str) -> int:
    return sum(text in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(("n_trials", "expected"), [(2, 0), (5, 0), (7, 1), (16, 1)])
def test_one_hint_says_to_report_the_loss(
    n_trials: int, expected: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "optuna_kappa"):
        searched_at_chance(n_trials)
    assert said(caplog, "return the loss instead") == expected


def test_no_hint_where_losses_differ(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "optuna_kappa"):
        search(n_trials=N_PROBES + 8)
    assert not caplog.records


def ended_early(trial: Trial) -> float:
    """A search with a schedule, in which one probe stops after the first of three epochs."""
    lr = trial.suggest_float("lr", LR.low, LR.high, log=True)
    planned = horizon(trial)
    last = planned if trial.number != 4 else 1
    value = math.log(lr / 2e-3) ** 2 + 1 / last
    trial.report(value, last)
    if trial.should_prune() or trial.number == 4:
        raise optuna.TrialPruned()
    return value


@pytest.mark.parametrize("n_trials", [12, 20])
def test_runs_left_out_are_named_once(n_trials: int, caplog: pytest.LogCaptureFixture) -> None:
    sampler = KappaSampler(64, schedule="cosine", seed=0)  # rungs at 3 and 20 epochs
    study = optuna.create_study(sampler=sampler, pruner=KappaPruner())
    with caplog.at_level(logging.WARNING, "optuna_kappa"):
        study.optimize(ended_early, n_trials=n_trials)
    plan = plan_of(study.trials[4])
    assert plan is not None and plan.horizon == 3
    assert len(run_table(study)) == n_trials
    assert said(caplog, "run '4' (1 of 3) is left out") == (n_trials == 20)
