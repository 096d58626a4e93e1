r"""How the optimum moves with the horizon: a mixture of Gaussian processes in ln D.

Let z_i be the optimum (ln lr) found at horizon D_i under schedule S_i, with standard error e_i. A
scheduled run is taken as the constant-rate run at its peak rate that has the same kappa, one of
horizon d = D * mean(S) / peak(S). With u = ln(d_max / d), how far that lies below the largest one
seen, a hypothesis says

    z(D, S) = A + s * L(u) + w(u) - ln peak(S) + delta_S + b_T + f_C(u)

    A        optimum at the largest horizon, constant rate           N(mean of z, 3^2)
    s        slope -d ln lr / d ln D where there is no ceiling       one of four N(m, v^2), below
    L(u)     u, bent around a ceiling u_c: horizons well below
             d_max exp(-u_c) share one lr                            a grid; none with prob. 1/2
    w        drift of the slope, an integrated random walk           DRIFT^2 a unit of ln D
    delta_S  what all this misses of a schedule                      N(0, SHIFT^2), 0 for constant
    b_T      bias of optima from another table, and their scatter    N(0, b^2), b small or large
    f_C      how the law of context C (a batch size, a width) differs from the common one: in
             level, slope and drift; the nearer two contexts, the less they differ
             (`optuna_kappa.law.contexts`)

Where the slope is 1 this is the paper's kappa invariance: all schedules' optima have one kappa.
Where the optimum does not move with the horizon, because higher rates are unstable, what schedules
share is the peak rate instead. On MNIST the rule proposes, from constant-rate runs up to 4 epochs,
rates for Adam and SGD under cosine, halving and cyclic schedules that lose 3 % on average; kappa
invariance alone loses 27 % (`docs/law.md`).

Beyond d_max the prior mean of a slope s goes to 1 as 1 - (1 - s) exp(STEEPENING u): where the
optimum moves at all, it has been seen to move the more, the longer the runs.

The bend is L(u) = S(u) - S(0), S(u) = u - BEND ln(1 + exp((u - u_c) / BEND)): it takes a factor
of about e^(4 BEND) = 7 in the horizon to go from no movement to the full slope, as Adam's optimum
does on MNIST.

All of it is Gaussian given the ceiling, the slope's class and the size of b, so each hypothesis is
one Gaussian-process regression with a closed form, weighted by its marginal likelihood. The drift
is anchored at d_max: the slope that is extrapolated is the slope at the largest horizons, and the
uncertainty grows like (ln D/d_max)^1.5 beyond them.

Constant-rate optima at neighbouring horizons come from the same runs. With a correlation of
exp(-|ln d_i/d_j| / CORRELATION), n of them are worth fewer than n: each error variance is
multiplied by the sum of its correlations. (Putting the correlations into the covariance instead
is exact only if the errors are, and otherwise extrapolates wildly.)
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
from optuna_kappa.law.kernel import (
    at_peak,
    deviation,
    integrated_walk,
    noise,
    offset,
    other,
    same,
    shift,
    steepening,
)
from optuna_kappa.law.mixture import Mixture
from optuna_kappa.law.optimum import OWN, Optimum

# Prior of the slope, as (weight, mean, standard deviation) of its classes: the paper's inverse
# proportionality; what is published for language models (0.3 to 0.7); no movement; anything.
SLOPES = ((0.5, 1.0, 0.2), (0.2, 0.45, 0.2), (0.25, 0.0, 0.15), (0.05, 0.5, 1.5))
CEILING = 0.5  # prior probability that there is a ceiling
DRIFT = 0.5  # MNIST: Adam moves from slope 0 to 1 over three units of ln D, SGD hardly at all
# Prior of the bias of other tables (a smaller model, a past study), as (weight, sd): they carry
# over, or they are about something else. What is seen at the target decides.
BIASES = ((0.9, 0.1), (0.1, 2.0))
SCATTER = 0.07  # scatter of an optimum about any smooth law
BEND = 0.5
# Standard deviations between contexts, as (part shared by near ones, part of its own): of the
# optimum, in ln lr, of the slope, and of the drift, in parts of DRIFT.
CONTEXT_LEVEL = (1.0, 0.1)
CONTEXT_SLOPE = (0.3, 0.1)
CONTEXT_DRIFT = (0.7, 0.7)
MOST_OPTIMA = 160  # those of the most similar contexts count; 50 ms of linear algebra
_LEVEL = 3.0
_NO_CEILING = 1e3  # of the depth: beyond all horizons
_CEILINGS = 12
_AHEAD = 1.4  # ceilings up to exp(1.4) = 4 times the largest horizon


_Array = NDArray[np.floating]  # what NumPy says its linear algebra returns


class _Hypotheses(NamedTuple):
    """All combinations of a slope's class, a ceiling and a bias, each of shape `(k,)`."""

    weight: Floats  # prior probabilities
    slope: Floats  # means of the slope's class
    sd: Floats  # their standard deviations
    ceiling: Floats  # u_c; negative: the ceiling lasts beyond the largest horizon seen
    bias: Floats  # standard deviations of b


