r"""How far forecasts can be trusted, measured on the finished runs of the study itself.

Each run i that reached the horizon is forecast from its first k phases and from all other runs.
With e_ik the miss of its excess at the horizon, v_ik the variance that the forecast expected of
this miss, and z_i its excess at the horizon,

    inflation_k = (N V + sum_i g_i min(e_ik^2 / v_ik, 25)) / (N + sum_i g_i)
    dof_k       = F + sum_i g_i
    g_i         = 1 / (1 + G z_i^2)

with sums over the runs that have a value at the next phase. Inflation scales the variance of
forecasts from k phases. It is the mean of the squares of what such forecasts missed, in units of
what they expected, with a prior of N misses of square V. The tails of a forecast are those of
Student's t with dof_k degrees of freedom. Misses of runs behind the best count less, by g_i.
N, V, F and G are in `constants.py`.

The misses of all phases and runs come from one factorization. With Q = R R' the inverse of the
covariance of all known values of all runs, and B the phases of one run from the next one on,

    miss of the run at B = Q_BB^-1 (Q z)_B,    its covariance = Q_BB^-1

Read from the last phase back, the blocks Q_BB of one run are the leading blocks of one matrix, so
its Cholesky factor L gives all of them. With a = L^-1 (Q z)_B and b = L^-1 (1, 0, ..., 0)',

    e = sum of a b,    v = sum of b^2,    each over the first rows, as many as B has phases
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.pruning.constants import FITTED

_LARGEST_SQUARE = 25.0  # a larger square of a miss counts as this


class Calibration(NamedTuple):
    """How far forecasts from k = 0 to K - 1 phases can be trusted.

    Attributes:
        inflation: Factor of the variance of these forecasts, shape `(K,)`.
        dof: Degrees of freedom of their tails, shape `(K,)`.

    Example:
        >>> from optuna_kappa.pruning import Place, example_history, forecast
        >>> expected = forecast(example_history(), Place(ln_lr=-6.9, others=np.empty(0)))
        >>> trust = Calibration(expected.inflation, expected.dof)
        >>> bool((trust.dof > 4).all())  # there are finished runs to learn from
        True
    """

    inflation: Floats
    dof: Floats


def calibrate(
    z: Floats,
    root: Floats,
    known: np.ndarray,
    solved: Floats,
) -> Calibration:
    """Measure how far forecasts can be trusted on the runs that reached the horizon.

    Args:
        z: Excesses of n runs at K phases, shape `(n, K)`; NaN where unknown.
        root: R, shape `(m, m)`.
        known: Indices of the known values in `z.ravel()`, shape `(m,)`.
        solved: Q z of the known values, shape `(m,)`.

    Example:
        If excesses were independent with variance 1, each forecast would be 0. Two runs that ended
        with an excess of 0 then missed by nothing, so forecasts are better than expected:

        >>> z = np.zeros((2, 3))
        >>> calibrate(z, root=np.eye(6), known=np.arange(6), solved=z.ravel()).inflation.round(3)
        array([0.333, 0.333, 0.333])
    """
    whole = np.isfinite(z[:, -1])
    miss, variance = _misses(z, root, known, solved)

    has_value = np.isfinite(z[whole])[:, ::-1]
    final = z[whole, -1:]
    weights = has_value / (1 + FITTED.behind_discount * final**2)
    squares = np.minimum(miss**2 / variance, _LARGEST_SQUARE)
    weighted_squares = weights * squares

    # From the last phase back, so reversed: index k is for forecasts from k phases.
    weight = weights.sum(axis=0)[::-1]
    missed = weighted_squares.sum(axis=0)[::-1]

    expected = FITTED.prior_misses * FITTED.prior_square
    inflation = (expected + missed) / (FITTED.prior_misses + weight)
    return Calibration(inflation, dof=FITTED.prior_dof + weight)


def _misses(
    z: Floats,
    root: Floats,
    known: np.ndarray,
    solved: Floats,
) -> tuple[Floats, Floats]:
    """What forecasts of whole runs missed, and the variance that they expected of it (see above).

    Returns:
        e and v, shape `(number of whole runs, K)` each, from the last phase back.
    """
    n, k = z.shape
    whole = np.isfinite(z[:, -1])
    has_value = np.isfinite(z[whole])[:, ::-1]

    root_rows = np.zeros((n * k, len(known)))
    root_rows[known] = root
    right_sides = np.zeros((n * k, 2))
    right_sides[known, 0] = solved
    right_sides[k - 1 :: k, 1] = 1.0

    run_rows = root_rows.reshape(n, k, -1)[whole, ::-1]
    # A phase without a value gets a row of the identity, which leaves the others as they are.
    without_value = np.eye(k) * ~has_value[:, None]
    inverse = run_rows @ run_rows.swapaxes(1, 2) + without_value
    factor = np.linalg.cholesky(inverse)

    run_sides = right_sides.reshape(n, k, 2)[whole, ::-1]
    halves = np.linalg.solve(factor, run_sides)
    a = halves[:, :, 0]
    b = halves[:, :, 1]

    miss = np.cumsum(a * b, axis=1)
    variance = np.cumsum(b**2, axis=1)
    return miss, variance
