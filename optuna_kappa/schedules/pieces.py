"""Schedules that are constant on each of n equal pieces of the horizon, or on each period of data.

With k = 0, 1, ... the piece and n the number of pieces, of which w = floor(n) are whole and the
last, where n is not whole, is the part r = n - w of one:

    step      m = factor^k
              mean = ((factor^w - 1) / (factor - 1) + r * factor^w) / n
    cyclic    m = 1 for even k, factor for odd k (the paper counts its epochs from 1)
              mean = (ceil(w / 2) + factor * floor(w / 2) + r * m of piece w) / n
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import overload

import numpy as np

from optuna_kappa._validation import DECAY, POSITIVE, Interval
from optuna_kappa.schedules.naming import canonical_name
from optuna_kappa.schedules.schedule import AnySchedule, FloatArray, PeriodicSchedule, Schedule

_MAX_PIECES = 100_000
_PIECES = Interval(0, _MAX_PIECES, "(]")
_N = "it is how many pieces the horizon is cut into, and need not be whole"
# Rounding may put the end of a piece, or n = horizon / period, this far from a whole number.
_ROUNDING = 1e-9


@overload
def step(factor: float = ..., n: float = ..., period: None = None) -> Schedule: ...
@overload
def step(factor: float = ..., n: None = None, *, period: float) -> PeriodicSchedule: ...
@overload
def step(
    factor: float = ..., n: float | None = ..., period: float | None = ...
) -> AnySchedule: ...
def step(factor: float = 0.5, n: float | None = None, period: float | None = None) -> AnySchedule:
    """The rate is multiplied by factor after each piece; the paper halves it after each epoch.

    Args:
        factor: Rate of a piece over that of the piece before, in (0, 1].
        n: Number of pieces of the horizon, > 0. Either this or period.
        period: Data per piece, in the unit of the horizon, > 0. Either this or n.

    Returns:
        A `Schedule` where n is given, a `PeriodicSchedule` where period is.

    Raises:
        ValueError: If an argument is out of its range, or not exactly one of n and period given.
    """
    factor = DECAY.check("factor", factor, "for a rate that rises use cyclic or from_callable")
    if period is not None or n is None:
        return _periodic(step, factor, n, period)
    n = _pieces(n)
    whole = math.floor(n)
    # (factor^w - 1) / (factor - 1) by expm1, which stays exact where factor is close to 1.
    rate = math.log(factor)
    total = math.expm1(whole * rate) / math.expm1(rate) if rate else whole
    return Schedule(
        canonical_name(step, factor=factor, n=n),
        mean=float(total + (n - whole) * factor**whole) / n,
        shape=partial(_step_shape, factor=factor, n=n),
        knots=_knots(n),
    )


@overload
def cyclic(factor: float = ..., n: float = ..., period: None = None) -> Schedule: ...
@overload
def cyclic(factor: float = ..., n: None = None, *, period: float) -> PeriodicSchedule: ...
@overload
def cyclic(
    factor: float = ..., n: float | None = ..., period: float | None = ...
) -> AnySchedule: ...
def cyclic(
    factor: float = 3.0, n: float | None = None, period: float | None = None
) -> AnySchedule:
    """The base rate on the odd pieces (first, third, ...), factor times that on the even ones.

    The paper triples the rate at every even epoch. lr is the base rate, so m exceeds 1 where
    factor does, and the peak is factor * lr.

    Args:
        factor: Rate of the even pieces over that of the odd ones, > 0.
        n: Number of pieces of the horizon, > 0. Either this or period.
        period: Data per piece, in the unit of the horizon, > 0. Either this or n.

    Returns:
        A `Schedule` where n is given, a `PeriodicSchedule` where period is.

    Raises:
        ValueError: If an argument is out of its range, or not exactly one of n and period given.
    """
    factor = POSITIVE.check("factor", factor, "it multiplies the base rate on even pieces")
    if period is not None or n is None:
        return _periodic(cyclic, factor, n, period)
    n = _pieces(n)
    whole = math.floor(n)
    cut_short = factor if whole % 2 else 1.0
    total = (whole + 1) // 2 + factor * (whole // 2) + (n - whole) * cut_short
    return Schedule(
        canonical_name(cyclic, factor=factor, n=n),
        mean=total / n,
        shape=partial(_cyclic_shape, factor=factor, n=n),
        knots=_knots(n),
    )


def _periodic(
    constructor: Callable[..., AnySchedule],
    factor: float,
    n: float | None,
    period: float | None,
) -> PeriodicSchedule:
    """The schedule that calls the constructor once the number of pieces is known."""
    word = constructor.__name__
    if (n is None) == (period is None):
        raise ValueError(
            f"{word} needs exactly one of n and period, got n={n!r}, period={period!r}: give n, "
            f"the number of pieces of the horizon, as in {word}(n=13), or period, the data per "
            f"piece in the unit of the horizon, as in {word}(period=30000)."
        )
    period = POSITIVE.check("period", period, "it is data per piece, in the unit of the horizon")
    name = canonical_name(constructor, factor=factor, period=period)
    return PeriodicSchedule(name, period, partial(_divide, constructor, factor))


def _divide(constructor: Callable[..., AnySchedule], factor: float, n: float) -> Schedule:
    schedule = constructor(factor, n=n)
    assert isinstance(schedule, Schedule)
    return schedule


def _pieces(n: object) -> float:
    """The number of pieces, checked; whole where it is so up to rounding."""
    checked = _PIECES.check("n", n, _N)
    nearest = round(checked)
    near = nearest >= 1 and math.isclose(checked, nearest, rel_tol=_ROUNDING)
    return float(nearest) if near else checked


def _knots(n: float) -> tuple[float, ...]:
    """Where one piece ends and the next begins."""
    return tuple((np.arange(1, math.ceil(n)) / n).tolist())


def _index(p: FloatArray, n: float) -> FloatArray:
    """The piece p lies in, from 0; its start belongs to it, and 1 to the last piece."""
    return np.minimum(np.floor(p * n + _ROUNDING), math.ceil(n) - 1)


def _step_shape(p: FloatArray, *, factor: float, n: float) -> FloatArray:
    return np.asarray(factor ** _index(p, n))


def _cyclic_shape(p: FloatArray, *, factor: float, n: float) -> FloatArray:
    return np.where(_index(p, n) % 2 == 1, factor, 1.0)
