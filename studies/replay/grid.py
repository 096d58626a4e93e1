"""An objective from a grid of learning rates, each run with one or several seeds.

Between the learning rates of the grid, ln loss is interpolated in ln lr by monotone cubics
(Fritsch & Carlson, 1980), for each seed by itself: where the seeds share initial weights and the
order of the data, a seed's losses are a smooth curve of lr. A trial is the curve of a random seed.

A run of a horizon that was not recorded is

- the beginning of a longer one, if the schedule counts data (constant, halving each epoch, ...);
- else between those of the next smaller and larger horizon, at equal fractions of the horizon,
  linear in ln horizon; below the smallest, by at most `_BEYOND`, the same line goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from optuna.distributions import BaseDistribution, FloatDistribution
from scipy.interpolate import PchipInterpolator

from optuna_kappa._typing import Floats
from optuna_kappa.runs import RunTable
from optuna_kappa.schedules import AnySchedule
from studies.replay.objective import LR, Curve, Params

_NEAR = 0.1  # expected losses are averaged over horizons within this part of the target
_SAME = 1e-6  # two horizons this close are one
_BEYOND = 3.0  # how far below the smallest recorded horizon a run may be extrapolated
_MIN_LRS = 4  # fewer make no curve
_FINE = 2001  # points on which the best expected loss is looked for


class Sheet:
    """All recorded runs of one horizon, as losses over seeds, learning rates and steps."""

    def __init__(self, runs: RunTable, seeds: Mapping[str, str], steps: Floats) -> None:
        """Arranges the runs; seeds with too few learning rates are left out.

        Args:
            runs: Runs of one schedule that reach the last step.
            seeds: Label of the seed of each run.
            steps: Steps to know the losses at, ascending, above 0.
        """
        self.steps = steps
        lrs, columns = np.unique(runs.lr, return_inverse=True)
        labels = sorted({seeds[run] for run in runs.run})
        loss = np.full((len(labels), len(lrs), len(steps)), np.nan)
        known = np.zeros(loss.shape[:2], dtype=bool)
        for rows in runs.by_run():
            at = labels.index(seeds[str(runs.run[rows[0]])]), columns[rows[0]]
            known[at] = True
            loss[at] = _on_steps(runs.step[rows], runs.loss[rows], steps)
        enough = known.sum(axis=1) >= _MIN_LRS
        self.lr: Floats = lrs
        self.ln_lr: Floats = np.log(lrs)
        self.loss, self.known = loss[enough], known[enough]

    @cached_property
    def logarithmic(self) -> bool:
        """Whether losses are interpolated by their logarithm: where all are positive."""
        return bool((self.loss[np.isfinite(self.loss)] > 0).all())

    def transformed(self, loss: Floats) -> Floats:
        """Losses as they are interpolated."""
        return np.asarray(np.log(loss)) if self.logarithmic else loss

    def losses(self, values: Floats) -> Floats:
        """The inverse of `transformed`."""
        return np.asarray(np.exp(values)) if self.logarithmic else values

    def curve(self, ln_lr: float, seed: int) -> Floats:
        """The losses of a seed at `steps`, transformed; NaN from where the run had diverged."""
        seed %= len(self.known)
        lrs = np.flatnonzero(self.known[seed])
        nearest = lrs[np.argmin(np.abs(self.ln_lr[lrs] - ln_lr))]
        values = np.array(self._interpolators[seed](ln_lr))
        values[np.isnan(np.minimum.accumulate(self.loss[seed, nearest]))] = np.nan
        return values

    def mean(self, columns: slice) -> Floats:
        """Mean loss over seeds and some of the steps at each lr, shape `(n_lrs,)`.

        A run that diverged counts with the largest loss that was seen.
        """
        counted = np.where(self.known[:, :, None], self._filled[:, :, columns], np.nan)
        return np.asarray(np.nanmean(counted, axis=(0, 2)))

    @cached_property
    def _filled(self) -> Floats:
        """The losses, the largest one in place of those that are not finite."""
        worst = np.nanmax(np.where(np.isfinite(self.loss), self.loss, np.nan), axis=(0, 1))
        filled: Floats = np.where(np.isfinite(self.loss), self.loss, worst)
        return filled

    @cached_property
    def _interpolators(self) -> list[PchipInterpolator]:
        y = self.transformed(self._filled)
        return [
            PchipInterpolator(self.ln_lr[known], y[seed][known], axis=0, extrapolate=True)
            for seed, known in enumerate(self.known)
        ]


class Grid:
    """The objective; see `studies.replay.objective.Objective`."""

    def __init__(
        self, runs: RunTable, horizon: float, *, prefix: bool, schedule: AnySchedule, epoch: float
    ) -> None:
        """Makes the objective.

        Args:
            runs: Runs of one schedule and one context, seeds aside.
            horizon: Target horizon, in steps.
            prefix: Whether the beginning of a run is a run of a shorter horizon.
            schedule: The schedule, as a `KappaSampler` is told it.
            epoch: A short horizon.

        Raises:
            ValueError: The table has no runs of this horizon, or too few learning rates.
        """
        self.horizon, self.schedule, self.epoch = horizon, schedule, epoch
        seeds = _seeds(runs)
        self._sheets = _prefix(runs, seeds, horizon) if prefix else _own(runs, seeds, horizon)
        self._prefix = prefix
        target = self._sheets[min(self._sheets, key=lambda h: abs(np.log(h / horizon)))]
        if not len(target.known):
            raise ValueError(
                f"the table has {len(target.ln_lr)} learning rates at horizon {horizon:g}; a "
                f"replay needs at least {_MIN_LRS} of one seed"
            )
        self._n_seeds = len(target.known)
        self._target = target

    @property
    def space(self) -> dict[str, BaseDistribution]:
        """The range of the learning rates that have runs of the target horizon."""
        low, high = float(self._target.lr[0]), float(self._target.lr[-1])
        return {LR: FloatDistribution(low, high, log=True)}

    @property
    def recorded(self) -> Sequence[Params]:
        """The learning rates of the grid."""
        return [{LR: lr} for lr in self._target.lr.tolist()]

    def curve(self, params: Params, horizon: float, rng: np.random.Generator) -> Curve:
        """Runs a trial: one of the recorded seeds, at random."""
        seed, ln_lr = int(rng.integers(self._n_seeds)), float(np.log(params[LR]))
        if self._prefix:
            (sheet,) = self._sheets.values()
            return _cut(sheet, sheet.curve(ln_lr, seed), horizon)
        return self._between(ln_lr, seed, horizon)

    def regret(self, params: Params) -> float:
        """Expected loss of a full run over that of the best one, minus 1.

        Where losses may be negative: their difference, in parts of that of the median lr.
        """
        x = np.clip(np.log(params[LR]), self._target.ln_lr[0], self._target.ln_lr[-1])
        # At least 0: between two points of the fine grid there may be a better one.
        excess = max(float(self._expected(x)) - self._best, 0.0)
        if self._target.logarithmic:
            return float(np.expm1(excess))
        return excess / (float(np.median(self._expected(self._target.ln_lr))) - self._best)

    @cached_property
    def _expected(self) -> PchipInterpolator:
        """The mean loss over seeds and near horizons, transformed, over ln lr."""
        means = []
        for horizon, sheet in self._sheets.items():
            ends = sheet.steps if self._prefix else np.array([horizon])
            near = np.abs(ends / self.horizon - 1) <= _NEAR + _SAME
            if near.any() and np.array_equal(sheet.ln_lr, self._target.ln_lr):
                first = int(np.argmax(near)) if self._prefix else len(sheet.steps) - 1
                means.append(sheet.mean(slice(first, first + int(near.sum()))))
        mean = np.mean(means, axis=0)
        return PchipInterpolator(self._target.ln_lr, self._target.transformed(mean))

    @cached_property
    def _best(self) -> float:
        knots = self._target.ln_lr
        fine = np.union1d(knots, np.linspace(knots[0], knots[-1], _FINE))
        return float(self._expected(fine).min())

    def _between(self, ln_lr: float, seed: int, horizon: float) -> Curve:
        """A run of a schedule that is stretched to its horizon."""
        known = np.array(sorted(self._sheets))
        if not known[0] / _BEYOND <= horizon <= known[-1] * (1 + _SAME):
            raise ValueError(
                f"the table has no {self.schedule.name} runs near horizon {horizon:g}, only of "
                f"{', '.join(f'{h:g}' for h in known)}; a search with probes "
                "(kappa, top-k) cannot be replayed on it"
            )
        exact = np.abs(known / horizon - 1) < _SAME
        if exact.any() or len(known) == 1:
            low = high = float(known[np.argmax(exact)])
            weight = 0.0
        else:
            right = int(np.clip(np.searchsorted(known, horizon), 1, len(known) - 1))
            low, high = float(known[right - 1]), float(known[right])
            weight = np.log(horizon / low) / np.log(high / low)
        near = self._sheets[high if weight > 1 / 2 else low]
        fractions = near.steps / near.steps[-1]
        a, b = (self._at(fractions, self._sheets[h], ln_lr, seed) for h in (low, high))
        return Curve(fractions * horizon, near.losses(a + weight * (b - a)))

    @staticmethod
    def _at(fractions: Floats, sheet: Sheet, ln_lr: float, seed: int) -> Floats:
        """A sheet's curve at fractions of its horizon."""
        return np.interp(fractions, sheet.steps / sheet.steps[-1], sheet.curve(ln_lr, seed))


