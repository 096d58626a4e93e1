r"""How the best learning rate of a table moves with the horizon.

The optimum at a horizon is that of `studies.paper.optima.minimum`, applied to the logarithm of the
mean loss over seeds: with rates as far apart as the atlas's, a parabola in ln lr through the best
rate and its two neighbors, whose height is bounded. The slope

    -d ln lr* / d ln D

is fitted by least squares over a range of horizons. Intervals are those of
`studies.paper.estimate`: Student's t over the jackknife of the seeds, and the spacing of the
rates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from optuna_kappa import RunTable
from optuna_kappa._typing import Floats
from optuna_kappa.schedules import as_schedule
from studies.paper.estimate import Estimate
from studies.paper.optima import minimum, slope

# Standard error of an optimum from the spacing of the rates, in spacings of ln lr, as in
# `studies.paper.optima`.
_RESOLUTION = 0.1
_TOLERANCE = 1.01  # horizons this close to the end of a range belong to it


@dataclass(frozen=True, eq=False)
class Losses:
    """The losses of a table at all horizons.

    Attributes:
        name: Name of the table.
        lrs: Learning rates, ascending, shape (L,).
        horizons: Horizons in samples, ascending, shape (H,).
        loss: Losses at the ends of runs, shape (seeds, L, H); infinite if a run had diverged.
    """

    name: str
    lrs: Floats
    horizons: Floats
    loss: Floats

    def at(self, horizon: float) -> int:
        """Return the index of the horizon next to this one."""
        return int(np.argmin(np.abs(np.log(self.horizons / horizon))))


def losses_of(name: str, runs: RunTable) -> Losses:
    """Arrange a table of one schedule, in which every learning rate has every seed.

    Under a constant rate, and others that count data, a longer run contains its shorter ones.

    Raises:
        ValueError: Runs are missing.
    """
    is_prefix = as_schedule(str(runs.schedule[0])).beginning_is_shorter_run
    at_end = np.ones(len(runs), bool) if is_prefix else _last_rows(runs)
    lrs, i_lr = np.unique(runs.lr, return_inverse=True)
    seeds, i_seed = np.unique(runs.context["seed"], return_inverse=True)
    horizons, i_horizon = np.unique(runs.step if is_prefix else runs.horizon, return_inverse=True)

    loss = np.full((len(seeds), len(lrs), len(horizons)), np.inf)
    finite = at_end & np.isfinite(runs.loss)
    loss[i_seed[finite], i_lr[finite], i_horizon[finite]] = runs.loss[finite]
    n_runs = len(np.unique(runs.run))
    n_planned = len(seeds) * len(lrs) * (1 if is_prefix else len(horizons))
    if n_runs != n_planned:
        raise ValueError(f"the table {name} has {n_runs} runs, but {n_planned} are needed")

    return Losses(name, lrs, horizons, loss)


def optimum(losses: Losses, index: int) -> Estimate:
    """Logarithm of the best learning rate at a horizon, given by its index."""
    x = np.log(losses.lrs)
    y = _ln_mean(losses.loss[:, :, index])
    n_seeds = len(losses.loss)
    left_out = []
    for seed in range(n_seeds):
        others = np.delete(losses.loss[:, :, index], seed, axis=0)
        left_out.append(minimum(x, _ln_mean(others)))

    best = int(np.nanargmin(y))
    return Estimate(
        value=minimum(x, y),
        left_out=np.array(left_out),
        resolution=_RESOLUTION * float(np.diff(x).mean()),
        # The last finite rate is not an edge: an optimum next to where runs diverge is real.
        edge=best in (0, len(x) - 1),
    )


def slope_between(losses: Losses, first: float, last: float) -> Estimate:
    """Slope over the horizons from `first` to `last`, in fractions of the longest."""
    fractions = losses.horizons / losses.horizons[-1]
    inside = (fractions * _TOLERANCE >= first) & (fractions <= last * _TOLERANCE)
    indices = np.flatnonzero(inside)
    return slope(
        losses.horizons[indices].tolist(), [optimum(losses, int(index)) for index in indices]
    )


def regret(losses: Losses, lr: float, index: int = -1) -> float:
    """Mean loss at a learning rate in excess of the lowest, as a fraction of the lowest.

    The logarithm of the mean loss is interpolated between learning rates by monotone cubics.

    Returns:
        At least 0; infinite beyond the learning rates tried, or where runs diverged.
    """
    x = np.log(losses.lrs)
    y = _ln_mean(losses.loss[:, :, index])
    at = np.log(lr)
    after = int(np.searchsorted(x, at))
    around = y[max(after - 1, 0) : after + 1]
    if not x[0] <= at <= x[-1] or not np.isfinite(around).all():
        return np.inf

    known = np.isfinite(y)
    curve = PchipInterpolator(x[known], y[known])
    excess = float(curve(at) - curve(minimum(x, y)))
    return float(np.expm1(max(excess, 0.0)))


def rule_regrets(losses: Losses, source: float, slopes: Sequence[float]) -> list[float]:
    """Regrets at the longest horizon of moving a shorter one's optimum there by fixed slopes.

    Args:
        losses: The losses.
        source: The shorter horizon, as a fraction of the longest.
        slopes: The slopes; 0 copies the optimum.
    """
    target = float(losses.horizons[-1])
    index = losses.at(source * target)
    ln_best = optimum(losses, index).value
    ln_ratio = float(np.log(target / losses.horizons[index]))
    return [regret(losses, float(np.exp(ln_best - each * ln_ratio))) for each in slopes]


def _last_rows(runs: RunTable) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Rows at which runs reach their horizon."""
    return np.isclose(runs.step, runs.horizon)


def _ln_mean(loss: Floats) -> Floats:
    """Logarithm of the mean over seeds, shape (L,); NaN where a seed has diverged."""
    mean = loss.mean(axis=0)
    return np.where(np.isfinite(mean), np.log(mean), np.nan)
