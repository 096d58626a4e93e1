"""Medians and means over repeats, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from optuna_kappa._typing import Floats

Statistic = Callable[[Floats], Floats]
"""Reduces the first axis of an array."""

_RESAMPLES = 2_000
_LEVEL = 0.95
_SEED = 0  # of the resampling; the repeats have seeds of their own


def median(values: Floats) -> Floats:
    """Median over the first axis. Infinity and NaN count as worse than all other values."""
    return np.asarray(np.median(_worst(values), axis=0))


def mean(values: Floats) -> Floats:
    """Mean over the first axis. It is infinite where a value is infinite or NaN."""
    return np.asarray(np.mean(_worst(values), axis=0))


def interval(statistic: Statistic, values: Floats) -> tuple[Floats, Floats]:
    """Compute the 95 % interval of a statistic by the percentile bootstrap (Efron, 1979).

    Args:
        statistic: The statistic.
        values: One value per repeat, shape `(n_repeats, ...)`.

    Returns:
        Lower and upper end, each of the statistic's shape.
    """
    rng = np.random.default_rng(_SEED)
    n = len(values)
    rows = rng.integers(n, size=(n, _RESAMPLES))
    resampled = statistic(values[rows])

    # "nearest" returns values that were drawn: interpolating between a number and infinity fails.
    low = (1 - _LEVEL) / 2
    high = (1 + _LEVEL) / 2
    ends = np.quantile(
        resampled,
        [low, high],
        axis=0,
        method="nearest",
    )
    return ends[0], ends[1]


def stays_under(budgets: Floats, values: Floats, level: float) -> float:
    """Return the first budget from which on all values are at most `level`; infinity if none."""
    above = np.flatnonzero(~(values <= level))
    first = int(above[-1]) + 1 if len(above) else 0

    return float(budgets[first]) if first < len(budgets) else np.inf


def number(value: float) -> float | None:
    """Return the value, or None for NaN and infinity, which JSON does not have."""
    return float(value) if np.isfinite(value) else None


def _worst(values: Floats) -> Floats:
    return np.where(np.isnan(values), np.inf, values)