def _cut(sheet: Sheet, values: Floats, horizon: float) -> Curve:
    """The beginning of a run, its last report at the horizon."""
    horizon = max(horizon, float(sheet.steps[0]))
    before = sheet.steps < horizon * (1 - _SAME)
    last = np.interp(np.log(horizon), np.log(sheet.steps), values)
    steps = np.append(sheet.steps[before], horizon)
    return Curve(steps, sheet.losses(np.append(values[before], last)))


def _prefix(runs: RunTable, seeds: Mapping[str, str], horizon: float) -> dict[float, Sheet]:
    """The runs that reach the target, each with the steps that most of them have."""
    reach = runs.where(runs.horizon >= horizon * (1 - _SAME))
    if not len(reach):
        raise ValueError(
            f"the table has no runs of horizon {horizon:g} or more; its largest is "
            f"{runs.horizon.max():g}"
        )
    end = min(horizon * (1 + _NEAR), float(reach.horizon.min()))
    steps = _steps(reach, max(end, horizon))
    return {horizon: Sheet(reach, seeds, np.union1d(steps, [horizon]))}


def _own(runs: RunTable, seeds: Mapping[str, str], horizon: float) -> dict[float, Sheet]:
    """The runs of each horizon."""
    horizons = np.unique(runs.horizon)
    if np.abs(horizons / horizon - 1).min() > _SAME:
        raise ValueError(
            f"the table has no runs of horizon {horizon:g}; it has "
            f"{', '.join(f'{h:g}' for h in horizons)}"
        )
    sheets = {}
    for h in horizons:
        part = runs.where(runs.horizon == h)
        if len(np.unique(part.lr)) >= _MIN_LRS:
            sheets[float(h)] = Sheet(part, seeds, np.union1d(_steps(part, h), [h]))
    return sheets


