"""What KappaSampler refuses, and what it warns of."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import Trial, TrialState
from searching import SIMPLE, TARGET, kinds, search
from simulated import grid

from optuna_kappa import KappaPruner, KappaSampler
from optuna_kappa.study import plan_of


def refuses(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("horizon", "message"),
    [
        (0, "horizon must be a positive whole number of steps, got 0: .*report"),
        (-1, "horizon must be a positive whole number of steps, got -1: .*report"),
        (1.5, "horizon must be a positive whole number of steps, got 1.5: .*report"),
        (math.nan, "horizon must be a positive whole number of steps, got nan: .*report"),
        (math.inf, "horizon must be a positive whole number of steps, got inf: .*report"),
        ("24", "horizon must be a positive whole number of steps, got '24': .*report"),
        (None, "horizon must be a positive whole number of steps, got None: .*report"),
        (2**31, "at most 2147483647 steps, got 2147483648: .* 32 bits, so report in blocks"),
    ],
)
def test_bad_horizons(horizon: Any, message: str) -> None:
    refuses(lambda: KappaSampler(horizon), message)


@pytest.mark.parametrize("horizon", [1, 2**31 - 1, 24.0, np.int64(24), np.float32(24)])
def test_good_horizons(horizon: Any) -> None:
    study = search(KappaSampler(horizon, n_probes=0, seed=0), n_trials=1)
    plan = plan_of(study.trials[0])
    assert plan is not None
    assert (plan.horizon, type(plan.horizon)) == (int(horizon), int)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"schedule": "cosinus"}, "got 'cosinus'. Did you mean 'cosine'"),
        ({"schedule": None}, "schedule must be a name .* got None"),
        ({"n_probes": -1}, "n_probes must be an int of at least 0, got -1: 0 runs no probes"),
        ({"n_probes": 1.5}, "n_probes must be an int of at least 0, got 1.5"),
        (
            {"sources": [optuna.create_study(directions=["minimize", "minimize"])]},
            "a run table needs a study with one objective",
        ),
    ],
)
def test_bad_arguments(keywords: dict[str, Any], message: str) -> None:
    refuses(lambda: KappaSampler(TARGET, **keywords), message)


@pytest.mark.parametrize(
    ("suggest", "found"),
    [
        (lambda trial: trial.suggest_categorical("lr", [0.1, 0.01]), "CategoricalDistribution"),
        (lambda trial: trial.suggest_float("lr", 0.0, 1.0), "low=0.0"),
        (lambda trial: trial.suggest_float("lr", -1.0, 1.0), "low=-1.0"),
        (lambda trial: trial.suggest_int("lr", 1, 10), "IntDistribution"),
    ],
)
@pytest.mark.parametrize("n_probes", [0, 3])
def test_bad_ranges_of_the_lr(suggest: Callable[[Trial], Any], found: str, n_probes: int) -> None:
    study = optuna.create_study(sampler=KappaSampler(TARGET, n_probes=n_probes, seed=0))
    message = f"parameter 'lr' is taken for the learning rate .* but is .*{found}.*lr=..."
    refuses(lambda: suggest(study.ask()), message)


def test_several_objectives() -> None:
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=KappaSampler(TARGET))
    refuses(study.ask, "KappaSampler needs a study with one objective, the loss, .* has 2")


def test_sources_without_the_unit_of_the_target_are_no_error() -> None:
    """Tokens for steps: nonsense, but nothing that could be known; it is a wrong prior."""
    tokens = SIMPLE.runs(grid(), horizon=1e6)
    assert search(KappaSampler(TARGET, sources=[tokens], seed=0), n_trials=3).best_value > 0


def warnings_of(records: Sequence[logging.LogRecord]) -> list[str]:
    return [r.getMessage() for r in records if r.name == "optuna_kappa.study.sampler"]


def test_warns_once_without_an_lr(caplog: pytest.LogCaptureFixture) -> None:
    study = optuna.create_study(sampler=KappaSampler(TARGET, seed=0))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=4)
    (message,) = warnings_of(caplog.records)
    assert "No parameter 'lr' in trial 0" in message
    assert "KappaSampler(lr=...)" in message


@pytest.mark.parametrize("pruner", [optuna.pruners.NopPruner(), KappaPruner()])
def test_warns_once_of_complete_probes(
    caplog: pytest.LogCaptureFixture, pruner: optuna.pruners.BasePruner
) -> None:
    study = optuna.create_study(sampler=KappaSampler(TARGET, seed=0), pruner=pruner)
    study.optimize(lambda t: SIMPLE.loss(t.suggest_float("lr", 1e-6, 1e-3, log=True), 1.0), 16)
    (message,) = warnings_of(caplog.records)
    assert "Trial 0 was planned as a probe of 3 steps" in message
    asks = isinstance(pruner, KappaPruner)
    assert ("trial.should_prune()" in message) == asks
    assert ("pruner=optuna_kappa.KappaPruner()" in message) != asks


def test_no_warning_for_a_trial_that_failed_before_its_lr(
    caplog: pytest.LogCaptureFixture,
) -> None:
    study = optuna.create_study(sampler=KappaSampler(TARGET, seed=0))
    study.tell(study.ask(), state=TrialState.FAIL)
    assert warnings_of(caplog.records) == []


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (optuna.create_study(), "must be a list"),
        (["runs.csv"], "must be a study or a run table"),
        ([optuna.create_study()], "no horizon at which three learning rates"),
    ],
    ids=["study", "text", "empty"],
)
def test_sources_that_hold_nothing(sources: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        KappaSampler(TARGET, sources=sources)


@pytest.mark.parametrize("seed", [-1, 0.5, "0"])
def test_wrong_seed(seed: Any) -> None:
    with pytest.raises(ValueError, match="seed must be an int of at least 0"):
        KappaSampler(TARGET, seed=seed)


def test_warns_of_reports_in_another_unit(caplog: pytest.LogCaptureFixture) -> None:
    study = optuna.create_study(sampler=KappaSampler(24, seed=0), pruner=KappaPruner())

    def in_batches(trial: optuna.Trial) -> float:
        trial.suggest_float("lr", 1e-5, 1e-1, log=True)
        trial.report(1.0, 469)
        if trial.should_prune():
            raise optuna.TrialPruned
        return 1.0

    study.optimize(in_batches, n_trials=3)
    (message,) = warnings_of(caplog.records)
    assert "planned for 1 steps, but its last report was at step 469" in message


def test_warns_of_a_nan_that_is_only_returned(caplog: pytest.LogCaptureFixture) -> None:
    study = optuna.create_study(sampler=KappaSampler(24, seed=0), pruner=KappaPruner())

    def diverges(trial: optuna.Trial) -> float:
        trial.suggest_float("lr", 1e-5, 1e-1, log=True)
        return float("nan")

    study.optimize(diverges, n_trials=2)
    (message,) = [m for m in warnings_of(caplog.records) if "report" in m]
    assert "give it to trial.report before returning it" in message


def test_warns_of_reports_from_step_0(caplog: pytest.LogCaptureFixture) -> None:
    study = optuna.create_study(sampler=KappaSampler(24, seed=0), pruner=KappaPruner())

    def from_zero(trial: optuna.Trial) -> float:
        trial.suggest_float("lr", 1e-5, 1e-1, log=True)
        for epoch in range(24):
            trial.report(1.0, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return 1.0

    study.optimize(from_zero, n_trials=5)
    (message,) = warnings_of(caplog.records)
    assert "trial.report(loss, step=epoch + 1)" in message


def test_a_longer_horizon_does_not_pay_for_all_probes_again() -> None:
    study = search(KappaSampler(TARGET, seed=0), n_trials=16)
    study.sampler = KappaSampler(2 * TARGET, seed=0)
    law = study.sampler.law(study)
    assert law.optima
    study.optimize(lambda trial: trial.suggest_float("lr", 1e-5, 1e-1, log=True), n_trials=8)
    later = kinds(study)[16:]
    assert later.count("probe") <= 4 and "law" in later
