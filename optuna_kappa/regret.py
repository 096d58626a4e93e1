"""What a learning rate would have lost at a horizon that was recorded.

The losses of one horizon, averaged over the runs of each learning rate (its seeds), are
interpolated in ln lr by monotone cubics (Fritsch & Carlson, 1980), on the logarithmic scale where
all are positive. A run that diverged counts with the largest finite loss of that horizon.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from optuna_kappa.law.observations import Observations, Row, observations_of, observe
from optuna_kappa.runs import Floats, RunTable
from optuna_kappa.schedules import constant, parse

_NEAR = 0.1  # a constant-rate curve is averaged within this part of a horizon, as in the replay
_SAME = 1e-6  # two horizons this close are one


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


def is_constant(schedule: str) -> bool:
    """Whether the beginning of a run of this schedule is a run of a shorter horizon."""
    try:
        return parse(schedule) == constant()
    except ValueError:
        return False


def recorded(runs: RunTable, horizon: float) -> Recorded | None:
    """The losses at a horizon; None with fewer than two learning rates.

    A constant-rate run counts at every horizon up to its own: with its mean loss within 10 % of
    the horizon, so far as all of the runs go, since single reports scatter.

    Args:
        runs: Runs of one schedule.
        horizon: In the unit of the table.
    """
    if not len(runs) or not is_constant(str(runs.schedule[0])):
        planned = runs.where(np.abs(runs.horizon / horizon - 1) < _SAME)
        found = observe(planned)
        return Recorded(found[0]) if found else None
    found_lrs = Recorded(observations_of("constant", horizon, _rows(runs, horizon)))
    return found_lrs if found_lrs.n_finite > 1 else None


def horizons(runs: RunTable) -> list[float]:
    """Horizons to know the losses at, descending: the planned ones, or where curves ended."""
    if not len(runs) or not is_constant(str(runs.schedule[0])):
        return sorted(set(runs.horizon.tolist()), reverse=True)
    ends = {float(runs.step[rows][_fine(runs, rows)].max(initial=0)) for rows in runs.by_run()}
    return sorted(ends - {0.0}, reverse=True)


def _rows(runs: RunTable, horizon: float) -> Iterator[Row]:
    """The loss at a horizon of each constant-rate run that reached it, or diverged."""
    curves = []
    for rows in runs.by_run():
        fine = _fine(runs, rows)
        ln_lr, run = float(np.log(runs.lr[rows[0]])), str(runs.run[rows[0]])
        if (runs.step[rows][~np.isfinite(runs.loss[rows])] <= horizon).any():
            yield ln_lr, np.nan, run
        elif (runs.step[rows][fine] >= horizon * (1 - _SAME)).any():
            curves.append((ln_lr, run, runs.step[rows][fine], runs.loss[rows][fine]))
    end = min((step[-1] for *_, step, _ in curves), default=horizon)
    low, high = horizon * (1 - _NEAR - _SAME), min(horizon * (1 + _NEAR), end) * (1 + _SAME)
    for ln_lr, run, step, loss in curves:
        near = (step >= low) & (step <= high)
        if near.any():
            yield ln_lr, float(loss[near].mean()), run
        elif step[0] <= horizon:
            yield ln_lr, float(np.interp(np.log(horizon), np.log(step), loss)), run


def _fine(runs: RunTable, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which rows of a run have a finite loss of some training."""
    return np.asarray(np.isfinite(runs.loss[rows]) & (runs.step[rows] > 0))
