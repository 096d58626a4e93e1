"""How likely each valley of a grid is, given the losses at one horizon.

With the level of the valley, its misfit, and the common scale of misfit and noise integrated out,
the likelihood of the n losses y is a Student t density. The posterior of amplitudes s, shapes
(w, k) and minima m is

    p(s, w, k, m) ~ (nu s0^2 + r' K^-1 r) ^ -((nu + n - 1) / 2) * prior, r = y - s ln cosh(z / w)

where K is the covariance of level, misfit and noise. Notation: there are j misfits, k shapes and
g minima.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.law.losses import Losses
from optuna_kappa.law.misfit import MISFITS, Misfit, covariance
from optuna_kappa.law.valley_shapes import unit_valleys

# s0: expected standard deviation of the noise at the best, in scales of the losses.
NOISE_SD = 0.07

# nu: how many observations that expectation is worth.
NOISE_DOF = 3.0

# In place of a probability of 0 in a division.
TINY = 1e-300


def grid_posterior(
    seen: Losses,
    y: Floats,
    s: Floats,
    m: Floats,
    ln_prior: Floats,
) -> tuple[Floats, Floats]:
    """Compute the posterior on the grid.

    Args:
        seen: Losses at the horizon, of n rates.
        y: Their compressed excess in scales of the losses, shape `(n,)`.
        s: Amplitudes in scales of the losses, shape `(a,)`.
        m: Minima, shape `(g,)`.
        ln_prior: Prior of each amplitude, shape and minimum, shape `(a, k, g)`.

    Returns:
        Probability of each misfit, amplitude, shape and minimum, shape `(j, a, k, g)`, and the
        variance of the noise at the best that is expected with each misfit, shape `(j,)`.

    Example:
        >>> seen = Losses(
        ...     x=np.array([-8.0, -7.0, -6.0]), excess=np.array([0.4, 0.0, 0.4]),
        ...     count=np.ones(3), level=1.0, wall=np.inf, runs=3,
        ... )
        >>> s, m = np.array([1.0]), np.array([-8.0, -7.0])
        >>> p, _ = grid_posterior(seen, seen.excess, s, m, ln_prior=np.zeros((1, 12, 2)))
        >>> p.sum(axis=(0, 1, 2)).round(2).tolist()
        [0.07, 0.93]
    """
    valleys = unit_valleys(seen.x, m)
    ln_p = []
    variances = []
    for misfit in MISFITS:
        ln_p_of_misfit, variance = _whiten(misfit, seen, y).posterior(y, s, valleys, ln_prior)
        ln_p.append(ln_p_of_misfit)
        variances.append(variance)

    p = _normalize(np.array(ln_p))
    return p, _mean_of_each_misfit(np.array(variances), p)


def _normalize(ln_p: Floats) -> Floats:
    """Return probabilities with sum 1 from their logarithms up to a constant."""
    p: Floats = np.exp(ln_p - np.max(ln_p))
    p /= p.sum()
    return p


def _mean_of_each_misfit(values: Floats, p: Floats) -> Floats:
    """Expected value given each misfit, shape `(j,)`, of values with probabilities p."""
    rest = (1, 2, 3)
    total = (p * values).sum(axis=rest)
    p_misfit = p.sum(axis=rest)

    mean: Floats = total / np.maximum(p_misfit, TINY)
    return mean


class _Whitening(NamedTuple):
    """A linear map that makes misfit and noise independent, and removes the level.

    Attributes:
        matrix: The map, shape `(n, n)`.
        ln_evidence: What the misfit's prior and the determinants add to the ln likelihood.
    """

    matrix: Floats
    ln_evidence: float

    def posterior(
        self,
        y: Floats,
        s: Floats,
        valleys: Floats,
        ln_prior: Floats,
    ) -> tuple[Floats, Floats]:
        """Return ln p, up to a constant, and the expected noise variance, both `(a, k, g)`."""
        squares = self._squared_residuals(y, s[:, None, None], valleys)
        dof = NOISE_DOF + len(y) - 1

        variance = (NOISE_DOF * NOISE_SD**2 + squares) / dof
        ln_p = self.ln_evidence + ln_prior - dof / 2 * np.log(variance)
        return ln_p, variance

    def _squared_residuals(
        self,
        y: Floats,
        s: Floats,
        valleys: Floats,
    ) -> Floats:
        """Return r' K^-1 r for each amplitude, shape and minimum, shape `(a, k, g)`."""
        v = valleys @ self.matrix.T
        z = self.matrix @ y

        v_squared = (v * v).sum(axis=-1)
        squares = z @ z + s**2 * v_squared - 2 * s * (v @ z)
        at_least_0: Floats = np.maximum(squares, 0.0)
        return at_least_0


def _whiten(misfit: Misfit, seen: Losses, y: Floats) -> _Whitening:
    """Compute the whitening of misfit, noise and level."""
    root = np.linalg.cholesky(covariance(misfit, seen, y))
    diagonal = np.diag(root)
    whiten = np.linalg.inv(root)

    level = whiten.sum(axis=1)
    information = np.linalg.norm(level)
    level /= information

    # Projecting the level out of the whitened losses integrates it out of the likelihood.
    projection = np.outer(level, level @ whiten)
    ln_root_det = np.log(diagonal).sum()
    ln_prior = np.log(misfit.probability)

    return _Whitening(
        matrix=whiten - projection,
        ln_evidence=ln_prior - ln_root_det - np.log(information),
    )
