r"""How the optimum moves with the horizon: a mixture of Gaussian processes in ln D.

Let z_i be the optimum (ln lr) found at horizon d_i under schedule S_i, with standard error e_i,
and u = ln(d_max / d) how far a horizon lies below the largest one seen. A hypothesis says

    z(d, S) = A + s * min(u, u_c) + w(u) - ln mean(S) + delta_S + b_T,   (u_c: no ceiling: inf)

    A        optimum at the largest horizon, constant rate           N(mean of z, 3^2)
    s        slope -d ln lr / d ln D there                           one of four N(m, v^2), below
    u_c      ceiling: horizons below d_max exp(-u_c) share one lr    a grid; none with prob. 1/2
    w        drift of the slope, an integrated random walk           DRIFT^2 a unit of ln D
    mean(S)  mean multiplier of the schedule: kappa invariance
    delta_S  what kappa invariance misses                            N(0, SHIFT^2), 0 for constant
    b_T      bias of optima from another table, and their scatter    N(0, b^2), b small or large

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

from optuna_kappa.law.optimum import OWN, Optimum
from optuna_kappa.runs import Floats

# Prior of the slope, as (weight, mean, standard deviation) of its classes: the paper's inverse
# proportionality; what is published for language models (0.3 to 0.7); no movement; anything.
SLOPES = ((0.4, 1.0, 0.2), (0.3, 0.45, 0.2), (0.25, 0.0, 0.15), (0.05, 0.5, 1.5))
CEILING = 0.5  # prior probability that there is a ceiling
DRIFT = 0.3  # MNIST: Adam moves from slope 0 to 1 over three units of ln D, SGD hardly at all
SHIFT = 0.45  # kappa under cosine and cyclic schedules is 1.6 and 0.5 to 0.85 times constant's
# Prior of the bias of other tables (a smaller model, a past study), as (weight, sd): they carry
# over, or they are about something else. What is seen at the target decides.
BIASES = ((0.9, 0.1), (0.1, 2.0))
UNKNOWN_SHIFT = 1.5  # a schedule whose shape is not known
CORRELATION = 0.4
SCATTER = 0.05  # scatter of an optimum about any smooth law
_LEVEL = 3.0
_CEILINGS = 12
_AHEAD = 1.4  # ceilings up to exp(1.4) = 4 times the largest horizon


@dataclass(frozen=True, eq=False)
class Mixture:
    """A one-dimensional mixture of k normal distributions.

    Attributes:
        weight: Weights, shape `(k,)`, sum 1.
        mean: Means, shape `(k,)`.
        sd: Standard deviations, shape `(k,)`.
    """

    weight: NDArray[np.floating]
    mean: NDArray[np.floating]
    sd: NDArray[np.floating]

    def quantile(self, p: float) -> float:
        """The value below which a fraction p of the probability lies."""
        from scipy.special import ndtr  # not on `import optuna_kappa`: it takes as long as NumPy

        low = float((self.mean - 9 * self.sd).min())
        high = float((self.mean + 9 * self.sd).max())
        for _ in range(60):
            middle = (low + high) / 2
            below = float(self.weight @ ndtr((middle - self.mean) / self.sd)) < p
            low, high = (middle, high) if below else (low, middle)
        return (low + high) / 2

    def density(self, x: Floats) -> Floats:
        """Probability density at x, of x's shape."""
        z = (x[..., None] - self.mean) / self.sd
        density: Floats = np.exp(-0.5 * z**2) / (self.sd * np.sqrt(2 * np.pi)) @ self.weight
        return density

    @property
    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation."""
        mean = float(self.weight @ self.mean)
        return mean, float(np.sqrt(self.weight @ (self.sd**2 + (self.mean - mean) ** 2)))


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
    """The law's posterior, given optima at one or more horizons.

    Attributes:
        optima: What it rests on; at least one.
    """

    optima: Sequence[Optimum]

    def predict(self, horizon: float, schedule: str, mean: float | None) -> Mixture:
        """Distribution of the optimal ln lr at a horizon under a schedule.

        Args:
            horizon: In the unit of the optima.
            schedule: Its name; optima found under the same name are about the same shift.
            mean: Mean multiplier of the schedule at this horizon, None where not known.
        """
        target = [Optimum(schedule, horizon, 0.0, 0.0, 0, 0, mean)]
        cross = self._kernel(target, self.optima)[:, 0]
        own = self._kernel(target, target)[:, 0, 0]
        return self._condition(self._mean(target)[:, 0], own, cross, SCATTER)

    @cached_property
    def slope(self) -> Mixture:
        """Posterior of the slope -d ln lr / d ln D at the largest horizon seen."""
        held_up = self._hypotheses.ceiling < 0  # by a ceiling that lasts beyond it
        slope = np.where(held_up, 0.0, self._hypotheses.slope)
        sd = np.where(held_up, 0.0, self._hypotheses.sd)
        cross = sd[:, None] ** 2 * self._lever(self.optima)
        return self._condition(slope, sd**2, cross, 1e-3)

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
        covariance = self._kernel(self.optima, self.optima) + _noise(self.optima)
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
            rows.append((weight * (1 - capped), slope, sd, np.inf))
            if capped:
                rows += [(weight * capped / len(ceilings), slope, sd, u) for u in ceilings]
        several = len({optimum.table for optimum in self.optima} | {OWN}) > 1
        biases = BIASES if several else ((1.0, 0.0),)
        combined = [(w * share, *rest, b) for w, *rest in rows for share, b in biases]
        return _Hypotheses(*np.array(combined).T)

    @cached_property
    def _largest(self) -> float:
        return max(optimum.horizon for optimum in self.optima)

    @cached_property
    def _level(self) -> float:
        return float(np.mean([o.ln_lr - _offset(o) for o in self.optima]))

    def _depths(self, optima: Sequence[Optimum]) -> Floats:
        """How far below the largest horizon, ln(d_max / d), shape `(n,)`."""
        depths: Floats = np.log(self._largest / np.array([o.horizon for o in optima]))
        return depths

    def _lever(self, optima: Sequence[Optimum]) -> Floats:
        """What the slope is multiplied by, shape `(k, n)`."""
        ceiling = self._hypotheses.ceiling[:, None]
        lever: Floats = np.minimum(self._depths(optima), ceiling) - np.minimum(0.0, ceiling)
        return lever

    def _mean(self, optima: Sequence[Optimum]) -> Floats:
        """Prior means, shape `(k, n)`."""
        offsets = np.array([_offset(optimum) for optimum in optima])
        slope = self._hypotheses.slope[:, None]
        mean: Floats = self._level + slope * self._lever(optima) + offsets
        return mean

    def _kernel(self, rows: Sequence[Optimum], columns: Sequence[Optimum]) -> Floats:
        """Prior covariances, shape `(k, n, m)`."""
        lever = self._lever(rows)[:, :, None] * self._lever(columns)[:, None, :]
        shift = [[_shift(a) ** 2 * (a.schedule == b.schedule) for b in columns] for a in rows]
        drift = _integrated_walk(self._depths(rows), self._depths(columns))
        slopes = self._hypotheses.sd[:, None, None] ** 2 * lever
        other = [[(a.table == b.table != OWN) * (1 + (a is b)) for b in columns] for a in rows]
        bias = self._hypotheses.bias[:, None, None] ** 2 * np.array(other)
        kernel: Floats = _LEVEL**2 + slopes + DRIFT**2 * drift + np.array(shift) + bias
        return kernel


def _offset(optimum: Optimum) -> float:
    """Shift of a schedule against constant if kappa is invariant, in ln lr."""
    return 0.0 if optimum.mean is None else -float(np.log(optimum.mean))


def _shift(optimum: Optimum) -> float:
    """Standard deviation of what kappa invariance misses, in ln lr."""
    if optimum.schedule == "constant":
        return 0.0
    return UNKNOWN_SHIFT if optimum.mean is None else SHIFT


def _integrated_walk(u: Floats, v: Floats) -> Floats:
    """Covariance of an integrated random walk that starts at 0 in both directions."""
    small = np.minimum(np.abs(u[:, None]), np.abs(v))
    large = np.maximum(np.abs(u[:, None]), np.abs(v))
    same_side = np.sign(u[:, None]) * np.sign(v) > 0
    covariance: Floats = same_side * small**2 * (3 * large - small) / 6
    return covariance


def _noise(optima: Sequence[Optimum]) -> Floats:
    """Covariance of the optima's errors, diagonal, shape `(n, n)`."""
    log_d = np.log([optimum.horizon for optimum in optima])
    tables = np.array(
        [o.table if o.schedule == "constant" else -1 - i for i, o in enumerate(optima)]
    )
    related = tables[:, None] == tables
    shared = (np.exp(-np.abs(log_d[:, None] - log_d) / CORRELATION) * related).sum(axis=1)
    se = np.array([optimum.se for optimum in optima])
    noise: Floats = np.diag(se**2 * shared + SCATTER**2)
    return noise
