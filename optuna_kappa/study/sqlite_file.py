"""Files of SQLite: several processes, other programs' files, and network file systems.

With SQLite's defaults, readers and writers of several processes block each other. A write-ahead
log lets them work side by side, and a long wait for the lock avoids most errors of the kind
"database is locked".

Optuna makes its tables one by one, and two processes that do so at once stop each other. So one of
them makes them, and the others wait for it. The lock is SQLite's own, of an empty file beside the
database: it ends with its process, even if that is killed, and is known to every system.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from sqlalchemy.engine import URL

from optuna_kappa.study.network import network_kind
from optuna_kappa.study.private import database_tables
from optuna_kappa.study.troubles import sentence, trouble_of

LOCK_TIMEOUT = 60.0
"""Seconds that a process waits for the lock of a file."""

_BESIDE = ("-wal", "-shm", "-journal")  # endings of what SQLite keeps beside a file
_OPENING = "-opening"  # ending of the file that is locked while a storage is made
_PAUSE = 0.02  # seconds between two tries to get the lock, where it does not wait by itself
_VERSIONS = ("version_info", "alembic_version")  # have a row each once a storage is complete


def file_of(url: URL) -> Path | None:
    """The file of a SQLite database; None if it is in memory.

    Example:
        >>> from sqlalchemy.engine import make_url
        >>> file_of(make_url("sqlite:///my.db")).name
        'my.db'
    """
    database = url.database or ""
    if database.startswith("file:") and "uri" in url.query:
        # SQLite takes the name for a URI, which may be quoted and have a part for the host.
        database = unquote(urlsplit(database).path)
        if url.query.get("mode") == "memory":
            return None

    return None if database in ("", ":memory:") else Path(database)


def files_beside(path: Path) -> list[Path]:
    """A file of SQLite, and those that it keeps beside it.

    Example:
        >>> [path.name for path in files_beside(Path("my.db"))]
        ['my.db', 'my.db-wal', 'my.db-shm', 'my.db-journal']
    """
    return [path, *(path.with_name(path.name + suffix) for suffix in _BESIDE)]


@contextmanager
def prepared(path: Path, *, create: bool) -> Iterator[None]:
    """Check a file; if a storage is to be made in it, keep all other processes from doing so.

    Args:
        path: The file.
        create: Whether a storage may be made in it. If not, an empty file is an error.

    Raises:
        ValueError: It cannot be opened, is of another program, or is not a storage.
    """
    if not create:
        with _explained(path), _connected(path, "rw") as connection:
            _require_storage(path, connection)
        yield
        return

    with _explained(path), _connected(path, "rwc") as connection:
        is_complete = _is_complete(path, connection)
    if is_complete:
        yield
        return

    with _alone(path):
        with _explained(path), _connected(path, "rwc") as connection:
            _turn_on_log(path, connection)
        yield


def tune(connection: Any, _record: object) -> None:
    """Sync only at checkpoints: with a write-ahead log the file still survives a crash."""
    connection.execute("PRAGMA synchronous = NORMAL")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        trouble = trouble_of(error)
        if trouble is not None and "not a database" not in str(error):
            raise ValueError(sentence(trouble, str(path))) from error
        raise ValueError(
            f"cannot use {path} as a database ({error}); choose a file that is an Optuna storage "
            "or does not exist yet, in a folder that can be written to"
        ) from error


@contextmanager
def _connected(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    # In mode "rw" a file that is gone by now is not made anew.
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
    with closing(sqlite3.connect(uri, uri=True, timeout=LOCK_TIMEOUT)) as connection:
        yield connection


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other process makes a storage in a file, and keep others from it."""
    lock = path.with_name(path.name + _OPENING)
    with _explained(path):
        connection = _locked(lock)
    with closing(connection):
        yield

        # Whoever waits for it finds the storage complete, so it is not needed any more.
        with contextlib.suppress(OSError):
            os.unlink(lock)


def _locked(lock: Path) -> sqlite3.Connection:
    """A connection that alone holds a file."""
    until = time.monotonic() + LOCK_TIMEOUT
    while True:
        connection = sqlite3.connect(lock, timeout=LOCK_TIMEOUT, isolation_level=None)
        try:
            connection.execute("BEGIN EXCLUSIVE")
            return connection
        except sqlite3.OperationalError:
            connection.close()
            # An I/O error where the file was removed meanwhile: the storage was made.
            if time.monotonic() > until or not os.access(lock.parent, os.W_OK):
                raise
        time.sleep(_PAUSE)


def _turn_on_log(path: Path, connection: sqlite3.Connection) -> None:
    """Turn on the write-ahead log, which lasts, unless it needs memory that hosts cannot share."""
    kind = network_kind(path)
    if kind is None:
        connection.execute("PRAGMA journal_mode = WAL")
        return

    # https://www.sqlite.org/wal.html: "WAL does not work over a network filesystem."
    warnings.warn(
        f"{path} is on a network file system ({kind}), where SQLite is slow and may be damaged if "
        f"several machines write; give journal:///{path.with_suffix('.log')}, or the URL of a "
        "database with a server, such as PostgreSQL",
        stacklevel=2,
    )


def _is_complete(path: Path, connection: sqlite3.Connection) -> bool:
    """Whether a file has a whole storage in it; False if there is none, or part of one.

    Raises:
        ValueError: It has tables of another program.
    """
    tables = _tables(connection)
    own = {*database_tables(), *_VERSIONS}
    if tables and not tables & own or tables - own and not tables > {"studies", "version_info"}:
        raise ValueError(
            f"{path} is a database of another program (it has the tables "
            f"{', '.join(sorted(tables)[:3])}); choose another file for the studies"
        )
    return not _missing(tables, connection)


def _require_storage(path: Path, connection: sqlite3.Connection) -> None:
    """Raise a ValueError if a database is not a whole storage."""
    if not _tables(connection):
        raise ValueError(f"there is no study in {path}: the database is empty")
    if _is_complete(path, connection):
        return

    # Where these rows are missing, Optuna would write them when it opens the storage.
    missing = _missing(_tables(connection), connection)
    raise ValueError(
        f"{path} is not a complete Optuna storage: its table {missing[0]} is missing or empty"
    )


def _missing(tables: set[str], connection: sqlite3.Connection) -> list[str]:
    missing = []
    for table in _VERSIONS:
        is_filled = table in tables and connection.execute(f"SELECT 1 FROM {table}").fetchone()
        if not is_filled:
            missing.append(table)
    return missing


def _tables(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name for (name,) in rows}
