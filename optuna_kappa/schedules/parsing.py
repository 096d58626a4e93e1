"""Names back to schedules: "cosine(warmup=0.1)", "halving(period=30000)"."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from optuna_kappa._validation import check_type, shown
from optuna_kappa.schedules.periodic import AnySchedule, PeriodicSchedule
from optuna_kappa.schedules.pieces import cyclic, step
from optuna_kappa.schedules.schedule import CONSTANT, Schedule, check_name
from optuna_kappa.schedules.shapes import (
    constant,
    cosine,
    exponential,
    linear,
    one_cycle,
    polynomial,
    wsd,
)

# A word, and perhaps arguments in parentheses.
_CALL = re.compile(r"\s*([A-Za-z][\w-]*)\s*(?:\((.*)\)\s*)?", re.DOTALL)


def _halving(n: float | None = None, period: float | None = None) -> AnySchedule:
    """The decaying rate of the paper."""
    return step(0.5, n, period)


def _tripling(n: float | None = None, period: float | None = None) -> AnySchedule:
    """The cyclical rate of the paper."""
    return cyclic(3.0, n, period)


BUILT_IN: Mapping[str, Callable[..., AnySchedule]] = MappingProxyType(
    {
        "constant": constant,
        "cosine": cosine,
        "linear": linear,
        "polynomial": polynomial,
        "exponential": exponential,
        "step": step,
        "halving": _halving,
        "cyclic": cyclic,
        "tripling": _tripling,
        "wsd": wsd,
        "one_cycle": one_cycle,
    }
)


def parse(text: str) -> AnySchedule:
    """Read a built-in schedule back from its name.

    Nothing in the text is evaluated. "halving" is short for step(factor=0.5), "tripling" for
    cyclic(factor=3).

    Args:
        text: A constructor call with numbers as arguments, by name or by position, such as
            "constant", "cosine(warmup=0.1)" or "step(period=30000)".

    Raises:
        ValueError: If the text is not such a call, or an argument is out of its range.

    Example:
        >>> parse("halving(n=4)").name
        'step(n=4)'
        >>> parse("cosin")
        Traceback (most recent call last):
        ValueError: schedule must be one of constant, ... Did you mean 'cosine'? ...
    """
    check_type("schedule", text, str, "it is a name such as 'cosine(warmup=0.1)'")
    match = _CALL.fullmatch(text)
    if match is None:
        raise ValueError(
            f"schedule must be a name with numbers in parentheses, got {text!r}: write it as in "
            "'cosine(warmup=0.1)' or 'constant'."
        )

    word = _normalized(match[1])
    if word not in BUILT_IN:
        raise ValueError(_unknown_word(text, word))

    positional, named = _arguments(text, match[2] or "")
    _check_fit(text, word, positional, named)
    return BUILT_IN[word](*positional, **named)


def as_schedule(value: str | AnySchedule) -> AnySchedule:
    """Return a schedule unchanged, or parse its name.

    Raises:
        ValueError: If the value is neither, or the name cannot be read.

    Example:
        >>> from optuna_kappa.schedules import cosine
        >>> as_schedule("cosine()") == as_schedule(cosine())
        True
    """
    if isinstance(value, (Schedule, PeriodicSchedule)):
        return value
    if isinstance(value, str):
        return parse(value)
    raise ValueError(
        f"schedule must be a name such as 'cosine(warmup=0.1)' or a Schedule, got {shown(value)}: "
        "call a constructor, as in cosine(), or make one of a function with from_callable."
    )


def find_schedule(name: str) -> AnySchedule | None:
    """Return the built-in schedule with this name, or None if `parse` cannot read the name.

    A name that cannot be read is the user's own, and the shape of that schedule is not known.

    Example:
        >>> find_schedule("linear").mean
        0.5
        >>> find_schedule("my schedule") is None
        True
    """
    check_type("name", name, str, "it is that of a schedule")
    try:
        return parse(name)
    except ValueError:
        return None


def is_constant(name: str) -> bool:
    """Whether a name, in any spelling, stands for the constant rate.

    Example:
        >>> is_constant(" Constant() ")
        True
        >>> is_constant("cosine")
        False
    """
    schedule = find_schedule(name)
    return schedule is not None and schedule.name == CONSTANT


def check_free_name(name: object) -> str:
    """Return the name if no built-in schedule has it.

    Raises:
        ValueError: If the name is blank, or `parse` would read it as a built-in schedule.

    Example:
        >>> check_free_name("mine")
        'mine'
    """
    checked = check_name(name)

    match = _CALL.fullmatch(checked)
    if match is not None and _normalized(match[1]) in BUILT_IN:
        raise ValueError(
            f"name must not be that of a built-in schedule, got {name!r}: it would be read back "
            "as that one, so choose another word."
        )
    return checked


def _normalized(word: str) -> str:
    """The word as the keys of `BUILT_IN` are written."""
    return word.lower().replace("-", "_")


def _arguments(text: str, inside: str) -> tuple[list[float], dict[str, float]]:
    """The numbers between the parentheses, by position and by name."""
    positional: list[float] = []
    named: dict[str, float] = {}
    if not inside.strip():
        return positional, named

    for item in inside.split(","):
        before, equals, after = item.rpartition("=")
        key = before.strip()
        number = _argument(text, item, after)

        if not equals and not named:
            positional.append(number)
        elif equals and key.isidentifier() and key not in named:
            named[key] = number
        else:
            raise ValueError(
                f"schedule {text!r} has {item.strip()!r} out of place: name each argument once, "
                "after those without a name."
            )
    return positional, named


def _argument(text: str, item: str, value: str) -> float:
    """The number of one argument."""
    try:
        return float(value)
    except ValueError:
        raise ValueError(
            f"schedule {text!r} has {item.strip()!r} where a number was expected: write "
            "arguments as numbers, as in 'cosine(warmup=0.1, floor=0.05)'."
        ) from None


def _check_fit(
    text: str,
    word: str,
    positional: Sequence[float],
    named: Mapping[str, float],
) -> None:
    """Raise a ValueError if the constructor of this word does not take these arguments."""
    signature = inspect.signature(BUILT_IN[word])
    try:
        signature.bind(*positional, **named)
    except TypeError as error:
        allowed = ", ".join(signature.parameters) or "none"
        raise ValueError(
            f"schedule {text!r} does not fit {word}: {error}; its parameters are: {allowed}."
        ) from None


def _unknown_word(text: str, word: str) -> str:
    """Error message for a word that no built-in schedule has."""
    close = difflib.get_close_matches(word, BUILT_IN, n=1)
    suggestion = f" Did you mean {close[0]!r}?" if close else ""
    return (
        f"schedule must be one of {', '.join(BUILT_IN)}, got {text!r}.{suggestion} One made by "
        "from_callable or from_torch cannot be read back from its name: pass the object."
    )
