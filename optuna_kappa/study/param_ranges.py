"""Ranges of parameters as a text, and values in them.

width=int(64, 1024, log)        suggest_int("width", 64, 1024, log=True)
dropout=float(0, 0.5)           suggest_float("dropout", 0, 0.5)
optimizer=categorical(adam, sgd)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalChoiceType,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

_FORM = re.compile(r"\s*([^=]+?)\s*=\s*(int|float|categorical)\s*\((.*)\)\s*")
_EXAMPLE = (
    "such as width=int(64,1024,log), dropout=float(0,0.5) or optimizer=categorical(adam,sgd)"
)


def parse_range(text: str) -> tuple[str, BaseDistribution]:
    """The name of a parameter and its range.

    Args:
        text: A text such as "width=int(64, 1024, log)".

    Raises:
        ValueError: The text is something else.

    Example:
        >>> parse_range("width=int(64, 1024, log)")
        ('width', IntDistribution(high=1024, log=True, low=64, step=1))
        >>> parse_range("optimizer=categorical(adam, sgd)")[1].choices
        ('adam', 'sgd')
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"--param must be NAME=RANGE, {_EXAMPLE}, got {text!r}")

    name, kind, inside = match.groups()
    words = [word.strip() for word in inside.split(",")]
    try:
        return name, _made(kind, words)
    except ValueError as error:
        raise ValueError(f"--param {text}: {error}; write one {_EXAMPLE}") from None


def param_value(name: str, text: str, values: BaseDistribution) -> CategoricalChoiceType:
    """The value of a parameter that a text stands for.

    Raises:
        ValueError: It is not in the range.

    Example:
        >>> param_value("width", "64", IntDistribution(64, 1024)), param_value(
        ...     "lr_decay", "0.1", CategoricalDistribution([0.1, 0.5]))
        (64, 0.1)
    """
    value: Any = None
    if isinstance(values, CategoricalDistribution):
        for choice in values.choices:
            if str(choice) == text or str(choice) == str(_typed(text)):
                value = choice
    else:
        number = _typed(text)
        if isinstance(number, (int, float)):
            value = number

    is_whole = not isinstance(values, IntDistribution) or value == round(value or 0)
    if value is None or not is_whole or not _contains(values, value):
        raise ValueError(f"{name} {text!r} of a run is not in the range {values}")
    return int(value) if isinstance(values, IntDistribution) else value


def _contains(values: BaseDistribution, value: Any) -> bool:
    if isinstance(values, (IntDistribution, FloatDistribution)):
        return bool(values.low <= value <= values.high)
    return True


def _made(kind: str, words: Sequence[str]) -> BaseDistribution:
    if kind == "categorical":
        if not all(words):
            raise ValueError("a choice is empty")
        return CategoricalDistribution([_typed(word) for word in words])

    ends = [word for word in words if word != "log"]
    if len(ends) != 2:
        raise ValueError("a range has two ends")
    log = len(words) > len(ends)
    if kind == "int":
        return IntDistribution(int(ends[0]), int(ends[1]), log=log)
    return FloatDistribution(float(ends[0]), float(ends[1]), log=log)


def _typed(text: str) -> Any:
    """A number, true or false if the text is one, otherwise the text."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text.lower(), text)
