"""Searches where all learning rates sit on a plateau first."""

from __future__ import annotations

import logging
import math

import numpy as np
import optuna
import pytest
from optuna.study import Study
from optuna.trial import Trial
from searching import LR, kinds, lrs, search

from optuna_kappa import KappaPruner, KappaSampler, horizon
from optuna_kappa.search.ladder import N_PROBES, TRUST
from optuna_kappa.study.study_law import StudyLaw
from studies.replay.staged import TARGET, TOO_HIGH, Staged

MIDDLE = Staged(lowest=3e-3)  # the longest probes leave the plateau, at the highest rates
LATE = Staged(lowest=6e-3)  # only full runs leave the plateau
NEVER = Staged(lowest=1.0)


def searched(
    problem: Staged, n_trials: int, seed: int = 0, probe_budget: float | None = None
) -> Study:
    def train(trial: Trial) -> float:
        lr, loss = trial.suggest_float("lr", 1e-5, LR.high, log=True), math.nan
        planned = horizon(trial, TARGET)
        for step in sorted({max(1, planned * eighth // 8) for eighth in range(1, 9)}):
            loss = problem.loss(lr, step)
            trial.report(loss, step)
            if trial.should_prune():
                raise optuna.TrialPruned()
        return loss

    sampler = KappaSampler(TARGET, seed=seed, probe_budget=probe_budget)
    study = optuna.create_study(sampler=sampler, pruner=KappaPruner())
    study.optimize(train, n_trials=n_trials)
    return study


def excess(problem: Staged, study: Study) -> float:
    """The best loss of a full run above the lowest possible one, as a part of it."""
    return study.best_value / problem.best - 1


def follow_the_law_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StudyLaw, "nothing_learned", lambda *_: False)


@pytest.mark.parametrize(("problem", "budget"), [(MIDDLE, None), (LATE, None), (LATE, 0.5)])
def test_full_runs_leave_the_plateau(
    problem: Staged, budget: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_trials, seeds = N_PROBES + 4, range(3)
    ours = [excess(problem, searched(problem, n_trials, seed, budget)) for seed in seeds]
    follow_the_law_anyway(monkeypatch)
    before = [excess(problem, searched(problem, n_trials, seed, budget)) for seed in seeds]
    assert np.median(ours) < 0.5
    assert np.median(before) > 2 * np.median(ours)


def test_it_goes_down_from_the_highest_rate_that_trains() -> None:
    study = searched(NEVER, N_PROBES + TRUST + 2)
    assert kinds(study)[: N_PROBES + TRUST] == ["probe"] * N_PROBES + ["cover"] * TRUST
    assert kinds(study)[-1] != "cover"
    rates = lrs(study)
    for first, end in ((N_PROBES - 2, N_PROBES), (N_PROBES, N_PROBES + TRUST)):
        from_top = rates[first:end]
        assert from_top == sorted(from_top, reverse=True)
        assert TOO_HIGH / 10 < from_top[0] < 2 * TOO_HIGH


def test_no_more_probes_than_were_promised() -> None:
    study = searched(NEVER, 16, probe_budget=0.5)
    assert kinds(study).count("probe") == 9


def test_several_workers_cover_different_rates() -> None:
    study = searched(NEVER, N_PROBES)
    asked = [study.ask() for _ in range(TRUST)]
    rates = [trial.suggest_float("lr", 1e-5, LR.high, log=True) for trial in asked]
    assert rates == sorted(rates, reverse=True)
    assert np.diff(np.log(rates)).max() < -0.5


def test_one_hint_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "optuna_kappa"):
        searched(NEVER, N_PROBES + 2)
    said = ["leave a plateau first" in record.getMessage() for record in caplog.records]
    assert sum(said) == 1


def test_where_losses_fall_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    study = search(n_trials=N_PROBES + 6)
    follow_the_law_anyway(monkeypatch)
    assert lrs(search(n_trials=N_PROBES + 6)) == lrs(study)
