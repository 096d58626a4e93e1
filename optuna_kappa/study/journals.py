"""Journals: a file to which each change is appended, for places where SQLite is not at home.

Two things differ from Optuna's own, and files written by both are the same:

- A process may be killed, or its disk be full, in mid-line. Whatever is appended later would then
  belong to that line, and nobody could read the file any more. Here such a line is taken back.
- A process that is killed while it holds the lock leaves it behind, and all others wait for half a
  minute. Here the kernel says that the process is gone, so they go on at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

from optuna.storages.journal import (
    JournalFileBackend,
    JournalFileOpenLock,
    JournalFileSymlinkLock,
)

from optuna_kappa.study.network import network_kind
from optuna_kappa.study.patience import PatientJournal, patiently

if sys.platform != "win32":
    import fcntl

_SQLITE = b"SQLite format 3\x00"  # how each file of SQLite begins
_READ = 4096  # bytes read at once to find the end of the last line
_GUARD = ".lock-guard"  # ending of the file that the kernel locks
_LOCK = ".lock"  # ending of the link that is Optuna's lock


def open_journal(path: str, *, create: bool = True) -> PatientJournal:
    """Open or create a journal.

    Args:
        path: Its file.
        create: Whether to create it where there is none.

    Raises:
        ValueError: There is no such file, or it is no journal.

    Example:
        >>> import tempfile
        >>> storage = open_journal(tempfile.mkdtemp() + "/runs.log")
        >>> storage.get_all_studies()
        []
    """
    if not create and not os.path.isfile(path):
        raise ValueError(f"there is no journal {path}; give the name of an existing one")
    if os.path.isfile(path):
        with open(path, "rb") as file:
            if file.read(len(_SQLITE)) == _SQLITE:
                raise ValueError(f"{path} is a file of SQLite; write sqlite:///{path}")

    try:
        storage = patiently(lambda: PatientJournal(WholeLines(path)), path)
    except OSError as error:
        raise ValueError(f"cannot open the journal {path}: {error.strerror or error}") from error
    except Exception as error:  # of JSON, of missing keys, ...
        raise ValueError(
            f"{path} is no journal of Optuna ({type(error).__name__}); give the URL of a storage, "
            "such as sqlite:///kappa.db"
        ) from error

    assert isinstance(storage, PatientJournal)
    storage.place = path
    return storage


class WholeLines(JournalFileBackend):
    """The file of a journal, which never keeps half a line.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "runs.log"
        >>> journal = WholeLines(str(path))
        >>> journal.append_logs([{"op_code": 0}])
        >>> _ = path.write_text(path.read_text() + '{"op_co')  # and then it was killed
        >>> journal.append_logs([{"op_code": 1}])
        >>> list(journal.read_logs(0))
        [{'op_code': 0}, {'op_code': 1}]
    """

    def __init__(self, path: str) -> None:
        """Open a file, or create it."""
        self._path = path
        super().__init__(path, _NoLock(path))
        self._whole = _lock_of(path)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append changes, whole or not at all."""
        self._whole.acquire()
        try:
            end = _end_of_lines(self._path)
            if end < os.path.getsize(self._path):
                os.truncate(self._path, end)
            try:
                super().append_logs(logs)
            except OSError:
                os.truncate(self._path, end)
                raise
        finally:
            self._whole.release()


class _NoLock(JournalFileSymlinkLock):
    """Stands for a lock that is held already."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        return


def _lock_of(path: str) -> JournalFileSymlinkLock | JournalFileOpenLock:
    if sys.platform == "win32":
        return JournalFileOpenLock(path)  # links need a privilege on Windows
    if network_kind(Path(path)) is not None:
        return JournalFileSymlinkLock(path)  # the kernel does not know of other machines
    return _KernelLock(path)


class _KernelLock(JournalFileSymlinkLock):
    """Optuna's lock, and one of the kernel around it, which ends with its process.

    Whoever has the kernel's lock and finds a link of this kind knows that its owner is gone.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._link = path + _LOCK
        self._guard_path = path + _GUARD
        self._target = os.path.join(".", os.path.basename(path))  # Optuna's has no dot
        self._guards: list[int] = []

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_guards": []}

    def acquire(self) -> bool:
        guard = os.open(self._guard_path, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            assert sys.platform != "win32"
            fcntl.flock(guard, fcntl.LOCK_EX)
            with contextlib.suppress(OSError):
                if os.readlink(self._link) == self._target:
                    os.unlink(self._link)
            self._lock_target_file = self._target
            super().acquire()
        except BaseException:
            os.close(guard)
            raise
        self._guards.append(guard)
        return True

    def release(self) -> None:
        try:
            super().release()
        finally:
            os.close(self._guards.pop())


def _end_of_lines(path: str) -> int:
    """Bytes of a file up to the end of its last whole line."""
    with open(path, "rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            begin = max(0, end - _READ)
            file.seek(begin)
            last = file.read(end - begin).rfind(b"\n")
            if last >= 0:
                return begin + last + 1
            end = begin
    return 0
