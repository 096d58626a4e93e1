"""From a run table to the losses seen at each horizon.

The loss of a constant-rate run at step d is the final loss of a run of horizon d, so one such run
is an observation at every horizon up to its own. A scheduled run is one only at its own horizon.

At a constant rate the loss jumps about from one report to the next, by far more than good
learning rates differ. So constant-rate curves are averaged over the third of an octave before a
horizon, where they have several reports in it, and count at the middle of that.

A horizon's losses are later compared with each other, never with another horizon's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from optuna_kappa._typing import Floats
from optuna_kappa.runs import RunTable
from optuna_kappa.schedules import CONSTANT, find_schedule

_MIN_LRS = 2  # a single learning rate says nothing about the best one
_SAME_HORIZON = 1.05  # a run reported within this factor of a horizon was seen there
_LADDER = 2**0.5  # spacing of the horizons read off constant-rate curves
_APART = _LADDER**0.5  # two rungs are at least this factor apart
_DEEPEST = 256  # horizons below the largest by more than this factor say nothing about it
_AVERAGED = 2 ** (-np.arange(4) / 8)  # fractions of a horizon at which a curve is averaged
_NEVER = np.inf

Row = tuple[float, float, str]  # ln lr, loss, run


@dataclass(frozen=True, eq=False)
class Observations:
    """What was seen at one horizon under one schedule.

    Attributes:
        schedule: Name of the schedule.
        horizon: Horizon, in the unit of data of the table.
        ln_lr: Natural logarithm of the learning rates, shape `(n,)`, ascending.
        loss: Losses, shape `(n,)`; NaN where the run had diverged by this horizon.
        run: Labels of the runs, shape `(n,)`.
    """

    schedule: str
    horizon: float
    ln_lr: Floats
    loss: Floats
    run: NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class _Curve:
    run: str
    lr: float
    horizon: float
    step: Floats  # ascending, finite losses only
    loss: Floats
    diverged_at: float


def observe(runs: RunTable) -> list[Observations]:
    """Observations at every (schedule, horizon) with at least two finite learning rates.

    Returns:
        Constant rate first, then by schedule; each by ascending horizon.
    """
    curves: dict[str, list[_Curve]] = {}
    for schedule, curve in _curves(runs):
        curves.setdefault(_canonical(schedule), []).append(curve)
    found = []
    for schedule in sorted(curves, key=lambda name: (name != CONSTANT, name)):
        group = curves[schedule]
        seen = _constant(group) if schedule == CONSTANT else _scheduled(group)
        for horizon, rows in seen:
            one = observations_of(schedule, horizon, rows)
            if len(np.unique(one.ln_lr[np.isfinite(one.loss)])) >= _MIN_LRS:
                found.append(one)
    return found


@lru_cache
def _canonical(name: str) -> str:
    """The usual spelling of a schedule's name, the name itself where it is of none we know."""
    schedule = find_schedule(name)
    return name if schedule is None else schedule.name


def _curves(runs: RunTable) -> Iterator[tuple[str, _Curve]]:
    for rows in runs.by_run():
        step, loss = runs.step[rows], runs.loss[rows]
        fine = np.isfinite(loss) & (step > 0)
        bad = step[~np.isfinite(loss)]
        first = rows[0]
        yield (
            str(runs.schedule[first]),
            _Curve(
                run=str(runs.run[first]),
                lr=float(runs.lr[first]),
                horizon=float(runs.horizon[first]),
                step=step[fine],
                loss=loss[fine],
                diverged_at=float(bad.min()) if len(bad) else _NEVER,
            ),
        )


def observations_of(schedule: str, horizon: float, rows: Iterable[Row]) -> Observations:
    """The observations that these rows are, by ascending ln lr."""
    rows = sorted(rows)
    ln_lr, loss, run = zip(*rows, strict=True) if rows else ((), (), ())
    return Observations(schedule, horizon, np.array(ln_lr), np.array(loss), np.array(run, str))


