"""Canonical names of schedules: the constructor call, without arguments left at their default."""

from __future__ import annotations

import inspect
from collections.abc import Callable


def canonical_name(constructor: Callable[..., object], **arguments: float | None) -> str:
    """Text of a constructor call, such as "constant" or "cosine(warmup=0.1, floor=0.05)".

    Args:
        constructor: Constructor; its name is the word, and its signature gives the defaults.
        **arguments: All its arguments by name, in the order to write them. None is not written.

    Example:
        >>> from optuna_kappa.schedules import cosine
        >>> canonical_name(cosine, warmup=0.1, floor=0.0)
        'cosine(warmup=0.1)'
    """
    word = constructor.__name__
    parameters = inspect.signature(constructor).parameters

    written = []
    for name, value in arguments.items():
        if value is not None and value != parameters[name].default:
            written.append(f"{name}={_number(value)}")

    return f"{word}({', '.join(written)})" if written else word


def _number(value: float) -> str:
    """The shortest text that reads back as the same float: "13", "0.05", "1e-05"."""
    return repr(float(value)).removesuffix(".0")
