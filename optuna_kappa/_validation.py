"""Checks of what users pass in: a number of an interval, a count, a horizon, an object of a type.

Each check returns the value, a number as a plain float or int. If the value is not allowed, it
raises a ValueError of one form:

    NAME must be WHAT IS ALLOWED, got VALUE: WHAT IT MEANS OR WHAT TO DO.
"""

from __future__ import annotations

import math
import numbers
import reprlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from unicodedata import category

_T = TypeVar("_T")

# Categories of characters that are not seen, or change how others are: controls, formats (such as
# direction marks), surrogates, and separators of lines and paragraphs.
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")

_MOST_SHOWN = 100  # characters of a value in a message


@dataclass(frozen=True)
class Interval:
    """A range of real numbers.

    Attributes:
        low: Lower end.
        high: Upper end; may be infinite.
        ends: Which ends belong to the range, as in mathematics: "[]", "[)", "(]" or "()".

    Example:
        >>> 0.0 in Interval(0, 1, "(]")
        False
        >>> print(Interval(0, 1, "(]"))
        (0, 1]
    """

    low: float
    high: float
    ends: str = "[]"

    def __contains__(self, value: float) -> bool:
        """Whether the value lies in the range; NaN never does."""
        includes_low, includes_high = self.ends[0] == "[", self.ends[1] == "]"

        above = value >= self.low if includes_low else value > self.low
        below = value <= self.high if includes_high else value < self.high
        return above and below

    def __str__(self) -> str:
        return f"{self.ends[0]}{self.low:g}, {self.high:g}{self.ends[1]}"

    def check(self, name: str, value: object, remedy: str) -> float:
        """Return the value as a float.

        Args:
            name: Name of the parameter, as the caller writes it.
            value: Value that the caller passed.
            remedy: What the parameter means or what to do; the end of the error message.

        Raises:
            ValueError: If the value is not a number, not finite or outside the range.

        Example:
            >>> Interval(0, 1).check("floor", 0, "it is a fraction of the peak")
            0.0
        """
        number = as_float(value)

        if math.isfinite(number) and number in self:
            return number
        raise ValueError(
            f"{name} must be a finite number in {self}, got {shown(value)}: {remedy}."
        )


MAX_STEP = 2**31 - 1  # SQL storages hold steps in 32 bits

UNIT = Interval(0, 1)
FRACTION = Interval(0, 1, "[)")
POSITIVE = Interval(0, math.inf, "()")
DECAY = Interval(0, 1, "(]")
STEPS = Interval(0, MAX_STEP)
# Learning rates and horizons beyond this are nobody's. Within it, all that is made of them (a
# kappa, a prediction, the square of a difference) stays within what floats hold.
REACH = Interval(1e-100, 1e100)
# A loss beyond this, in absolute value, counts as diverged, as an infinite one does.
LARGEST_LOSS = 1e100


def check_count(
    name: str,
    value: object,
    remedy: str,
    least: int = 1,
    most: int | None = None,
) -> int:
    """Return the value as an int.

    Args:
        name: Name of the parameter, as the caller writes it.
        value: Value that the caller passed.
        remedy: What the parameter means or what to do; the end of the error message.
        least: Smallest count that is allowed.
        most: Largest count that is allowed; None if any is.

    Raises:
        ValueError: If the value is not an int, or out of range.

    Example:
        >>> check_count("n_probes", 0, "it is the number of probes", least=0)
        0
        >>> check_count("n_steps", 2.5, "it is the number of steps")
        Traceback (most recent call last):
        ValueError: n_steps must be an int of at least 1, got 2.5: it is the number of steps.
    """
    if not isinstance(value, bool) and isinstance(value, numbers.Integral):
        count = int(value)
        if most is not None and count > most:
            raise ValueError(f"{name} must be at most {most}, got {shown(value)}: {remedy}.")
        if count >= least:
            return count
    raise ValueError(f"{name} must be an int of at least {least}, got {shown(value)}: {remedy}.")


def check_horizon(value: object) -> int:
    """Return a horizon in steps of `trial.report` as an int.

    Args:
        value: Horizon that the caller passed; a float such as 24.0 is allowed if it is whole.

    Raises:
        ValueError: If the value is not a whole number, below 1, or more than storages can hold.

    Example:
        >>> check_horizon(24.0)
        24
    """
    number = as_float(value)

    if not (math.isfinite(number) and number > 0 and number == int(number)):
        raise ValueError(
            f"horizon must be a positive whole number of steps, got {shown(value)}: it is the "
            "last step that a full run gives to trial.report."
        )
    if number > MAX_STEP:
        raise ValueError(
            f"horizon must be at most {MAX_STEP} steps, got {shown(value)}: storages hold steps "
            "in 32 bits, so report in blocks, such as thousands of tokens."
        )
    return int(number)


