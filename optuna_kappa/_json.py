"""Read JSON that may be anything: a file of another program, or one that was made to do harm."""

from __future__ import annotations

import json
from typing import Any


def parse_json(text: str) -> Any:
    """Return what a JSON text holds.

    Raises:
        ValueError: It is no JSON, or nested more deeply than Python follows.

    Example:
        >>> parse_json('{"slope": 1}')
        {'slope': 1}
        >>> parse_json("[" * 100_000)
        Traceback (most recent call last):
        ValueError: its brackets are nested too deeply
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("its brackets are nested too deeply") from None
