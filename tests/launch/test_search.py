"""Whose trials are dead: those of processes of this machine that are gone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from optuna_kappa import KappaSampler
from optuna_kappa.launch.limits import Limits
from optuna_kappa.launch.search import WORKER, _here, begin_trial, forget_dead
from optuna_kappa.study.interrupted import was_interrupted
from optuna_kappa.study.plans import plan_of

HOST = socket.gethostname()
ME = os.getpid()
on_linux = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="only Linux tells when a process began"
)


def running(worker: str | None) -> optuna.Study:
    """A study with a trial that a worker runs."""
    study = optuna.create_study()
    trial = study.ask()
    if worker is not None:
        trial.set_user_attr(WORKER, worker)
    return study


def test_a_process_that_runs_is_alive() -> None:
    assert forget_dead(running(_here())) == []


@pytest.mark.parametrize(
    "worker",
    [None, "", "elsewhere 999999999", f"{HOST} {ME}", f"{HOST} x 1"],
    ids=["no", "empty", "elsewhere", "old-form", "no-number"],
)
def test_what_cannot_be_told_is_left_alone(worker: str | None) -> None:
    assert forget_dead(running(worker)) == []


@pytest.mark.parametrize(
    "worker", [f"{HOST} 999999999", f"{HOST} 999999999 12"], ids=["old-form", "with-its-start"]
)
def test_a_process_that_is_gone_is_dead(worker: str) -> None:
    assert forget_dead(running(worker)) == [0]


@on_linux
def test_another_process_with_the_same_number_is_not_taken_for_it() -> None:
    assert forget_dead(running(f"{HOST} {ME} 1")) == [0]


class _Interrupted(optuna.samplers.RandomSampler):
    """A sampler in whose midst Ctrl-C arrives."""

    def before_trial(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        signal.raise_signal(signal.SIGINT)


@contextmanager
def on_ctrl_c(handler: Any) -> Iterator[None]:
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_trial_that_is_interrupted_while_it_is_planned_is_marked() -> None:
    study = optuna.create_study(sampler=_Interrupted())
    with on_ctrl_c(signal.default_int_handler):
        with pytest.raises(KeyboardInterrupt):
            begin_trial(study)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    (trial,) = study.trials
    assert was_interrupted(trial) and trial.state == TrialState.FAIL


@pytest.mark.parametrize(
    "handler", [signal.SIG_IGN, lambda *_: None], ids=["ignored", "takes-no-notice"]
)
def test_a_trial_goes_on_where_ctrl_c_ends_nothing(handler: Any) -> None:
    study = optuna.create_study(sampler=_Interrupted())
    with on_ctrl_c(handler):
        begin_trial(study)
        assert signal.getsignal(signal.SIGINT) is handler

    (trial,) = study.trials
    assert not was_interrupted(trial) and trial.state == TrialState.RUNNING


KILLED_WHILE_IT_ASKS = """
import os, signal, sys
import optuna
from optuna_kappa.launch.search import begin_trial

class Killed(optuna.samplers.RandomSampler):
    def before_trial(self, study, trial):
        os.kill(os.getpid(), signal.SIGKILL)

study = optuna.load_study(study_name="mine", storage=sys.argv[1], sampler=Killed())
begin_trial(study)
"""


@pytest.mark.parametrize("enqueued", [False, True], ids=["new", "enqueued"])
def test_a_trial_of_a_process_that_was_killed_before_it_had_a_plan(
    enqueued: bool, tmp_path: Path
) -> None:
    storage = f"sqlite:///{tmp_path}/kappa.db"
    sampler = KappaSampler(24, seed=0)
    study = optuna.create_study(storage=storage, study_name="mine", sampler=sampler)
    if enqueued:
        study.enqueue_trial({"lr": 1e-3})
    command = [sys.executable, "-c", KILLED_WHILE_IT_ASKS, storage]
    assert subprocess.run(command).returncode == -signal.SIGKILL

    (trial,) = study.trials
    assert trial.state == TrialState.RUNNING and plan_of(trial) is None
    limits = Limits(trials=1)
    assert limits.reached(study, sampler)  # it may still run
    assert forget_dead(study) == [0]
    assert was_interrupted(study.trials[0]) and study.trials[0].state == TrialState.FAIL
    assert not limits.reached(study, sampler)
