"""Canonical names of schedules: the constructor call, without arguments left at their default."""

from __future__ import annotations

import inspect
from collections.abc import Callable


def canonical_name(constructor: Callable[..., object], **arguments: float | None) -> str:
    """Write a constructor call, e.g. "constant" or "cosine(warmup=0.1, floor=0.05)".

    Args:
        constructor: The constructor, from which the word and the defaults are taken.
        **arguments: All its arguments, by name, in the order they are to be written.
    """
    parameters = inspect.signature(constructor).parameters
    written = [
        f"{name}={_number(value)}"
        for name, value in arguments.items()
        if value is not None and value != parameters[name].default
    ]
    return f"{constructor.__name__}({', '.join(written)})" if written else constructor.__name__


def _number(value: float) -> str:
    """The shortest text that reads back as the same float: "13", "0.05", "1e-05"."""
    return repr(float(value)).removesuffix(".0")
