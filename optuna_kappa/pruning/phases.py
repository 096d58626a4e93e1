"""Read curves at phases: the fractions of a horizon at which runs are compared.

Runs report at any step, and the loss scatters from one report to the next. The value of a curve at
a phase is therefore the mean of its reports over the third of an octave that ends there:

    value(u) = mean of y(f) over u / 2^(1/3) < f <= u,    f the fractions of the horizon

The mean never reaches back beyond the phase before. At the end of the horizon, u = 1, the value is
the last report, not a mean. Each phase lies where runs report. A run that reports seldom is thus
judged at its reports, and a run that reports often is judged at their averages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats

SAME_FRACTION = 1e-9  # fractions of a horizon that differ by less, by rounding, are the same

# Pruning saves most early in a run, so phases lie closer there. Near the end little is left to
# save: the last few runs finish anyway.
_WANTED_PERCENT = (2, 3, 4.5, 6.5, 10, 14, 19, 25, 32, 40, 50, 60, 70, 80, 90)
_WANTED = np.array(_WANTED_PERCENT) / 100
_NEAR = 1.3  # factor by which a phase may be moved to where runs report
_APART = 1.05  # least factor between two phases
_OCTAVES = 1 / 3  # over which a curve is averaged
_LOOKED_BACK = 3.0  # factor over which the scatter of reports is measured
_REACHED = 0.98  # part of a phase from which on a run has reached it


class Reading(NamedTuple):
    """A curve at K phases.

    Attributes:
        value: Mean at each phase, shape `(K,)`; NaN where the curve does not reach.
        scatter: Standard deviation of a single report there, shape `(K,)`; NaN where unknown.
        averaged: Number of reports averaged, shape `(K,)`.

    Example:
        >>> fractions = np.array([0.25, 0.5, 1.0])
        >>> loss = np.array([0.9, 0.6, 0.4])
        >>> reading = read(fractions, loss, phases=np.array([0.25, 1.0]))
        >>> reading.value.tolist()
        [0.9, 0.4]
    """

    value: Floats
    scatter: Floats
    averaged: Floats


def choose(reported: Sequence[Floats]) -> Floats:
    """Choose the phases at which runs are compared: ascending, the last one 1.

    Args:
        reported: For each of some runs, the fractions of the horizon at which it reported,
            ascending.

    Example:
        Two runs with common steps are compared at those steps:

        >>> choose([np.array([0.25, 0.5, 1.0]), np.array([0.25, 0.5, 1.0])]).tolist()
        [0.25, 0.5, 1.0]
    """
    all_reported = np.concatenate(reported).round(9)
    # The first of 2^31 steps is rounded to 0, which has no logarithm.
    fractions, counts = np.unique(all_reported[all_reported > 0], return_counts=True)
    is_before_end = fractions < 1 - SAME_FRACTION
    is_common = counts >= len(reported) / 2
    common = fractions[is_common & is_before_end]

    has_several_runs = len(reported) > 1
    if has_several_runs and len(common) < 2 and is_before_end.any():
        return np.append(_WANTED, 1.0)  # each run reports at steps of its own

    if not len(common):
        return np.array([1.0])

    chosen: list[float] = []
    for wanted in _WANTED:
        distance = np.abs(np.log(common / wanted))
        nearest = float(common[np.argmin(distance)])
        is_near = 1 / _NEAR < nearest / wanted < _NEAR
        is_apart = not chosen or nearest > chosen[-1] * _APART
        if is_near and is_apart:
            chosen.append(nearest)

    return np.array([*chosen, 1.0])


def read(fractions: Floats, y: Floats, phases: Floats) -> Reading:
    """Read a curve at the phases.

    Between two reports without one in the window of a phase, the value is interpolated linearly
    in ln u.

    Args:
        fractions: Fractions of the horizon at which the run reported, ascending, above 0,
            shape `(n,)`.
        y: Finite losses or their logarithms, shape `(n,)`.
        phases: As `choose` returns them, shape `(K,)`.

    Example:
        >>> fractions = np.array([0.1, 0.4, 1.0])
        >>> reading = read(fractions, np.array([3.0, 1.0, 0.0]), phases=np.array([0.1, 0.2, 1.0]))
        >>> reading.value.round(6).tolist()
        [3.0, 2.0, 0.0]
    """
    n = len(fractions)
    if not n:
        unknown = np.full(len(phases), np.nan)
        return Reading(
            value=unknown,
            scatter=unknown.copy(),
            averaged=np.ones(len(phases)),
        )

    first, end = _windows(fractions, phases)
    value = _means(y, first, end)

    is_empty = end == first
    is_between_reports = (end > 0) & (end < n)
    gaps = is_empty & is_between_reports
    ln_gaps = np.log(phases[gaps])
    value[gaps] = np.interp(ln_gaps, np.log(fractions), y)

    is_beyond = phases * _REACHED > fractions[-1]
    value[is_beyond] = np.nan

    scatter = _scatter(fractions, y, phases, end)
    averaged = np.maximum(end - first, 1).astype(np.float64)
    return Reading(value, scatter, averaged)


def _windows(fractions: Floats, phases: Floats) -> tuple[np.ndarray, np.ndarray]:
    """First report averaged at each phase, and the one after the last, shape `(K,)` each."""
    phase_before = np.append(0.0, phases[:-1])
    start = np.maximum(phases / 2**_OCTAVES, phase_before)

    first = np.searchsorted(fractions, start * (1 + SAME_FRACTION), side="right")
    end = np.searchsorted(fractions, phases * (1 + SAME_FRACTION), side="right")
    first[-1] = max(end[-1] - 1, first[-1])  # the last report, not a mean

    return first, end


def _means(
    y: Floats,
    first: np.ndarray,
    end: np.ndarray,
    least: int = 1,
) -> Floats:
    """Mean of each window of y, shape `(K,)`; NaN where it holds fewer than `least` values."""
    means = np.full(len(first), np.nan)
    windows = zip(first, end, strict=True)
    for phase, (i, j) in enumerate(windows):
        if j - i >= least:
            means[phase] = y[i:j].mean()

    return means


def _scatter(
    fractions: Floats,
    y: Floats,
    phases: Floats,
    end: np.ndarray,
) -> Floats:
    """Standard deviation of a single report at each phase, shape `(K,)`; NaN where unknown.

    A report differs by d from the line, in ln u, through the reports on either side. With w the
    weight of the report before, the variance of d is 1 + w^2 + (1 - w)^2 times that of a single
    report:

        scatter(u)^2 = mean of d^2 / (1 + w^2 + (1 - w)^2) over the reports in (u / 3, u)
    """
    if len(fractions) < 3:
        return np.full(len(phases), np.nan)

    x = np.log(fractions)
    to_next = x[2:] - x[1:-1]
    weight = to_next / (x[2:] - x[:-2])
    rest = 1 - weight

    difference = y[1:-1] - weight * y[:-2] - rest * y[2:]
    with np.errstate(over="ignore"):  # losses near the largest numbers
        variance = difference**2 / (1 + weight**2 + rest**2)

    n_before = np.searchsorted(fractions, phases / _LOOKED_BACK, side="right")
    first = np.maximum(n_before - 1, 0)
    mean_variance = _means(variance, first, end - 2, least=2)
    return np.asarray(np.sqrt(mean_variance))
