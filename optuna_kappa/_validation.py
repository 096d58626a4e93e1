"""What a parameter may be: a number in an interval, or a whole count. Errors say what to do."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Interval:
    """A range of real numbers.

    Attributes:
        low: Lower end.
        high: Upper end; may be infinite.
        ends: Which ends belong to it, as in mathematics: "[]", "[)", "(]" or "()".
    """

    low: float
    high: float
    ends: str = "[]"

    def __contains__(self, value: float) -> bool:
        """Whether the value lies in the range; NaN never does."""
        above = value >= self.low if self.ends[0] == "[" else value > self.low
        below = value <= self.high if self.ends[1] == "]" else value < self.high
        return above and below

    def __str__(self) -> str:
        return f"{self.ends[0]}{self.low:g}, {self.high:g}{self.ends[1]}"

    def check(self, name: str, value: object, remedy: str) -> float:
        """Return the value as a float.

        Args:
            name: The parameter, as the caller wrote it.
            value: What the caller gave.
            remedy: What the parameter means or what to do, to end the message with.

        Raises:
            ValueError: If the value is not a number, not finite or outside the range.
        """
        # bool is a number to Python, and never one that was meant.
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            number = math.nan
        else:
            number = float(value)
        if math.isfinite(number) and number in self:
            return number
        raise ValueError(f"{name} must be a finite number in {self}, got {value!r}: {remedy}.")


MAX_STEP = 2**31 - 1  # SQL storages hold steps in 32 bits

UNIT = Interval(0, 1)
FRACTION = Interval(0, 1, "[)")
POSITIVE = Interval(0, math.inf, "()")
DECAY = Interval(0, 1, "(]")


def check_count(name: str, value: object, remedy: str) -> int:
    """Return the value as an int of at least 1; arguments as for `Interval.check`.

    Raises:
        ValueError: If the value is not a whole number, or below 1.
    """
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if whole and int(value) >= 1:  # type: ignore[call-overload]
        return int(value)  # type: ignore[call-overload, no-any-return]
    raise ValueError(f"{name} must be an int of at least 1, got {value!r}: {remedy}.")


def whole_horizon(horizon: Any) -> int:
    """A horizon that storages can hold."""
    real = isinstance(horizon, numbers.Real)
    if not (real and horizon > 0 and math.isfinite(horizon) and horizon == int(horizon)):
        raise ValueError(
            "horizon must be a positive whole number of steps (of trial.report), but is "
            f"{horizon!r}"
        )
    if horizon > MAX_STEP:
        raise ValueError(
            f"horizon must be at most {MAX_STEP}, since storages hold steps in 32 bits, but "
            f"is {horizon}; report in blocks, such as thousands of tokens"
        )
    return int(horizon)


def whole(name: str, value: Any) -> int:
    """A whole number, 0 or more."""
    if not (isinstance(value, numbers.Integral) and int(value) >= 0):
        raise ValueError(f"{name} must be a whole number, 0 or more, but is {value!r}")
    return int(value)
