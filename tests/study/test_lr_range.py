"""The range of the learning rate for the parameters asked for, whatever the last trial's is."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial
from searching import SIMPLE, TARGET

from optuna_kappa import KappaPruner, KappaSampler, horizon
from optuna_kappa.study.lr_range import lr_range_for

OTHERS = {
    "optimizer": CategoricalDistribution(["adam", "sgd", "lion"]),
    "batch": CategoricalDistribution([16, 64, 256]),
    "depth": IntDistribution(1, 64),
    "decay": FloatDistribution(1e-6, 1e-1, log=True),
    "momentum": FloatDistribution(0.0, 1.0),
}


def trial_with(high: float, **params: Any) -> FrozenTrial:
    """A finished trial whose lr may be as high as this."""
    distributions = {name: OTHERS[name] for name in params}
    return optuna.trial.create_trial(
        params=params | {"lr": 1e-5},
        distributions=distributions | {"lr": FloatDistribution(1e-5, high, log=True)},
        value=1.0,
    )


def highest(params: dict[str, Any], trials: list[FrozenTrial], **missing: Any) -> float:
    found = lr_range_for(params, trials, "lr", missing)
    assert isinstance(found, FloatDistribution)
    return found.high


def test_a_category_whatever_the_order() -> None:
    trials = [trial_with(0.01, optimizer="adam"), trial_with(1.0, optimizer="sgd")]
    for ordered in (trials, trials[::-1]):
        assert highest({"optimizer": "adam"}, ordered) == 0.01
        assert highest({"optimizer": "sgd"}, ordered) == 1.0


@pytest.mark.parametrize("name", ["batch", "depth", "decay"])
def test_the_nearest_number(name: str) -> None:
    values: dict[str, list[float]] = {
        "batch": [16, 64, 256],
        "depth": [2, 8, 32],
        "decay": [1e-6, 1e-4, 1e-2],
    }
    trials = [trial_with(10.0**-i, **{name: value}) for i, value in enumerate(values[name])]
    trials += [trial_with(0.5)]  # without the parameter
    for i, value in enumerate(values[name]):
        for factor in (0.8, 1.0, 1.2):
            assert highest({name: factor * value}, trials) == 10.0**-i
    assert highest({name: 1e9}, trials) == 0.01


def test_what_is_missing_is_the_best_full_runs() -> None:
    trials = [
        trial_with(0.01, optimizer="adam", depth=2),
        trial_with(0.02, optimizer="sgd", depth=2),
        trial_with(0.03, optimizer="adam", depth=32),
        trial_with(0.04, optimizer="sgd", depth=32),
    ]
    assert highest({"optimizer": "sgd"}, trials, depth=2, optimizer="adam") == 0.02
    assert highest({"depth": 32}, trials, depth=2, optimizer="adam") == 0.03
    assert highest({}, trials, optimizer="sgd", depth=2) == 0.02
    assert highest({"depth": 32, "lr": 0.5}, trials, optimizer="sgd") == 0.04


def test_the_last_of_several_ranges_for_the_same_parameters() -> None:
    trials = [trial_with(high, optimizer="adam") for high in (0.1, 0.2, 0.3)]
    assert highest({"optimizer": "adam"}, [*trials, trial_with(1.0, optimizer="sgd")]) == 0.3
    assert highest({"optimizer": "lion"}, trials) == 0.3  # never tried
    assert lr_range_for({}, [optuna.trial.create_trial(value=1.0)], "lr", {}) is None


def test_of_conditional_parameters() -> None:
    trials = [
        trial_with(0.01, optimizer="adam"),
        trial_with(1.0, optimizer="sgd", momentum=0.9),
        trial_with(0.01, optimizer="adam"),
    ]
    assert highest({"momentum": 0.1}, trials) == 1.0
    assert highest({"optimizer": "adam"}, trials, optimizer="sgd", momentum=0.9) == 0.01


FACTOR = 4.0  # between the best rates of SGD and of Adam
RANGES = {"adam": (1e-6, 3e-3), "sgd": (1e-3, 1.0)}


@pytest.fixture(scope="module")
def searched() -> Study:
    def train(trial: Trial) -> float:
        optimizer = trial.suggest_categorical("optimizer", list(RANGES))
        low, high = RANGES[optimizer]
        lr = trial.suggest_float("lr", low, high, log=True)
        for step in range(1, horizon(trial) + 1):
            loss = SIMPLE.loss(lr / (FACTOR if optimizer == "sgd" else 1.0), step)
            trial.report(loss, step)
            if trial.should_prune():
                raise optuna.TrialPruned()
        return loss

    study = optuna.create_study(sampler=KappaSampler(TARGET, seed=0), pruner=KappaPruner())
    study.optimize(train, n_trials=30)
    return study


@pytest.mark.parametrize("last", list(RANGES))
def test_recommended_for_an_optimizer_whichever_came_last(searched: Study, last: str) -> None:
    sampler = KappaSampler(TARGET, seed=0)
    study = optuna.create_study(sampler=sampler)
    by_optimizer = sorted(searched.trials, key=lambda t: t.params["optimizer"] == last)
    study.add_trials(by_optimizer)
    assert study.trials[-1].params["optimizer"] == last

    best = SIMPLE.optimum(TARGET)
    for optimizer, factor in {"adam": 1.0, "sgd": FACTOR}.items():
        low, high = RANGES[optimizer]
        found = sampler.recommend(study, {"optimizer": optimizer})
        assert low <= found <= high
        regret = SIMPLE.loss(found / factor, TARGET) / SIMPLE.loss(best, TARGET) - 1
        assert regret < 0.01
