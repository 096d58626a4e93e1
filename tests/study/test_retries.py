"""A trial whose worker was killed is run again by Optuna's heartbeats, and counts once."""

from __future__ import annotations

import collections
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.study import Study
from optuna.trial import Trial, TrialState
from searching import LR, TARGET, objective
from sqlalchemy import text

from optuna_kappa import KappaPruner, KappaSampler
from optuna_kappa.search.ladder import N_PROBES, rungs
from optuna_kappa.study.evidence import told_something
from optuna_kappa.study.plans import plan_of
from optuna_kappa.study.private import rdb_of
from optuna_kappa.study.storage import close_storage, open_storage


class Killed(BaseException):
    """Stands for a SIGKILL: nothing is told."""


def opened(path: Path) -> Study:
    return optuna.create_study(
        study_name="shared",
        storage=open_storage(f"sqlite:///{path}"),
        sampler=KappaSampler(TARGET, seed=0),
        pruner=KappaPruner(),
        load_if_exists=True,
    )


def kill_in_mid_run(study: Study) -> int:
    """A trial that has its rate and a sign of life, and whose worker is gone; its number."""

    def train(trial: Trial) -> float:
        trial.suggest_float("lr", LR.low, LR.high, log=True)
        raise Killed

    with pytest.raises(BaseException):  # noqa: B017, PT011
        study.optimize(train, n_trials=1)
    return len(study.trials) - 1


def let_time_pass(study: Study, minutes: int = 10) -> None:
    """Move all signs of life into the past."""
    database = rdb_of(study)
    assert database is not None
    earlier = datetime.now() - timedelta(days=1, minutes=minutes)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE trial_heartbeats SET heartbeat = :at"), {"at": earlier})


def told(study: Study) -> dict[int, int]:
    """Number of probes that told something, by horizon."""
    counts: collections.Counter[int] = collections.Counter()
    for trial in study.trials:
        plan = plan_of(trial)
        if plan is not None and plan.is_probe and told_something(trial):
            counts[plan.horizon] += 1
    return dict(counts)


@pytest.mark.parametrize("n_before", [0, N_PROBES - 1, N_PROBES + 1])
def test_it_keeps_its_plan_and_its_rate(tmp_path: Path, n_before: int) -> None:
    study = opened(tmp_path / "kappa.db")
    study.optimize(objective(), n_trials=n_before)
    number = kill_in_mid_run(study)
    assert study.trials[number].state == TrialState.RUNNING

    study.optimize(objective(), n_trials=1)  # too early to say that it is dead
    assert study.trials[number].state == TrialState.RUNNING
    let_time_pass(study)
    study.optimize(objective(), n_trials=1)
    killed, again = study.trials[number], study.trials[-1]
    assert killed.state == TrialState.FAIL
    assert again.system_attrs["failed_trial"] == number
    assert again.params == killed.params
    assert plan_of(again) == plan_of(killed)
    assert told_something(again)

    study.optimize(objective(), n_trials=N_PROBES + 2)
    assert told(study) == dict(rungs(TARGET, N_PROBES))
    close_storage(study._storage)


def test_not_for_ever(tmp_path: Path) -> None:
    """What kills its worker each time ends as a failed trial."""
    study = opened(tmp_path / "kappa.db")
    first = kill_in_mid_run(study)
    for _ in range(5):
        let_time_pass(study)
        kill_in_mid_run(study)
    retries = [t for t in study.trials if t.system_attrs.get("failed_trial") == first]
    assert len(retries) == 2
    close_storage(study._storage)


def test_reading_needs_no_heartbeats(tmp_path: Path) -> None:
    storage: Any = open_storage(f"sqlite:///{tmp_path / 'kappa.db'}", heartbeat=None)
    study = optuna.create_study(storage=storage)
    study.tell(study.ask(), 0.5)  # Optuna would warn here
    close_storage(storage)
