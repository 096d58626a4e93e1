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
from optuna_kappa.law.descent import AHEAD
from optuna_kappa.law.hypotheses import Hypotheses, combine_hypotheses
from optuna_kappa.law.kernel import (
    annealed,
    contexts_of,
    deviation,
    integrated_walk,
    offsets,
    other,
    peak_horizons,
)
from optuna_kappa.law.optimum import OWN, Optimum
from optuna_kappa.law.pairs import CONTEXT_SLOPE, own_pairs, pairs
from optuna_kappa.law.prior import MIXTURE, Prior


class SlopePrior(NamedTuple):
    """Prior moments of the slope at the largest horizon.

    Attributes:
        mean: Means, shape `(k,)`.
        variance: Variances, shape `(k,)`.
        cross: Covariances with the optima seen, shape `(k, n)`.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> slope = Moments(fit(example_runs()).optima).slope
        >>> slope.mean.shape == slope.variance.shape, slope.cross.shape[1]
        (True, 4)
    """

    mean: Floats
    variance: Floats
    cross: Floats


@dataclass(frozen=True)
class Moments:
    """Prior moments of the optima of one context, placed by the optima seen.

    Attributes:
        seen: Optima seen, at least one; they fix the level and the largest horizon.
        prior: What is believed before any run.
        context: The context to predict for.
        descent: How fast the lowest loss falls (`optuna_kappa.law.descent`); None if it is not
            known.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> optima = fit(example_runs()).optima
        >>> k, n, m = Moments(optima).covariance(optima, optima[:1]).shape
        >>> n, m
        (4, 1)
    """

    seen: Sequence[Optimum]
    prior: Prior = MIXTURE
    context: Context = ()
    descent: float | None = None

    @cached_property
    def hypotheses(self) -> Hypotheses:
        """The hypotheses, with ceilings between the largest and the smallest horizon seen.

        The descent counts in their probabilities, where the prior says what it tells.

        Example:
            >>> from optuna_kappa import fit
            >>> from optuna_kappa.runs import example_runs
            >>> moments = Moments(fit(example_runs()).optima)
            >>> float(moments.hypotheses.bias_sd.max())  # 0: there is one table only
            0.0
        """
        deepest = float(self._depths(self.seen).max())
        has_other_tables = any(optimum.table != OWN for optimum in self.seen)
        hypotheses = combine_hypotheses(
            self.prior, self.largest, deepest, several_tables=has_other_tables
        )
        if self.descent is None or self.prior.descent is None:
            return hypotheses

        mean, variance = hypotheses.slope_to(AHEAD)
        likelihood = self.prior.descent.likelihood(self.descent, mean, np.sqrt(variance))
        probability = hypotheses.prior * likelihood
        return hypotheses._replace(prior=probability / probability.sum())

    @cached_property
    def slope(self) -> SlopePrior:
        """Prior of the slope -d ln lr / d ln D at the largest horizon seen.

        Example:
            >>> from optuna_kappa import fit
            >>> from optuna_kappa.runs import example_runs
            >>> float(Moments(fit(example_runs()).optima).slope.mean[0])
            1.0
        """
        depths = self._depths(self.seen)
        share = self.hypotheses.share_at_largest
        slope_variance = self.hypotheses.slope_sd**2

        variance = share**2 * slope_variance
        cross = (share * slope_variance)[:, None] * self.lever(self.seen)

        if self.has_other_contexts:
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
            >>> moments = Moments([seen])
            >>> float(moments.mean([seen])[0, 0])  # the level is that of the optima seen
            -6.0
        """
        moved = self.hypotheses.moved(self._depths(optima), self.lever(optima))
        higher = self.prior.annealing * self._annealing(optima)
        mean: Floats = self._level + moved + offsets(optima) + higher
        return mean

    def lever(self, optima: Sequence[Optimum]) -> Floats:
        """Factor L(u) that the slope of each hypothesis is multiplied by, shape `(k, n)`.

        Example:
            >>> seen = Optimum("constant", 16.0, ln_lr=-6.0, se=0.1, n=6, at_edge=0)
            >>> float(Moments([seen]).lever([seen])[0, 0])  # 0 at the largest horizon
            0.0
        """
        return self._seen_lever if optima is self.seen else self._lever_of(optima)

    def covariance(self, rows: Sequence[Optimum], columns: Sequence[Optimum]) -> Floats:
        """Prior covariances of optima, without their errors, shape `(k, n, m)`.

        They are the common part, the product of the slopes' levers, the drift, and the bias of
        other tables.

        Example:
            >>> seen = Optimum("constant", 16.0, ln_lr=-6.0, se=0.1, n=6, at_edge=0)
            >>> float(Moments([seen]).covariance([seen], [seen])[0, 0, 0])  # 3^2, of A
            9.0
        """
        slopes = self.lever(rows)[:, :, None] * self.lever(columns)[:, None, :]
        slope_variance = self.hypotheses.slope_sd[:, None, None] ** 2
        bias_variance = self.hypotheses.bias_sd[:, None, None] ** 2
        drift_variance = self.hypotheses.drift[:, None, None] ** 2
        common, drift = self.shared_covariances(rows, columns)

        covariance: Floats = slope_variance * slopes + common
        return covariance + drift_variance * drift + bias_variance * other(rows, columns)

    def shared_covariances(
        self,
        rows: Sequence[Optimum],
        columns: Sequence[Optimum],
    ) -> tuple[Floats, Floats]:
        """The parts of the prior covariances that all hypotheses share.

        Returns:
            What comes from the level, from schedules and contexts, and what a unit of drift adds,
            both of shape `(n, m)`.

        Example:
            >>> seen = Optimum("constant", 16.0, ln_lr=-6.0, se=0.1, n=6, at_edge=0)
            >>> common, drift = Moments([seen]).shared_covariances([seen], [seen])
            >>> common.tolist(), drift.tolist()
            ([[9.0]], [[0.0]])
        """
        row_depths = self._depths(rows)
        column_depths = self._depths(columns)

        several = self.has_other_contexts
        if rows is self.seen and columns is self.seen:
            shared = own_pairs(tuple(self.seen), self.prior, several_contexts=several)
        else:
            shared = pairs(rows, columns, self.prior, several_contexts=several)

        common: Floats = shared.level + shared.slope * np.outer(row_depths, column_depths)
        drift: Floats = shared.drift * integrated_walk(row_depths, column_depths)
        return common, drift

    @cached_property
    def has_other_contexts(self) -> bool:
        """Whether optima of other contexts were seen.

        Example:
            >>> seen = Optimum("constant", 16.0, ln_lr=-6.0, se=0.1, n=6, at_edge=0)
            >>> Moments([seen]).has_other_contexts
            False
        """
        return any(optimum.context != self.context for optimum in self.seen)

    @cached_property
    def largest(self) -> float:
        """The largest peak horizon seen, of the context itself if it has any.

        Example:
            >>> seen = Optimum("constant", 16.0, ln_lr=-6.0, se=0.1, n=6, at_edge=0)
            >>> Moments([seen]).largest
            16.0
        """
        in_context = [optimum for optimum in self.seen if optimum.context == self.context]
        return float(peak_horizons(in_context or self.seen).max())

    @cached_property
    def _level(self) -> float:
        """Prior mean of A, the optimum at the largest horizon."""
        ln_lr = np.array([optimum.ln_lr for optimum in self.seen])
        return float(np.mean(ln_lr - offsets(self.seen)))

    def _annealing(self, optima: Sequence[Optimum]) -> Floats:
        """What annealing counts for each optimum, for a unit of it, shape `(k, n)`."""
        return annealed(optima) * self.hypotheses.missing(self._depths(optima))

    def _depths(self, optima: Sequence[Optimum]) -> Floats:
        """How far each horizon lies below the largest, u = ln(d_max / d), shape `(n,)`."""
        if optima is self.seen:
            return self._seen_depths
        return self._depths_of(optima)

    @cached_property
    def _seen_depths(self) -> Floats:
        return self._depths_of(self.seen)

    @cached_property
    def _seen_lever(self) -> Floats:
        return self._lever_of(self.seen)

    def _lever_of(self, optima: Sequence[Optimum]) -> Floats:
        return self.hypotheses.lever(self._depths(optima))

    def _depths_of(self, optima: Sequence[Optimum]) -> Floats:
        depths: Floats = np.log(self.largest / peak_horizons(optima))
        return depths
