r"""The best learning rate at each horizon, with a standard error, from local quadratics.

Near its minimum the loss, on the logarithmic scale where it is positive, is taken as quadratic in
x = ln lr,

    y(x) = a + c (x - m)^2 + noise,    c > 0,

on the trials nearest to the best one. On a grid of vertices m and curvatures c, with the level a
fitted by weighted least squares, the residual sum of squares RSS gives the posterior

    p(m, c) ~ (nu0 s0^2 + RSS(m, c)) ^ -((nu0 + n - 1) / 2) * N(m; x_best, h^2) * p(c),

a Student t likelihood in which s0, a fraction of the range of y, stands for what a parabola
misses; h is how far the trials used reach on that side of the best. The mean and standard
deviation of m are the optimum and its standard error.

The curvature found at one horizon is the prior p(c) of the next, log-normal and widened with the
distance, so that two trials at a new horizon already say on which side of them the optimum lies.

Three things make it robust. Losses far above the best are compressed, s ln(1 + excess/s), so that
a steep wall on the right does not bend the parabola. A diverged lr above the best bounds m. And
trials far from the best have no weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optuna_kappa.law.observations import Observations
from optuna_kappa.runs import Floats

_NEIGHBOURS = 2  # distinct learning rates on each side of the best that are always used
_NEAR = 0.7  # ... and all those within a factor of 2
_BEYOND = 2.5  # how far outside the tried learning rates (in ln lr) the optimum may lie
_MISFIT = 0.07  # s0 in fractions of the range of y in the window
_PRIOR_DOF = 4.0  # nu0: the weight of s0, in observations
_GRID = (201, 21)  # vertices, curvatures
_RESOLUTION = 0.08  # standard errors are at least this part of the spacing of the lrs
_FRESH = 2.0  # sd of ln c before any curvature was seen
_DRIFT = 0.5  # sd that ln c gains in a unit of ln horizon
OWN = 0
_OTHER = 1.0  # sd that it gains from one schedule to another


@dataclass(frozen=True)
class Optimum:
    """The optimum at one horizon under one schedule.

    Attributes:
        schedule: Name of the schedule.
        horizon: Horizon, in the unit of data of the runs.
        ln_lr: ln of the best learning rate, the posterior mean.
        se: Its standard error, in units of ln lr.
        n: Observations that it rests on (those that diverged included).
        at_edge: Whether the best learning rate tried was the lowest or highest one; -1, 0 or 1.
        mean: Mean multiplier of the schedule at this horizon, None where it is not known.
        table: Which table it was found in: `OWN` for the one that proposals are for, the others
            counted from 1.
    """

    schedule: str
    horizon: float
    ln_lr: float
    se: float
    n: int
    at_edge: int
    mean: float | None = None
    table: int = OWN


@dataclass(frozen=True)
class _Curvature:
    """What is known of ln c: mean, standard deviation, and the horizon it was seen at."""

    mean: float
    sd: float
    horizon: float

    def at(self, horizon: float) -> _Curvature:
        wider = np.hypot(self.sd, _DRIFT * np.sqrt(abs(np.log(horizon / self.horizon))))
        return _Curvature(self.mean, min(float(wider), _FRESH), horizon)

    def elsewhere(self, horizon: float) -> _Curvature:
        return _Curvature(self.mean, min(float(np.hypot(self.sd, _OTHER)), _FRESH), horizon)


def find_optima(observations: Sequence[Observations]) -> list[Optimum]:
    """The optimum of each group of observations whose losses can be compared in scale.

    Args:
        observations: Of one table, those at constant rate first, each schedule by ascending
            horizon. Horizons with two learning rates count only after one with three.
    """
    if not observations:
        return []
    losses = np.concatenate([seen.loss[np.isfinite(seen.loss)] for seen in observations])
    logarithmic = bool((losses > 0).all())
    scale = float(np.median([_scale(_level(seen, logarithmic)) for seen in observations])) or 1.0
    optima: list[Optimum] = []
    curvature: _Curvature | None = None
    for seen in observations:
        n_lrs = len(np.unique(seen.ln_lr[np.isfinite(seen.loss)]))
        if n_lrs < 3 and curvature is None:
            continue
        if curvature is None:
            width = float(np.ptp(seen.ln_lr)) / n_lrs
            prior = _Curvature(float(np.log(scale / width**2)), _FRESH, seen.horizon)
        elif optima and optima[-1].schedule != seen.schedule:
            prior = curvature.elsewhere(seen.horizon)
        else:
            prior = curvature.at(seen.horizon)
        optimum, curvature = _find(seen, logarithmic, scale, prior)
        optima.append(optimum)
    return optima


def _find(
    seen: Observations, logarithmic: bool, scale: float, curvature: _Curvature
) -> tuple[Optimum, _Curvature]:
    finite = np.isfinite(seen.loss)
    x, y = seen.ln_lr[finite], _level(seen, logarithmic)
    y = scale * np.log1p((y - y.min()) / scale)
    lrs, level = _average(x, y)
    best = int(np.argmin(level))
    window = _window(lrs, best)
    left, right = lrs[best] - lrs[window][0] or _BEYOND, lrs[window][-1] - lrs[best] or _BEYOND
    near = (x >= lrs[window][0] - 1e-9) & (x <= lrs[window][-1] + 1e-9)
    reach = float(np.abs(lrs[window] - lrs[best]).max())
    weight = (1 - (np.abs(x[near] - lrs[best]) / (1.25 * reach)) ** 3) ** 3
    wall = _wall(seen.ln_lr[~finite], lrs[best])
    m = np.linspace(lrs[0] - _BEYOND, min(lrs[-1] + _BEYOND, wall), _GRID[0])
    ln_c = curvature.mean + curvature.sd * np.linspace(-2.5, 2.5, _GRID[1])
    prior = -0.5 * ((m - lrs[best]) / np.where(m < lrs[best], left, right)) ** 2
    prior = prior[:, None] - 0.5 * ((ln_c - curvature.mean) / curvature.sd) ** 2
    s0 = _MISFIT * max(float(np.ptp(y[near])), 0.3 * scale)
    posterior = _posterior(m, np.exp(ln_c), x[near], y[near], weight, s0, prior)
    centre, spread = _moments(m, posterior.sum(axis=1))
    spacing = reach / max(1, (window.stop - window.start) // 2)
    edge = -1 if best == 0 else int(best == len(lrs) - 1 and not np.isfinite(wall))
    se = float(np.hypot(spread, _RESOLUTION * spacing))
    found = Optimum(seen.schedule, seen.horizon, centre, se, len(seen.loss), edge)
    # Where the optimum is out of reach, what was seen is not the curvature at it.
    if edge:
        return found, curvature
    return found, _Curvature(*_moments(ln_c, posterior.sum(axis=0)), seen.horizon)


def _level(seen: Observations, logarithmic: bool) -> Floats:
    loss = seen.loss[np.isfinite(seen.loss)]
    return np.log(loss) if logarithmic else loss


def _scale(y: Floats) -> float:
    """Median excess over the best of the five losses nearest to it."""
    nearest = np.sort(y - y.min())[1:6]
    return float(np.median(nearest)) if len(nearest) else 0.0


def _average(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Distinct x, ascending, and the mean y at each."""
    lrs, index = np.unique(x, return_inverse=True)
    return lrs, np.bincount(index, weights=y) / np.bincount(index)


