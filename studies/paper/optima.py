r"""The best learning rate at a horizon.

Let x = ln lr, and y the mean over seeds of ln loss. A cubic is fitted to y by least squares, over
the learning rates within a factor of 3 of the best one tried. The optimum is the minimum of the
cubic between the two neighbors of the best rate tried.

- Why a cubic: loss curves rise more steeply on one side, which moves the vertex of a parabola.
- Losses above `exp(_WALL)` times the lowest say nothing about the minimum, so those points are
  left out. The two neighbors of the best rate are always used, but lowered to that height. A
  learning rate at which some seed diverged is treated as such a wall.
- At a fixed rate the loss jumps from one epoch to the next, partly at all learning rates together
  and partly at each by itself, by more than good rates differ. So y is averaged over the horizons
  within 15 % on both sides, in equal numbers, where the same run has them: under schedules that
  count data, a shorter run is the beginning of a longer one. Under the cyclic schedule only every
  second horizon is used, since only those end at the same rate.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from scipy.interpolate import PchipInterpolator

from optuna_kappa._typing import Floats
from studies.paper.curves import Curves, leave_one_out
from studies.paper.estimate import Estimate, derive

_REACH = 1.1  # in ln lr: a factor of 3
_WALL = 0.5  # in ln loss: 65 % above the lowest
# Standard error of the optimum, in spacings of ln lr. On simulated curves without noise, skewed
# and with a wall, the fit missed the minimum by 0.02 to 0.3 (root mean square over grid offsets).
_RESOLUTION = 0.1
_AVERAGED = 1.15  # largest factor between averaged horizons and the middle one
_FINE = 401  # points at which the cubic is evaluated
_PER_TRIPLE = 3  # seeds that the paper averages


def optimum(curves: Curves, step: int) -> Estimate:
    """Logarithm of the best learning rate of runs of this horizon.

    Args:
        curves: The runs.
        step: The horizon, in samples.

    Raises:
        ValueError: The runs have no losses at this step, or all have diverged.
    """
    x = np.log(curves.lrs)
    y = ln_loss(curves, step)
    left_out = [minimum(x, ln_loss(part, step)) for part in leave_one_out(curves)]

    best = int(np.nanargmin(y))
    first_finite = np.flatnonzero(np.isfinite(y))[0]
    last = len(x) - 1

    return Estimate(
        value=minimum(x, y),
        left_out=np.array(left_out),
        resolution=_RESOLUTION * float(np.diff(x).mean()),
        # The last finite rate is not an edge: an optimum next to where runs diverge is real.
        edge=best in (first_finite, last),
    )


def minimum(x: Floats, y: Floats) -> float:
    """The x of the lowest loss, between the values tried.

    Args:
        x: ln lr, ascending, shape `(L,)`.
        y: ln loss, shape `(L,)`; NaN where it is not finite.
    """
    best = int(np.nanargmin(y))
    excess = np.minimum(np.nan_to_num(y - y[best], nan=_WALL), _WALL)

    is_neighbor = np.abs(np.arange(len(x)) - best) <= 1
    is_near = np.abs(x - x[best]) <= _REACH
    used = (is_near & (excess < _WALL)) | is_neighbor

    # A cubic needs at least four points; fewer points get a polynomial of lower degree.
    degree = min(3, int(used.sum()) - 1)
    cubic = np.polyfit(x[used] - x[best], excess[used], degree)
    low = x[max(best - 1, 0)]
    high = x[min(best + 1, len(x) - 1)]
    fine = np.linspace(low, high, _FINE)
    return float(fine[np.argmin(np.polyval(cubic, fine - x[best]))])


def slope(horizons: Sequence[float], optima: Sequence[Estimate]) -> Estimate:
    """-d ln lr* / d ln horizon, by least squares; 1 if the optimum is inverse to the data.

    Args:
        horizons: Horizons, in any unit.
        optima: Logarithms of the best learning rates, one for each horizon.
    """
    x = np.log(horizons)
    weights = (x - x.mean()) / float(np.sum((x - x.mean()) ** 2))
    return derive(lambda values: -float(weights @ values), optima)


def excess(curves: Curves, step: int, lr: float) -> Estimate:
    """Loss at a learning rate in excess of the lowest, as a fraction of the lowest.

    ln loss is interpolated between the learning rates by monotone cubics.
    """
    left_out = [_excess(part, step, lr) for part in leave_one_out(curves)]
    return Estimate(_excess(curves, step, lr), np.array(left_out))


def _excess(curves: Curves, step: int, lr: float) -> float:
    x = np.log(curves.lrs)
    y = ln_loss(curves, step)
    finite = np.isfinite(y)
    curve = PchipInterpolator(x[finite], y[finite])
    ln_excess = curve(np.log(lr)) - curve(minimum(x, y))
    return float(np.expm1(max(0.0, ln_excess)))


def argmins(curves: Curves, step: int) -> Floats:
    """Compute optima as the paper does: the best rate tried, by the mean loss of three runs.

    Returns:
        One rate for each choice of three seeds; a single one, of all seeds, if there are fewer.
    """
    loss = curves.loss[:, :, curves.index(step)]
    n_seeds = len(curves.seeds)
    best_lrs = []
    for triple in itertools.combinations(range(n_seeds), min(_PER_TRIPLE, n_seeds)):
        mean = np.nan_to_num(loss[list(triple)].mean(axis=0), nan=np.inf)
        best_lrs.append(curves.lrs[np.argmin(mean)])

    return np.array(best_lrs)


def ln_loss(curves: Curves, step: int) -> Floats:
    """Logarithm of the loss at each learning rate, averaged over seeds and horizons.

    Returns:
        Shape `(L,)`; NaN where a seed has diverged.

    Raises:
        ValueError: The runs have no losses at this step, or all have diverged.
    """
    y = np.log(curves.loss[:, :, _averaged_steps(curves, step)]).mean(axis=(0, 2))
    if not np.isfinite(y).any():
        raise ValueError(f"all runs of table {curves.name} diverged before {step:,} samples")
    return np.asarray(y)


def _averaged_steps(curves: Curves, step: int) -> list[int]:
    """Indices of the steps that are averaged: `step`, and as many before it as after it."""
    middle = curves.index(step)
    if not curves.is_prefix:
        return [middle]

    last = len(curves.steps) - 1
    stride = 2 if curves.schedule.startswith("cyclic") else 1
    used = [middle]
    for reach in range(stride, min(middle, last - middle) + 1, stride):
        low = curves.steps[middle - reach]
        high = curves.steps[middle + reach]
        if not step / _AVERAGED <= low < high <= step * _AVERAGED:
            break
        used += [middle - reach, middle + reach]

    return used
