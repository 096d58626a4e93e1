"""Medians and means over repeats, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from optuna_kappa._typing import Floats

_RESAMPLES = 2_000
_LEVEL = 0.95
_SEED = 0  # of the resampling; the repeats have their own


def median(values: Floats) -> Floats:
    """Median over the first axis; infinite values and NaN count as worse than all others."""
    return np.asarray(np.median(_worst(values), axis=0))


def mean(values: Floats) -> Floats:
    """Mean over the first axis; infinite where one value is infinite or NaN."""
    return np.asarray(np.mean(_worst(values), axis=0))


def interval(statistic: Callable[[Floats], Floats], values: Floats) -> tuple[Floats, Floats]:
    """The 95 % interval of a statistic by the percentile bootstrap (Efron, 1979).

    Args:
        statistic: Of an array over its first axis.
        values: Shape `(n_repeats, ...)`.

    Returns:
        Its ends, each of the statistic's shape.
    """
    rng = np.random.default_rng(_SEED)
    drawn = statistic(values[rng.integers(len(values), size=(len(values), _RESAMPLES))])
    # Ends that are drawn values: between a number and infinity there is nothing.
    low, high = (1 - _LEVEL) / 2, (1 + _LEVEL) / 2
    ends = np.quantile(drawn, [low, high], axis=0, method="nearest")
    return ends[0], ends[1]


def stays_under(budgets: Floats, values: Floats, level: float) -> float:
    """The first budget from which on all values are at most `level`; infinity if none."""
    above = np.flatnonzero(~(values <= level))
    first = int(above[-1]) + 1 if len(above) else 0
    return float(budgets[first]) if first < len(budgets) else np.inf


def number(value: float) -> float | None:
    """A value for JSON, which has no NaN and no infinity."""
    return float(value) if np.isfinite(value) else None


def _worst(values: Floats) -> Floats:
    return np.where(np.isnan(values), np.inf, values)
