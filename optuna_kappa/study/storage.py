"""Open the storage that studies are kept in, by its URL.

    sqlite:///my.db                      a file, for the processes of one machine
    journal:///my.log                    a file, also on a network file system
    postgresql+psycopg://user@host/name  a database with a server (mysql+pymysql:// likewise)
    grpc://host:port                     Optuna's proxy in front of a database
    redis://host:port                    a journal in Redis

As in all URLs of SQLAlchemy, the name of a file begins behind the third slash: sqlite:///my.db and
journal:///my.log are in the folder where the program runs, sqlite:////runs/my.db and
journal:////runs/my.log have absolute names.

All of them may be opened by many workers at once, also where there is nothing yet: one worker
makes what is missing, and the others wait for it. A worker that is killed leaves a trial RUNNING.
Where the storage is a database, Optuna's heartbeats notice it, and the trial is run again, with
its plan and its learning rate.
"""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from urllib.parse import urlsplit

from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage, RDBStorage
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from optuna_kappa._validation import check_count, check_type
from optuna_kappa.study.databases import HEARTBEAT, open_database_file, open_server
from optuna_kappa.study.drivers import missing_text
from optuna_kappa.study.journals import open_journal
from optuna_kappa.study.patience import PatientJournal, PatientProxy, patiently
from optuna_kappa.study.private import rdb_of
from optuna_kappa.study.sqlite_file import file_of, files_beside
from optuna_kappa.study.troubles import StorageError

_PASSWORD = re.compile(r"(?<!/):[^/@]*@")  # in a URL that cannot be parsed
_JOURNAL = "journal:///"
_GRPC_PORT = 13000  # as Optuna's own run_grpc_proxy_server
_MOST_SECONDS = 86_400  # between two heartbeats: a day
_GRPC_WAIT = 30.0  # seconds that a worker waits for a proxy that was started together with it


def open_storage(
    url: str, *, create: bool = True, heartbeat: int | None = HEARTBEAT
) -> BaseStorage:
    """Open or create a storage by its URL, such as `sqlite:///kappa.db`.

    Args:
        url: URL of the storage, or the name of an existing journal.
        create: Whether to create a storage where there is none. If False, a missing file and an
            empty database are errors, and nothing is changed in them.
        heartbeat: Seconds between two signs of life of a running trial, if the storage is a
            database. A trial without one for twice as long is failed and run again. None for no
            heartbeats: they need `study.optimize`, and Optuna warns where `study.ask` is called.

    Raises:
        ValueError: The URL is malformed, the storage cannot be opened or created, or the file
            belongs to another program, in which case it is not touched.

    Example:
        >>> import optuna
        >>> storage = open_storage("sqlite:///:memory:")
        >>> optuna.create_study(study_name="first", storage=storage).trials
        []
    """
    check_type("url", url, str, "write one like sqlite:///kappa.db")
    if heartbeat is not None:
        heartbeat = check_count("heartbeat", heartbeat, "None is for none", 1, _MOST_SECONDS)

    scheme = url.partition("://")[0]
    try:
        if scheme == "grpc":
            return _open_proxy(url)
        if scheme in ("redis", "rediss"):
            return _open_redis(url)
    except ImportError as error:
        why = missing_text(url, error)
        raise ValueError(f"cannot open the storage {shown(url)}: {why}") from error

    if scheme == "journal":
        return open_journal(_journal_file(url), create=create)
    if "://" not in url and os.path.isfile(url):
        return open_journal(url, create=create)

    parsed = _parse(url)
    if parsed.get_backend_name() != "sqlite":
        return open_server(url, create=create, heartbeat=heartbeat)

    path = file_of(parsed)
    if path is not None:
        _check_slashes(url, path)
    if path is None and not create:
        raise ValueError(f"{url} is in memory and holds no study; give the URL of a file")
    if path is not None and not create and not path.is_file():
        raise ValueError(f"there is no database {path}; give the URL of an existing storage")
    return open_database_file(url, path, create=create, heartbeat=heartbeat)


