"""What is wrong with a storage is one sentence, and what passes is waited for."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from clocks import Clock
from optuna.trial import TrialState
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from optuna_kappa.study import databases, patience
from optuna_kappa.study.patience import PatientDatabase, patiently
from optuna_kappa.study.storage import open_database, open_storage
from optuna_kappa.study.troubles import StorageError, trouble_of


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(patience, "time", made)
    return made


def of_sqlite(text: str) -> Exception:
    return OperationalError("INSERT ...", {}, sqlite3.OperationalError(text))


class ServerGone(Exception):
    """Stands for the error of a driver."""


LOST = OperationalError("SELECT 1", {}, ServerGone("server closed the connection unexpectedly"))


def failing(error: Exception, times: float) -> Callable[[], str]:
    """Something that fails so many times, and then succeeds."""
    calls = []

    def call() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return "done"

    return call


@pytest.mark.parametrize(
    ("error", "says", "passes"),
    [
        (of_sqlite("database or disk is full"), "the disk is full", True),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full", True),
        (of_sqlite("attempt to write a readonly database"), "is read-only", False),
        (OSError(errno.EROFS, "Read-only file system"), "is read-only", False),
        (of_sqlite("database is locked"), "locked by another process", True),
        (of_sqlite("disk I/O error"), "the disk or the network file system fails", True),
        (LOST, "there is no connection", True),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "there is no connection", True),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "there is no connection", True),
        (TimeoutError("timed out"), "there is no connection", True),
        (PoolTimeout("QueuePool limit"), "there is no connection", True),
    ],
    ids=lambda value: str(value)[:30],
)
def test_one_sentence_for_each(clock: Clock, error: Exception, says: str, passes: bool) -> None:
    with pytest.raises(StorageError, match=says) as caught:
        patiently(failing(error, times=float("inf")), "sqlite:///kappa.db")
    assert str(caught.value).startswith("the storage sqlite:///kappa.db ")
    assert "\n" not in str(caught.value)
    assert (clock.now > 10) == passes
    if passes:
        assert patiently(failing(error, times=3), "sqlite:///kappa.db") == "done"


def test_other_errors_are_left_alone(clock: Clock) -> None:
    with pytest.raises(KeyError):
        patiently(failing(KeyError("no study"), times=1), "kappa.db")
    assert trouble_of(ValueError("wrong")) is None
    assert trouble_of(of_sqlite("no such table: trials")) is None
    assert clock.now == 0


def grow(study: optuna.Study, at_most: int = 10_000) -> None:
    for number in range(at_most):
        study.set_user_attr(f"{number}", "x" * 2000)


def test_a_disk_that_is_full(tmp_path: Path, clock: Clock) -> None:
    """SQLite itself says so here: its file may not grow."""
    storage = open_database(f"sqlite:///{tmp_path / 'kappa.db'}")
    study = optuna.create_study(storage=storage)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)

    limited = [True]

    def limit(connection: Any, _record: object) -> None:
        if limited:
            connection.execute("PRAGMA max_page_count = 60")

    storage.engine.dispose()
    event.listen(storage.engine, "connect", limit)
    with pytest.raises(StorageError, match="the disk is full; free some space"):
        grow(study)
    assert clock.now > 10

    limited.clear()
    storage.engine.dispose()
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 2
    study.set_user_attr("after", "all")
    storage.engine.dispose()


def test_what_was_told_though_the_answer_was_lost(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_database(f"sqlite:///{tmp_path / 'kappa.db'}")
    study = optuna.create_study(storage=storage)
    answered = optuna.storages.RDBStorage.check_trial_is_updatable
    lost: list[Exception] = []
    trial = study.ask()

    set_state = storage.set_trial_state_values
    assert isinstance(storage, PatientDatabase)
    assert set_state(trial._trial_id, TrialState.COMPLETE, [0.5])
    with pytest.raises(optuna.exceptions.UpdateFinishedTrialError):
        set_state(trial._trial_id, TrialState.COMPLETE, [0.5])

    lost.append(LOST)

    def loses(*arguments: Any) -> None:
        if lost:
            raise lost.pop()
        answered(*arguments)

    monkeypatch.setattr(optuna.storages.RDBStorage, "check_trial_is_updatable", loses)
    assert set_state(trial._trial_id, TrialState.COMPLETE, [0.5])
    lost.append(LOST)
    with pytest.raises(optuna.exceptions.UpdateFinishedTrialError):
        set_state(trial._trial_id, TrialState.COMPLETE, [0.7])
    storage.engine.dispose()


@pytest.mark.parametrize("create", [True, False])
def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch, create: bool) -> None:
    """A worker waits for it; who only reads is told at once."""
    pytest.importorskip("psycopg")
    clock = Clock()
    monkeypatch.setattr(databases, "time", clock)
    with pytest.raises(ValueError, match="there is no connection.*start its server") as caught:
        open_storage("postgresql+psycopg://me:secret@127.0.0.1:1/kappa", create=create)
    assert (clock.now > 10) == create
    assert "secret" not in str(caught.value)
