"""What to say where the library of a reader is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def required(library: str, extra: str, what: str) -> Iterator[None]:
    """Raise a ValueError that says what to install if an import fails.

    Args:
        library: Name of the library.
        extra: The extra of this package that installs it.
        what: What it reads.

    Raises:
        ValueError: The import failed.

    Example:
        >>> with required("sledge", "winter", "sledge logs"):
        ...     import sledge
        Traceback (most recent call last):
        ValueError: to read sledge logs, install sledge: pip install 'optuna-kappa[winter]' ...
    """
    try:
        yield
    except ImportError as error:
        raise ValueError(
            f"to read {what}, install {library}: pip install 'optuna-kappa[{extra}]' ({error})"
        ) from error
