"""From a run table to the losses observed at each horizon.

The loss of a constant-rate run at step d is the final loss of a run of horizon d. So one
constant-rate run is an observation at every horizon up to its own. A scheduled run is an
observation only at its own horizon. Its last report counts there if it comes after 4/5 of the
run: by then cosine and linear schedules have spent at least 96 % of their kappa, and what is left
hardly moves the optimum.

At a constant rate, the loss fluctuates from one report to the next by far more than good learning
rates differ. So where constant-rate curves have several reports in the 3/8 of an octave before a
horizon, they are averaged over it, and the average counts at the middle of it.

Losses at one horizon are later compared with each other, never with those at another horizon.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from optuna_kappa._typing import Bools, Floats
from optuna_kappa.law.curves import SAME_HORIZON, Curve, read_curves
from optuna_kappa.law.horizons import FEWEST_RATES, ladder, planned_together
from optuna_kappa.runs import RunTable
from optuna_kappa.schedules import CONSTANT, find_schedule

# A scheduled run counts at its horizon if its last report is before it by at most this factor.
NEARLY_WHOLE = 1.25

# Fractions of a horizon at which a curve is averaged, over 3/8 of an octave.
_EIGHTHS = np.arange(4) / 8
_AVERAGED = 2**-_EIGHTHS

Row = tuple[float, float, str]  # ln lr, loss, run
_RowsAtHorizon = tuple[float, list[Row]]


@dataclass(frozen=True, eq=False)
class Observations:
    """The losses observed at one horizon under one schedule.

    Attributes:
        schedule: Name of the schedule.
        horizon: Horizon, in the unit of data of the table.
        ln_lr: Natural logarithm of the learning rates, shape `(n,)`, ascending.
        loss: Losses, shape `(n,)`; NaN where the run had diverged by this horizon.
        run: Labels of the runs, shape `(n,)`.

    Example:
        >>> seen = Observations(
        ...     schedule="cosine", horizon=8.0, ln_lr=np.log([0.1, 0.2]),
        ...     loss=np.array([0.5, np.nan]), run=np.array(["a", "b"]),
        ... )
        >>> seen.run[np.isfinite(seen.loss)].tolist()
        ['a']
    """

    schedule: str
    horizon: float
    ln_lr: Floats
    loss: Floats
    run: NDArray[np.str_]


def observe(runs: RunTable) -> list[Observations]:
    """Return the observations at every (schedule, horizon) with at least two finite rates.

    Returns:
        Constant rate first, then by name of the schedule; each by ascending horizon.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> [(seen.horizon, len(seen.loss)) for seen in observe(example_runs())]
        [(1.0, 6), (4.0, 6), (16.0, 6), (64.0, 6)]
    """
    curves: dict[str, list[Curve]] = {}
    for curve in read_curves(runs):
        schedule = canonical(curve.schedule)
        curves.setdefault(schedule, []).append(curve)

    def constant_first(schedule: str) -> tuple[bool, str]:
        return schedule != CONSTANT, schedule

    observations = []
    for schedule in sorted(curves, key=constant_first):
        read = _read_constant if schedule == CONSTANT else _read_scheduled

        for horizon, rows in read(curves[schedule]):
            seen = observations_of(schedule, horizon, rows)
            finite = np.isfinite(seen.loss)
            rates = np.unique(seen.ln_lr[finite])

            if len(rates) >= FEWEST_RATES:
                observations.append(seen)

    return observations


def observations_of(
    schedule: str,
    horizon: float,
    rows: Iterable[Row],
) -> Observations:
    """Make observations of rows of (ln lr, loss, run), sorted by ascending ln lr.

    Example:
        >>> rows = [(-6.0, 0.4, "b"), (-7.0, 0.5, "a")]
        >>> observations_of("constant", 1.0, rows).loss.tolist()
        [0.5, 0.4]
    """
    rows = sorted(rows)
    ln_lr, loss, run = zip(*rows, strict=True) if rows else ((), (), ())

    return Observations(
        schedule=schedule,
        horizon=horizon,
        ln_lr=np.array(ln_lr),
        loss=np.array(loss),
        run=np.array(run, str),
    )


@lru_cache
def canonical(name: str) -> str:
    """Return the usual spelling of a schedule's name, or the name itself if it is unknown.

    Example:
        >>> canonical(" Cosine() "), canonical("my own")
        ('cosine', 'my own')
    """
    schedule = find_schedule(name)
    return name if schedule is None else schedule.name


def _read_scheduled(curves: Sequence[Curve]) -> Iterator[_RowsAtHorizon]:
    """Yield horizons and rows of runs that count at their own horizon only."""
    for horizon, planned in planned_together(curves):
        (rows,) = _rows(
            horizons=np.array([horizon]),
            curves=planned,
            averaged=np.zeros(1, dtype=np.bool_),
            before=NEARLY_WHOLE,
        )
        yield horizon, rows


def _read_constant(curves: Sequence[Curve]) -> Iterator[_RowsAtHorizon]:
    """Yield horizons and rows of runs that count at every horizon up to their own."""
    rungs = np.array(ladder(curves))
    if not len(rungs):
        return

    averaged = _have_several_reports(rungs, curves)
    rows = _rows(rungs, curves, averaged, before=SAME_HORIZON)

    ln_fraction = np.log(_AVERAGED).mean()
    middle = rungs * np.exp(ln_fraction)
    horizons = np.where(averaged, middle, rungs)
    yield from zip(horizons.tolist(), rows, strict=True)


def _have_several_reports(rungs: Floats, curves: Sequence[Curve]) -> Bools:
    """Whether every curve seen at a rung has several reports to average there, shape `(r,)`.

    Without them, an average would only be the loss at an earlier step.
    """
    begin = rungs * _AVERAGED[-1] / SAME_HORIZON
    end = rungs * SAME_HORIZON

    several = np.ones(len(rungs), dtype=np.bool_)
    for curve in curves:
        seen = curve.was_seen_at(rungs)
        reports = curve.count_reports(begin, end)
        several &= ~seen | (reports > 1)

    return several


def _rows(
    horizons: Floats,
    curves: Sequence[Curve],
    averaged: Bools,
    before: float,
) -> list[list[Row]]:
    """Return the rows at each horizon: the loss of each run that was seen or had diverged there.

    Args:
        horizons: Horizons, shape `(r,)`.
        curves: Curves of the runs.
        averaged: Whether losses are averaged over the time before a horizon, shape `(r,)`.
        before: The last report may be before a horizon by this factor.
    """
    ln_steps = np.log(np.outer(horizons, _AVERAGED))
    rows: list[list[Row]] = [[] for _ in horizons]

    for curve in curves:
        ln_lr = float(np.log(curve.lr))
        seen = curve.was_seen_at(horizons, before)

        if seen.any():
            earlier = np.interp(ln_steps[seen], np.log(curve.step), curve.loss)
            at_horizon = earlier[:, 0]
            losses = np.where(averaged[seen], earlier.mean(axis=1), at_horizon)

            for i, loss in zip(np.flatnonzero(seen), losses.tolist(), strict=True):
                row = (ln_lr, loss, curve.run)
                rows[i].append(row)

        diverged = curve.had_diverged_at(horizons)
        for i in np.flatnonzero(diverged):
            row = (ln_lr, np.nan, curve.run)
            rows[i].append(row)

    return rows
