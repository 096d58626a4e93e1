"""What a study's trials say, where other parameters are searched with the learning rate."""

from __future__ import annotations

import gc
import math

import numpy as np
import optuna
import pytest
from optuna.samplers import RandomSampler, TPESampler
from optuna.study import Study, StudyDirection
from optuna.trial import Trial, TrialState
from searching import LR, SIMPLE, TARGET, kinds
from simulated import Simulated

from optuna_kappa import KappaPruner, KappaSampler, horizon
from optuna_kappa.schedules import as_schedule
from optuna_kappa.search.ladder import N_PROBES
from optuna_kappa.study.evidence import select_evidence
from optuna_kappa.study.study_law import Problem, StudyLaw
from optuna_kappa.study.trials import best_params

MINIMIZE, MAXIMIZE = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE
MOVES = 1.4  # of the optimum, in ln lr, from batch 16 to 256


def searched(n_trials: int, *, lr_first: bool, seed: int = 0) -> Study:
    """A search of lr, batch size, which moves its optimum, and width, which lowers the loss."""

    def train(trial: Trial) -> float:
        lr = trial.suggest_float("lr", LR.low, LR.high, log=True) if lr_first else None
        batch = 2 ** trial.suggest_int("log2_batch", 4, 8)
        width = trial.suggest_int("width", 64, 512, log=True)
        lr = lr or trial.suggest_float("lr", LR.low, LR.high, log=True)
        moved = lr / math.exp(MOVES * (math.log2(batch) - 6) / 4)
        loss = math.nan
        for step in range(1, horizon(trial) + 1):
            loss = SIMPLE.loss(moved, step) * math.exp(-0.2 * math.log(width / 181))
            trial.report(loss, step)
        if trial.should_prune():
            raise optuna.TrialPruned()
        return loss

    study = optuna.create_study(sampler=KappaSampler(TARGET, seed=seed), pruner=KappaPruner())
    study.optimize(train, n_trials=n_trials)
    return study


@pytest.mark.parametrize("lr_first", [True, False])
def test_the_lr_is_proposed_given_what_moves_its_optimum(lr_first: bool) -> None:
    moved, misses = [], []
    for seed in range(4):
        study = searched(N_PROBES + 20, lr_first=lr_first, seed=seed)
        assert isinstance(study.sampler, KappaSampler)
        small, large = (study.sampler.recommend(study, {"log2_batch": b}) for b in (4, 8))
        moved.append(math.log(large / small))
        for trial in study.trials[-6:]:
            best = math.log(2e-3) + MOVES * (trial.params["log2_batch"] - 6) / 4
            if kinds(study)[trial.number] == "law":
                misses.append(abs(math.log(trial.params["lr"]) - best))
    assert np.median(moved) == pytest.approx(MOVES, abs=0.6)
    # Half of the way from batch 64 to either end would be 0.35.
    assert np.median(misses) < 0.35


def test_by_default_the_lr_for_the_best_of_the_other_parameters_is_recommended() -> None:
    study = searched(N_PROBES + 8, lr_first=False)
    assert isinstance(study.sampler, KappaSampler)
    assert study.sampler.recommend(study) == study.sampler.recommend(study, study.best_params)


def test_other_parameters_are_proposed_by_any_base_sampler() -> None:
    for base in (None, RandomSampler(seed=0), TPESampler(seed=0, n_startup_trials=2)):
        sampler = KappaSampler(TARGET, base_sampler=base, seed=0)
        study = optuna.create_study(sampler=sampler, pruner=KappaPruner())
        for _ in range(N_PROBES + 3):
            trial = study.ask()
            lr = trial.suggest_float("lr", LR.low, LR.high, log=True)
            kind = trial.suggest_categorical("kind", ["a", "b"])
            if kind == "a":
                trial.suggest_float("only with a", 0.0, 1.0)
            loss = Simulated().loss(lr, horizon(trial))
            trial.report(loss, horizon(trial))
            study.tell(trial, loss)
        assert {trial.params["kind"] for trial in study.trials} == {"a", "b"}


def test_what_was_found_before_is_let_go() -> None:
    # Searches of other tests may still be there.
    before = {id(kept) for kept in gc.get_objects() if type(kept) is StudyLaw}
    study = searched(N_PROBES + 12, lr_first=True)
    assert isinstance(study.sampler, KappaSampler)
    gc.collect()
    after = {id(kept) for kept in gc.get_objects() if type(kept) is StudyLaw}
    assert len(after - before) <= 1


