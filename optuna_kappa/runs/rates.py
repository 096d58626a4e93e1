"""The base rate and the schedule behind rates that were logged while a run went on.

Under a schedule, a logger writes the current rate lr * m(p) in place of the base rate lr. The base
rate is at least the largest of them. Which schedule it was is found by fitting the shapes of
`optuna_kappa.schedules` to the logged rates v at the fractions p of the horizon:

    v = lr * m(p; parameters)

The warm-up follows from the rise before the peak, the other parameters from least squares in a
form where they are linear. A shape counts as found if no logged rate is farther from it than 2 %
of the peak. Loggers write the rate of the step just done or of the next one, so both are tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.schedules import (
    AnySchedule,
    cosine,
    cyclic,
    exponential,
    linear,
    one_cycle,
    polynomial,
    step,
    wsd,
)
from optuna_kappa.schedules.digest import digest

# Largest distance of a logged rate from the shape, as a fraction of the peak. Rates that are
# logged once in 50 steps of a cosine are up to 3 % of a step's way off, far less than this.
_TOLERANCE = 0.02
# A distance below this is rounding, as of rates printed with four digits: no shape is closer.
_EXACT = 1e-3
_LETTER = 1e-4  # what a letter of a schedule's name costs: a parameter of ten is worth _EXACT
_FEWEST = 4  # logged rates; fewer have the shape of anything
_LOW_START = 0.9  # of the peak; a cycle starts below it
_SAME = 1e-6  # relative difference below which two rates are the same
_PARTS = (0.0, 0.5, 1.0)  # of the interval between two rates, from its end
_DECIMALS = (1, 2, 3, 4)  # of a parameter; the fewest that fit are taken


class BaseRate(NamedTuple):
    """What logged rates say about a run.

    Attributes:
        lr: Base learning rate.
        schedule: Name of the schedule.
        is_known: Whether the schedule is one of `optuna_kappa.schedules`.

    Example:
        >>> BaseRate(0.1, "cosine", True).lr
        0.1
    """

    lr: float
    schedule: str
    is_known: bool


def base_rate(p: Floats, rates: Floats) -> BaseRate:
    """The base rate and the schedule of a run.

    Args:
        p: Fractions of the horizon at which a rate was logged, ascending, shape `(n,)`.
        rates: The rates, at least 0 and not all 0, shape `(n,)`.

    Example:
        >>> p = np.linspace(0, 1, 51)
        >>> base_rate(p, 0.004 * (1 + np.cos(np.pi * p)) / 2)
        BaseRate(lr=0.004, schedule='cosine', is_known=True)
        >>> base_rate(p, np.full(51, 0.004)).schedule
        'constant'
    """
    peak = float(rates.max())
    if rates.min() > peak * (1 - _SAME):
        return BaseRate(peak, "constant", True)

    found = _found(p, rates / peak) if len(rates) >= _FEWEST else None
    if found is None:
        return BaseRate(peak, _unknown_name(p, rates / peak), False)
    scale, schedule = found
    return BaseRate(_rounded(scale * peak), schedule.name, True)


def _found(p: Floats, v: Floats) -> tuple[float, AnySchedule] | None:
    """The factor and the shape that are nearest to the rates; None if none is near enough."""
    best = None
    lowest = np.inf
    for places in _places(p):
        for schedule in _candidates(places, v):
            scale, distance = _fit(schedule, places, v)
            # A shape with a longer name, of more parameters or digits, has to be closer by more
            # than rounding.
            cost = distance + _LETTER * len(schedule.name)
            if distance < _TOLERANCE and cost < lowest - _SAME:
                best, lowest = (scale, schedule), cost
    return best


def _places(p: Floats) -> Iterator[Floats]:
    """Where the rates may belong: to the end of each interval, its middle or its beginning."""
    interval = float(np.median(np.diff(p)))
    for part in _PARTS:
        yield np.maximum(p - part * interval, 0.0)


def _candidates(p: Floats, v: Floats) -> Iterator[AnySchedule]:
    """Schedules of each kind whose parameters fit the rates v best, simpler kinds first."""
    warmup = _warmup(p, v)
    after = p >= warmup
    q = (p[after] - warmup) / (1 - warmup) if warmup < 1 else p[after]

    cosine_floor = _floor((1 + np.cos(np.pi * q)) / 2, v[after])
    yield from _simplest(p, v, cosine, warmup=warmup, floor=cosine_floor)
    yield from _simplest(p, v, linear, warmup=warmup, floor=_floor(1 - q, v[after]))
    yield from _simplest(p, v, exponential, final=_final(p, v))
    yield from _simplest(p, v, polynomial, power=_power(p, v))
    yield from _simplest(p, v, wsd, **_stable(p, v, warmup))
    yield from _pieces(p, v)

    if v[0] < _LOW_START:
        yield one_cycle()
        at_peak = float(p[np.argmax(v)])
        yield from _simplest(p, v, one_cycle, warmup=at_peak, start=float(v[0]))


def _warmup(p: Floats, v: Floats) -> float:
    """Fraction of the run at which a straight rise from 0 reaches the peak; 0 without a rise."""
    first = int(np.argmax(v > 1 - _EXACT))
    rising = np.arange(first)
    rising = rising[(v[rising] > 0) & (p[rising] > 0)]
    if not len(rising):
        # A rate of 0 at the start belongs to a rise that ends before the next rate was logged.
        return float(p[first]) if first else 0.0

    last = rising[-1]
    return float(min(p[last] / v[last], p[first]))


def _floor(fall: Floats, v: Floats) -> float:
    """The floor for which floor + (1 - floor) * fall, times any factor, is nearest to v."""
    if len(v) < 2 or np.ptp(fall) == 0:
        return 0.0
    design = np.stack([np.ones_like(fall), fall], axis=1)
    (low, height), *_ = np.linalg.lstsq(design, v, rcond=None)
    return float(np.clip(low / (low + height), 0, 1)) if low + height > 0 else 0.0


def _final(p: Floats, v: Floats) -> float:
    """The final rate of an exponential fall, as a fraction of the first."""
    positive = v > 0
    if positive.sum() < 2 or np.ptp(p[positive]) == 0:
        return 1.0
    slope = np.polyfit(p[positive], np.log(v[positive]), 1)[0]
    return float(np.exp(np.clip(slope, -30, 0)))


def _power(p: Floats, v: Floats) -> float:
    """The power of a fall to 0 as (1 - p)^power."""
    inside = (v > 0) & (p < 1)
    left = np.log1p(-p[inside])
    if inside.sum() < 2 or np.ptp(left) == 0:
        return 1.0
    return float(np.polyfit(left, np.log(v[inside]), 1)[0])


def _stable(p: Floats, v: Floats, warmup: float) -> dict[str, float]:
    """Parameters of a warm-up, a plateau and a straight fall."""
    falls = np.flatnonzero((v < 1 - 2 * _EXACT) & (p > p[np.argmax(v)]))
    if len(falls) < 2 or np.ptp(p[falls]) == 0:
        return {"warmup": warmup, "decay": 0.0, "floor": 0.0}

    slope, level = np.polyfit(p[falls], v[falls], 1)
    floor = float(np.clip(level + slope, 0, 1))
    start = (1 - level) / slope if slope < 0 else 1.0
    decay = float(np.clip(1 - start, 0, 1 - warmup))
    return {"warmup": warmup, "decay": decay, "floor": floor}


def _pieces(p: Floats, v: Floats) -> Iterator[AnySchedule]:
    """Falls by the same factor after each part of the run, or cycles of two rates."""
    levels = np.unique(np.round(v, 9))[::-1]
    if not 2 <= len(levels) <= max(2, len(v) // 2) or levels[1] <= 0:
        return

    changes = np.flatnonzero(np.abs(np.diff(v)) > _SAME)
    # A part ends somewhere between the last rate of it and the first of the next one.
    ends = (p[changes] + p[changes + 1]) / 2
    n = float(np.median(np.arange(1, len(ends) + 1) / ends))
    factor = float(levels[1] / levels[0])
    is_cycle = len(levels) == 2 and len(changes) > 1

    for parts in (round(n), round(2 * n) / 2, round(n, 1)):
        if is_cycle:
            cycle = float(v[changes[0] + 1] / v[changes[0]])
            yield from _simplest(p, v, cyclic, factor=cycle, n=parts)
        else:
            yield from _simplest(p, v, step, factor=factor, n=parts)


def _simplest(
    p: Floats,
    v: Floats,
    constructor: object,
    **parameters: float,
) -> Iterator[AnySchedule]:
    """The schedule with as few decimals in its parameters as fit as well as all of them."""
    exact = _made(constructor, parameters)
    if exact is None:
        return
    _, least = _fit(exact, p, v)

    for decimals in _DECIMALS:
        rounded = {name: round(value, decimals) for name, value in parameters.items()}
        schedule = _made(constructor, rounded)
        if schedule is not None and _fit(schedule, p, v)[1] <= max(1.2 * least, _EXACT):
            break
    if schedule is not None:
        yield schedule


def _made(constructor: object, parameters: dict[str, float]) -> AnySchedule | None:
    """The schedule with these parameters; None if they are not allowed."""
    try:
        schedule: AnySchedule = constructor(**parameters)  # type: ignore[operator]
    except ValueError:
        return None
    return schedule


def _fit(schedule: AnySchedule, p: Floats, v: Floats) -> tuple[float, float]:
    """The factor that brings a shape nearest to the rates, and the largest distance left."""
    m = schedule.resolve(1.0)(np.clip(p, 0, 1))
    norm = float(m @ m)
    scale = float(m @ v) / norm if norm > 0 else 0.0
    return scale, float(np.abs(scale * m - v).max())


def _unknown_name(p: Floats, v: Floats) -> str:
    """A name that runs with the same shape share."""
    evenly = np.interp((np.arange(200) + 0.5) / 200, p, v)
    return f"logged(shape={digest(evenly)})"


def _rounded(rate: float) -> float:
    """A rate without the last digits, which the fit does not know."""
    return float(f"{rate:.6g}")
