"""Schedules that are constant on each of n equal pieces of the horizon, or on each period of data.

Let k = 0, 1, ... be the piece and n the number of pieces, of which w = floor(n) are whole. If n is
not whole, the last piece is cut short, to the part r = n - w of one:

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

from optuna_kappa._typing import Floats
from optuna_kappa._validation import DECAY, POSITIVE, Interval, shown
from optuna_kappa.schedules.naming import canonical_name
from optuna_kappa.schedules.periodic import AnySchedule, PeriodicSchedule
from optuna_kappa.schedules.schedule import Schedule

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
def step(
    factor: float = 0.5,
    n: float | None = None,
    period: float | None = None,
) -> AnySchedule:
    """The rate is multiplied by factor after each piece; the paper halves it after each epoch.

    Args:
        factor: Rate of a piece over that of the piece before, in (0, 1].
        n: Number of pieces of the horizon, > 0. Pass either n or period.
        period: Data per piece, in the unit of the horizon, > 0. Pass either n or period.

    Returns:
        A `Schedule` if n is given, a `PeriodicSchedule` if period is given.

    Raises:
        ValueError: If an argument is out of its range, or not exactly one of n and period given.

    Example:
        >>> step(n=4).factors(4).tolist()
        [1.0, 0.5, 0.25, 0.125]
        >>> step(period=30_000).resolve(horizon=120_000) == step(n=4)
        True
    """
    factor = DECAY.check("factor", factor, "for a rate that rises use cyclic or from_callable")
    if period is not None or n is None:
        return _periodic(step, factor, n, period)

    n = _checked_pieces(n)
    return Schedule(
        canonical_name(step, factor=factor, n=n),
        mean=_step_mean(factor, n),
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
    factor: float = 3.0,
    n: float | None = None,
    period: float | None = None,
) -> AnySchedule:
    """The base rate on the odd pieces (first, third, ...), factor times that on the even ones.

    The paper triples the rate at every even epoch. lr is the base rate: if factor exceeds 1, so
    does m, and the peak rate is factor * lr.

    Args:
        factor: Rate of the even pieces over that of the odd ones, > 0.
        n: Number of pieces of the horizon, > 0. Pass either n or period.
        period: Data per piece, in the unit of the horizon, > 0. Pass either n or period.

    Returns:
        A `Schedule` if n is given, a `PeriodicSchedule` if period is given.

    Raises:
        ValueError: If an argument is out of its range, or not exactly one of n and period given.

    Example:
        >>> cyclic(n=4).factors(4).tolist()
        [1.0, 3.0, 1.0, 3.0]
    """
    factor = POSITIVE.check("factor", factor, "it multiplies the base rate on even pieces")
    if period is not None or n is None:
        return _periodic(cyclic, factor, n, period)

    n = _checked_pieces(n)
    return Schedule(
        canonical_name(cyclic, factor=factor, n=n),
        mean=_cyclic_mean(factor, n),
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
            f"{word} needs exactly one of n and period, got n={shown(n)}, "
            f"period={shown(period)}: give n, the number of pieces of the horizon, as in "
            f"{word}(n=13), or period, the data per piece in the unit of the horizon, as in "
            f"{word}(period=30000)."
        )

    period = POSITIVE.check("period", period, "it is data per piece, in the unit of the horizon")
    return PeriodicSchedule(
        canonical_name(constructor, factor=factor, period=period),
        period=period,
        divide=partial(_divide, constructor, factor),
    )


def _divide(constructor: Callable[..., AnySchedule], factor: float, n: float) -> Schedule:
    schedule = constructor(factor, n=n)
    assert isinstance(schedule, Schedule)
    return schedule


def _checked_pieces(n: object) -> float:
    """The number of pieces; a whole number if it is whole up to rounding."""
    checked = _PIECES.check("n", n, _N)

    nearest = round(checked)
    is_whole = nearest >= 1 and math.isclose(checked, nearest, rel_tol=_ROUNDING)
    return float(nearest) if is_whole else checked


def _knots(n: float) -> tuple[float, ...]:
    """Where one piece ends and the next begins."""
    edges = np.arange(1, math.ceil(n)) / n
    return tuple(edges.tolist())


def _index(p: Floats, n: float) -> Floats:
    """The piece that p lies in, from 0. A piece includes its start; p = 1 is in the last."""
    piece = np.floor(p * n + _ROUNDING)
    last = math.ceil(n) - 1
    return np.minimum(piece, last)


def _step_mean(factor: float, n: float) -> float:
    n_whole = math.floor(n)
    # (factor^w - 1) / (factor - 1) by expm1, which stays exact where factor is close to 1.
    rate = math.log(factor)
    total = math.expm1(n_whole * rate) / math.expm1(rate) if rate else n_whole

    rest = (n - n_whole) * factor**n_whole
    return float(total + rest) / n


def _cyclic_mean(factor: float, n: float) -> float:
    n_whole = math.floor(n)
    n_even = n_whole // 2
    n_odd = (n_whole + 1) // 2

    last = factor if n_whole % 2 else 1.0
    total = n_odd + factor * n_even + (n - n_whole) * last
    return total / n


def _step_shape(p: Floats, *, factor: float, n: float) -> Floats:
    return np.asarray(factor ** _index(p, n))


def _cyclic_shape(p: Floats, *, factor: float, n: float) -> Floats:
    is_even_piece = _index(p, n) % 2 == 1  # the second, fourth, ... piece
    return np.where(is_even_piece, factor, 1.0)
