"""Searches where most losses tie: an accuracy that stays at chance, or a coarse metric."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import optuna
import pytest
from optuna.samplers import TPESampler
from optuna.study import Study
from optuna.trial import Trial
from searching import LR, kinds, lrs, search

from optuna_kappa import KappaPruner, KappaSampler, horizon
from optuna_kappa.search.ladder import N_PROBES
from optuna_kappa.study.study_law import StudyLaw

TARGET = 24
LOW, HIGH = math.log(LR.low), math.log(LR.high)
CHANCE = 0.1

Accuracy = Callable[[float, int], float]  # of lr and epoch


def window(seed: int, width: float, opens: int, digits: int = 1) -> Accuracy:
    """Chance but for a window somewhere in the range of ln lr, from an epoch on."""
    left = (1 - width) * np.random.default_rng(seed).random()

    def accuracy(lr: float, epoch: int) -> float:
        place = (math.log(lr) - LOW) / (HIGH - LOW)
        off = abs(place - left - width / 2) / (width / 2)
        return CHANCE if off > 1 or epoch < opens else round(0.9 - 0.6 * off, digits)

    return accuracy


def chance(lr: float, epoch: int) -> float:
    return CHANCE


def above_diverges(wall: float) -> Accuracy:
    return lambda lr, epoch: math.nan if lr > wall else CHANCE


def searched(accuracy: Accuracy, n_trials: int = 18, seed: int = 0, tpe: bool = False) -> Study:
    def train(trial: Trial) -> float:
        lr, value = trial.suggest_float("lr", LR.low, LR.high, log=True), math.nan
        planned = horizon(trial, TARGET)
        for epoch in sorted({1, planned // 3, planned} - {0}):
            value = accuracy(lr, epoch)
            trial.report(value, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned()
        return value

    sampler = TPESampler(seed=seed) if tpe else KappaSampler(TARGET, seed=seed)
    pruner = optuna.pruners.NopPruner() if tpe else KappaPruner()
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
    study.optimize(train, n_trials=n_trials)
    return study


def is_off(study: Study) -> bool:
    """Whether a full run has left the plateau."""
    return study.best_value > CHANCE


@pytest.mark.parametrize(("width", "opens"), [(0.15, 1), (0.125, 20)])
def test_it_is_off_the_plateau_as_often_as_tpe(width: float, opens: int) -> None:
    seeds = range(6)
    ours = [is_off(searched(window(seed, width, opens), seed=seed)) for seed in seeds]
    tpe = [is_off(searched(window(seed, width, opens), seed=seed, tpe=True)) for seed in seeds]
    assert sum(ours) >= max(sum(tpe), 5)


def test_the_range_is_covered_by_full_runs() -> None:
    study = searched(chance, 18)
    assert kinds(study) == ["probe"] * 6 + ["cover"] * 12
    cells = [int((math.log(lr) - LOW) / (HIGH - LOW) * 8) for lr in lrs(study)[6:14]]
    assert sorted(cells) == list(range(8))
    assert len(set(lrs(study))) == 18


def test_it_does_not_go_back_above_what_diverged() -> None:
    wall = 1e-3
    study = searched(above_diverges(wall), 24)
    assert "cover" in kinds(study)
    lowest = math.inf
    for trial, kind in zip(study.trials, kinds(study), strict=True):
        if kind == "cover":
            assert trial.params["lr"] <= lowest
        if trial.params["lr"] > wall:
            lowest = min(lowest, trial.params["lr"])
    assert len(set(lrs(study))) == 24


def test_one_divergence_among_higher_rates_that_did_not_is_no_wall() -> None:
    first = lrs(searched(chance, 6))
    unlucky = min(first)
    study = searched(lambda lr, epoch: math.nan if lr == unlucky else CHANCE, 14)
    assert lrs(study)[:6] == first
    assert max(lrs(study)[6:]) > 0.3 * LR.high


def test_once_off_the_plateau_the_law_is_followed() -> None:
    study = searched(window(3, 0.3, 20, digits=2), 24)
    after = kinds(study)[6:]
    left = after.index("law")
    assert set(after[:left]) <= {"cover", "probe"}
    assert "cover" not in after[left:]
    # The rung between is not made up for once four full runs have stood in for it.
    assert sum(kind in ("cover", "probe") for kind in after) >= N_PROBES - 6


def test_where_losses_differ_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    study = search(n_trials=N_PROBES + 6)
    assert "cover" not in kinds(study)
    monkeypatch.setattr(StudyLaw, "is_plateau", lambda *_: False)
    assert lrs(search(n_trials=N_PROBES + 6)) == lrs(study)
