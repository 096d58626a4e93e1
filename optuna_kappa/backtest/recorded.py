"""What a learning rate would have lost at a horizon that was recorded.

The losses of one horizon, averaged over the runs of each learning rate (its seeds), are
interpolated in ln lr by monotone cubics (Fritsch & Carlson, 1980), on the logarithmic scale where
all are positive. A run that diverged counts with the largest finite loss of that horizon.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.interpolate import PchipInterpolator

from optuna_kappa._typing import Floats, Rows
from optuna_kappa.law.observations import Observations, Row, observations_of, observe
from optuna_kappa.runs import RunTable
from optuna_kappa.runs.table import SAME_HORIZON
from optuna_kappa.schedules import CONSTANT, is_constant

_NEAR = 0.1  # a constant-rate curve is averaged within this part of a horizon, as in the replay


@dataclass(frozen=True, eq=False)
class Recorded:
    """Losses of one schedule at one horizon.

    Attributes:
        seen: The loss of each run, NaN where it had diverged; at least two finite learning rates.
    """

    seen: Observations

    @cached_property
    def ln_lr(self) -> Floats:
        """Distinct ln lr, ascending, shape `(m,)`."""
        return np.unique(self.seen.ln_lr)

    @cached_property
    def loss(self) -> Floats:
        """Mean loss at each of them, shape `(m,)`."""
        loss = self.seen.loss
        filled = np.where(np.isfinite(loss), loss, np.nanmax(loss))
        index = np.searchsorted(self.ln_lr, self.seen.ln_lr)
        mean: Floats = np.bincount(index, weights=filled) / np.bincount(index)
        return mean

    @property
    def horizon(self) -> float:
        """Horizon, in the unit of data of the table."""
        return self.seen.horizon

    @property
    def n_finite(self) -> int:
        """Learning rates with a finite loss."""
        return len(np.unique(self.seen.ln_lr[np.isfinite(self.seen.loss)]))

    @property
    def best_lr(self) -> float:
        """The recorded learning rate of the lowest mean loss."""
        return float(np.exp(self.ln_lr[np.argmin(self.loss)]))

    def regret(self, lr: float) -> float:
        """Loss at a learning rate above the lowest mean loss.

        A monotone cubic is nowhere below its data, so the lowest is that of a recorded lr.

        Args:
            lr: Learning rate; one outside the recorded range is clipped to it.

        Returns:
            In fractions of the lowest loss; where a loss is not positive, the difference.
        """
        logarithmic = bool((self.loss > 0).all())
        level = np.log(self.loss) if logarithmic else self.loss
        x = np.clip(np.log(lr), self.ln_lr[0], self.ln_lr[-1])
        excess = max(float(PchipInterpolator(self.ln_lr, level)(x) - level.min()), 0.0)
        return float(np.expm1(excess)) if logarithmic else excess


class _Curve(NamedTuple):
    """A constant-rate run: its finite losses of some training, by step."""

    ln_lr: float
    run: str
    step: Floats
    loss: Floats
    diverged_at: float  # infinite if it never did


class RecordedRuns:
    """Runs of one schedule, asked for their losses at any horizon.

    Curves are read once, and so is each horizon.

    Attributes:
        runs: The runs.
    """

    def __init__(self, runs: RunTable) -> None:
        """Read nothing yet.

        Args:
            runs: Runs of one schedule.
        """
        self.runs = runs
        self._at: dict[float, Recorded | None] = {}

    @cached_property
    def is_constant(self) -> bool:
        """Whether they count at every horizon up to their own."""
        return len(self.runs) > 0 and is_constant(str(self.runs.schedule[0]))

    @cached_property
    def horizons(self) -> list[float]:
        """Horizons to know the losses at, descending: the planned ones, or where curves ended."""
        if not self.is_constant:
            return sorted(set(self.runs.horizon.tolist()), reverse=True)
        ends = {float(curve.step.max(initial=0)) for curve in self._curves}
        return sorted(ends - {0.0}, reverse=True)

    def at(self, horizon: float) -> Recorded | None:
        """The losses at a horizon; None with fewer than two learning rates.

        A constant-rate run counts at every horizon up to its own: with its mean loss within 10 %
        of the horizon, so far as all of the runs go, since single reports scatter.

        Args:
            horizon: In the unit of the table.
        """
        if horizon not in self._at:
            self._at[horizon] = self._read(horizon)
        return self._at[horizon]

    def largest(self, n_lrs: int) -> Recorded | None:
        """What was recorded at the largest horizon with so many learning rates."""
        for horizon in self.horizons:
            found = self.at(horizon)
            if found is not None and found.n_finite >= n_lrs:
                return found
        return None

    def _read(self, horizon: float) -> Recorded | None:
        if not self.is_constant:
            planned = self.runs.where(np.abs(self.runs.horizon / horizon - 1) < SAME_HORIZON)
            seen = observe(planned)
            return Recorded(seen[0]) if seen else None

        found = Recorded(observations_of(CONSTANT, horizon, self._rows(horizon)))
        return found if found.n_finite > 1 else None

    @cached_property
    def _curves(self) -> list[_Curve]:
        return [_curve(self.runs, rows) for rows in self.runs.by_run()]

    def _rows(self, horizon: float) -> Iterator[Row]:
        """The loss at a horizon of each constant-rate run that reached it, or diverged."""
        reaching = []
        for curve in self._curves:
            if curve.diverged_at <= horizon:
                yield curve.ln_lr, np.nan, curve.run
            elif (curve.step >= horizon * (1 - SAME_HORIZON)).any():
                reaching.append(curve)

        end = min((curve.step[-1] for curve in reaching), default=horizon)
        low = horizon * (1 - _NEAR - SAME_HORIZON)
        high = min(horizon * (1 + _NEAR), end) * (1 + SAME_HORIZON)
        for curve in reaching:
            near = (curve.step >= low) & (curve.step <= high)
            if near.any():
                yield curve.ln_lr, float(curve.loss[near].mean()), curve.run
            elif curve.step[0] <= horizon:
                loss = np.interp(np.log(horizon), np.log(curve.step), curve.loss)
                yield curve.ln_lr, float(loss), curve.run


def _curve(runs: RunTable, rows: Rows) -> _Curve:
    """One run, by its rows in ascending step."""
    step, loss = runs.step[rows], runs.loss[rows]
    finite = np.isfinite(loss)
    trained = finite & (step > 0)
    return _Curve(
        ln_lr=float(np.log(runs.lr[rows[0]])),
        run=str(runs.run[rows[0]]),
        step=step[trained],
        loss=loss[trained],
        diverged_at=float(step[~finite].min(initial=np.inf)),
    )
