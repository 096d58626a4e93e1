"""Opens the storage that studies are kept in.

SQLite with its defaults lets readers and writers of several processes shut each other out. A
write-ahead log lets them work side by side, and a long wait for the lock replaces the error
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
    """Opens or creates a relational storage by its SQLAlchemy URL, such as `sqlite:///kappa.db`.

    Args:
        url: URL of the database.
        create: Whether a file that does not exist is created; if not, one that does is only read,
            and its settings stay as they are.

    Raises:
        ValueError: The URL is none, the database cannot be opened or created, or it is a file of
            another program, which is left as it is.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError(
            f"{url!r} is not the URL of a database; write one like sqlite:///kappa.db"
        ) from error
    if parsed.get_backend_name() != "sqlite":
        return _connect(url)
    if parsed.database in (None, "", ":memory:"):
        return _connect(url)
    path = Path(parsed.database)
    if not create and not path.is_file():
        raise ValueError(f"there is no database {path}; give the URL of an existing storage")
    _prepare(path, log=create)
    storage = _connect(url, {"connect_args": {"timeout": _LOCK_TIMEOUT}})
    event.listen(storage.engine, "connect", _tune)
    storage.engine.dispose()  # of the connections made before there was a listener
    return storage


def _connect(url: str, engine_kwargs: dict[str, Any] | None = None) -> RDBStorage:
    try:
        return RDBStorage(url, engine_kwargs=engine_kwargs)
    except (SQLAlchemyError, ImportError, RuntimeError) as error:
        cause = str(error).splitlines()[0]
        raise ValueError(f"cannot open the storage {shown(url)}: {cause}") from error


def shown(url: str) -> str:
    """The URL of a storage without its password, for messages."""
    return make_url(url).render_as_string(hide_password=True)


def _prepare(path: Path, *, log: bool) -> None:
    """Looks at whose file it is, and turns the write-ahead log on, which lasts."""
    try:
        with closing(sqlite3.connect(path, timeout=_LOCK_TIMEOUT)) as connection:
            rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = {name for (name,) in rows}
            if tables and not {"studies", "version_info"} <= tables:
                raise ValueError(
                    f"{path} is a database of another program (it has the tables "
                    f"{', '.join(sorted(tables)[:3])}); choose another file for the studies"
                )
            if log:
                connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.DatabaseError as error:
        raise ValueError(
            f"cannot use {path} as a database ({error}); choose a file that is an Optuna storage "
            "or does not exist yet, in a folder that can be written to"
        ) from error


def _tune(connection: Any, _record: object) -> None:
    """With a write-ahead log, syncing at checkpoints only keeps the file sound after a crash."""
    connection.execute("PRAGMA synchronous = NORMAL")
