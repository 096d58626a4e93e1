"""The parts that make up the prior means and covariances of `optuna_kappa.law.moments`.

A schedule's optimum is compared with that of the constant-rate run at the same peak rate that has
the same kappa. The horizon of that run is the *peak horizon*, d = D * mean / peak.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.law.contexts import Context, similarity
from optuna_kappa.law.optimum import OWN, Optimum
from optuna_kappa.schedules import CONSTANT

UNKNOWN_SHIFT = 1.5  # for a schedule whose shape is not known
# In ln horizon. Constant-rate optima share their runs, so their errors are correlated.
CORRELATION = 0.1
_LEAST_RATE = 1e-6  # of steepening, in place of 0 in a division


def steepening(depths: Floats, rate: Floats) -> Floats:
    """How much further a flat optimum falls beyond the largest horizon as its slope goes to 1.

    Args:
        depths: ln(d_max / d), negative beyond the largest horizon, shape `(n,)`.
        rate: How fast the slope grows, for a unit of ln D, shape `(k,)`.

    Returns:
        In ln lr, shape `(k, n)`; 0 up to the largest horizon.

    Example:
        >>> steepening(np.array([1.0, 0.0, -1.0, -5.0]), rate=np.array([0.2])).round(2).tolist()
        [[0.0, 0.0, 0.09, 1.84]]
    """
    ahead = np.maximum(0.0, -depths)
    rate = np.maximum(rate, _LEAST_RATE)[:, None]
    further: Floats = ahead + np.expm1(-rate * ahead) / rate
    return further


def at_peak(optimum: Optimum) -> float:
    """Horizon of the constant-rate run at the peak rate that has the same kappa.

    Example:
        >>> cosine = Optimum("cosine", 64.0, -6.0, se=0.1, n=6, at_edge=0, mean=0.5, peak=1.0)
        >>> at_peak(cosine)
        32.0
    """
    if optimum.mean is None or optimum.peak is None:
        return optimum.horizon

    return optimum.horizon * optimum.mean / optimum.peak


def peak_horizons(optima: Sequence[Optimum]) -> Floats:
    """Peak horizon of each optimum (see `at_peak`), shape `(n,)`.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> peak_horizons(fit(example_runs(schedule="cosine")).optima).tolist()
        [0.5, 2.0, 8.0, 32.0]
    """
    return np.array(list(map(at_peak, optima)))


def offset(optimum: Optimum) -> float:
    """Difference to add to the ln of the peak rate to get the ln of the base rate.

    Example:
        >>> cyclic = Optimum("cyclic", 64.0, -6.0, se=0.1, n=6, at_edge=0, mean=2.0, peak=3.0)
        >>> round(offset(cyclic), 3)
        -1.099
    """
    if optimum.peak is None:
        return 0.0

    return -float(np.log(optimum.peak))


def offsets(optima: Sequence[Optimum]) -> Floats:
    """Offset of each optimum (see `offset`), shape `(n,)`.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> np.abs(offsets(fit(example_runs(schedule="cosine", horizons=[1, 4])).optima)).tolist()
        [0.0, 0.0]
    """
    return np.array(list(map(offset, optima)))


def annealed(optima: Sequence[Optimum]) -> Floats:
    """How far the rate has fallen by the end of a run, as a part of its peak, shape `(n,)`.

    Example:
        >>> cosine = Optimum("cosine", 64.0, -6.0, 0.1, 6, 0, mean=0.5, peak=1.0, end=0.0)
        >>> constant = Optimum("constant", 64.0, -6.0, 0.1, 6, 0, mean=1.0, peak=1.0, end=1.0)
        >>> annealed([cosine, constant]).tolist()
        [1.0, 0.0]
    """
    fallen = []
    for optimum in optima:
        if optimum.end is None or optimum.peak is None:
            fallen.append(0.0)
        else:
            fallen.append(1 - optimum.end / optimum.peak)
    return np.clip(fallen, 0.0, 1.0)


def contexts_of(optima: Sequence[Optimum]) -> list[Context]:
    """Context of each optimum.

    Example:
        >>> optimum = Optimum("constant", 64.0, -6.0, se=0.1, n=6, at_edge=0)
        >>> contexts_of([optimum])
        [()]
    """
    return [optimum.context for optimum in optima]


def shift(optimum: Optimum, known: float) -> float:
    """Standard deviation, in ln lr, of what peak rate and kappa do not explain of a schedule.

    Args:
        optimum: An optimum of the schedule.
        known: The standard deviation for schedules of known shape.

    Example:
        >>> cosine = Optimum("cosine", 64.0, -6.0, se=0.1, n=6, at_edge=0, mean=0.5, peak=1.0)
        >>> shift(cosine, known=0.35)
        0.35
    """
    if optimum.schedule == CONSTANT:
        return 0.0

    return UNKNOWN_SHIFT if optimum.mean is None else known


def same(rows: Sequence[object], columns: Sequence[object]) -> Floats:
    """Matrix of ones where two values are the same and zeros elsewhere, shape `(n, m)`.

    Example:
        >>> same(["constant", "cosine"], ["cosine"]).tolist()
        [[0.0], [1.0]]
    """
    numbers: dict[object, int] = {}
    for value in (*rows, *columns):
        numbers.setdefault(value, len(numbers))

    # Comparing numbers is faster than comparing tuples and texts.
    row_numbers = np.array([numbers[value] for value in rows])
    column_numbers = np.array([numbers[value] for value in columns])

    are_equal = row_numbers[:, None] == column_numbers
    return np.asarray(are_equal, dtype=np.float64)


def schedule_covariance(
    rows: Sequence[Optimum],
    columns: Sequence[Optimum],
    known: float,
) -> Floats:
    """Prior covariances of what peak rate and kappa do not explain of schedules, shape `(n, m)`.

    Args:
        rows: n optima.
        columns: m optima.
        known: Standard deviation for schedules of known shape.

    Example:
        >>> constant = Optimum("constant", 64.0, -6.0, se=0.1, n=6, at_edge=0)
        >>> house = Optimum("house mix", 64.0, -6.0, se=0.1, n=6, at_edge=0)
        >>> schedule_covariance([constant, house], [house], known=0.35).tolist()
        [[0.0], [2.25]]
    """
    same_schedule = same(_schedules(rows), _schedules(columns))
    row_shifts = [shift(optimum, known) for optimum in rows]
    column_shifts = [shift(optimum, known) for optimum in columns]
    products = np.outer(row_shifts, column_shifts)

    covariance: Floats = same_schedule * products
    return covariance


def other(rows: Sequence[Optimum], columns: Sequence[Optimum]) -> Floats:
    """Covariances of the bias and the scatter of other tables, for a unit b, shape `(n, m)`.

    Example:
        >>> own = Optimum("constant", 64.0, ln_lr=-6.0, se=0.1, n=6, at_edge=0)
        >>> source = Optimum("constant", 16.0, ln_lr=-5.0, se=0.1, n=6, at_edge=0, table=1)
        >>> other([own, source], [own, source]).tolist()
        [[0.0, 0.0], [0.0, 2.0]]
    """
    if all(optimum.table == OWN for optimum in rows):
        return np.zeros((len(rows), len(columns)))

    row_tables = [optimum.table for optimum in rows]
    column_tables = [optimum.table for optimum in columns]
    bias = same(row_tables, column_tables)
    bias[np.array(row_tables) == OWN] = 0.0

    # An optimum shares the bias with its table, and its scatter with itself only.
    scatter = same(list(map(id, rows)), list(map(id, columns)))
    covariance: Floats = bias * (1 + scatter)
    return covariance


def deviation(
    sds: tuple[float, float],
    rows: Sequence[Context],
    columns: Sequence[Context],
) -> Floats:
    """Covariances of the differences between contexts, shape `(n, m)`.

    Args:
        sds: Standard deviations of the part that near contexts share and of the part that each
            context has to itself.
        rows: n comparable contexts.
        columns: m comparable contexts.

    Example:
        >>> narrow, wide = (("width", "64"),), (("width", "128"),)
        >>> deviation((1.0, 0.1), [narrow], [narrow, wide]).round(2).tolist()
        [[1.01, 0.97]]
    """
    return deviations([sds], rows, columns)[0]


def deviations(
    all_sds: Sequence[tuple[float, float]],
    rows: Sequence[Context],
    columns: Sequence[Context],
) -> list[Floats]:
    """Covariances of several differences between contexts, each as `deviation` returns them.

    Example:
        >>> narrow, wide = (("width", "64"),), (("width", "128"),)
        >>> level, slope = deviations([(1.0, 0.1), (0.3, 0.1)], [narrow], [narrow, wide])
        >>> slope.round(2).tolist()
        [[0.1, 0.09]]
    """
    near = similarity(rows, columns)
    equal = same(rows, columns)

    covariances = []
    for shared, separate in all_sds:
        covariance: Floats = shared**2 * near + separate**2 * equal
        covariances.append(covariance)
    return covariances


def integrated_walk(u: Floats, v: Floats) -> Floats:
    """Covariance of an integrated random walk that starts at 0 in both directions.

    Args:
        u: Positions of the rows, shape `(n,)`.
        v: Positions of the columns, shape `(m,)`.

    Returns:
        For a walk of unit variance per unit of length, shape `(n, m)`.

    Example:
        >>> integrated_walk(np.array([1.0]), np.array([3.0, -3.0])).round(3).tolist()
        [[1.333, 0.0]]
    """
    u = u[:, None]
    are_same_side = np.sign(u) * np.sign(v) > 0

    u_length, v_length = np.abs(u), np.abs(v)
    small = np.minimum(u_length, v_length)
    large = np.maximum(u_length, v_length)
    covariance: Floats = are_same_side * small**2 * (3 * large - small) / 6
    return covariance


def noise(optima: Sequence[Optimum], scatter: float) -> Floats:
    """Covariance of the optima's errors, diagonal, shape `(n, n)`.

    Args:
        optima: The optima.
        scatter: Standard deviation of an optimum about any smooth law, in ln lr.

    Example:
        >>> first = Optimum("constant", 16.0, ln_lr=-5.0, se=0.3, n=6, at_edge=0)
        >>> second = Optimum("constant", 64.0, ln_lr=-6.0, se=0.1, n=6, at_edge=0)
        >>> noise([first, second], scatter=0.0).round(3).tolist()
        [[0.09, 0.0], [0.0, 0.01]]
    """
    ln_horizons = np.log(peak_horizons(optima))
    distances = np.abs(ln_horizons[:, None] - ln_horizons)

    # Constant-rate optima of one table and context come from the same runs. Each other optimum
    # has runs of its own.
    sources: list[object] = []
    for i, optimum in enumerate(optima):
        if optimum.schedule == CONSTANT:
            sources.append((optimum.table, optimum.context))
        else:
            sources.append(i)

    correlations = np.exp(-distances / CORRELATION) * same(sources, sources)
    se = np.array([optimum.se for optimum in optima])

    variances = se**2 * correlations.sum(axis=1) + scatter**2
    return np.diag(variances)


def _schedules(optima: Sequence[Optimum]) -> list[str]:
    return [optimum.schedule for optimum in optima]
