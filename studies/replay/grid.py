"""Make an objective from a grid of learning rates, each run with one or several seeds.

A trial is the curve of a random seed. Between the learning rates of the grid, ln loss is
interpolated in ln lr by monotone cubics (Fritsch & Carlson, 1980), for each seed separately: where
the seeds share initial weights and the order of the data, a seed's losses are a smooth curve of
lr.

A run of a horizon that was not recorded is

- the beginning of a longer run, if the schedule counts data (constant, halving each epoch, ...);
- otherwise a run between those of the next smaller and the next larger horizon. The two are
  compared at equal fractions of their horizons and interpolated linearly in ln horizon. Below the
  smallest horizon, the line is extended by a factor of at most `_BEYOND`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from optuna.distributions import BaseDistribution, FloatDistribution
from scipy.interpolate import PchipInterpolator

from optuna_kappa._typing import Floats
from optuna_kappa.runs import RunTable
from optuna_kappa.runs.table import SAME_HORIZON
from optuna_kappa.schedules import AnySchedule, constant
from studies.replay.objective import LR, Curve, Params
from studies.replay.sheet import MIN_LRS, Sheet, seeds_of

_NEAR = 0.1  # at a constant rate, the expected loss is the mean over horizons this near the target
_BEYOND = 3.0  # largest factor of extrapolation below the smallest recorded horizon
_FINE = 2001  # points at which the best expected loss is looked for


class Grid:
    """An objective that interpolates a grid of learning rates.

    See `studies.replay.objective.Objective`.
    """

    def __init__(
        self,
        runs: RunTable,
        horizon: float,
        *,
        prefix: bool,
        schedule: AnySchedule,
        epoch: float,
    ) -> None:
        """Create the objective.

        Args:
            runs: Runs of one schedule and one context, except for their seeds.
            horizon: Target horizon, in steps.
            prefix: Whether the beginning of a run is a run of a shorter horizon.
            schedule: The schedule, in the form in which a `KappaSampler` is given it.
            epoch: A short horizon, in steps.

        Raises:
            ValueError: The table has no runs of this horizon, or too few learning rates.
        """
        self.horizon = horizon
        self.schedule = schedule
        self.epoch = epoch
        self._prefix = prefix

        sheets_of = _longest_runs if prefix else _runs_by_horizon
        self._sheets = sheets_of(runs, seeds_of(runs), horizon)
        nearest = min(self._sheets, key=lambda h: abs(np.log(h / horizon)))
        self._target = self._sheets[nearest]

        self._n_seeds = len(self._target.known)
        if not self._n_seeds:
            raise ValueError(
                f"the table has {len(self._target.ln_lr)} learning rates at horizon {horizon:g}; "
                f"a replay needs at least {MIN_LRS} of one seed"
            )

    @property
    def space(self) -> dict[str, BaseDistribution]:
        """The range of the learning rates that have runs of the target horizon."""
        low = float(self._target.lr[0])
        high = float(self._target.lr[-1])
        return {LR: FloatDistribution(low, high, log=True)}

    @property
    def recorded(self) -> Sequence[Params]:
        """The learning rates of the grid."""
        return [{LR: lr} for lr in self._target.lr.tolist()]

    def curve(
        self,
        params: Params,
        horizon: float,
        rng: np.random.Generator,
    ) -> Curve:
        """Run a trial: replay one of the recorded seeds, chosen at random."""
        seed = int(rng.integers(self._n_seeds))
        ln_lr = float(np.log(params[LR]))
        if not self._prefix:
            return self._between(ln_lr, seed, horizon)

        (sheet,) = self._sheets.values()
        return _cut(sheet, sheet.curve(ln_lr, seed), horizon)

    def regret(self, params: Params) -> float:
        """Expected loss of a full run, divided by that of the best one, minus 1.

        If losses may be negative, it is the difference between the two losses, in units of the
        difference between the loss of the median lr and the best loss.
        """
        knots = self._target.ln_lr
        wanted = np.log(params[LR])
        ln_lr = np.clip(wanted, knots[0], knots[-1])

        # Not below 0: there may be a better lr between two points of the fine grid.
        excess = max(float(self._expected(ln_lr)) - self._best, 0.0)
        if self._target.logarithmic:
            return float(np.expm1(excess))

        typical = float(np.median(self._expected(knots)))
        return excess / (typical - self._best)

    @property
    def best_lr(self) -> float:
        """Learning rate of the lowest expected loss of a full run."""
        return float(np.exp(self._lowest[0]))

    @property
    def _reach(self) -> float:
        """How far horizons may be from the target to be near it, as a fraction.

        A cycle ends a little earlier or later at another rate, and so at another loss.
        """
        return _NEAR if self.schedule == constant() or not self._prefix else 0.0

    @cached_property
    def _expected(self) -> PchipInterpolator:
        """Mean loss over seeds and near horizons, transformed, as a function of ln lr."""
        means = []
        for horizon, sheet in self._sheets.items():
            ends = sheet.steps if self._prefix else np.array([horizon])
            near = np.abs(ends / self.horizon - 1) <= self._reach + SAME_HORIZON
            same_lrs = np.array_equal(sheet.ln_lr, self._target.ln_lr)
            if not near.any() or not same_lrs:
                continue

            first = int(np.argmax(near)) if self._prefix else len(sheet.steps) - 1
            stop = first + int(near.sum())
            means.append(sheet.mean(slice(first, stop)))

        mean = np.mean(means, axis=0)
        return PchipInterpolator(self._target.ln_lr, self._target.transformed(mean))

    @property
    def _best(self) -> float:
        """Lowest expected loss, transformed."""
        return self._lowest[1]

    @cached_property
    def _lowest(self) -> tuple[float, float]:
        """Ln lr of the lowest expected loss, and that loss, transformed."""
        knots = self._target.ln_lr
        fine = np.union1d(knots, np.linspace(knots[0], knots[-1], _FINE))
        expected = self._expected(fine)

        lowest = np.argmin(expected)
        return float(fine[lowest]), float(expected[lowest])

    def _between(self, ln_lr: float, seed: int, horizon: float) -> Curve:
        """A run whose schedule is stretched to its horizon."""
        low, high, weight = self._neighbours(horizon)
        nearest = self._sheets[high if weight > 1 / 2 else low]
        fractions = nearest.steps / nearest.steps[-1]

        shorter = _at_fractions(fractions, self._sheets[low], ln_lr, seed)
        longer = _at_fractions(fractions, self._sheets[high], ln_lr, seed)
        values = shorter + weight * (longer - shorter)

        return Curve(fractions * horizon, nearest.losses(values))

    def _neighbours(self, horizon: float) -> tuple[float, float, float]:
        """The recorded horizons to interpolate between, and the weight of the larger one.

        Raises:
            ValueError: The horizon is too far from all recorded ones.
        """
        known = np.array(sorted(self._sheets))
        if not known[0] / _BEYOND <= horizon <= known[-1] * (1 + SAME_HORIZON):
            raise ValueError(
                f"the table has no {self.schedule.name} runs near horizon {horizon:g}, only of "
                f"{', '.join(f'{h:g}' for h in known)}; a search with probes "
                "(kappa, top-k) cannot be replayed on it"
            )

        exact = np.abs(known / horizon - 1) < SAME_HORIZON
        if exact.any() or len(known) == 1:
            only = float(known[np.argmax(exact)])
            return only, only, 0.0

        above = np.searchsorted(known, horizon)
        right = int(np.clip(above, 1, len(known) - 1))
        low = float(known[right - 1])
        high = float(known[right])
        weight = np.log(horizon / low) / np.log(high / low)
        return low, high, weight


def _at_fractions(
    fractions: Floats,
    sheet: Sheet,
    ln_lr: float,
    seed: int,
) -> Floats:
    """A sheet's curve, transformed, at fractions of its horizon."""
    recorded = sheet.steps / sheet.steps[-1]
    return np.interp(fractions, recorded, sheet.curve(ln_lr, seed))


