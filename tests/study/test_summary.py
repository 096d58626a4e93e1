"""A study in a few values."""

from __future__ import annotations

import math

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial
from searching import TARGET, search

from optuna_kappa import KappaPruner, KappaSampler, horizon
from optuna_kappa.study.rebuilding import sampler_of
from optuna_kappa.study.summary import counts, recommendation

LR = FloatDistribution(1e-6, 1e-1, log=True)


@pytest.fixture(scope="module")
def study() -> optuna.Study:
    return search(n_trials=16)


def test_each_trial_counts_once(study: optuna.Study) -> None:
    found = counts(study, sampler_of(study))
    assert sum(found.kinds.values()) == sum(found.horizons.values()) == len(study.trials)
    assert list(found.horizons) == sorted(found.horizons)
    last = [max(trial.intermediate_values) for trial in study.trials]
    assert found.steps == sum(last)
    assert found.spent == sum(last) / TARGET
    assert found.best is not None and found.best.value == study.best_value
    assert found.best.lr == study.best_params["lr"]


def test_steps_counted_from_0_count_whole() -> None:
    study = optuna.create_study()
    for lr in (1e-3, 1e-2, 1e-1):
        reports = {step: 1 / (step + 1) for step in range(8)}
        study.add_trial(
            create_trial(
                value=reports[7],
                params={"lr": lr},
                distributions={"lr": LR},
                intermediate_values=reports,
                user_attrs={"kappa:plan": {"horizon": 8, "kind": "base", "schedule": "constant"}},
            )
        )
    assert counts(study, sampler_of(study)).spent == 3


def test_diverged_and_short_runs_are_never_the_best() -> None:
    study = optuna.create_study(direction="maximize")
    plan = {"horizon": 8, "kind": "base", "schedule": "constant"}
    for value, planned in ((math.inf, 8), (0.9, 4), (0.5, 8), (0.6, 8)):
        study.add_trial(
            create_trial(value=value, user_attrs={"kappa:plan": {**plan, "horizon": planned}})
        )
    study.add_trial(create_trial(state=TrialState.FAIL))
    found = counts(study, KappaSampler(8, seed=0))
    assert found.best is not None and (found.best.value, found.best.trial) == (0.6, 3)
    assert dict(found.kinds) == {"base": 4, "other": 1}


def test_the_interval_is_that_of_the_law(study: optuna.Study) -> None:
    sampler = sampler_of(study)
    found = recommendation(study, sampler)
    proposal = sampler.law(study).propose(TARGET)
    assert (found.low, found.high) == (proposal.low, proposal.high)
    assert found.lr == sampler.recommend(study)
    assert found.params == {}


def test_other_parameters_move_lr_and_interval_alike() -> None:
    def objective(trial: optuna.Trial) -> float:
        width = trial.suggest_categorical("width", [1, 16])
        lr = trial.suggest_float("lr", 1e-6, 1e-1, log=True)
        planned = horizon(trial)
        loss = math.nan
        for step in range(1, planned + 1):
            loss = step**-0.3 * math.cosh(0.8 * math.log(lr * width * step / 0.02))
            trial.report(loss, step)
            if trial.should_prune():
                raise optuna.TrialPruned()
        return loss

    study = optuna.create_study(sampler=KappaSampler(24, seed=0), pruner=KappaPruner())
    study.optimize(objective, n_trials=30)
    sampler = sampler_of(study)
    narrow, wide = (recommendation(study, sampler, {"width": width}) for width in (1, 16))
    assert narrow.lr > 2 * wide.lr
    assert narrow.low > 2 * wide.low and narrow.high > 2 * wide.high
    assert narrow.params == {"width": 1}