def _scheduled(curves: list[_Curve]) -> Iterator[tuple[float, list[Row]]]:
    """Horizons and rows of runs that count at their own horizon only."""
    for horizon in sorted({curve.horizon for curve in curves}):
        planned = [curve for curve in curves if curve.horizon == horizon]
        at = np.array([horizon])
        reached = np.array([_reaches(curve, at) for curve in planned])
        yield horizon, _rows(at, planned, reached, np.zeros(1, dtype=bool))[0]


def _constant(curves: list[_Curve]) -> Iterator[tuple[float, list[Row]]]:
    """Horizons and rows of runs that count at every horizon up to their own."""
    rungs = np.array(_ladder(curves))
    if not len(rungs):
        return
    reached = np.array([_reaches(curve, rungs) for curve in curves])
    # Where there are no reports to average, an average would only be late by some steps.
    begin, end = rungs * _AVERAGED[-1] / _SAME_HORIZON, rungs * _SAME_HORIZON
    reports = np.array(
        [np.searchsorted(c.step, end) - np.searchsorted(c.step, begin) for c in curves]
    )
    several = ((reports > 1) | ~reached).all(axis=0)
    middle = np.where(several, rungs * np.exp(np.log(_AVERAGED).mean()), rungs)
    yield from zip(middle.tolist(), _rows(rungs, curves, reached, several), strict=True)


def _ladder(curves: list[_Curve]) -> list[float]:
    """Horizons at which constant-rate curves are read: where runs ended, and between those."""
    ends = sorted(curve.step[-1] for curve in curves if len(curve.step))
    if not ends:
        return []
    first = min(curve.step[0] for curve in curves if len(curve.step))
    largest = ends[-1]
    lowest = max(first, largest / _DEEPEST)
    rungs: list[float] = []
    for end in reversed(ends):
        if end >= lowest and (not rungs or rungs[-1] / end >= _APART):
            rungs.append(float(end))
    n = int(np.floor(np.log(largest / lowest) / np.log(_LADDER) + 1e-9))
    for horizon in largest / _LADDER ** np.arange(n + 1):
        if all(abs(np.log(horizon / rung)) >= np.log(_APART) for rung in rungs):
            rungs.append(float(horizon))
    return sorted(rungs)


def _reaches(curve: _Curve, horizons: Floats) -> NDArray[np.bool_]:
    """Whether a curve was seen at each horizon, with a finite loss."""
    if not len(curve.step):
        return np.zeros(len(horizons), dtype=np.bool_)
    first, last = curve.step[0] / _SAME_HORIZON, curve.step[-1] * _SAME_HORIZON
    seen = (first <= horizons) & (horizons <= last) & (curve.diverged_at > horizons)
    return np.asarray(seen)


def _rows(
    horizons: Floats,
    curves: list[_Curve],
    reached: NDArray[np.bool_],
    averaged: NDArray[np.bool_],
) -> list[list[Row]]:
    """The loss of each run at each horizon, averaged before it or not, by horizon.

    Args:
        horizons: Horizons, shape `(r,)`.
        curves: The runs, n of them.
        reached: Which runs were seen at which horizon, shape `(n, r)`.
        averaged: Whether losses are averaged, shape `(r,)`.
    """
    at = np.log(np.outer(horizons, _AVERAGED))
    rows: list[list[Row]] = [[] for _ in horizons]
    for curve, seen in zip(curves, reached, strict=True):
        ln_lr = float(np.log(curve.lr))
        if seen.any():
            losses = np.interp(at[seen], np.log(curve.step), curve.loss)
            means = np.where(averaged[seen], losses.mean(axis=1), losses[:, 0])
            for i, loss in zip(np.flatnonzero(seen), means.tolist(), strict=True):
                rows[i].append((ln_lr, loss, curve.run))
        for i in np.flatnonzero(curve.diverged_at <= horizons):
            rows[i].append((ln_lr, np.nan, curve.run))
    return rows
