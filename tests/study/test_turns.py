"""Workers that ask at once: one plan for each, and no rate twice."""

from __future__ import annotations

import collections
import multiprocessing
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState
from searching import LR, SIMPLE, TARGET, objective, search

from optuna_kappa import KappaPruner, KappaSampler, horizon
from optuna_kappa.schedules import constant
from optuna_kappa.search.ladder import N_PROBES, rungs
from optuna_kappa.study.dead import Living
from optuna_kappa.study.interrupted import INTERRUPTED
from optuna_kappa.study.planning import plans_in_turn
from optuna_kappa.study.plans import plan_of
from optuna_kappa.study.storage import open_storage
from optuna_kappa.study.study_law import Problem, StudyLaw
from optuna_kappa.study.turns import trials_before, unplanned

NO_LAW = StudyLaw(Problem(TARGET, constant(), "lr", [], StudyDirection.MINIMIZE), [])
LADDER = rungs(TARGET, N_PROBES)


def planned(study: Study) -> dict[int, int]:
    """Number of probes by horizon."""
    plans = [plan_of(trial) for trial in study.trials]
    counts = collections.Counter(plan.horizon for plan in plans if plan and plan.is_probe)
    return dict(counts)


def unplanned_study(n: int) -> Study:
    """Trials that were created and nothing else, as another worker sees them."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler())
    for _ in range(n):
        study.ask()
    return study


@pytest.mark.parametrize("n", [1, 7, 13])
def test_every_order_of_planning_gives_the_same_plans(n: int) -> None:
    """Trial n plans all before it as they plan themselves, whether these have plans or not."""
    trials = unplanned_study(n).trials
    whole = plans_in_turn(trials, Living([], trials[0], "lr"), NO_LAW, LADDER)
    assert [plan.is_probe for plan in whole] == [i < N_PROBES for i in range(n)]
    for trial in trials:
        before = trials_before(trial, trials)
        turns = [*unplanned(trial, before), trial]
        plans = plans_in_turn(turns, Living(before, trial, "lr"), NO_LAW, LADDER)
        assert plans == whole[: trial.number + 1]


def test_a_short_probe_that_died_is_run_though_longer_ones_are_planned() -> None:
    """Its death may show only when the longer ones have begun: these do not stand for it."""
    study = optuna.create_study(sampler=KappaSampler(TARGET, seed=0), pruner=KappaPruner())
    study.optimize(objective(), n_trials=N_PROBES + 2)
    shortest = LADDER[0][0]
    first = study.trials[0]
    died = optuna.trial.create_trial(
        state=TrialState.FAIL, user_attrs={**first.user_attrs, INTERRUPTED: True}
    )

    again = optuna.create_study(sampler=KappaSampler(TARGET, seed=0), pruner=KappaPruner())
    again.add_trials([died, *study.trials[1:]])
    again.optimize(objective(), n_trials=2)
    replaced, after = [plan_of(trial) for trial in again.trials[-2:]]
    assert replaced and (replaced.horizon, replaced.kind) == (shortest, "probe")
    assert after and not after.is_probe


def test_trials_that_see_no_rate_of_others_cover_the_range_together() -> None:
    """Each works out the rates of those before it by their own random numbers."""
    study = unplanned_study(6)
    sampler = KappaSampler(TARGET, seed=0)
    trials = study.trials
    for trial in trials:
        sampler.before_trial(study, trial)
    rates = [sampler.sample_independent(study, trial, "lr", LR) for trial in trials]
    part = np.log(np.array(rates) / LR.low) / np.log(LR.high / LR.low)
    assert sorted((6 * part).astype(int)) == list(range(6))

    # One after the other, when each sees the rates before it, they are given the same.
    one_by_one = optuna.create_study(sampler=KappaSampler(TARGET, seed=0))
    assert [one_by_one.ask({"lr": LR}).params["lr"] for _ in range(6)] == rates


def test_a_rate_that_was_given_during_the_fit_is_seen() -> None:
    study = search(n_trials=N_PROBES + 2)
    first, second = study.ask(), study.ask()
    _, later = study.trials[-2:]
    wanted = study.sampler.sample_independent(study, later, "lr", LR)

    # What the second trial wants is given to the first one meanwhile.
    study._storage.set_trial_param(first._trial_id, "lr", wanted, LR)
    given = second.suggest_float("lr", LR.low, LR.high, log=True)
    assert abs(np.log(given / wanted)) > 0.02  # rates that a run can tell apart


def test_who_comes_before() -> None:
    study = unplanned_study(2)
    study.enqueue_trial({"other": 1})
    study.ask()  # takes the one of the queue
    study.enqueue_trial({"other": 2})
    _, second, from_queue, waiting = study.trials
    assert waiting.state == TrialState.WAITING
    assert [t.number for t in trials_before(second, study.trials)] == [0]
    assert [t.number for t in trials_before(from_queue, study.trials)] == [0, 1]
    late = study.ask()
    assert late.number == 3
    study.ask()
    numbers = [t.number for t in trials_before(study.trials[3], study.trials)]
    assert numbers == [0, 1, 2, 4]


def test_who_will_never_have_a_plan_takes_no_turn() -> None:
    study = unplanned_study(4)
    finished, with_params, dead, last = study.trials
    assert last.datetime_start
    finished.state = TrialState.FAIL
    with_params.params = {"lr": 0.1}  # another sampler's
    dead.datetime_start = last.datetime_start - timedelta(hours=1)
    assert unplanned(last, [finished, with_params, dead]) == []
    dead.datetime_start = last.datetime_start
    assert unplanned(last, [finished, with_params, dead]) == [dead]


@pytest.mark.parametrize("n", [8, 24, 64])
@pytest.mark.parametrize("known", [0, N_PROBES + 4])
def test_asked_for_at_once_and_told_later(n: int, known: int) -> None:
    study = search(n_trials=known) if known else optuna.create_study()
    study.sampler = KappaSampler(TARGET, seed=0)
    asked = [study.ask() for _ in range(n)]
    rates = [trial.suggest_float("lr", LR.low, LR.high, log=True) for trial in asked]
    assert len(set(rates)) == n
    assert planned(study) == dict(LADDER) or (n, known) == (8, 0)


@pytest.mark.parametrize(("low", "high"), [(1e-2, 1e-1), (1e-6, 1e-5), (2e-3, 2.01e-3)])
def test_where_the_optimum_is_at_an_end_of_the_range(low: float, high: float) -> None:
    def train(trial: Trial) -> float:
        trial.suggest_float("lr", low, high, log=True)
        return SIMPLE.loss(trial.params["lr"], TARGET)

    study = optuna.create_study(sampler=KappaSampler(TARGET, n_probes=0, seed=0))
    study.optimize(train, n_trials=8)
    asked = [study.ask() for _ in range(24)]
    rates = [trial.suggest_float("lr", low, high, log=True) for trial in asked]
    assert len(set(rates)) == 24
    assert low <= min(rates) and max(rates) <= high


def require_rates_of_their_own(study: Study) -> None:
    """No two trials of one horizon, and no two that ran at the same time, have one rate."""
    rates = [(horizon(trial), trial.params["lr"]) for trial in study.trials]
    assert len(set(rates)) == len(rates)

    by_start = sorted(study.trials, key=began)
    for i, trial in enumerate(by_start):
        for other in by_start[i + 1 :]:
            if began(other) < ended(trial):
                assert other.params["lr"] != trial.params["lr"]


def began(trial: FrozenTrial) -> datetime:
    assert trial.datetime_start
    return trial.datetime_start


def ended(trial: FrozenTrial) -> datetime:
    assert trial.datetime_complete
    return trial.datetime_complete


@pytest.mark.parametrize("n_jobs", [3, 8])
def test_threads(n_jobs: int) -> None:
    study = optuna.create_study(sampler=KappaSampler(TARGET, seed=0), pruner=KappaPruner())
    study.optimize(objective(), n_trials=32, n_jobs=n_jobs)
    assert planned(study) == dict(LADDER)
    require_rates_of_their_own(study)


def work(url: str, n_trials: int) -> None:
    study = optuna.load_study(
        study_name="shared",
        storage=open_storage(url),
        sampler=KappaSampler(TARGET, seed=0),
        pruner=KappaPruner(),
    )
    study.optimize(objective(), n_trials=n_trials)


def test_processes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'kappa.db'}"
    study = optuna.create_study(study_name="shared", storage=open_storage(url))
    # Not forked: SQLite connections and threads must not be.
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, args=(url, 10)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0

    assert len(study.trials) == 20
    assert planned(study) == dict(LADDER)
    require_rates_of_their_own(study)
