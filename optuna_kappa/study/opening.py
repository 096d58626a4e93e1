"""Open an existing storage of any kind, as commands do that only read, or join a study."""

from __future__ import annotations

import os

from optuna.storages import BaseStorage, get_storage

from optuna_kappa.study.storage import open_storage, shown

__all__ = ["open_any", "shown"]


def open_any(url: str, heartbeat: int | None = None) -> BaseStorage:
    """Open a storage that exists, with a cache; nothing is created.

    Args:
        url: URL as `optuna_kappa.study.storage.open_storage` takes it, or the name of a journal.
        heartbeat: Seconds between two signs of life of a running trial, for those who run some.

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
    if "://" not in url and not os.path.isfile(url):
        raise ValueError(
            f"there is no storage {url!r}; give a URL, such as sqlite:///kappa.db, or the name of "
            "a journal file"
        )
    # With the cache that every study adds to a database: finished trials are read once. Who only
    # reads has no use for heartbeats.
    return get_storage(open_storage(url, create=False, heartbeat=heartbeat))
