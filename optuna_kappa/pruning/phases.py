"""Curves at the phases of a run: fractions of its horizon at which runs are compared.

Reports come at any step and jump about from one to the next. A phase's value is the mean of a
curve over the third of an octave that ends there, and each phase lies where runs report, so that
a run which reports seldom is judged at its reports and one which reports often at their averages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats

# Early on most is saved, so phases lie closer there; near the end the last few run on anyway.
_WANTED = np.array([2, 3, 4.5, 6.5, 10, 14, 19, 25, 32, 40, 50, 60, 70, 80, 90]) / 100
_NEAR = 1.3  # factor by which a phase may be moved to where runs report
_APART = 1.05  # least factor between two phases
_OCTAVES = 1 / 3  # over which a curve is averaged
_LOOKED_BACK = 3.0  # factor over which the scatter of reports is measured
_REACHED = 0.98  # part of a phase from which on a run has reached it
_SAME = 1e-9


class Reading(NamedTuple):
    """A curve at K phases.

    Attributes:
        value: Mean about each phase, shape `(K,)`; NaN where the curve does not reach.
        scatter: Standard deviation of single reports there, shape `(K,)`; NaN where unknown.
        averaged: Number of reports averaged, shape `(K,)`.
    """

    value: Floats
    scatter: Floats
    averaged: Floats


def choose(reported: Sequence[Floats]) -> Floats:
    """The phases, ascending, the last one 1.

    Args:
        reported: For some runs the fractions of the horizon, ascending, that they reported at.
    """
    at, counts = np.unique(np.concatenate(reported).round(9), return_counts=True)
    common = at[(counts >= len(reported) / 2) & (at < 1 - _SAME)]
    seldom = not (at < 1 - _SAME).any()
    if len(reported) > 1 and len(common) < 2 and not seldom:  # each run has steps of its own
        return np.append(_WANTED, 1.0)
    chosen: list[float] = []
    for wanted in _WANTED if len(common) else ():
        near = float(common[np.argmin(np.abs(np.log(common / wanted)))])
        fits = 1 / _NEAR < near / wanted < _NEAR
        if fits and (not chosen or near > chosen[-1] * _APART):
            chosen.append(near)
    return np.array([*chosen, 1.0])


def read(at: Floats, y: Floats, phases: Floats) -> Reading:
    """Reads a curve.

    Args:
        at: Fractions of the horizon, ascending, above 0, shape `(n,)`.
        y: Finite losses or their logarithms, shape `(n,)`.
        phases: As `choose` gives them, shape `(K,)`.
    """
    n = len(at)
    if not n:
        nothing = np.full(len(phases), np.nan)
        return Reading(nothing, nothing.copy(), np.ones(len(phases)))
    start = np.maximum(phases / 2**_OCTAVES, np.append(0.0, phases[:-1]))
    first = np.searchsorted(at, start * (1 + _SAME), side="right")
    end = np.searchsorted(at, phases * (1 + _SAME), side="right")
    first[-1] = max(end[-1] - 1, first[-1])  # the last report, not a mean
    count = np.maximum(end - first, 1).astype(np.float64)
    windows = zip(first, end, strict=True)
    value = np.array([y[i:j].mean() if j > i else np.nan for i, j in windows])
    gaps = (end == first) & (end > 0) & (end < n)  # between two reports
    value[gaps] = np.interp(np.log(phases[gaps]), np.log(at), y)
    value[phases * _REACHED > at[-1]] = np.nan
    return Reading(value, _scatter(at, y, phases, end), count)


def _scatter(at: Floats, y: Floats, phases: Floats, end: np.ndarray) -> Floats:
    """By how much reports differ from the line through the reports on either side."""
    if len(at) < 3:
        return np.full(len(phases), np.nan)
    x = np.log(at)
    weight = (x[2:] - x[1:-1]) / (x[2:] - x[:-2])
    off = y[1:-1] - weight * y[:-2] - (1 - weight) * y[2:]
    with np.errstate(over="ignore"):  # of losses near the largest numbers
        square = off**2 / (1 + weight**2 + (1 - weight) ** 2)
    low = np.maximum(np.searchsorted(at, phases / _LOOKED_BACK, side="right") - 1, 0)
    windows = zip(low, end - 2, strict=True)
    return np.array([np.sqrt(square[i:j].mean()) if j >= i + 2 else np.nan for i, j in windows])