def open_database(url: str, *, create: bool = True) -> RDBStorage:
    """Open a relational storage, without heartbeats, for what needs the database itself.

    Args:
        url: URL of a database.
        create: Whether to create a storage where there is none.

    Raises:
        ValueError: As `open_storage`, or the URL is of another kind of storage.

    Example:
        >>> open_database("journal:///my.log")
        Traceback (most recent call last):
        ValueError: journal:///my.log is no database; give a URL such as sqlite:///kappa.db
    """
    if url.startswith((_JOURNAL, "grpc://", "redis")):
        raise ValueError(f"{shown(url)} is no database; give a URL such as sqlite:///kappa.db")
    storage = open_storage(url, create=create, heartbeat=None)
    assert isinstance(storage, RDBStorage)
    return storage


def close_storage(storage: BaseStorage) -> None:
    """Close the connections of a storage, if it has any.

    Example:
        >>> close_storage(open_storage("sqlite:///:memory:"))
    """
    database = rdb_of(storage)
    if database is not None:
        database.engine.dispose()
    elif isinstance(storage, PatientProxy):
        storage.close()


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

    path = file_of(parsed) if parsed.get_backend_name() == "sqlite" else None
    return [] if path is None else files_beside(path)


def shown(url: str) -> str:
    """A storage without its password, for messages.

    Example:
        >>> shown("postgresql://me:secret@localhost/kappa"), shown("runs.log")
        ('postgresql://me:***@localhost/kappa', 'runs.log')
    """
    try:
        return make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):  # the name of a file, or no URL at all
        return _PASSWORD.sub(":***@", url)


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:  # a ValueError for a port that is no number
        raise ValueError(
            f"{shown(str(url))!r} is not the URL of a database; write one like sqlite:///kappa.db"
        ) from error


def _journal_file(url: str) -> str:
    """The file of a journal."""
    if not url.startswith(_JOURNAL):
        raise ValueError(
            f"{url} is not the URL of a journal; write journal:///my.log for a file of this "
            "folder, journal:////folder/my.log for another"
        )
    name = url.removeprefix(_JOURNAL)
    _check_slashes(url, Path(name))
    return name


def _check_slashes(url: str, path: Path) -> None:
    """Raise a ValueError if a URL has three slashes where its author meant four."""
    folder = path.parent
    is_meant = not folder.is_dir() and ("/" / folder).is_dir()
    if is_meant and not path.is_absolute():
        scheme = url.partition("://")[0]
        raise ValueError(
            f"there is no folder {folder} in this one; an absolute name begins with four "
            f"slashes: {scheme}:////{path}"
        )


def _open_proxy(url: str) -> PatientProxy:
    """Optuna's proxy. One that was started at the same time as its workers is waited for."""
    parts = urlsplit(url)
    try:
        port = parts.port or _GRPC_PORT
    except ValueError as error:
        raise ValueError(
            f"{shown(url)} has no port that is a number: grpc://host:13000"
        ) from error

    with warnings.catch_warnings():
        # It is called experimental; what is used of it is tested here.
        warnings.simplefilter("ignore", ExperimentalWarning)
        proxy = PatientProxy(host=parts.hostname or "localhost", port=port)
    proxy.place = shown(url)
    try:
        proxy.wait_server_ready(_GRPC_WAIT)
    except ConnectionError as error:
        proxy.close()
        raise ValueError(
            f"nothing answers at {shown(url)}; start Optuna's proxy there "
            "(optuna.storages.run_grpc_proxy_server)"
        ) from error
    return proxy


def _open_redis(url: str) -> PatientJournal:
    from optuna.storages.journal import JournalRedisBackend

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            storage = patiently(lambda: PatientJournal(JournalRedisBackend(url)), shown(url))
    except StorageError as error:
        raise ValueError(str(error)) from error
    assert isinstance(storage, PatientJournal)
    storage.place = shown(url)
    return storage
