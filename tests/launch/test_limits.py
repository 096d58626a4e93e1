"""When a search ends: what running trials are still to cost counts."""

from __future__ import annotations

import math

import optuna

from optuna_kappa import KappaSampler, fail_interrupted
from optuna_kappa.launch.limits import Limits


def begun(study: optuna.Study) -> optuna.trial.Trial:
    """A running trial with a plan and a learning rate."""
    trial = study.ask()
    trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    return trial


def test_running_trials_count_as_planned() -> None:
    sampler = KappaSampler(24, seed=0)
    study = optuna.create_study(sampler=sampler)
    limits = Limits(budget=2 / 24)

    trial = begun(study)  # a probe of one step
    assert not limits.reached(study, sampler)
    begun(study)
    assert limits.reached(study, sampler)

    trial.report(1.0, step=1)  # what has been trained is not counted twice
    assert not Limits(budget=3 / 24).reached(study, sampler)
    assert limits.reached(study, sampler)


def test_failed_trials_cost_what_they_trained() -> None:
    sampler = KappaSampler(24, seed=0)
    study = optuna.create_study(sampler=sampler)
    study.tell(begun(study), state=optuna.trial.TrialState.FAIL)
    assert not Limits(budget=1 / 24).reached(study, sampler)


def test_the_last_trial_runs_to_its_end() -> None:
    sampler = KappaSampler(24, seed=0, n_probes=0)
    study = optuna.create_study(sampler=sampler)
    trial = begun(study)
    for limits in (Limits(budget=0.5), Limits(trials=1), Limits(budget=0.5, trials=9)):
        assert limits.cost_left(study, sampler) == 1.0
    trial.report(1.0, step=18)
    assert Limits(budget=0.5).cost_left(study, sampler) == 0.25
    assert Limits(budget=2.0).cost_left(study, sampler) == 1.25
    study.tell(trial, 1.0)
    assert Limits(trials=1).cost_left(study, sampler) == 0.0
    assert Limits(seconds=60.0).cost_left(study, sampler) == math.inf


def test_interrupted_trials_do_not_count() -> None:
    sampler = KappaSampler(24, seed=0)
    study = optuna.create_study(sampler=sampler)
    begun(study)
    limits = Limits(trials=1)
    assert limits.reached(study, sampler)
    fail_interrupted(study)
    assert not limits.reached(study, sampler)
