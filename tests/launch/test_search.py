"""Whose trials are dead: those of processes of this machine that are gone."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import optuna
import pytest

from optuna_kappa.launch.search import WORKER, _here, forget_dead

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
