"""Names back to schedules: "cosine(warmup=0.1)", "halving(period=30000)"."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from optuna_kappa.schedules.pieces import cyclic, step
from optuna_kappa.schedules.schedule import (
    CONSTANT,
    AnySchedule,
    PeriodicSchedule,
    Schedule,
    check_name,
)
from optuna_kappa.schedules.shapes import (
    constant,
    cosine,
    exponential,
    linear,
    one_cycle,
    polynomial,
    wsd,
)

_CALL = re.compile(r"\s*([A-Za-z][\w-]*)\s*(?:\((.*)\)\s*)?", re.DOTALL)


def _halving(n: float | None = None, period: float | None = None) -> AnySchedule:
    """The paper's decaying rate."""
    return step(0.5, n, period)


def _tripling(n: float | None = None, period: float | None = None) -> AnySchedule:
    """The paper's cyclical rate."""
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

    Args:
        text: A constructor call with numbers as arguments, by name or by position, such as
            "constant", "cosine(warmup=0.1)" or "step(period=30000)"; "halving" is
            step(factor=0.5) and "tripling" cyclic(factor=3). Nothing in it is evaluated.

    Raises:
        ValueError: If the text is not such a call, or an argument is out of its range.
    """
    match = _CALL.fullmatch(text)
    if match is None:
        raise ValueError(
            f"schedule must be a name with numbers in parentheses, got {text!r}: write it as in "
            "'cosine(warmup=0.1)' or 'constant'."
        )
    word = match[1].lower().replace("-", "_")
    if word not in BUILT_IN:
        raise ValueError(_unknown(text, word))
    constructor = BUILT_IN[word]
    signature = inspect.signature(constructor)
    positional, named = _arguments(text, match[2] or "")
    try:
        bound = signature.bind(*positional, **named)
    except TypeError as error:
        allowed = ", ".join(signature.parameters) or "none"
        raise ValueError(
            f"schedule {text!r} does not fit {word}: {error}; its parameters are: {allowed}."
        ) from None
    return constructor(*bound.args, **bound.kwargs)


def as_schedule(value: str | AnySchedule) -> AnySchedule:
    """Return a schedule as it is, or parse its name.

    Raises:
        ValueError: If the value is neither, or the name cannot be read.
    """
    if isinstance(value, (Schedule, PeriodicSchedule)):
        return value
    if isinstance(value, str):
        return parse(value)
    raise ValueError(
        f"schedule must be a name such as 'cosine(warmup=0.1)' or a Schedule, got {value!r}: "
        "call a constructor, as in cosine(), or make one of a function with from_callable."
    )


def find_schedule(name: str) -> AnySchedule | None:
    """Return the schedule of a name, None where the name is none that `parse` reads.

    Such a name is one of the user's own, whose shape is not known.
    """
    try:
        return parse(name)
    except ValueError:
        return None


def is_constant(name: str) -> bool:
    """Whether a name, in any spelling, is that of the constant rate."""
    schedule = find_schedule(name)
    return schedule is not None and schedule.name == CONSTANT


def check_free_name(name: object) -> str:
    """Return the name of a schedule that is not built in.

    Raises:
        ValueError: If it is blank, or `parse` would read it as a built-in schedule.
    """
    checked = check_name(name)
    match = _CALL.fullmatch(checked)
    if match is not None and match[1].lower().replace("-", "_") in BUILT_IN:
        raise ValueError(
            f"name must not be that of a built-in schedule, got {name!r}: it would be read back "
            "as that one, so choose another word."
        )
    return checked


def _arguments(text: str, inside: str) -> tuple[list[float], dict[str, float]]:
    """The numbers between the parentheses, by position and by name."""
    positional: list[float] = []
    named: dict[str, float] = {}
    for item in inside.split(",") if inside.strip() else []:
        key, equals, value = (part.strip() for part in item.rpartition("="))
        try:
            number = float(value)
        except ValueError:
            raise ValueError(
                f"schedule {text!r} has {item.strip()!r} where a number was expected: write "
                "arguments as numbers, as in 'cosine(warmup=0.1, floor=0.05)'."
            ) from None
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


def _unknown(text: str, word: str) -> str:
    """What to say to a word that is no schedule."""
    close = difflib.get_close_matches(word, BUILT_IN, n=1)
    suggestion = f" Did you mean {close[0]!r}?" if close else ""
    return (
        f"schedule must be one of {', '.join(BUILT_IN)}, got {text!r}.{suggestion} One made by "
        "from_callable or from_torch cannot be read back from its name: pass the object."
    )
