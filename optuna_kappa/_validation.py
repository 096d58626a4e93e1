"""Checks of what users pass in: a number of an interval, a count, a horizon in steps.

Each check returns the value as a plain float or int. If the value is not allowed, it raises a
ValueError of one form:

    NAME must be WHAT IS ALLOWED, got VALUE: WHAT IT MEANS OR WHAT TO DO.
"""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass


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
        number = _as_float(value)

        if math.isfinite(number) and number in self:
            return number
        raise ValueError(f"{name} must be a finite number in {self}, got {value!r}: {remedy}.")


MAX_STEP = 2**31 - 1  # SQL storages hold steps in 32 bits

UNIT = Interval(0, 1)
FRACTION = Interval(0, 1, "[)")
POSITIVE = Interval(0, math.inf, "()")
DECAY = Interval(0, 1, "(]")


def check_count(name: str, value: object, remedy: str, least: int = 1) -> int:
    """Return the value as an int.

    Args:
        name: Name of the parameter, as the caller writes it.
        value: Value that the caller passed.
        remedy: What the parameter means or what to do; the end of the error message.
        least: Smallest count that is allowed.

    Raises:
        ValueError: If the value is not an int, or below `least`.

    Example:
        >>> check_count("n_probes", 0, "it is the number of probes", least=0)
        0
        >>> check_count("n_steps", 2.5, "it is the number of steps")
        Traceback (most recent call last):
        ValueError: n_steps must be an int of at least 1, got 2.5: it is the number of steps.
    """
    if not isinstance(value, bool) and isinstance(value, numbers.Integral):
        count = int(value)
        if count >= least:
            return count
    raise ValueError(f"{name} must be an int of at least {least}, got {value!r}: {remedy}.")


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
    number = _as_float(value)

    if not (math.isfinite(number) and number > 0 and number == int(number)):
        raise ValueError(
            f"horizon must be a positive whole number of steps, got {value!r}: it is the last "
            "step that a full run gives to trial.report."
        )
    if number > MAX_STEP:
        raise ValueError(
            f"horizon must be at most {MAX_STEP} steps, got {value!r}: storages hold steps in "
            "32 bits, so report in blocks, such as thousands of tokens."
        )
    return int(number)


def _as_float(value: object) -> float:
    """The value as a float; NaN if it is not a number, infinite if floats do not reach it."""
    # True and False are ints to Python, but nobody means them as numbers.
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return math.nan

    try:
        return float(value)
    except OverflowError:
        return math.inf
