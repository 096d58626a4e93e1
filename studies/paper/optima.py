r"""The best learning rate at a horizon.

With y the mean over seeds of ln loss and x = ln lr, the optimum is the minimum of a cubic fitted
to y by least squares, over the learning rates within a factor of 3 of the best one tried, sought
between that one's two neighbours. A cubic, since loss curves rise more steeply on one side, which
moves the vertex of a parabola; where the loss is above `exp(_WALL)` times the best it says nothing
of the minimum, so that such points are left out but for the best one's neighbours, which are
taken at that height. A learning rate at which some seed diverged counts as such a wall.

At a fixed rate the loss jumps from one epoch to the next, at all learning rates alike and at each
by itself, by more than good rates differ. So y is averaged over the horizons within 15 % on both
sides, evenly, where the same run has them: shorter runs are the beginnings of longer ones under
schedules that count data. Under the cyclic schedule only every second horizon is like another,
as the last epoch's rate is the same.
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
_WALL = 0.5  # in ln loss: 65 % above the best
# Standard error in spacings of ln lr: the root mean square by which the fit missed the minimum of
# simulated noise-free curves, skewed and with a wall, wherever the grid lay (0.02 to 0.3).
_RESOLUTION = 0.1
_AVERAGED = 1.15
_FINE = 401
_PER_TRIPLE = 3  # seeds that the paper averages


def optimum(curves: Curves, step: int) -> Estimate:
    """Logarithm of the best learning rate of runs of this horizon.

    Args:
        curves: The runs.
        step: The horizon, in samples.

    Raises:
        ValueError: The runs have no losses there.
    """
    x = np.log(curves.lrs)
    whole = ln_loss(curves, step)
    left_out = [minimum(x, ln_loss(part, step)) for part in leave_one_out(curves)]
    finite = np.flatnonzero(np.isfinite(whole))
    best = int(np.nanargmin(whole))
    return Estimate(
        minimum(x, whole),
        np.array(left_out),
        _RESOLUTION * float(np.diff(x).mean()),
        # Next to where runs diverge the optimum is real, and it is the learning rate of the grid.
        edge=best in (finite[0], len(x) - 1),
    )


def minimum(x: Floats, y: Floats) -> float:
    """Where losses are least, between the values tried.

    Args:
        x: ln lr, ascending, shape `(L,)`.
        y: ln loss, shape `(L,)`; NaN where it is not finite.
    """
    best = int(np.nanargmin(y))
    excess = np.minimum(np.nan_to_num(y - y[best], nan=_WALL), _WALL)
    beside = np.abs(np.arange(len(x)) - best) <= 1
    used = ((np.abs(x - x[best]) <= _REACH) & (excess < _WALL)) | beside
    low, high = x[max(best - 1, 0)], x[min(best + 1, len(x) - 1)]
    cubic = np.polyfit(x[used] - x[best], excess[used], min(3, int(used.sum()) - 1))
    fine = np.linspace(low, high, _FINE)
    return float(fine[np.argmin(np.polyval(cubic, fine - x[best]))])


def slope(horizons: Sequence[float], optima: Sequence[Estimate]) -> Estimate:
    """-d ln lr* / d ln horizon, by least squares; 1 if the optimum is inverse to the data."""
    x = np.log(horizons)
    weights = (x - x.mean()) / float(np.sum((x - x.mean()) ** 2))
    return derive(lambda values: -float(weights @ values), optima)


def excess(curves: Curves, step: int, lr: float) -> Estimate:
    """How far the loss at a learning rate is above the best, as a fraction.

    ln loss is interpolated between the learning rates by monotone cubics.
    """
    x = np.log(curves.lrs)

    def above(part: Curves) -> float:
        y = ln_loss(part, step)
        curve = PchipInterpolator(x[np.isfinite(y)], y[np.isfinite(y)])
        return float(np.expm1(max(0.0, curve(np.log(lr)) - curve(minimum(x, y)))))

    return Estimate(above(curves), np.array([above(part) for part in leave_one_out(curves)]))


def argmins(curves: Curves, step: int) -> Floats:
    """The paper's way: the best learning rate tried, by the mean loss of three runs.

    Returns:
        One for each choice of three seeds, or one of all where there are fewer.
    """
    loss = curves.loss[:, :, curves.index(step)]
    n = len(curves.seeds)
    triples = itertools.combinations(range(n), min(_PER_TRIPLE, n))
    means = [np.nan_to_num(loss[list(triple)].mean(axis=0), nan=np.inf) for triple in triples]
    return np.array([curves.lrs[np.argmin(mean)] for mean in means])


def ln_loss(curves: Curves, step: int) -> Floats:
    """Logarithm of the loss at each learning rate, averaged over seeds and horizons.

    Returns:
        Shape `(L,)`; NaN where a seed has diverged.

    Raises:
        ValueError: The runs have no losses there, or all have diverged.
    """
    y = np.log(curves.loss[:, :, _around(curves, step)]).mean(axis=(0, 2))
    if not np.isfinite(y).any():
        raise ValueError(f"all runs of table {curves.name} diverged before {step:,} samples")
    return np.asarray(y)


def _around(curves: Curves, step: int) -> list[int]:
    """The horizons that are averaged, as many on one side as on the other."""
    middle, last = curves.index(step), len(curves.steps) - 1
    if not curves.is_prefix:
        return [middle]
    stride = 2 if curves.schedule.startswith("cyclic") else 1
    used, reach = [middle], stride
    while reach <= min(middle, last - middle):
        low, high = curves.steps[middle - reach], curves.steps[middle + reach]
        if not step / _AVERAGED <= low < high <= step * _AVERAGED:
            break
        used += [middle - reach, middle + reach]
        reach += stride
    return used