def _steps(runs: RunTable, end: float) -> Floats:
    """The steps up to `end` at which at least half of the runs that did not diverge report."""
    inside = (runs.step > 0) & (runs.step <= end * (1 + _SAME)) & np.isfinite(runs.loss)
    steps, counts = np.unique(runs.step[inside], return_counts=True)
    return np.asarray(steps[counts >= counts.max(initial=0) / 2], dtype=np.float64)


def _on_steps(step: Floats, loss: Floats, wanted: Floats) -> Floats:
    """A run's losses at the wanted steps, linear in ln step; NaN from where it diverged."""
    bad = ~np.isfinite(loss)
    diverged = step[bad].min() if bad.any() else np.inf
    fine = ~bad & (step < diverged) & (step > 0)
    if not fine.any():
        return np.full(len(wanted), np.nan)
    values = np.interp(np.log(wanted), np.log(step[fine]), loss[fine])
    # After its last finite report, a diverged run has none.
    return np.where((wanted >= diverged) | ((wanted > step[fine][-1]) & bad.any()), np.nan, values)


def _seeds(runs: RunTable) -> dict[str, str]:
    """Which seed each run is: by its column, or counted at each learning rate and horizon."""
    labels, first = np.unique(runs.run, return_index=True)
    if "seed" in runs.context:
        return {
            str(run): str(runs.context["seed"][i]) for run, i in zip(labels, first, strict=True)
        }
    counts: dict[tuple[float, float], int] = {}
    seeds = {}
    for i in sorted(first):
        key = float(runs.lr[i]), float(runs.horizon[i])
        seeds[str(runs.run[i])] = f"{counts.get(key, 0):06d}"
        counts[key] = counts.get(key, 0) + 1
    return seeds
