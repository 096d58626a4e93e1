"""Prior means and covariances of optima, under each hypothesis.

The formula and its symbols are at the head of `optuna_kappa.law.posterior`. Shapes: k hypotheses,
n rows, m columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.law.contexts import Context
from optuna_kappa.law.hypotheses import Hypotheses, combine_hypotheses
from optuna_kappa.law.kernel import (
    contexts_of,
    deviation,
    integrated_walk,
    offsets,
    other,
    peak_horizons,
    schedule_covariance,
    steepening,
)
from optuna_kappa.law.optimum import OWN, Optimum

DRIFT = 0.5  # MNIST: Adam moves from slope 0 to 1 over three units of ln D, SGD hardly at all
# Standard deviations between contexts, as (part shared by near ones, part of its own): of the
# optimum, in ln lr, of the slope, and of the drift, in parts of DRIFT.
CONTEXT_LEVEL = (1.0, 0.1)
CONTEXT_SLOPE = (0.3, 0.1)
CONTEXT_DRIFT = (0.7, 0.7)
_LEVEL = 3.0  # standard deviation of A


class SlopePrior(NamedTuple):
    """Prior moments of the slope at the largest horizon.

    Attributes:
        mean: Means, shape `(k,)`.
        variance: Variances, shape `(k,)`.
        cross: Covariances with the optima seen, shape `(k, n)`.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> slope = Prior(fit(example_runs()).optima).slope
        >>> slope.mean.shape == slope.variance.shape, slope.cross.shape[1]
        (True, 4)
    """

    mean: Floats
    variance: Floats
    cross: Floats


@dataclass(frozen=True)
class Prior:
    """Prior of the optima of one context, placed by the optima seen.

    Attributes:
        seen: Optima seen, at least one; they fix the level and the largest horizon.
        context: The context to predict for.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> optima = fit(example_runs()).optima
        >>> k, n, m = Prior(optima).covariance(optima, optima[:1]).shape
        >>> n, m
        (4, 1)
    """

    seen: Sequence[Optimum]
    context: Context = ()

    @cached_property
    def hypotheses(self) -> Hypotheses:
        """The hypotheses, with ceilings between the largest and the smallest horizon seen.

        Example:
            >>> from optuna_kappa import fit
            >>> from optuna_kappa.runs import example_runs
            >>> prior = Prior(fit(example_runs()).optima)
            >>> float(prior.hypotheses.bias_sd.max())  # 0: there is one table only
            0.0
        """
        deepest = float(self._depths(self.seen).max())
        has_other_tables = any(optimum.table != OWN for optimum in self.seen)
        return combine_hypotheses(deepest, several_tables=has_other_tables)

    @cached_property
    def slope(self) -> SlopePrior:
        """Prior of the slope -d ln lr / d ln D at the largest horizon seen.

        Example:
            >>> from optuna_kappa import fit
            >>> from optuna_kappa.runs import example_runs
            >>> float(Prior(fit(example_runs()).optima).slope.mean[0])
            1.0
        """
        depths = self._depths(self.seen)
        share = self.hypotheses.share_at_largest
        slope_variance = self.hypotheses.slope_sd**2

        variance = share**2 * slope_variance
        cross = (share * slope_variance)[:, None] * self.hypotheses.lever(depths)

        if self._has_other_contexts:
            shared, separate = CONTEXT_SLOPE
            variance += shared**2 + separate**2
            between = deviation(CONTEXT_SLOPE, [self.context], contexts_of(self.seen))
            cross += between[0] * depths

        mean = self.hypotheses.slope_mean * share
        return SlopePrior(mean, variance, cross)

    def mean(self, optima: Sequence[Optimum]) -> Floats:
        """Prior means of optima, shape `(k, n)`.

        Example:
            >>> seen = Optimum("constant", 16.0, ln_lr=-6.0, se=0.1, n=6, at_edge=0)
            >>> prior = Prior([seen])
            >>> float(prior.mean([seen])[0, 0])  # the level is that of the optima seen
            -6.0
        """
        depths = self._depths(optima)
        lever = self.hypotheses.lever(depths)
        slope = self.hypotheses.slope_mean[:, None]

        mean: Floats = self._level + slope * lever + offsets(optima)
        return mean - (1 - slope) * steepening(depths)

    def covariance(self, rows: Sequence[Optimum], columns: Sequence[Optimum]) -> Floats:
        """Prior covariances of optima, without their errors, shape `(k, n, m)`.

        Example:
            >>> seen = Optimum("constant", 16.0, ln_lr=-6.0, se=0.1, n=6, at_edge=0)
            >>> float(Prior([seen]).covariance([seen], [seen])[0, 0, 0])  # 3^2, of A
            9.0
        """
        row_depths = self._depths(rows)
        column_depths = self._depths(columns)
        drift = DRIFT**2 * integrated_walk(row_depths, column_depths)
        common = _LEVEL**2 + schedule_covariance(rows, columns)

        if self._has_other_contexts:
            row_contexts = contexts_of(rows)
            column_contexts = contexts_of(columns)
            common += deviation(CONTEXT_LEVEL, row_contexts, column_contexts)
            slope_deviation = deviation(CONTEXT_SLOPE, row_contexts, column_contexts)
            common += slope_deviation * np.outer(row_depths, column_depths)
            drift *= deviation(CONTEXT_DRIFT, row_contexts, column_contexts)

        row_lever = self.hypotheses.lever(row_depths)[:, :, None]
        column_lever = self.hypotheses.lever(column_depths)[:, None, :]
        slope_variance = self.hypotheses.slope_sd[:, None, None] ** 2
        covariance: Floats = slope_variance * (row_lever * column_lever) + common + drift

        bias_variance = self.hypotheses.bias_sd[:, None, None] ** 2
        return covariance + bias_variance * other(rows, columns)

    @cached_property
    def _has_other_contexts(self) -> bool:
        return any(optimum.context != self.context for optimum in self.seen)

    @cached_property
    def _largest(self) -> float:
        """The largest peak horizon seen, of the context itself if it has any."""
        in_context = [optimum for optimum in self.seen if optimum.context == self.context]
        return float(peak_horizons(in_context or self.seen).max())

    @cached_property
    def _level(self) -> float:
        """Prior mean of A, the optimum at the largest horizon."""
        ln_lr = np.array([optimum.ln_lr for optimum in self.seen])
        return float(np.mean(ln_lr - offsets(self.seen)))

    def _depths(self, optima: Sequence[Optimum]) -> Floats:
        """How far each horizon lies below the largest, u = ln(d_max / d), shape `(n,)`."""
        depths: Floats = np.log(self._largest / peak_horizons(optima))
        return depths
