"""The losses that were recorded at a horizon, and what a learning rate would have lost there.

The losses of one horizon, averaged over the runs of each learning rate (its seeds), are
interpolated in ln lr by monotone cubics (Fritsch & Carlson, 1980), on the logarithmic scale where
all are positive. A run that diverged counts with the largest finite loss of that horizon.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import PchipInterpolator

from optuna_kappa._typing import Floats
from optuna_kappa._validation import check_type
from optuna_kappa.backtest.curve import RecordedCurve, read_curve
from optuna_kappa.law.horizons import SAME_PLAN
from optuna_kappa.law.observations import Observations, Row, observations_of, observe
from optuna_kappa.runs import RunTable
from optuna_kappa.runs.gaps import without_gaps
from optuna_kappa.runs.table import SAME_HORIZON
from optuna_kappa.schedules import CONSTANT, is_constant

# A constant-rate curve is averaged within this fraction of a horizon on both sides, as the replay
# does.
_NEAR = 0.1


@dataclass(frozen=True, eq=False)
class Recorded:
    """Losses of one schedule at one horizon.

    Attributes:
        seen: The loss of each run, NaN where it had diverged; at least two learning rates have a
            finite loss.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> recorded = RecordedRuns(example_runs(slope=1.0)).at(64)
        >>> print(f"{recorded.best_lr:.1e}")
        1.2e-04
    """

    seen: Observations

    @cached_property
    def ln_lr(self) -> Floats:
        """Distinct ln lr, ascending, shape `(m,)`.

        Example:
            >>> from optuna_kappa.runs import example_runs
            >>> recorded = RecordedRuns(example_runs(slope=1.0)).at(64)
            >>> recorded.ln_lr.round(1).tolist()
            [-11.1, -10.1, -9.1, -8.1, -7.1, -6.1]
        """
        return np.unique(self.seen.ln_lr)

    @cached_property
    def loss(self) -> Floats:
        """Mean loss at each distinct ln lr, shape `(m,)`.

        Example:
            >>> from optuna_kappa.runs import example_runs
            >>> recorded = RecordedRuns(example_runs(slope=1.0)).at(64)
            >>> recorded.loss.round(2).tolist()
            [0.93, 0.46, 0.3, 0.33, 0.6, 1.26]
        """
        loss = self.seen.loss
        # How much a diverged run lost is not known, only that it lost more than the others.
        filled = np.where(np.isfinite(loss), loss, np.nanmax(loss))
        place = np.searchsorted(self.ln_lr, self.seen.ln_lr)

        total = np.bincount(place, weights=filled)
        count = np.bincount(place)
        mean: Floats = total / count
        return mean

    @property
    def horizon(self) -> float:
        """Horizon, in the unit of data of the table.

        Example:
            >>> from optuna_kappa.runs import example_runs
            >>> RecordedRuns(example_runs()).largest(n_lrs=3).horizon
            64.0
        """
        return self.seen.horizon

    @property
    def n_finite(self) -> int:
        """Number of learning rates with a finite loss.

        Example:
            >>> from optuna_kappa.runs import example_runs
            >>> RecordedRuns(example_runs()).at(64).n_finite
            6
        """
        is_finite = np.isfinite(self.seen.loss)
        return len(np.unique(self.seen.ln_lr[is_finite]))

    @property
    def best_lr(self) -> float:
        """The recorded learning rate of the lowest mean loss.

        Example:
            >>> from optuna_kappa.runs import example_runs
            >>> print(f"{RecordedRuns(example_runs(slope=0.5)).at(64).best_lr:.1e}")
            9.3e-04
        """
        best = np.argmin(self.loss)
        return float(np.exp(self.ln_lr[best]))

    def regret(self, lr: float) -> float:
        """Loss at a learning rate above the lowest mean loss.

        A monotone cubic is nowhere below its data, so the lowest loss is that of a recorded lr.

        Args:
            lr: Learning rate; one outside the recorded range is clipped to it.

        Returns:
            As a fraction of the lowest loss; where a loss is not positive, the difference.

        Example:
            >>> from optuna_kappa.runs import example_runs
            >>> recorded = RecordedRuns(example_runs(slope=1.0)).at(64)
            >>> round(recorded.regret(3 * recorded.best_lr), 2)
            0.16
        """
        is_logarithmic = bool((self.loss > 0).all())
        level = np.log(self.loss) if is_logarithmic else self.loss

        lowest = self.ln_lr[0]
        highest = self.ln_lr[-1]
        ln_lr = np.clip(np.log(lr), lowest, highest)

        interpolate = PchipInterpolator(self.ln_lr, level)
        # Rounding may leave the interpolated loss just below the lowest one.
        excess = max(float(interpolate(ln_lr) - level.min()), 0.0)
        return float(np.expm1(excess)) if is_logarithmic else excess


class RecordedRuns:
    """Runs of one schedule, whose losses at any horizon can be asked for.

    Curves are read once, and so is each horizon.

    Attributes:
        runs: The runs.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> recorded = RecordedRuns(example_runs(horizons=[4, 16]))
        >>> recorded.horizons, recorded.at(16).n_finite
        ([16.0, 4.0], 6)
    """

    def __init__(self, runs: RunTable) -> None:
        """Keep the runs; they are read when they are needed.

        Args:
            runs: Runs of one schedule.

        Raises:
            ValueError: These are no run table.
        """
        check_type("runs", runs, RunTable, "read_csv and run_table make one")
        self.runs = without_gaps(runs)
        self._by_horizon: dict[float, Recorded | None] = {}

    @cached_property
    def is_constant(self) -> bool:
        """Whether the runs count at every horizon up to their own.

        Example:
            >>> from optuna_kappa.runs import example_runs
            >>> RecordedRuns(example_runs(schedule="cosine")).is_constant
            False
        """
        return len(self.runs) > 0 and is_constant(str(self.runs.schedule[0]))

    @cached_property
    def horizons(self) -> list[float]:
        """Horizons of interest, descending: the planned ones, or where constant-rate curves end.

        Example:
            >>> from optuna_kappa.runs import example_runs
            >>> RecordedRuns(example_runs()).horizons
            [64.0, 16.0, 4.0, 1.0]
        """
        if not self.is_constant:
            return self._planned

        ends = {float(curve.step.max(initial=0)) for curve in self._curves}
        return sorted(ends - {0.0}, reverse=True)

    def at(self, horizon: float) -> Recorded | None:
        """The losses at a horizon; None with fewer than two learning rates.

        A constant-rate run counts at every horizon up to its own. Since single reports scatter,
        its loss is the mean over reports within 10 % of the horizon, up to the end of the
        shortest of the runs that count.

        Args:
            horizon: Horizon, in the unit of the table.

        Example:
            >>> from optuna_kappa.runs import example_runs
            >>> recorded = RecordedRuns(example_runs(horizons=[4, 16]))
            >>> recorded.at(4).n_finite, recorded.at(64)
            (6, None)
        """
        if horizon not in self._by_horizon:
            losses = self._read(horizon)
            self._by_horizon[horizon] = losses

        return self._by_horizon[horizon]

    def largest(self, n_lrs: int) -> Recorded | None:
        """The losses at the largest horizon with at least `n_lrs` learning rates of finite loss.

        Example:
            >>> from optuna_kappa.runs import example_runs
            >>> RecordedRuns(example_runs(horizons=[4, 16])).largest(n_lrs=3).horizon
            16.0
        """
        for horizon in self.horizons:
            losses = self.at(horizon)
            if losses is not None and losses.n_finite >= n_lrs:
                return losses
        return None

    def _read(self, horizon: float) -> Recorded | None:
        if not self.is_constant:
            is_planned = np.abs(self.runs.horizon / horizon - 1) < SAME_PLAN - 1
            planned = observe(self.runs.where(is_planned))
            return Recorded(planned[0]) if planned else None

        observations = observations_of(CONSTANT, horizon, self._rows(horizon))
        losses = Recorded(observations)
        return losses if losses.n_finite > 1 else None

    @property
    def _planned(self) -> list[float]:
        """The planned horizons, descending; of those that differ by rounding, the largest."""
        distinct: list[float] = []
        for horizon in sorted(set(self.runs.horizon.tolist()), reverse=True):
            if not distinct or horizon * SAME_PLAN < distinct[-1]:
                distinct.append(horizon)
        return distinct

    @cached_property
    def _curves(self) -> list[RecordedCurve]:
        return [read_curve(self.runs, rows) for rows in self.runs.by_run()]

    def _rows(self, horizon: float) -> Iterator[Row]:
        """The loss at a horizon of each constant-rate run that reached it, or diverged."""
        reaching = []
        for curve in self._curves:
            if curve.diverged_at <= horizon:
                yield curve.ln_lr, np.nan, curve.run
            elif curve.reaches(horizon):
                reaching.append(curve)

        # All runs are averaged over the same steps, or the longer ones would look better.
        shortest_end = min((curve.step[-1] for curve in reaching), default=horizon)
        low = horizon * (1 - _NEAR - SAME_HORIZON)
        high = min(horizon * (1 + _NEAR), shortest_end) * (1 + SAME_HORIZON)

        for curve in reaching:
            is_near = (curve.step >= low) & (curve.step <= high)
            if is_near.any():
                loss = curve.loss[is_near].mean()
                yield curve.ln_lr, float(loss), curve.run
            elif curve.step[0] <= horizon:
                loss = np.interp(np.log(horizon), np.log(curve.step), curve.loss)
                yield curve.ln_lr, float(loss), curve.run
