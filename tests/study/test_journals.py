"""Journals keep whole lines, and a killed process holds nobody up."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from optuna_kappa.study import network
from optuna_kappa.study.journals import open_journal
from optuna_kappa.study.storage import open_storage
from optuna_kappa.study.troubles import StorageError


def searched(path: Path, n_trials: int = 3) -> optuna.Study:
    study = optuna.create_study(
        study_name="kept", storage=open_storage(f"journal:///{path}"), load_if_exists=True
    )
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=n_trials)
    return study


def test_optuna_reads_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "kappa.log"
    study = searched(path)
    theirs = optuna.load_study(
        study_name="kept", storage=JournalStorage(JournalFileBackend(str(path)))
    )
    assert [trial.value for trial in theirs.trials] == [trial.value for trial in study.trials]


@pytest.mark.parametrize("half", [b'{"op_code": 4, "wor', b"\x00" * 5000])
def test_half_a_line_is_taken_back(tmp_path: Path, half: bytes) -> None:
    path = tmp_path / "kappa.log"
    values = [trial.value for trial in searched(path).trials]
    with path.open("ab") as file:
        file.write(half)
    study = searched(path, n_trials=1)
    assert [trial.value for trial in study.trials][:3] == values
    assert len(searched(path, n_trials=0).trials) == 4


def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kappa.log"
    study = searched(path)
    whole = path.read_bytes()

    def fails(self: JournalFileBackend, logs: list[dict[str, Any]]) -> None:
        with path.open("ab") as file:
            file.write(b'{"op_c')
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("optuna_kappa.study.troubles._TROUBLES", without_patience())
    with monkeypatch.context() as full:
        full.setattr(JournalFileBackend, "append_logs", fails)
        with pytest.raises(StorageError, match=r"kappa.log cannot be written: the disk is full"):
            study.set_user_attr("note", "lost")
    assert path.read_bytes() == whole
    study.set_user_attr("note", "kept")
    assert searched(path, n_trials=0).user_attrs == {"note": "kept"}


def without_patience() -> dict[str, Any]:
    from optuna_kappa.study.troubles import _TROUBLES

    return {kind: trouble._replace(patience=0.0) for kind, trouble in _TROUBLES.items()}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has locks of its own")
def test_the_lock_of_a_killed_process(tmp_path: Path) -> None:
    """Optuna's own waits for 30 s here."""
    path = tmp_path / "kappa.log"
    searched(path, n_trials=1)
    os.symlink("./kappa.log", tmp_path / "kappa.log.lock")
    assert len(searched(path, n_trials=1).trials) == 2
    assert not os.path.lexists(tmp_path / "kappa.log.lock")


def test_the_lock_of_optuna_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "kappa.log"
    theirs = optuna.storages.journal.JournalFileSymlinkLock(str(path))
    theirs.acquire()
    from optuna_kappa.study.journals import _KernelLock

    ours = _KernelLock(str(path))
    ours.grace_period = None
    link = os.readlink(tmp_path / "kappa.log.lock")
    with pytest.raises(TimeoutError):
        waits_at_most(ours)
    assert os.readlink(tmp_path / "kappa.log.lock") == link
    theirs.release()
    assert ours.acquire()
    ours.release()


def waits_at_most(lock: Any) -> None:
    """Try to get a lock, until it waits for the first time."""

    def wait(seconds: float) -> None:
        raise TimeoutError

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("optuna.storages.journal._file.time.sleep", wait)
        lock.acquire()


def test_no_journal(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no journal"):
        open_journal(str(tmp_path / "none.log"), create=False)
    with pytest.raises(ValueError, match="cannot open the journal"):
        open_journal(str(tmp_path / "nowhere" / "none.log"))


@pytest.mark.parametrize(("kind", "is_network"), [("nfs4", True), ("ext4", False)])
def test_network_file_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, is_network: bool
) -> None:
    mounts = tmp_path / "mounts"
    folder = str(tmp_path / "a b").replace(" ", r"\040")
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/x {folder} {kind} rw 0 0\nbad\n")
    monkeypatch.setattr(network, "_MOUNTS", mounts)
    path = tmp_path / "a b" / "kappa.db"
    path.parent.mkdir()
    assert network.network_kind(path) == (kind if is_network else None)
    assert network.network_kind(tmp_path / "kappa.db") is None
    if is_network:
        with pytest.warns(UserWarning, match="network file system .nfs4.*journal:///"):
            storage = open_storage(f"sqlite:///{path}")
        assert optuna.get_all_study_names(storage) == []
        assert len(searched(path.with_suffix(".log")).trials) == 3
