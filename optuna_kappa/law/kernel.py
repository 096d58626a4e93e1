"""What the prior means and covariances of `optuna_kappa.law.posterior` are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.law.contexts import Context, similarity
from optuna_kappa.law.optimum import OWN, Optimum
from optuna_kappa.schedules import CONSTANT

SHIFT = 0.35  # that of 24 schedules and horizons of Adam and SGD on MNIST, root mean square
UNKNOWN_SHIFT = 1.5  # a schedule whose shape is not known
CORRELATION = 0.1  # in ln horizon, of the errors of constant-rate optima, which share their runs
# Adam, SGD and Step Law's cells: all their slopes grow with the horizon, by 0.1 to 0.6 a unit of
# ln D, once they do.
STEEPENING = 0.2


def steepening(depths: Floats) -> Floats:
    """How much further a flat optimum falls beyond the largest horizon as its slope goes to 1."""
    ahead = np.maximum(0.0, -depths)
    further: Floats = ahead + np.expm1(-STEEPENING * ahead) / STEEPENING
    return further


def at_peak(optimum: Optimum) -> float:
    """The horizon of the constant-rate run at the peak rate that has the same kappa."""
    if optimum.mean is None or optimum.peak is None:
        return optimum.horizon
    return optimum.horizon * optimum.mean / optimum.peak


def offset(optimum: Optimum) -> float:
    """From the ln of the peak rate to that of the base rate."""
    return 0.0 if optimum.peak is None else -float(np.log(optimum.peak))


def shift(optimum: Optimum) -> float:
    """Standard deviation of what the peak rate and kappa do not tell of a schedule, in ln lr."""
    if optimum.schedule == CONSTANT:
        return 0.0
    return UNKNOWN_SHIFT if optimum.mean is None else SHIFT


def same(rows: Sequence[object], columns: Sequence[object]) -> Floats:
    """1 where two values are the same, shape `(n, m)`."""
    number = {value: i for i, value in enumerate(dict.fromkeys([*rows, *columns]))}
    a, b = (np.array([number[value] for value in values]) for values in (rows, columns))
    return np.asarray(a[:, None] == b, dtype=np.float64)


def other(rows: Sequence[Optimum], columns: Sequence[Optimum]) -> Floats:
    """Covariances of the bias and the scatter of other tables, for a unit b, shape `(n, m)`."""
    if all(optimum.table == OWN for optimum in rows):
        return np.zeros((len(rows), len(columns)))
    both = [[(a.table == b.table != OWN) * (1.0 + (a is b)) for b in columns] for a in rows]
    return np.array(both)


def deviation(
    sds: tuple[float, float], rows: Sequence[Context], columns: Sequence[Context]
) -> Floats:
    """Covariances of what contexts differ in, of a part shared by near ones and one of its own."""
    deviation: Floats = sds[0] ** 2 * similarity(rows, columns) + sds[1] ** 2 * same(rows, columns)
    return deviation


def integrated_walk(u: Floats, v: Floats) -> Floats:
    """Covariance of an integrated random walk that starts at 0 in both directions."""
    small = np.minimum(np.abs(u[:, None]), np.abs(v))
    large = np.maximum(np.abs(u[:, None]), np.abs(v))
    same_side = np.sign(u[:, None]) * np.sign(v) > 0
    covariance: Floats = same_side * small**2 * (3 * large - small) / 6
    return covariance


def noise(optima: Sequence[Optimum], scatter: float) -> Floats:
    """Covariance of the optima's errors, diagonal, shape `(n, n)`."""
    log_d = np.log([at_peak(optimum) for optimum in optima])
    # Constant-rate optima of one table and context are of the same runs, all others of their own.
    runs = [(o.table, o.context) if o.schedule == CONSTANT else i for i, o in enumerate(optima)]
    related = np.exp(-np.abs(log_d[:, None] - log_d) / CORRELATION) * same(runs, runs)
    se = np.array([optimum.se for optimum in optima])
    noise: Floats = np.diag(se**2 * related.sum(axis=1) + scatter**2)
    return noise
