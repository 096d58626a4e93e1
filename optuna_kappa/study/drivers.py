"""The libraries that storages with a server need, and how they are installed."""

from __future__ import annotations

# By the kind of URL: the URL of the driver that this package is tested with, and the extra that
# installs it.
_DRIVERS = {
    "postgresql": ("postgresql+psycopg://", "postgresql"),
    "mysql": ("mysql+pymysql://", "mysql"),
    "grpc": ("grpc://", "grpc"),
    "redis": ("redis://", "redis"),
    "rediss": ("rediss://", "redis"),
}


def missing_text(url: str, error: ImportError) -> str:
    """Say which library is missing to open a storage, and what to do.

    Args:
        url: URL of the storage.
        error: What the import of its driver raised.

    Example:
        >>> error = ModuleNotFoundError("No module named 'MySQLdb'")
        >>> missing_text("mysql://me@localhost/kappa", error)
        "No module named 'MySQLdb'; write mysql+pymysql:// and pip install 'optuna-kappa[mysql]'"
        >>> missing_text("grpc://localhost", ModuleNotFoundError("No module named 'grpc'"))
        "No module named 'grpc'; pip install 'optuna-kappa[grpc]'"
    """
    cause: BaseException = error
    while isinstance(cause.__cause__, ImportError):  # Optuna's text does not name the library
        cause = cause.__cause__
    why = str(cause).partition("\n")[0]

    kind = url.partition("://")[0].partition("+")[0]
    if kind not in _DRIVERS:
        return f"{why}; install that library"
    start, extra = _DRIVERS[kind]
    other = "" if url.startswith(start) else f"write {start} and "
    return f"{why}; {other}pip install 'optuna-kappa[{extra}]'"
