"""Damages what is stored, by a random generator: texts, JSON and attributes."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Callable
from typing import Any

_CODE = "__import__('os').system('true')"
_DEEP = 3000  # brackets: more than Python's parser of JSON goes down

# What no program of ours writes in these places, or only in others.
VALUES: tuple[Any, ...] = (
    *(None, True, False, "", " ", "text", "1e999", "nan", "\ud800", "a\0b", "\x1b[31m", "\u202e"),
    *([], {}, [1], [[]], {"a": 1}, [None], "[" * _DEEP, "constant", "cosine(warmup=2)", _CODE),
    *(0, 1, -1, 0.5, -0.0, 2**31 - 1, 2**31, 2**63, 10**400, 1e-320, 1e-300, 1e-100, 1e100, 1e308),
    *(math.nan, math.inf, -math.inf, {"py/object": "os.system", "__reduce__": [_CODE]}),
)
_PIECES = (
    *(b"", b"\0", b"\xff\xfe", b"\n", b"\r", b'"', b",", b",,", b"{", b"]", b"-", b"e", b"1e999"),
    *(b"nan", b"Infinity", b"-1", b"0", b"\\u", b"\xc3", b"=cmd|'/c calc'!A0", b"[" * _DEEP),
)
_N_DAMAGES = (1, 1, 1, 2, 3)  # at once


def damaged_text(text: bytes, rng: random.Random) -> bytes:
    """A text with parts replaced, repeated, swapped or cut.

    Args:
        text: The text.
        rng: Where the damage comes from.
    """
    for _ in range(rng.choice(_N_DAMAGES)):
        text = rng.choice(_TEXT_DAMAGES)(text, rng)
    return text


def damaged_json(value: Any, rng: random.Random) -> Any:
    """A copy of plain values, some of which are replaced, removed, renamed or repeated.

    Args:
        value: Lists, dictionaries, texts and numbers.
        rng: Where the damage comes from.
    """
    # A list around it, so that the value itself can be replaced as well.
    whole = [copy.deepcopy(value)]
    for _ in range(rng.choice(_N_DAMAGES)):
        _damage(whole, rng)
    return whole[0] if whole else None


def damaged_attribute(stored: Any, rng: random.Random) -> Any:
    """An attribute of a study or trial, as text or as values: damaged in one way or another.

    Args:
        stored: What is stored; a text that is JSON as a rule.
        rng: Where the damage comes from.
    """
    if rng.random() < 0.2 or not isinstance(stored, str):
        return damaged_json(stored, rng)
    if rng.random() < 0.2:
        return damaged_text(stored.encode(errors="replace"), rng).decode(errors="replace")
    try:
        fields = damaged_json(json.loads(stored), rng)
    except (ValueError, RecursionError):  # it was damaged before
        return rng.choice(VALUES)
    return json.dumps(fields) if rng.random() < 0.7 else fields


def _replace(text: bytes, rng: random.Random) -> bytes:
    begin, end = _span(text, rng, 40)
    return text[:begin] + rng.choice(_PIECES) + text[end:]


def _flip(text: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(text) + 1)
    return text[:at] + bytes([rng.randrange(256)]) + text[at + 1 :]


def _cut(text: bytes, rng: random.Random) -> bytes:
    return text[: rng.randrange(len(text) + 1)]


def _repeat(text: bytes, rng: random.Random) -> bytes:
    begin, end = _span(text, rng, 200)
    return text[:end] + text[begin:end] * rng.randint(1, 3) + text[end:]


def _swap_lines(text: bytes, rng: random.Random) -> bytes:
    lines = text.splitlines(keepends=True)
    if lines:
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        lines[i], lines[j] = lines[j], lines[i]
    return b"".join(lines)


def _drop_line(text: bytes, rng: random.Random) -> bytes:
    lines = text.splitlines(keepends=True)
    if lines:
        del lines[rng.randrange(len(lines))]
    return b"".join(lines)


_TEXT_DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_replace, _replace, _flip, _flip, _cut, _repeat, _swap_lines, _drop_line),
)


def _span(text: bytes, rng: random.Random, longest: int) -> tuple[int, int]:
    begin = rng.randrange(len(text) + 1)
    return begin, min(len(text), begin + rng.randrange(longest))


def _damage(whole: list[Any], rng: random.Random) -> None:
    """Damage one place in nested values, at any depth."""
    places = list(_places(whole))
    if not places:
        return

    inside, key = rng.choice(places)
    value = inside[key]
    how = rng.random()
    if how < 0.4 and isinstance(value, (int, float)):
        inside[key] = _scaled(value, rng)
    elif how < 0.6:
        inside[key] = copy.deepcopy(rng.choice(VALUES))
    elif how < 0.75:
        del inside[key]
    elif how < 0.85:
        inside[key] = rng.choice([[value], {"value": value}, str(value), [value, value]])
    elif isinstance(inside, dict):
        inside[rng.choice(["new", "", "kind", "horizon", f"{key} "])] = copy.deepcopy(value)
    else:
        inside.insert(rng.randrange(len(inside) + 1), copy.deepcopy(value))


def _places(value: Any) -> list[tuple[Any, Any]]:
    """All places in nested lists and dictionaries: what they are in, and their key or index."""
    places = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, (list, dict)):
            continue
        keys = list(one) if isinstance(one, dict) else range(len(one))
        for key in keys:
            places.append((one, key))
            waiting.append(one[key])
    return places


def _scaled(value: float, rng: random.Random) -> float:
    factor = rng.choice([-1, 0.5, 2, 2.0, 10, 1e-3, 1e3, 1e30, 1e-30, 1e300])
    return value * factor if abs(value) < 1e300 else 0.0