def test_failures_that_tell_nothing_do_not_count() -> None:
    study = searched(N_PROBES + 6, lr_first=True)
    assert isinstance(study.sampler, KappaSampler)
    before = study.sampler.recommend(study)
    for _ in range(110):
        study.tell(study.ask(), state=TrialState.FAIL)
    assert select_evidence(study.trials) == select_evidence(study.trials[: N_PROBES + 6])
    assert study.sampler.recommend(study) == before


def test_an_enqueued_parameter_is_what_the_lr_is_proposed_for() -> None:
    study = searched(N_PROBES + 25, lr_first=True)
    assert isinstance(study.sampler, KappaSampler)
    for batch in (4, 8):
        study.enqueue_trial({"log2_batch": batch})
        trial = study.ask()
        lr = trial.suggest_float("lr", LR.low, LR.high, log=True)
        there = study.sampler.recommend(study, {"log2_batch": batch})
        elsewhere = study.sampler.recommend(study, {"log2_batch": 12 - batch})
        assert abs(math.log(lr / there)) < abs(math.log(lr / elsewhere))
        study.tell(trial, state=TrialState.FAIL)


def test_unknown_parameters_are_named() -> None:
    study = searched(N_PROBES + 1, lr_first=True)
    assert isinstance(study.sampler, KappaSampler)
    with pytest.raises(ValueError, match="'batch'; the trials have log2_batch, lr, width"):
        study.sampler.recommend(study, {"batch": 16})
    empty = optuna.create_study(sampler=study.sampler)
    with pytest.raises(ValueError, match="before a trial has suggested 'lr'"):
        study.sampler.recommend(empty)


def test_what_failed_without_a_word_is_not_tried_again_and_again() -> None:
    """A loss that falls towards a rate from which on training fails, and reports nothing."""
    study = optuna.create_study(sampler=KappaSampler(TARGET, seed=0), pruner=KappaPruner())

    def train(trial: Trial) -> float:
        lr = trial.suggest_float("lr", LR.low, 10.0, log=True)
        if lr > 0.1:
            return math.nan
        loss = SIMPLE.loss(lr / 50, horizon(trial))
        trial.report(loss, horizon(trial))
        if trial.should_prune():
            raise optuna.TrialPruned()
        return loss

    study.optimize(train, n_trials=N_PROBES + 10)
    failed = [
        math.log(trial.params["lr"])
        for trial in study.trials[N_PROBES:]
        if trial.state == TrialState.FAIL and kinds(study)[trial.number] == "law"
    ]
    assert np.diff(sorted(failed)).min(initial=1.0) > 0.05


def test_the_best_parameters_are_those_of_a_full_run() -> None:
    study = searched(N_PROBES + 4, lr_first=True)
    before = best_params(study, study.trials, TARGET)
    short = {**study.trials[0].user_attrs}
    study.add_trial(
        optuna.trial.create_trial(
            params={"lr": 1e-3}, distributions={"lr": LR}, value=-1.0, user_attrs=short
        )
    )
    assert best_params(study, study.trials, TARGET) == before


@pytest.mark.parametrize("direction", [MINIMIZE, MAXIMIZE])
def test_a_plateau_locates_nothing(direction: StudyDirection) -> None:
    sign = 1.0 if direction == MINIMIZE else -1.0
    for seed in range(6):
        study = optuna.create_study(
            direction=direction, sampler=KappaSampler(TARGET, n_probes=0, seed=0)
        )
        noise = np.random.default_rng(seed)
        for lr in np.exp(np.linspace(-6.0, -3.0, 6)):
            study.enqueue_trial({"lr": float(lr)})
            trial = study.ask({"lr": LR})
            study.tell(trial, sign * 0.1 * (1 + 0.002 * noise.standard_normal()))
        problem = Problem(TARGET, as_schedule("constant"), "lr", [], study.direction)
        assert StudyLaw(problem, study.trials).se_at_target == math.inf


def test_a_learning_rate_that_is_no_number_is_left_out() -> None:
    study = searched(N_PROBES + 2, lr_first=True)
    assert isinstance(study.sampler, KappaSampler)
    before = study.sampler.recommend(study)
    choices = optuna.distributions.CategoricalDistribution(["auto", "low"])
    plan = study.trials[-1].user_attrs
    other = optuna.create_study(sampler=study.sampler)
    other.add_trial(
        optuna.trial.create_trial(
            params={"lr": "auto"}, distributions={"lr": choices}, value=1.0, user_attrs=plan
        )
    )
    other.add_trials(study.trials)
    assert study.sampler.recommend(other) == pytest.approx(before, rel=1e-6)
    assert other.ask({"lr": LR}).params["lr"] > 0