def _cut(sheet: Sheet, values: Floats, horizon: float) -> Curve:
    """The beginning of a run, with its last report at the horizon."""
    horizon = max(horizon, float(sheet.steps[0]))
    before = sheet.steps < horizon * (1 - SAME_HORIZON)
    last = np.interp(
        np.log(horizon),
        np.log(sheet.steps),
        values,
    )

    steps = np.append(sheet.steps[before], horizon)
    values = np.append(values[before], last)
    return Curve(steps, sheet.losses(values))


def _longest_runs(
    runs: RunTable,
    seeds: Mapping[str, str],
    horizon: float,
) -> dict[float, Sheet]:
    """One sheet of the runs that reach the target, at the steps that most of them have."""
    reaching = runs.where(runs.horizon >= horizon * (1 - SAME_HORIZON))
    if not len(reaching):
        raise ValueError(
            f"the table has no runs of horizon {horizon:g} or more; its largest is "
            f"{runs.horizon.max():g}"
        )

    shortest = float(reaching.horizon.min())
    end = min(horizon * (1 + _NEAR), shortest)
    steps = _common_steps(reaching, max(end, horizon))
    sheet = Sheet(reaching, seeds, np.union1d(steps, [horizon]))
    return {horizon: sheet}


def _runs_by_horizon(
    runs: RunTable,
    seeds: Mapping[str, str],
    horizon: float,
) -> dict[float, Sheet]:
    """A sheet of the runs of each horizon that has enough learning rates."""
    horizons = np.unique(runs.horizon)
    if np.abs(horizons / horizon - 1).min() > SAME_HORIZON:
        raise ValueError(
            f"the table has no runs of horizon {horizon:g}; it has "
            f"{', '.join(f'{h:g}' for h in horizons)}"
        )

    sheets = {}
    for h in horizons:
        part = runs.where(runs.horizon == h)
        if len(np.unique(part.lr)) >= MIN_LRS:
            steps = np.union1d(_common_steps(part, h), [h])
            sheets[float(h)] = Sheet(part, seeds, steps)

    return sheets


def _common_steps(runs: RunTable, end: float) -> Floats:
    """Steps up to `end` at which at least half of the runs that did not diverge report."""
    latest = end * (1 + SAME_HORIZON)
    inside = (runs.step > 0) & (runs.step <= latest) & np.isfinite(runs.loss)
    steps, counts = np.unique(runs.step[inside], return_counts=True)
    common = counts >= counts.max(initial=0) / 2
    return np.asarray(steps[common], dtype=np.float64)
