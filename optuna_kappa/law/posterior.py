r"""How the optimum moves with the horizon: a mixture of Gaussian processes in ln D.

Let z_i be the optimum (ln lr) found at horizon D_i under schedule S_i, with standard error e_i. A
scheduled run counts as the constant-rate run at its peak rate that has the same kappa: a run of
horizon d = D * mean(S) / peak(S). Let u = ln(d_max / d) be its depth, how far that horizon lies
below the largest one seen. A hypothesis says

    z(D, S) = A + s * L(u) + w(u) - ln peak(S) + a_S + delta_S + b_T + f_C(u)

    A        optimum at the largest horizon, constant rate           N(mean of z, 3^2)
    s        slope -d ln lr / d ln D where there is no ceiling       one of four N(m, v^2)
    L(u)     u, bent around a ceiling u_c: horizons well below
             d_max exp(-u_c) share one lr                            a grid; none with prob. 1/2
    w        drift of the slope, an integrated random walk           DRIFT^2 a unit of ln D
    a_S      annealing: a rate that falls by the end of the run may
             have a higher peak, by ANNEALING (1 - slope) times the
             part of the peak by which it has fallen                 +- ANNEALING_SD times it
    delta_S  what the terms above miss of a schedule                 N(0, SHIFT^2), 0 for constant
    b_T      bias of optima from another table, and their scatter    N(0, b^2), b small or large
    f_C      difference of the law of context C (a batch size, a width) from the common law, in
             level, slope and drift; the nearer two contexts, the smaller their difference
             (`optuna_kappa.law.contexts`)

The ceilings and the sizes of b are in `optuna_kappa.law.hypotheses`, the prior moments of z in
`optuna_kappa.law.moments`.

Where the slope is 1 this is the paper's kappa invariance: all schedules' optima have one kappa.
Where the optimum does not move with the horizon, because higher rates are unstable, what schedules
share is the peak rate instead, but for what annealing adds to it.

Beyond d_max the prior mean of a slope s goes to 1 as 1 - (1 - s) exp(STEEPENING u): in all laws
seen so far, an optimum that moves at all moves more, the longer the runs. DRIFT, STEEPENING,
SHIFT, ANNEALING and the classes of s are those of the prior (`optuna_kappa.law.prior`).

Given the slope's class, the ceiling and the size of b, all is Gaussian. So each hypothesis is one
Gaussian-process regression with a closed form, weighted by its marginal likelihood, and by how
fast the loss falls if the prior says what that tells (`optuna_kappa.law.descent`). The drift is
anchored at d_max: the slope that is extrapolated is the slope at the largest horizons, and the
uncertainty grows like (ln D/d_max)^1.5 beyond them.

Constant-rate optima at neighboring horizons come from the same runs. With a correlation of
exp(-|ln d_i/d_j| / CORRELATION), n of them are worth fewer than n: each error variance is
multiplied by the sum of its correlations. (Putting the correlations into the covariance instead
is exact only if the errors are, and otherwise extrapolates wildly.)

Shapes: k hypotheses, n optima.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from optuna_kappa._typing import Floats, Rows
from optuna_kappa.law.contexts import Context, comparable, similarity
from optuna_kappa.law.descent import descent_of
from optuna_kappa.law.kernel import contexts_of
from optuna_kappa.law.mixture import Mixture
from optuna_kappa.law.moments import Moments
from optuna_kappa.law.optimum import OWN, Optimum
from optuna_kappa.law.pairs import SCATTER
from optuna_kappa.law.prior import MIXTURE, Prior
from optuna_kappa.law.regression import Regression
from optuna_kappa.law.shared import shared_regression

MOST_OPTIMA = 160  # those of the most similar contexts count
_SLOPE_SCATTER = 1e-3  # keeps the slope's standard deviation above 0
_KEPT = 16  # posteriors


@lru_cache(maxsize=_KEPT)
def posterior_of(given: tuple[Optimum, ...], prior: Prior, context: Context) -> Posterior:
    """The posterior, which the law, its verdict and its checks share.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> optima = fit(example_runs()).optima
        >>> posterior_of(optima, MIXTURE, ()) is posterior_of(optima, MIXTURE, ())
        True
    """
    return Posterior(given, prior, context)


@dataclass(frozen=True)
class Posterior:
    """The law's posterior for one context, given optima at one or more horizons.

    Attributes:
        given: Optima, at least one; the more alike another context is, the more its optima count.
        prior: What is believed before any run.
        context: The context to predict for.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> posterior = Posterior(fit(example_runs(slope=1.0)).optima)
        >>> mean, sd = posterior.predict(64.0, "constant").moments
        >>> print(f"{np.exp(mean):.1e}")
        1.6e-04
    """

    given: Sequence[Optimum]
    prior: Prior = MIXTURE
    context: Context = ()

    def predict(
        self,
        horizon: float,
        schedule: str,
        mean: float | None = None,
        peak: float | None = None,
        end: float | None = None,
    ) -> Mixture:
        """Distribution of the optimal ln lr at a horizon under a schedule.

        Args:
            horizon: Horizon, in the unit of the optima.
            schedule: Name of the schedule; optima found under the same name share its delta_S.
            mean: Mean multiplier of the schedule at this horizon, None where not known.
            peak: Its largest multiplier, None where not known.
            end: Its mean multiplier over the last fiftieth of the run, None where not known.

        Example:
            >>> from optuna_kappa import fit
            >>> from optuna_kappa.runs import example_runs
            >>> posterior = Posterior(fit(example_runs(slope=1.0)).optima)
            >>> posterior.predict(256.0, "cosine", mean=0.5, peak=1.0).moments[1] > 0.1
            True
        """
        target = Optimum(
            schedule=schedule,
            horizon=horizon,
            ln_lr=0.0,
            se=0.0,
            n=0,
            at_edge=0,
            mean=mean,
            peak=peak,
            end=end,
            context=self.context,
        )
        return self._condition(
            mean=self._moments.mean([target])[:, 0],
            variance=self._moments.covariance([target], [target])[:, 0, 0],
            cross=self._moments.covariance([target], self.optima)[:, 0],
            least_sd=SCATTER,
        )

    @cached_property
    def slope(self) -> Mixture:
        """Posterior of the slope -d ln lr / d ln D at the largest horizon seen.

        Example:
            >>> from optuna_kappa import fit
            >>> from optuna_kappa.runs import example_runs
            >>> round(Posterior(fit(example_runs(slope=0.5)).optima).slope.moments[0], 1)
            0.5
        """
        slope = self._moments.slope
        return self._condition(slope.mean, slope.variance, slope.cross, least_sd=_SLOPE_SCATTER)

    @property
    def classes(self) -> Mapping[str, float]:
        """Posterior probability of each of the prior's classes of slopes, by name.

        Example:
            >>> from optuna_kappa import fit
            >>> from optuna_kappa.runs import example_runs
            >>> classes = Posterior(fit(example_runs(slope=1.0)).optima).classes
            >>> max(classes, key=classes.get)
            'inverse'
        """
        sums = np.bincount(self.slope_class, self._regression.probability, len(self.prior.slopes))

        probabilities: dict[str, float] = {}
        for one, probability in zip(self.prior.slopes, sums.tolist(), strict=True):
            probabilities[one.name] = probabilities.get(one.name, 0.0) + probability
        return probabilities

    @property
    def slope_class(self) -> Rows:
        """Index of the prior's class of slopes of each component of a prediction, shape `(k,)`.

        Example:
            >>> from optuna_kappa import fit
            >>> from optuna_kappa.runs import example_runs
            >>> posterior = Posterior(fit(example_runs()).optima)
            >>> len(posterior.slope_class) == len(posterior.slope.weight)
            True
        """
        return self._moments.hypotheses.slope_class

    @cached_property
    def optima(self) -> tuple[Optimum, ...]:
        """The optima that the posterior rests on: informative ones of comparable contexts.

        An optimum at the edge of the rates tried only says that the best rate is not among them.
        Where the other optima already place it beyond that edge, this is nothing new.

        Example:
            >>> from optuna_kappa import fit
            >>> from optuna_kappa.runs import example_runs
            >>> len(Posterior(fit(example_runs()).optima).optima)
            4
        """
        candidates = self._most_similar()
        inside = [optimum for optimum in candidates if not optimum.at_edge]
        if not inside or len(inside) == len(candidates):
            return candidates

        # Optima at an edge are the ones in question, so only the others predict. In this order,
        # the laws of all contexts have the same ones, and share the regression on them.
        inside.sort(key=_place)
        inner_posterior = posterior_of(tuple(inside), self.prior, self.context)
        edges = [optimum for optimum in candidates if optimum.at_edge]
        news = inner_posterior.contradicted(edges)
        return tuple(one for one in candidates if not one.at_edge or one in news)

    def contradicted(self, edges: Sequence[Optimum]) -> set[Optimum]:
        """Optima at the edge of their rates that lie further out than predicted.

        Example:
            >>> inside = Optimum("constant", 16.0, ln_lr=-6.0, se=0.1, n=6, at_edge=0)
            >>> lowest = Optimum("constant", 16.0, ln_lr=-9.0, se=0.1, n=6, at_edge=-1)
            >>> Posterior([inside]).contradicted([lowest]) == {lowest}
            True
        """
        by_context: dict[Context, list[Optimum]] = {}
        for edge in edges:
            by_context.setdefault(edge.context, []).append(edge)

        contradicted = set()
        for context, of_context in by_context.items():
            same = context == self.context
            posterior = self if same else Posterior(self.given, self.prior, context)
            expected = posterior._expected(of_context)
            for edge, ln_lr in zip(of_context, expected, strict=True):
                if (edge.ln_lr - ln_lr) * edge.at_edge > 0:
                    contradicted.add(edge)

        return contradicted

    def _expected(self, optima: Sequence[Optimum]) -> list[float]:
        """Means of the predictions where some optima lie, without the cost of their variances."""
        targets = [replace(one, table=OWN, context=self.context) for one in optima]
        cross = self._moments.covariance(targets, self.optima)
        mean = self._moments.mean(targets) + self._regression.shifts(cross)
        expected: list[float] = (self._regression.probability @ mean).tolist()
        return expected

    def _condition(
        self, mean: Floats, variance: Floats, cross: Floats, least_sd: float
    ) -> Mixture:
        """Distribution of a quantity, given the optima.

        Args:
            mean: Prior mean of the quantity, shape `(k,)`.
            variance: Its prior variance, shape `(k,)`.
            cross: Its prior covariances with the optima, shape `(k, n)`.
            least_sd: Lower bound of its standard deviation.
        """
        regression = self._regression
        gain, explained = regression.condition(cross)
        sd = np.sqrt(np.maximum(variance - explained, least_sd**2))
        return Mixture(regression.probability, mean + gain, sd)

    @cached_property
    def _moments(self) -> Moments:
        # Even an optimum that says nothing new of the rate has a loss.
        return Moments(self.optima, self.prior, self.context, descent_of(self.given, self.context))

    @cached_property
    def _regression(self) -> Regression:
        return shared_regression(self._moments)

    def _most_similar(self) -> tuple[Optimum, ...]:
        """Given optima of comparable contexts; if they are many, those of the most similar."""
        alike = tuple(
            optimum for optimum in self.given if comparable(optimum.context, self.context)
        )
        if len(alike) <= MOST_OPTIMA:
            return alike

        nearness = similarity([self.context], contexts_of(alike))[0]
        nearest_first = np.argsort(-nearness, kind="stable")
        return tuple(alike[i] for i in nearest_first[:MOST_OPTIMA])


def _place(optimum: Optimum) -> tuple[Context, int, str, float]:
    """Where an optimum stands in an order that no context changes."""
    return optimum.context, optimum.table, optimum.schedule, optimum.horizon