def _window(lrs: Floats, best: int) -> slice:
    """The learning rates around the best that fix the parabola."""
    near = np.flatnonzero(np.abs(lrs - lrs[best]) <= _NEAR)
    low = min(best - _NEIGHBOURS, int(near[0]))
    high = max(best + _NEIGHBOURS, int(near[-1]))
    return slice(max(0, low), min(len(lrs), high + 1))


def _wall(diverged: Floats, best: float) -> float:
    """The lowest diverged ln lr above the best; infinite where there is none."""
    above = diverged[diverged > best]
    return float(above.min()) if len(above) else np.inf


def _posterior(
    m: Floats, c: Floats, x: Floats, y: Floats, weight: Floats, s0: float, prior: Floats
) -> Floats:
    """Probability of vertices (g,) and curvatures (h,) given n weighted points; shape `(g, h)`.

    `prior`, of the same shape, is the logarithm of the prior density up to a constant.
    """
    weight = weight / weight.sum()
    q = (x - m[:, None]) ** 2
    dq, dy = q - (q @ weight)[:, None], y - weight @ y
    s_qq, s_qy, s_yy = (dq * dq) @ weight, (dq * dy) @ weight, weight @ (dy * dy)
    rss = len(x) * (s_yy - 2 * np.outer(s_qy, c) + np.outer(s_qq, c**2))
    dof = _PRIOR_DOF + len(x) - 1
    log_p = prior - dof / 2 * np.log(_PRIOR_DOF * s0**2 + np.maximum(rss, 0.0))
    p = np.exp(log_p - log_p.max())
    posterior: Floats = p / p.sum()
    return posterior


def _moments(x: Floats, p: Floats) -> tuple[float, float]:
    mean = float(p @ x)
    return mean, float(np.sqrt(p @ (x - mean) ** 2))
