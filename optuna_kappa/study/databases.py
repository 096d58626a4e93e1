"""Databases: how each is connected to, and who makes its tables.

| | SQLite | PostgreSQL, MySQL |
|---|---|---|
| waits for a lock | 60 s | as its server is set up |
| connections of a process | one a thread | up to 64, checked before use |
| heartbeat | every 60 s | every 60 s |
"""

from __future__ import annotations

import random
import time
import warnings
from pathlib import Path
from typing import Any

from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import RetryHeartbeatStaleTrialCallback
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from optuna_kappa.study.drivers import missing_text
from optuna_kappa.study.patience import PatientDatabase
from optuna_kappa.study.sqlite_file import LOCK_TIMEOUT, prepared, tune
from optuna_kappa.study.troubles import trouble_of

HEARTBEAT = 60
"""Seconds between two signs of life of a trial, as in the example of Optuna's documentation."""

# A trial that is killed a third time probably kills its worker: it counts as dead from then on,
# and the sampler avoids its rate for a while (`optuna_kappa.study.dead`).
_MOST_RETRIES = 2

# By default there are 15 connections at most. A study with n_jobs=64 needs one a thread, and one
# more a heartbeat; those that are not used cost nothing.
_POOL = {"pool_size": 16, "max_overflow": 112, "pool_pre_ping": True, "pool_recycle": 1800}

# Workers that open an empty database at once: how often one that came too late tries again.
_MOST_RACES = 8
_SHORTEST_PAUSE = 0.1  # seconds
_LONGEST_PAUSE = 1.0  # seconds; making the tables takes less

# Seconds that a worker waits for a server that was started together with it. Who only reads does
# not wait: a mistyped URL should be told at once.
_LONGEST_START = 30.0


def open_database_file(
    url: str, path: Path | None, *, create: bool = True, heartbeat: int | None = HEARTBEAT
) -> PatientDatabase:
    """Open a database of SQLite.

    Args:
        url: Its URL.
        path: Its file; None if it is in memory, which no heartbeat can reach.
        create: Whether to create a storage where there is none.
        heartbeat: Seconds between two signs of life of a running trial; None for none.

    Example:
        >>> open_database_file("sqlite:///:memory:", None).get_all_studies()
        []
    """
    if path is None:
        return _connect(url, {}, create=create, heartbeat=None)

    connect_args = {"connect_args": {"timeout": LOCK_TIMEOUT}}
    with prepared(path, create=create):
        storage = _connect(url, connect_args, create=create, heartbeat=heartbeat)
    event.listen(storage.engine, "connect", tune)
    storage.engine.dispose()  # closes the connections that were made before the listener
    return storage


def open_server(
    url: str, *, create: bool = True, heartbeat: int | None = HEARTBEAT
) -> PatientDatabase:
    """Open a database that has a server.

    Args:
        url: Its URL.
        create: Whether to make the tables where there are none.
        heartbeat: Seconds between two signs of life of a running trial; None for none.

    Example:
        >>> open_server("postgresql+nodriver://me:secret@localhost/kappa")
        Traceback (most recent call last):
        ValueError: cannot open the storage postgresql+nodriver://me:***@localhost/kappa: ...
    """
    until = time.monotonic() + (_LONGEST_START if create else 0.0)
    n_races = 0
    while True:
        try:
            return _connect(url, _POOL, create=create, heartbeat=heartbeat)
        except ValueError as error:
            cause = error.__cause__
            n_races += _is_race(cause)
            is_late = time.monotonic() > until or not _is_lost(cause)
            if is_late and not (_is_race(cause) and n_races < _MOST_RACES):
                raise

            # What comes at the same time must not come again at the same time.
            time.sleep(random.uniform(_SHORTEST_PAUSE, _LONGEST_PAUSE))


def _is_lost(error: BaseException | None) -> bool:
    """Whether an error says that the server does not run, or not yet."""
    trouble = trouble_of(error) if error is not None else None
    return trouble is not None and trouble.patience > 0


def _is_race(error: BaseException | None) -> bool:
    """Whether an error says that another worker has just made a table or a row."""
    text = f"{error} {getattr(error, '__cause__', '')}".lower()
    return "already exists" in text or "duplicate" in text


def _connect(
    url: str, engine_kwargs: dict[str, Any], *, create: bool, heartbeat: int | None
) -> PatientDatabase:
    place = make_url(url).render_as_string(hide_password=True)
    try:
        with warnings.catch_warnings():
            # Heartbeats are called experimental; what is used of them is tested here.
            warnings.simplefilter("ignore", ExperimentalWarning)
            storage = PatientDatabase(
                url,
                engine_kwargs=dict(engine_kwargs),
                heartbeat_interval=heartbeat,
                heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(_MOST_RETRIES),
                skip_table_creation=not create,
            )
    except ImportError as error:
        why = missing_text(url, error)
        raise ValueError(f"cannot open the storage {place}: {why}") from error
    except (SQLAlchemyError, StorageInternalError, RuntimeError) as error:
        raise ValueError(f"cannot open the storage {place}: {_cause(error)}") from error

    storage.place = place
    return storage


def _cause(error: BaseException) -> str:
    """Why a database cannot be opened, in one line without a password."""
    text = _first_line(error)
    if "version_info" in text and ("not exist" in text or "doesn't exist" in text):
        return "there is no study in it: the database is empty"

    trouble = trouble_of(error)
    if trouble is not None:
        return f"it {trouble.what} ({text}); {trouble.remedy}"
    return text


def _first_line(error: BaseException) -> str:
    innermost = error.__cause__ if isinstance(error, StorageInternalError) else error
    return str(innermost or error).strip().partition("\n")[0]
