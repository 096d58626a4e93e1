r"""How the optimum moves with the horizon: a mixture of Gaussian processes in ln D.

Let z_i be the optimum (ln lr) found at horizon D_i under schedule S_i, with standard error e_i. A
scheduled run counts as the constant-rate run at its peak rate that has the same kappa: a run of
horizon d = D * mean(S) / peak(S). Let u = ln(d_max / d) be its depth, how far that horizon lies
below the largest one seen. A hypothesis says

    z(D, S) = A + s * L(u) + w(u) - ln peak(S) + delta_S + b_T + f_C(u)

    A        optimum at the largest horizon, constant rate           N(mean of z, 3^2)
    s        slope -d ln lr / d ln D where there is no ceiling       one of four N(m, v^2)
    L(u)     u, bent around a ceiling u_c: horizons well below
             d_max exp(-u_c) share one lr                            a grid; none with prob. 1/2
    w        drift of the slope, an integrated random walk           DRIFT^2 a unit of ln D
    delta_S  what the terms above miss of a schedule                 N(0, SHIFT^2), 0 for constant
    b_T      bias of optima from another table, and their scatter    N(0, b^2), b small or large
    f_C      difference of the law of context C (a batch size, a width) from the common law, in
             level, slope and drift; the nearer two contexts, the smaller their difference
             (`optuna_kappa.law.contexts`)

The classes of s, the ceilings and the sizes of b are in `optuna_kappa.law.hypotheses`, the prior
means and covariances of z in `optuna_kappa.law.prior`.

Where the slope is 1 this is the paper's kappa invariance: all schedules' optima have one kappa.
Where the optimum does not move with the horizon, because higher rates are unstable, what schedules
share is the peak rate instead. On MNIST the rule proposes, from constant-rate runs up to 4 epochs,
rates for Adam and SGD under cosine, halving and cyclic schedules that lose 3 % on average; kappa
invariance alone loses 27 % (`docs/law.md`).

Beyond d_max the prior mean of a slope s goes to 1 as 1 - (1 - s) exp(STEEPENING u): in all laws
seen so far, an optimum that moves at all moves more, the longer the runs.

Given the slope's class, the ceiling and the size of b, all of it is Gaussian. So each hypothesis
is one Gaussian-process regression with a closed form, weighted by its marginal likelihood. The
drift is anchored at d_max: the slope that is extrapolated is the slope at the largest horizons,
and the uncertainty grows like (ln D/d_max)^1.5 beyond them.

Constant-rate optima at neighboring horizons come from the same runs. With a correlation of
exp(-|ln d_i/d_j| / CORRELATION), n of them are worth fewer than n: each error variance is
multiplied by the sum of its correlations. (Putting the correlations into the covariance instead
is exact only if the errors are, and otherwise extrapolates wildly.)

Shapes: k hypotheses, n optima.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optuna_kappa._typing import Floats
from optuna_kappa.law.contexts import Context, comparable, similarity
from optuna_kappa.law.kernel import contexts_of, noise
from optuna_kappa.law.mixture import Mixture
from optuna_kappa.law.optimum import Optimum
from optuna_kappa.law.prior import Prior

SCATTER = 0.07  # scatter of an optimum about any smooth law
MOST_OPTIMA = 160  # those of the most similar contexts count; 50 ms of linear algebra
_SLOPE_SCATTER = 1e-3  # keeps the slope's standard deviation above 0

_Array = NDArray[np.floating]  # what NumPy says its linear algebra returns


class _Regression(NamedTuple):
    """The Gaussian-process regressions on the optima, one for each hypothesis.

    Attributes:
        covariance: Prior covariance of the optima, their errors included, shape `(k, n, n)`.
        solved_residual: covariance^-1 (z - prior mean), shape `(k, n)`.
        probability: Posterior probabilities of the hypotheses, shape `(k,)`.
    """

    covariance: _Array
    solved_residual: _Array
    probability: _Array


@dataclass(frozen=True)
class Posterior:
    """The law's posterior for one context, given optima at one or more horizons.

    Attributes:
        given: Optima, at least one; the more alike another context is, the more its optima count.
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
    context: Context = ()

    def predict(
        self,
        horizon: float,
        schedule: str,
        mean: float | None = None,
        peak: float | None = None,
    ) -> Mixture:
        """Distribution of the optimal ln lr at a horizon under a schedule.

        Args:
            horizon: Horizon, in the unit of the optima.
            schedule: Name of the schedule; optima found under the same name share its delta_S.
            mean: Mean multiplier of the schedule at this horizon, None where not known.
            peak: Its largest multiplier, None where not known.

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
            context=self.context,
        )
        return self._condition(
            mean=self._prior.mean([target])[:, 0],
            variance=self._prior.covariance([target], [target])[:, 0, 0],
            cross=self._prior.covariance([target], self.optima)[:, 0],
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
        slope = self._prior.slope
        return self._condition(
            mean=slope.mean,
            variance=slope.variance,
            cross=slope.cross,
            least_sd=_SLOPE_SCATTER,
        )

    @cached_property
    def optima(self) -> Sequence[Optimum]:
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

        # Optima at an edge are the ones in question, so only the others predict.
        inner_posterior = Posterior(inside, self.context)
        informative = []
        for optimum in candidates:
            if not optimum.at_edge or inner_posterior.contradicts(optimum):
                informative.append(optimum)

        return informative

    def contradicts(self, edge: Optimum) -> bool:
        """Whether an optimum at the edge of its rates lies further out than predicted.

        Example:
            >>> inside = Optimum("constant", 16.0, ln_lr=-6.0, se=0.1, n=6, at_edge=0)
            >>> lowest = Optimum("constant", 16.0, ln_lr=-9.0, se=0.1, n=6, at_edge=-1)
            >>> Posterior([inside]).contradicts(lowest)
            True
        """
        same_context = edge.context == self.context
        posterior = self if same_context else Posterior(self.given, edge.context)

        prediction = posterior.predict(
            edge.horizon,
            edge.schedule,
            edge.mean,
            edge.peak,
        )
        mean, _ = prediction.moments
        return bool((edge.ln_lr - mean) * edge.at_edge > 0)

    def _condition(
        self,
        mean: Floats,
        variance: Floats,
        cross: _Array,
        least_sd: float,
    ) -> Mixture:
        """Distribution of a quantity, given the optima.

        Args:
            mean: Prior mean of the quantity, shape `(k,)`.
            variance: Its prior variance, shape `(k,)`.
            cross: Its prior covariances with the optima, shape `(k, n)`.
            least_sd: Lower bound of its standard deviation.
        """
        regression = self._regression
        gain = np.linalg.solve(regression.covariance, cross[:, :, None])[:, :, 0]

        posterior_mean = mean + (cross * regression.solved_residual).sum(axis=1)
        posterior_variance = variance - (cross * gain).sum(axis=1)
        sd = np.sqrt(np.maximum(posterior_variance, least_sd**2))
        return Mixture(regression.probability, posterior_mean, sd)

    @cached_property
    def _prior(self) -> Prior:
        return Prior(self.optima, self.context)

    @cached_property
    def _regression(self) -> _Regression:
        z = np.array([optimum.ln_lr for optimum in self.optima])
        residual = z - self._prior.mean(self.optima)

        errors = noise(self.optima, SCATTER)
        covariance = self._prior.covariance(self.optima, self.optima) + errors
        solved_residual = np.linalg.solve(covariance, residual[:, :, None])[:, :, 0]

        _, ln_determinant = np.linalg.slogdet(covariance)
        misfit = (residual * solved_residual).sum(axis=1)
        ln_prior = np.log(self._prior.hypotheses.prior)
        ln_probability = ln_prior - 0.5 * (misfit + ln_determinant)

        # Subtracting the maximum keeps the exponentials from underflowing all together.
        probability = np.exp(ln_probability - ln_probability.max())
        probability /= probability.sum()
        return _Regression(covariance, solved_residual, probability)

    def _most_similar(self) -> list[Optimum]:
        """Given optima of comparable contexts; if they are many, those of the most similar."""
        alike = [optimum for optimum in self.given if comparable(optimum.context, self.context)]
        if len(alike) <= MOST_OPTIMA:
            return alike

        nearness = similarity([self.context], contexts_of(alike))[0]
        nearest_first = np.argsort(-nearness, kind="stable")
        return [alike[i] for i in nearest_first[:MOST_OPTIMA]]