class _Fit(NamedTuple):
    """Of the k hypotheses, given n optima."""

    covariance: _Array  # of the optima, shape (k, n, n)
    solved: _Array  # covariance^-1 (z - prior mean), shape (k, n)
    weight: _Array  # posterior probabilities, shape (k,)


@dataclass(frozen=True)
class Posterior:
    """The law's posterior for one context, given optima at one or more horizons.

    Attributes:
        given: Optima, at least one; those of other contexts count as far as these are alike.
        context: The context that it is for.
    """

    given: Sequence[Optimum]
    context: Context = ()

    def predict(
        self, horizon: float, schedule: str, mean: float | None = None, peak: float | None = None
    ) -> Mixture:
        """Distribution of the optimal ln lr at a horizon under a schedule.

        Args:
            horizon: In the unit of the optima.
            schedule: Its name; optima found under the same name are about the same shift.
            mean: Mean multiplier of the schedule at this horizon, None where not known.
            peak: Its largest multiplier, None where not known.
        """
        target = [Optimum(schedule, horizon, 0.0, 0.0, 0, 0, mean, peak, context=self.context)]
        cross = self._kernel(target, self.optima)[:, 0]
        own = self._kernel(target, target)[:, 0, 0]
        return self._condition(self._mean(target)[:, 0], own, cross, SCATTER)

    @cached_property
    def slope(self) -> Mixture:
        """Posterior of the slope -d ln lr / d ln D at the largest horizon seen."""
        # How much of the slope the ceiling leaves.
        bent = 0.5 * (1 + np.tanh(self._hypotheses.ceiling / (2 * BEND)))
        sd = self._hypotheses.sd
        variance, cross = bent**2 * sd**2, (bent * sd**2)[:, None] * self._lever(self.optima)
        if self._several:
            contexts = [optimum.context for optimum in self.optima]
            own = deviation(CONTEXT_SLOPE, [self.context], contexts)[0]
            cross += own * self._depths(self.optima)
            variance += sum(part**2 for part in CONTEXT_SLOPE)
        return self._condition(self._hypotheses.slope * bent, variance, cross, 1e-3)

    @cached_property
    def optima(self) -> Sequence[Optimum]:
        """What it rests on: the optima of comparable contexts that say anything.

        One at the edge of the rates tried says no more than that the best rate is not inside of
        it. Where the others put it beyond the edge already, that is nothing new.
        """
        alike = [o for o in self.given if comparable(o.context, self.context)]
        if len(alike) > MOST_OPTIMA:
            nearness = similarity([self.context], [o.context for o in alike])[0]
            alike = [alike[i] for i in np.argsort(-nearness, kind="stable")[:MOST_OPTIMA]]
        inside = [optimum for optimum in alike if not optimum.at_edge]
        if not inside or len(inside) == len(alike):
            return alike
        others = Posterior(inside, self.context)
        return [o for o in alike if not o.at_edge or others.contradicts(o)]

    def contradicts(self, edge: Optimum) -> bool:
        """Whether an optimum at the edge of its rates lies further out than predicted."""
        context = Posterior(self.given, edge.context) if edge.context != self.context else self
        mean, _ = context.predict(edge.horizon, edge.schedule, edge.mean, edge.peak).moments
        return bool((edge.ln_lr - mean) * edge.at_edge > 0)

    def _condition(self, mean: Floats, variance: Floats, cross: _Array, floor: float) -> Mixture:
        """A quantity given the optima, from its prior moments and its covariance with them."""
        covariance, solved, weight = self._fit
        gain = np.linalg.solve(covariance, cross[:, :, None])[:, :, 0]
        left = variance - (cross * gain).sum(axis=1)
        moved = mean + (cross * solved).sum(axis=1)
        return Mixture(weight, moved, np.sqrt(np.maximum(left, floor**2)))

    @cached_property
    def _fit(self) -> _Fit:
        z = np.array([optimum.ln_lr for optimum in self.optima])
        covariance = self._kernel(self.optima, self.optima) + noise(self.optima, SCATTER)
        residual = z - self._mean(self.optima)
        solved = np.linalg.solve(covariance, residual[:, :, None])[:, :, 0]
        _, ln_det = np.linalg.slogdet(covariance)
        ln_weight = np.log(self._hypotheses.weight) - 0.5 * (
            (residual * solved).sum(axis=1) + ln_det
        )
        weight = np.exp(ln_weight - ln_weight.max())
        weight /= weight.sum()
        return _Fit(covariance, solved, weight)

    @cached_property
    def _hypotheses(self) -> _Hypotheses:
        depth = float(self._depths(self.optima).max())
        ceilings = np.linspace(-_AHEAD, depth, _CEILINGS + 2)[:-1]
        rows = []
        for weight, slope, sd in SLOPES:
            # A ceiling above a flat law is the flat law.
            capped = CEILING if slope else 0.0
            rows.append((weight * (1 - capped), slope, sd, _NO_CEILING))
            if capped:
                rows += [(weight * capped / len(ceilings), slope, sd, u) for u in ceilings]
        several = len({optimum.table for optimum in self.optima} | {OWN}) > 1
        biases = BIASES if several else ((1.0, 0.0),)
        combined = [(w * share, *rest, b) for w, *rest in rows for share, b in biases]
        return _Hypotheses(*np.array(combined).T)

    @cached_property
    def _several(self) -> bool:
        """Whether other contexts count."""
        return any(optimum.context != self.context for optimum in self.optima)

    @cached_property
    def _largest(self) -> float:
        """The largest horizon seen, of the context itself if it has any."""
        own = [at_peak(o) for o in self.optima if o.context == self.context]
        return max(own or [at_peak(o) for o in self.optima])

    @cached_property
    def _level(self) -> float:
        return float(np.mean([o.ln_lr - offset(o) for o in self.optima]))

    def _depths(self, optima: Sequence[Optimum]) -> Floats:
        """How far below the largest horizon, ln(d_max / d), shape `(n,)`."""
        depths: Floats = np.log(self._largest / np.array([at_peak(o) for o in optima]))
        return depths

    def _lever(self, optima: Sequence[Optimum]) -> Floats:
        """What the slope is multiplied by, L(u), shape `(k, n)`."""
        ceiling = self._hypotheses.ceiling[:, None]
        bent = np.logaddexp(0.0, (self._depths(optima) - ceiling) / BEND)
        lever: Floats = self._depths(optima) - BEND * (bent - np.logaddexp(0.0, -ceiling / BEND))
        return lever

    def _mean(self, optima: Sequence[Optimum]) -> Floats:
        """Prior means, shape `(k, n)`."""
        offsets = np.array([offset(optimum) for optimum in optima])
        slope = self._hypotheses.slope[:, None]
        mean: Floats = self._level + slope * self._lever(optima) + offsets
        return mean - (1 - slope) * steepening(self._depths(optima))

    def _kernel(self, rows: Sequence[Optimum], columns: Sequence[Optimum]) -> Floats:
        """Prior covariances, shape `(k, n, m)`."""
        lever = self._lever(rows)[:, :, None] * self._lever(columns)[:, None, :]
        drift = DRIFT**2 * integrated_walk(self._depths(rows), self._depths(columns))
        common = _LEVEL**2 + same([o.schedule for o in rows], [o.schedule for o in columns]) * (
            np.outer([shift(o) for o in rows], [shift(o) for o in columns])
        )
        if self._several:
            contexts = [o.context for o in rows], [o.context for o in columns]
            common += deviation(CONTEXT_LEVEL, *contexts)
            depths = np.outer(self._depths(rows), self._depths(columns))
            common += deviation(CONTEXT_SLOPE, *contexts) * depths
            drift *= deviation(CONTEXT_DRIFT, *contexts)
        slopes = self._hypotheses.sd[:, None, None] ** 2 * lever
        kernel: Floats = slopes + common + drift
        return kernel + self._hypotheses.bias[:, None, None] ** 2 * other(rows, columns)
