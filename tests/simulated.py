"""Training runs whose optimal learning rate is known.

The loss of a run of horizon D at lr is

    loss = D^-1/4 * exp(sqrt(1 + ln(lr / optimum)^2) - 1),
    optimum = AT_LARGEST * (max(D, ceiling) / LARGEST)^-slope,

near the optimum a parabola in ln lr, far from it linear, times noise that a run keeps over its
whole curve. Above `diverges` times the optimum at the horizon LARGEST a run's loss becomes NaN.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from optuna_kappa import RunTable
from optuna_kappa._typing import Floats

LARGEST = 64.0
AT_LARGEST = 2e-3


@dataclass(frozen=True)
class Simulated:
    """A problem with a known law.

    Attributes:
        slope: -d ln optimum / d ln D above the ceiling.
        ceiling: Horizons below it share one optimum.
        noise: Standard deviation of a run's ln loss.
        diverges: Where runs diverge, in multiples of the optimum at LARGEST.
        after: From which step on.
        seed: Seed of the noise.
    """

    slope: float = 1.0
    ceiling: float = 0.0
    noise: float = 0.0
    diverges: float = np.inf
    after: float = 0.0
    seed: int = 0

    def optimum(self, horizon: float) -> float:
        return float(AT_LARGEST * (max(horizon, self.ceiling) / LARGEST) ** -self.slope)

    def loss(self, lr: float, horizon: float, mean: float = 1.0) -> float:
        """Noiseless loss; `mean` is the schedule's, whose optimum is that of equal kappa."""
        if lr > self.diverges * AT_LARGEST and horizon > self.after:
            return float("nan")
        off = np.log(lr * mean / self.optimum(horizon))
        return float(horizon**-0.25 * np.exp(np.sqrt(1 + off**2) - 1))

    def runs(self, lrs: ArrayLike, horizon: float = LARGEST, first: float = 0.25) -> RunTable:
        """Constant-rate runs with a report at each factor sqrt(2), the last at the horizon."""
        n = int(np.log2(horizon / first) * 2)
        steps = horizon / np.sqrt(2.0) ** np.arange(n, -1, -1)
        rng = np.random.default_rng(self.seed)
        rows = []
        for i, lr in enumerate(np.asarray(lrs, dtype=float)):
            own = self.noise * rng.standard_normal()
            for step in steps:
                rows.append((f"{i}", lr, step, self.loss(lr, step) * np.exp(own)))
        run, lr_column, step_column, loss = zip(*rows, strict=True)
        return table(run, lr_column, horizon, step_column, loss)

    def final(
        self, lrs: ArrayLike, horizon: float, schedule: str = "constant", mean: float = 1.0
    ) -> RunTable:
        """One row a run, its final loss."""
        lrs = np.asarray(lrs, dtype=float)
        rng = np.random.default_rng(self.seed)
        noise = np.exp(self.noise * rng.standard_normal(len(lrs)))
        loss = np.array([self.loss(lr, horizon, mean) for lr in lrs]) * noise
        runs = [f"{schedule} {horizon:g} {i}" for i in range(len(lrs))]
        return table(runs, lrs, horizon, horizon, loss, schedule)


def table(
    run: ArrayLike,
    lr: ArrayLike,
    horizon: ArrayLike,
    step: ArrayLike,
    loss: ArrayLike,
    schedule: str = "constant",
) -> RunTable:
    """A run table from columns or numbers."""
    columns = dict(zip(("lr", "horizon", "step", "loss"), (lr, horizon, step, loss), strict=True))
    n = len(np.asarray(run))
    arrays = {name: np.broadcast_to(np.asarray(v, dtype=float), n) for name, v in columns.items()}
    return RunTable.from_columns({"run": run, "schedule": [schedule] * n, **arrays})


def joined(*tables: RunTable) -> RunTable:
    """One table of several, as if recorded together."""
    return RunTable.concatenate(tables)


def scaled(runs: RunTable, data: float = 1.0, loss: float = 1.0) -> RunTable:
    """The same runs in another unit of data and of loss."""
    return replace(runs, horizon=runs.horizon * data, step=runs.step * data, loss=runs.loss * loss)


def grid(n: int = 10, low: float = -6.0, high: float = 3.0) -> Floats:
    """Learning rates from AT_LARGEST e^low to AT_LARGEST e^high."""
    lrs: Floats = AT_LARGEST * np.exp(np.linspace(low, high, n))
    return lrs