def check_type(name: str, value: object, kind: Callable[..., _T], remedy: str) -> _T:
    """Return the value if it is an instance of a class.

    Args:
        name: Name of the parameter, as the caller writes it.
        value: Value that the caller passed.
        kind: The class.
        remedy: What the parameter means or what to do; the end of the error message.

    Raises:
        ValueError: If the value is not of this class.

    Example:
        >>> check_type("lr", "rate", str, "it is the name of a parameter")
        'rate'
        >>> check_type("lr", 0.1, str, "it is the name of a parameter")
        Traceback (most recent call last):
        ValueError: lr must be a str, got 0.1: it is the name of a parameter.
    """
    if isinstance(value, kind):  # type: ignore[arg-type]
        return cast(_T, value)

    word = _name(kind)
    article = "an" if word[0] in "AEIOUaeiou" else "a"
    raise ValueError(f"{name} must be {article} {word}, got {shown(value)}: {remedy}.")


def check_items(name: str, values: object, kind: Callable[..., _T], remedy: str) -> list[_T]:
    """Return several values as a list if each is an instance of a class.

    Args:
        name: Name of the parameter, as the caller writes it.
        values: What the caller passed: a sequence or another iterable, but no text or mapping.
        kind: The class.
        remedy: What the parameter means or what to do; the end of the error message.

    Raises:
        ValueError: If these are no values that can be listed, or one is not of this class.

    Example:
        >>> check_items("names", ("width", "depth"), str, "they are columns")
        ['width', 'depth']
        >>> check_items("names", "width", str, "they are columns")
        Traceback (most recent call last):
        ValueError: names must be a list, each of it a str, got 'width': they are columns.
    """
    is_list = isinstance(values, Iterable) and not isinstance(values, (str, bytes, Mapping, type))
    if is_list:
        try:
            items = list(values)  # type: ignore[call-overload]
        except TypeError:  # an array of no dimension
            is_list = False

    if not is_list:
        raise ValueError(
            f"{name} must be a list, each of it a {_name(kind)}, got {shown(values)}: {remedy}."
        )
    return [check_type(f"each of {name}", item, kind, remedy) for item in items]


def check_mapping(name: str, value: object, remedy: str) -> Mapping[str, Any]:
    """Return the value if it is a mapping with texts as keys.

    Args:
        name: Name of the parameter, as the caller writes it.
        value: Value that the caller passed.
        remedy: What the parameter means or what to do; the end of the error message.

    Raises:
        ValueError: If it is something else.

    Example:
        >>> check_mapping("params", {"width": 64}, "it has values by name")
        {'width': 64}
        >>> check_mapping("params", ["width"], "it has values by name")
        Traceback (most recent call last):
        ValueError: params must be a dict with texts as keys, got ['width']: it has values by name.
    """
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return value

    raise ValueError(f"{name} must be a dict with texts as keys, got {shown(value)}: {remedy}.")


def shown(value: object) -> str:
    """Write a value for a message, in one line and not too long.

    Example:
        >>> shown("text"), len(shown("x" * 1000))
        ("'text'", 100)
    """
    short = reprlib.Repr()
    # More levels and items than the module's defaults, so that most values are shown whole.
    short.maxstring = short.maxother = short.maxlong = _MOST_SHOWN

    try:
        text = one_line(" ".join(short.repr(value).split()))
    except Exception:  # a repr of others may raise anything
        text = object.__repr__(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."


def one_line(text: str, keep: str = "") -> str:
    r"""Escape control characters, direction marks and what is no character.

    Args:
        text: Any text, such as a name or what another library says.
        keep: Characters to leave as they are.

    Example:
        >>> one_line("two\nlines, \x1b[31mred")
        'two\\nlines, \\x1b[31mred'
    """
    parts = []
    for char in text:
        is_plain = char in keep or category(char) not in _UNSEEN
        parts.append(char if is_plain else char.encode("unicode_escape").decode("ascii"))
    return "".join(parts)


def _name(kind: object) -> str:
    return str(getattr(kind, "__name__", kind))


def as_float(value: object) -> float:
    """Return the value as a float: NaN if it is no number, infinite if floats do not reach it.

    Example:
        >>> as_float(3), as_float("3"), as_float(True), as_float(10**400)
        (3.0, nan, nan, inf)
    """
    # True and False are ints to Python, but nobody means them as numbers.
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return math.nan

    try:
        return float(value)
    except OverflowError:
        return math.inf
