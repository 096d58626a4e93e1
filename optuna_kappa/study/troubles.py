"""What is wrong with a storage, in one sentence, and whether waiting may help.

Databases, drivers and Optuna report the same trouble in different ways: as a type, a code of the
system, or in the text of a message somewhere in a chain of causes. All of them are read here.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# Seconds. A server that is restarted is back within a minute or two; what is on a full disk is
# removed by someone who reads the warning; a call to SQLite has waited for the lock before.
_RESTART = 120.0
_SPACE = 60.0
_LOCK = 30.0

_CODES = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read-only",
    errno.EACCES: "read-only",
    errno.EPERM: "read-only",
    errno.EIO: "broken",
    errno.ESTALE: "broken",
    errno.ECONNREFUSED: "gone",
    errno.ECONNRESET: "gone",
    errno.ECONNABORTED: "gone",
    errno.EPIPE: "gone",
    errno.ETIMEDOUT: "gone",
    errno.EHOSTDOWN: "gone",
    errno.EHOSTUNREACH: "gone",
    errno.ENETDOWN: "gone",
    errno.ENETUNREACH: "gone",
}
# Errors without a code: what Python raises after a timeout, SQLAlchemy where all connections are
# in use, and the client of Redis, which need not be installed.
_LOST = (ConnectionError, TimeoutError, PoolTimeout)
_LOST_OF_REDIS = ("ConnectionError", "TimeoutError", "BusyLoadingError")

# Parts of messages, in lower case, by what they mean. SQLite's are from its list of result codes,
# https://www.sqlite.org/rescode.html; PostgreSQL's and MySQL's from those of their servers.
_PARTS = {
    "full": ("database or disk is full", "no space left", "disk full", "could not extend file"),
    "read-only": ("readonly database", "read-only file system", "read-only transaction"),
    "locked": ("is locked", "lock wait timeout", "deadlock"),
    "broken": ("disk i/o error", "input/output error"),
    "refused": ("password authentication failed", "access denied", "does not exist", "unknown da"),
}


class Trouble(NamedTuple):
    """What is wrong with a storage.

    Attributes:
        what: The end of a sentence that begins with the storage.
        remedy: What to do.
        patience: Seconds for which trying again may help; 0 if it never does.
    """

    what: str
    remedy: str
    patience: float = 0.0


_TROUBLES = {
    "full": Trouble("cannot be written: the disk is full", "free some space on it", _SPACE),
    "read-only": Trouble(
        "cannot be written: it is read-only",
        "change the permissions of the file and its folder, or choose another place",
    ),
    "locked": Trouble(
        "is locked by another process that does not let go of it",
        "end that process, or keep the study in a database with a server, such as PostgreSQL",
        _LOCK,
    ),
    "broken": Trouble(
        "cannot be read or written: the disk or the network file system fails",
        "look after it, or choose another place",
        _LOCK,
    ),
    "gone": Trouble(
        "does not answer: there is no connection",
        "start its server, or look after the network",
        _RESTART,
    ),
}


class StorageError(OSError):
    """A storage failed, and trying again did not help or would not. It is one sentence.

    What had been told before is stored.
    """


def trouble_of(error: BaseException) -> Trouble | None:
    """What an error says about the storage; None if it has another reason.

    Example:
        >>> import sqlite3
        >>> trouble_of(sqlite3.OperationalError("database or disk is full")).what
        'cannot be written: the disk is full'
        >>> trouble_of(KeyError("lr")) is None
        True
    """
    kinds = [_kind(cause) for cause in _chain(error)]
    known = [kind for kind in kinds if kind is not None]

    # The end of the chain is what the driver said; what is around it is less exact.
    return _TROUBLES.get(known[-1]) if known else None


def sentence(trouble: Trouble, place: str) -> str:
    """A sentence on what is wrong with the storage of a name.

    Example:
        >>> sentence(Trouble("is damaged", "go back to a copy of it"), "runs.log")
        'the storage runs.log is damaged; go back to a copy of it'
    """
    return f"the storage {place} {trouble.what}; {trouble.remedy}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and its causes; no more than any real chain has."""
    current: BaseException | None = error
    for _ in range(10):
        if current is None:
            return
        yield current
        current = current.__cause__ or getattr(current, "orig", None) or current.__context__


def _kind(error: BaseException) -> str | None:
    if isinstance(error, OSError) and error.errno in _CODES:
        return _CODES[error.errno]
    if _grpc_code(error) in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
        return "gone"
    is_of_redis = type(error).__module__.startswith("redis.")
    if isinstance(error, _LOST) or (is_of_redis and type(error).__name__ in _LOST_OF_REDIS):
        return "gone"

    text = str(error).lower()
    is_of_database = isinstance(error, DBAPIError) or "sqlite3" in type(error).__module__
    if is_of_database or isinstance(error, (OSError, ValueError)):
        for kind, parts in _PARTS.items():
            if any(part in text for part in parts):
                return kind

    is_of_sqlite = isinstance(error, DBAPIError) and "sqlite3" in type(error.orig).__module__
    if isinstance(error, (OperationalError, InterfaceError)) and not is_of_sqlite:
        return "gone"
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return "gone"
    return None


def _grpc_code(error: BaseException) -> str:
    """The name of the status of an error of gRPC, which need not be installed; else empty."""
    code = getattr(error, "code", None)
    if not callable(code) or "grpc" not in type(error).__module__:
        return ""
    return str(getattr(code(), "name", ""))
