"""Which program a database or a log belongs to, by what is in it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from urllib.parse import quote

from optuna_kappa._json import parse_json

_SQLITE = b"SQLite format 3\x00"  # how each file of SQLite begins
_SQLITE_URL = "sqlite:///"
_OPTUNA_URLS = ("journal://", "redis", "grpc://")


def is_optuna(source: str) -> bool:
    """Whether a name or URL is that of a storage of Optuna.

    Databases on a server are taken for one: nothing is asked of the server.

    Example:
        >>> is_optuna("grpc://localhost:13000"), is_optuna("runs.csv")
        (True, False)
    """
    if source.startswith(_OPTUNA_URLS):
        return True
    path = sqlite_file(source)
    if path is not None:
        return not os.path.exists(path) or "studies" in tables_in(path)
    if "://" in source:
        return not source.startswith("http")
    return _is_journal(source)


def sqlite_file(source: str) -> str | None:
    """The file of a SQLite database, given its name or URL; None if it is none.

    Example:
        >>> sqlite_file("sqlite:///my.db"), sqlite_file("no-such-file.csv")
        ('my.db', None)
    """
    if source.startswith(_SQLITE_URL):
        return source.removeprefix(_SQLITE_URL)
    try:
        with open(source, "rb") as file:
            return source if file.read(len(_SQLITE)) == _SQLITE else None
    except (OSError, ValueError):
        return None


def tables_in(path: str) -> set[str]:
    """Names of the tables of a SQLite database; none if it cannot be read.

    Example:
        >>> tables_in("no-such-file.db")
        set()
    """
    try:
        # Only to read: a name without a file must not make one.
        with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)) as connection:
            rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {str(name) for (name,) in rows}
    except sqlite3.Error:
        return set()


def _is_journal(path: str) -> bool:
    """Whether a file is a journal of Optuna: each line is an operation, as JSON."""
    try:
        with open(path, encoding="utf-8") as file:
            first = parse_json(file.readline(10_000))
    except (OSError, ValueError):
        return False
    return isinstance(first, dict) and "op_code" in first
