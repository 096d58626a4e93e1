"""Smooth schedules, defined over the fraction p of the horizon done.

Let w be the warm-up, s the start of the fall and q = (p - s) / (1 - s). All shapes except
`exponential` and `one_cycle` are

    m(p) = p / w                              for p < w
         = 1                                  for w <= p < s
         = floor + (1 - floor) * fall(q)      for p >= s
    mean = w / 2 + (s - w) + (1 - s) * (floor + (1 - floor) * mean of fall)

where fall(q) is (1 + cos(pi q)) / 2 (cosine), 1 - q (linear, wsd) or (1 - q)^power (polynomial),
of mean 1/2, 1/2 and 1 / (1 + power).
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa._validation import DECAY, FRACTION, POSITIVE, UNIT
from optuna_kappa.schedules.naming import canonical_name
from optuna_kappa.schedules.schedule import Schedule, Shape


def constant() -> Schedule:
    """m(p) = 1.

    Example:
        >>> constant().factors(3).tolist()
        [1.0, 1.0, 1.0]
    """
    return Schedule(canonical_name(constant), mean=1.0, shape=np.ones_like)


def cosine(warmup: float = 0.0, floor: float = 0.0) -> Schedule:
    """Linear warm-up, then half a cosine (Loshchilov & Hutter, 2017, without restarts).

    Args:
        warmup: Fraction of the horizon spent rising from 0 to the peak, in [0, 1).
        floor: Final rate as a fraction of the peak, in [0, 1].

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> schedule = cosine(warmup=0.1)
        >>> [round(schedule(p), 3) for p in (0.05, 0.1, 0.55, 1.0)]
        [0.5, 1.0, 0.5, 0.0]
    """
    warmup = _check_warmup(warmup)
    floor = _check_floor(floor)

    return _trapezoid(
        canonical_name(cosine, warmup=warmup, floor=floor),
        warmup=warmup,
        start=warmup,
        floor=floor,
        fall=_cosine_fall,
        fall_mean=0.5,
    )


def linear(warmup: float = 0.0, floor: float = 0.0) -> Schedule:
    """Linear warm-up, then a straight line down.

    Args:
        warmup: Fraction of the horizon spent rising from 0 to the peak, in [0, 1).
        floor: Final rate as a fraction of the peak, in [0, 1].

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> linear(floor=0.5).mean
        0.75
    """
    warmup = _check_warmup(warmup)
    floor = _check_floor(floor)

    return _trapezoid(
        canonical_name(linear, warmup=warmup, floor=floor),
        warmup=warmup,
        start=warmup,
        floor=floor,
        fall=_linear_fall,
        fall_mean=0.5,
    )


def polynomial(power: float, floor: float = 0.0) -> Schedule:
    """m(p) = floor + (1 - floor) * (1 - p)^power.

    Args:
        power: Exponent, > 0; 1 is `linear`.
        floor: Final rate as a fraction of the peak, in [0, 1].

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> polynomial(power=2)(0.5)
        0.25
    """
    power = POSITIVE.check("power", power, "it is the exponent of 1 - p")
    floor = _check_floor(floor)

    return _trapezoid(
        canonical_name(polynomial, power=power, floor=floor),
        warmup=0.0,
        start=0.0,
        floor=floor,
        fall=partial(_power_fall, power=power),
        fall_mean=1 / (1 + power),
    )


def exponential(final: float) -> Schedule:
    """m(p) = final^p, of mean (final - 1) / ln(final).

    Args:
        final: Final rate as a fraction of the first, in (0, 1].

    Raises:
        ValueError: If final is out of its range.

    Example:
        >>> exponential(final=0.01)(0.5)
        0.1
    """
    final = DECAY.check("final", final, "it is the final rate as a fraction of the first")
    rate = math.log(final)

    return Schedule(
        canonical_name(exponential, final=final),
        mean=math.expm1(rate) / rate if rate else 1.0,
        shape=partial(np.power, final),
    )


def wsd(warmup: float = 0.01, decay: float = 0.2, floor: float = 0.0) -> Schedule:
    """Warm-up, stable, decay: linear warm-up, the peak, a straight line down.

    From Hu et al., 2024 (MiniCPM). A decay of 0.2 matches cosine in Hägele et al., 2024. The
    default warm-up, 1 % of the horizon, is usual there.

    Args:
        warmup: Fraction of the horizon spent rising from 0 to the peak, in [0, 1).
        decay: Fraction of the horizon spent falling, at its end, in [0, 1].
        floor: Final rate as a fraction of the peak, in [0, 1].

    Raises:
        ValueError: If an argument is out of its range, or warmup + decay is above 1.

    Example:
        >>> schedule = wsd(warmup=0.1, decay=0.2)
        >>> [round(schedule(p), 3) for p in (0.05, 0.5, 0.9)]
        [0.5, 1.0, 0.5]
    """
    warmup = _check_warmup(warmup)
    decay = UNIT.check("decay", decay, "it is the fraction of the horizon spent falling")
    floor = _check_floor(floor)

    # Sums such as 0.7 + 0.3 may round to just above 1.
    if warmup + decay > 1 + 1e-12:
        raise ValueError(
            f"warmup + decay must be at most 1, got {warmup!r} + {decay!r}: both are fractions "
            "of the horizon, so shorten one."
        )

    return _trapezoid(
        canonical_name(wsd, warmup=warmup, decay=decay, floor=floor),
        warmup=warmup,
        start=max(warmup, 1 - decay),
        floor=floor,
        fall=_linear_fall,
        fall_mean=0.5,
    )


def one_cycle(warmup: float = 0.3, start: float = 1 / 25, final: float = 1e-4) -> Schedule:
    """Half a cosine up, half a cosine down (Smith & Topin, 2018).

    The defaults are those of torch's OneCycleLR: warmup is its `pct_start`, start is
    1 / `div_factor`, final is 1 / `final_div_factor`.

    Args:
        warmup: Fraction of the horizon spent rising from start to the peak, in [0, 1).
        start: First rate as a fraction of the peak, in [0, 1].
        final: Final rate as a fraction of the first, in [0, 1].

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> schedule = one_cycle()
        >>> [round(schedule(p), 6) for p in (0.0, 0.3, 1.0)]
        [0.04, 1.0, 4e-06]
    """
    warmup = _check_warmup(warmup)
    start = UNIT.check("start", start, "it is the first rate as a fraction of the peak")
    final = UNIT.check("final", final, "it is the final rate as a fraction of the first")
    end = start * final

    # Half a cosine from a to b has mean (a + b) / 2.
    rise = warmup * (start + 1)
    fall = (1 - warmup) * (1 + end)
    return Schedule(
        canonical_name(one_cycle, warmup=warmup, start=start, final=final),
        mean=(rise + fall) / 2,
        shape=partial(_one_cycle_shape, warmup=warmup, start=start, end=end),
        knots=_inside(warmup),
    )


def _check_warmup(warmup: float) -> float:
    remedy = "it is the fraction of the horizon spent warming up"
    return FRACTION.check("warmup", warmup, remedy)


def _check_floor(floor: float) -> float:
    remedy = "it is the final rate as a fraction of the peak"
    return UNIT.check("floor", floor, remedy)


def _trapezoid(
    name: str,
    warmup: float,
    start: float,
    floor: float,
    fall: Shape,
    fall_mean: float,
) -> Schedule:
    """The schedule of the formula above; warmup <= start."""
    fallen = floor + (1 - floor) * fall_mean

    return Schedule(
        name,
        mean=warmup / 2 + (start - warmup) + (1 - start) * fallen,
        shape=partial(
            _trapezoid_shape,
            warmup=warmup,
            start=start,
            floor=floor,
            fall=fall,
        ),
        knots=_inside(warmup, start),
    )


def _trapezoid_shape(
    p: Floats,
    *,
    warmup: float,
    start: float,
    floor: float,
    fall: Shape,
) -> Floats:
    m = np.ones_like(p)
    if start < 1:
        q = np.maximum(p - start, 0.0) / (1 - start)
        m = floor + (1 - floor) * fall(q)
    if warmup > 0:
        # Without the minimum, the branch not taken would overflow if warmup is tiny.
        rise = np.minimum(p, warmup) / warmup
        m = np.where(p < warmup, rise, m)
    return m


def _one_cycle_shape(p: Floats, *, warmup: float, start: float, end: float) -> Floats:
    q = np.maximum(p - warmup, 0.0) / (1 - warmup)
    m = end + (1 - end) * _cosine_fall(q)

    if warmup > 0:
        # Half a cosine up is half a cosine down, run backwards.
        left = 1 - np.minimum(p, warmup) / warmup
        rise = start + (1 - start) * _cosine_fall(left)
        m = np.where(p < warmup, rise, m)

    return m


def _cosine_fall(q: Floats) -> Floats:
    return (1 + np.cos(np.pi * q)) / 2


def _linear_fall(q: Floats) -> Floats:
    return 1 - q


def _power_fall(q: Floats, *, power: float) -> Floats:
    return np.asarray((1 - q) ** power)


def _inside(*knots: float) -> tuple[float, ...]:
    """The distinct knots inside (0, 1), ascending."""
    inside = {knot for knot in knots if 0 < knot < 1}
    return tuple(sorted(inside))
