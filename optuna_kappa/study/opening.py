"""Open an existing storage of any kind that Optuna has, by a URL or the name of a file."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from optuna.storages import BaseStorage, JournalStorage, get_storage
from sqlalchemy.exc import ArgumentError

from optuna_kappa.study.storage import open_storage
from optuna_kappa.study.storage import shown as shown_url

_SQLITE = b"SQLite format 3\x00"  # how each file of SQLite begins
_GRPC_PORT = 13000  # as Optuna's own run_grpc_proxy_server


def open_any(url: str) -> BaseStorage:
    """Open a storage that exists; nothing is created.

    Args:
        url: URL of a database (sqlite:///my.db, postgresql://host/name), the name of a journal
            file (runs.log), redis://host or grpc://host:port.

    Raises:
        ValueError: There is no such storage, or it cannot be opened.

    Example:
        >>> open_any("sqlite:///no-such.db")
        Traceback (most recent call last):
        ValueError: there is no database no-such.db; give the URL of an existing storage
        >>> open_any("runs.log")
        Traceback (most recent call last):
        ValueError: there is no storage 'runs.log'; give a URL, such as sqlite:///kappa.db, or ...
    """
    try:
        if url.startswith("grpc://"):
            return _grpc(url)
        if url.startswith("redis"):
            return _redis(url)
    except ImportError as error:
        raise ValueError(f"cannot open the storage {url}: {error}") from error

    path = url.removeprefix("journal:///")
    if os.path.isfile(path):
        return _journal(path)
    if "://" in url and path == url:
        # With the cache that every study adds to a database: finished trials are read once.
        return get_storage(open_storage(url, create=False))

    raise ValueError(
        f"there is no storage {url!r}; give a URL, such as sqlite:///kappa.db, or the name of a "
        "journal file"
    )


def shown(url: str) -> str:
    """A storage without its password, for messages.

    Example:
        >>> shown("postgresql://me:secret@localhost/kappa"), shown("runs.log")
        ('postgresql://me:***@localhost/kappa', 'runs.log')
    """
    try:
        return shown_url(url)
    except (ArgumentError, ValueError):  # the name of a file
        return url


def _journal(path: str) -> BaseStorage:
    from optuna.storages.journal import JournalFileBackend

    with open(path, "rb") as file:
        if file.read(len(_SQLITE)) == _SQLITE:
            raise ValueError(f"{path} is a file of SQLite; write sqlite:///{path}")
    try:
        return JournalStorage(JournalFileBackend(path))
    except Exception as error:  # of JSON, of missing keys, ...
        raise ValueError(
            f"{path} is no journal of Optuna ({type(error).__name__}); give the URL of a storage, "
            "such as sqlite:///kappa.db"
        ) from error


def _grpc(url: str) -> BaseStorage:
    from optuna.storages import GrpcStorageProxy

    parts = urlsplit(url)
    return GrpcStorageProxy(host=parts.hostname or "localhost", port=parts.port or _GRPC_PORT)


def _redis(url: str) -> BaseStorage:
    from optuna.storages.journal import JournalRedisBackend

    return JournalStorage(JournalRedisBackend(url))
