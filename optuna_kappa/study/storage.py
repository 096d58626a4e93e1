"""Open the storage that studies are kept in.

With SQLite's defaults, readers and writers of several processes block each other. A write-ahead
log lets them work side by side, and a long wait for the lock avoids most errors of the kind
"database is locked".
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from optuna.storages import RDBStorage
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

_LOCK_TIMEOUT = 60.0  # seconds


def open_storage(url: str, *, create: bool = True) -> RDBStorage:
    """Open or create a relational storage by its SQLAlchemy URL, such as `sqlite:///kappa.db`.

    Args:
        url: URL of the database.
        create: Whether to create a file that does not exist. If False, a missing file is an
            error, and the settings of an existing file are not changed.

    Raises:
        ValueError: The URL is malformed, the database cannot be opened or created, or the file
            belongs to another program, in which case it is not touched.

    Example:
        >>> import optuna
        >>> storage = open_storage("sqlite:///:memory:")
        >>> optuna.create_study(study_name="first", storage=storage).trials
        []
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError(
            f"{url!r} is not the URL of a database; write one like sqlite:///kappa.db"
        ) from error

    # Only a SQLite file needs preparation; other databases serve several processes anyway.
    if parsed.get_backend_name() != "sqlite":
        return _connect(url)
    if parsed.database in (None, "", ":memory:"):
        return _connect(url)

    path = Path(parsed.database)
    if not create and not path.is_file():
        raise ValueError(f"there is no database {path}; give the URL of an existing storage")

    _prepare(path, write_ahead_log=create)
    connect_args = {"timeout": _LOCK_TIMEOUT}
    storage = _connect(url, {"connect_args": connect_args})
    event.listen(storage.engine, "connect", _tune)
    storage.engine.dispose()  # closes the connections that were made before the listener
    return storage


def _connect(url: str, engine_kwargs: dict[str, Any] | None = None) -> RDBStorage:
    try:
        return RDBStorage(url, engine_kwargs=engine_kwargs)
    except (SQLAlchemyError, ImportError, RuntimeError) as error:
        cause = str(error).splitlines()[0]
        raise ValueError(f"cannot open the storage {shown(url)}: {cause}") from error


def shown(url: str) -> str:
    """The URL of a storage without its password, for messages.

    Example:
        >>> shown("postgresql://me:secret@localhost/kappa")
        'postgresql://me:***@localhost/kappa'
    """
    return make_url(url).render_as_string(hide_password=True)


def _prepare(path: Path, *, write_ahead_log: bool) -> None:
    """Check that the file is a storage, and turn on the write-ahead log, which is permanent."""
    try:
        with closing(sqlite3.connect(path, timeout=_LOCK_TIMEOUT)) as connection:
            _require_storage(path, connection)
            # The file keeps this mode: one that is only read must not be changed.
            if write_ahead_log:
                connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.DatabaseError as error:
        raise ValueError(
            f"cannot use {path} as a database ({error}); choose a file that is an Optuna storage "
            "or does not exist yet, in a folder that can be written to"
        ) from error


def _require_storage(path: Path, connection: sqlite3.Connection) -> None:
    """Raise a ValueError if the database has tables, but not those of an Optuna storage."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    tables = {name for (name,) in rows}

    if tables and not {"studies", "version_info"} <= tables:
        raise ValueError(
            f"{path} is a database of another program (it has the tables "
            f"{', '.join(sorted(tables)[:3])}); choose another file for the studies"
        )


def _tune(connection: Any, _record: object) -> None:
    """Sync only at checkpoints: with a write-ahead log the file still survives a crash."""
    connection.execute("PRAGMA synchronous = NORMAL")
