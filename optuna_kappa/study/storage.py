"""Open the storage that studies are kept in.

With SQLite's defaults, readers and writers of several processes block each other. A write-ahead
log lets them work side by side, and a long wait for the lock avoids most errors of the kind
"database is locked".
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from optuna.storages import RDBStorage
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

_LOCK_TIMEOUT = 60.0  # seconds
_PASSWORD = re.compile(r"(?<!/):[^/@]*@")  # in a URL that cannot be parsed
_BESIDE = ("-wal", "-shm", "-journal")  # endings of what SQLite keeps beside a file
# Tables of each Optuna storage: those that one that is being made has early, and those with a row
# once it is complete.
_EARLY = {"studies", "version_info"}
_VERSIONS = ("version_info", "alembic_version")


def open_storage(url: str, *, create: bool = True) -> RDBStorage:
    """Open or create a relational storage by its SQLAlchemy URL, such as `sqlite:///kappa.db`.

    Args:
        url: URL of the database.
        create: Whether to create a storage where there is none. If False, a missing file and an
            empty database are errors, and nothing is changed in them.

    Raises:
        ValueError: The URL is malformed, the database cannot be opened or created, or the file
            belongs to another program, in which case it is not touched.

    Example:
        >>> import optuna
        >>> storage = open_storage("sqlite:///:memory:")
        >>> optuna.create_study(study_name="first", storage=storage).trials
        []
    """
    parsed = _parse(url)

    # Only a SQLite file needs preparation; other databases serve several processes anyway.
    if parsed.get_backend_name() != "sqlite":
        return _connect(url, create=create)

    path = _sqlite_file(parsed)
    if path is None:
        if not create:
            raise ValueError(f"{url} is in memory and holds no study; give the URL of a file")
        return _connect(url)
    if not create and not path.is_file():
        raise ValueError(f"there is no database {path}; give the URL of an existing storage")

    _prepare(path, create=create)
    connect_args = {"timeout": _LOCK_TIMEOUT}
    storage = _connect(url, {"connect_args": connect_args}, create=create)
    event.listen(storage.engine, "connect", _tune)
    storage.engine.dispose()  # closes the connections that were made before the listener
    return storage


def database_files(url: str) -> list[Path]:
    """Files that a database is kept in: for SQLite its file, and those that it keeps beside it.

    Example:
        >>> [path.name for path in database_files("sqlite:///my.db")]
        ['my.db', 'my.db-wal', 'my.db-shm', 'my.db-journal']
        >>> database_files("postgresql://localhost/kappa"), database_files("no URL")
        ([], [])
    """
    try:
        parsed = _parse(url)
    except ValueError:
        return []

    path = _sqlite_file(parsed) if parsed.get_backend_name() == "sqlite" else None
    if path is None:
        return []
    return [path, *(path.with_name(path.name + suffix) for suffix in _BESIDE)]


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:  # a ValueError for a port that is no number
        without_password = _PASSWORD.sub(":***@", str(url))
        raise ValueError(
            f"{without_password!r} is not the URL of a database; write one like sqlite:///kappa.db"
        ) from error


def _sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite database; None if it is in memory."""
    database = url.database or ""
    if database.startswith("file:") and "uri" in url.query:
        # SQLite takes the name for a URI, which may be quoted and have a part for the host.
        database = unquote(urlsplit(database).path)
        if url.query.get("mode") == "memory":
            return None

    return None if database in ("", ":memory:") else Path(database)


def _connect(
    url: str,
    engine_kwargs: dict[str, Any] | None = None,
    *,
    create: bool = True,
) -> RDBStorage:
    try:
        return RDBStorage(url, engine_kwargs=engine_kwargs, skip_table_creation=not create)
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


def _prepare(path: Path, *, create: bool) -> None:
    """Check that the file is a storage or, to create one, empty.

    The write-ahead log is permanent, so it is turned on only where a storage may be created.
    """
    # In this mode a file that is gone by now is not made anew.
    uri = f"file:{quote(str(path.absolute()))}?mode={'rwc' if create else 'rw'}"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=_LOCK_TIMEOUT)) as connection:
            _require_storage(path, connection, or_empty=create)
            if create:
                connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.DatabaseError as error:
        raise ValueError(
            f"cannot use {path} as a database ({error}); choose a file that is an Optuna storage "
            "or does not exist yet, in a folder that can be written to"
        ) from error


def _require_storage(path: Path, connection: sqlite3.Connection, *, or_empty: bool) -> None:
    """Raise a ValueError if the database has other tables than those of an Optuna storage."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    tables = {name for (name,) in rows}

    if not tables:
        if or_empty:
            return
        raise ValueError(f"there is no study in {path}: the database is empty")
    if not tables >= _EARLY:
        raise ValueError(
            f"{path} is a database of another program (it has the tables "
            f"{', '.join(sorted(tables)[:3])}); choose another file for the studies"
        )
    if or_empty:
        return

    # Where these rows are missing, Optuna would write them when it opens the storage.
    for table in _VERSIONS:
        is_filled = table in tables and connection.execute(f"SELECT 1 FROM {table}").fetchone()
        if not is_filled:
            raise ValueError(
                f"{path} is not a complete Optuna storage: its table {table} is missing or empty"
            )


def _tune(connection: Any, _record: object) -> None:
    """Sync only at checkpoints: with a write-ahead log the file still survives a crash."""
    connection.execute("PRAGMA synchronous = NORMAL")
