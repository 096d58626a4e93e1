r"""The loss over the learning rate at one horizon: a valley, what a valley misses, and noise.

In x = ln lr, the loss y (its logarithm where it is positive) of the n learning rates tried at one
horizon is

    y(x) = a + s ln cosh(z / w) + g(x) + e,    z = x - m, times exp(k) on the right of m

a parabola near its minimum m and straight lines far from it, the sooner the smaller w. The skew k
makes the two sides differ: too high a rate fails faster, or more slowly, than too low a one. g is
a Gaussian process of length LENGTH, e is independent, and both grow with y's excess over the best:
where losses are high, their exact shape says little about where the minimum is. The level a, g and
the common scale of g and e are integrated out, so that on a grid of amplitudes s, shapes (w, k)
and minima m

    p(s, w, k, m) ~ (nu s0^2 + r' K^-1 r) ^ -((nu + n - 1) / 2) * prior, r = y - s ln cosh(z / w)

is a Student t likelihood. Losses far above the best are compressed, and a diverged lr above the
best bounds m.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.law.losses import FAR, Losses, near_the_best

# Shapes (width in ln lr, skew) and their prior probabilities.
WIDTHS, WIDTH_PRIOR = np.array([0.5, 1.5]), np.array([0.6, 0.4])
SKEWS = np.array([-0.8, -0.4, 0.0, 0.4, 0.8, 1.4])
SKEW_PRIOR = np.array([0.05, 0.17, 0.5, 0.17, 0.09, 0.02])
SHAPES = np.array([(width, skew) for width in WIDTHS for skew in SKEWS])
SHAPE_PRIOR = np.outer(WIDTH_PRIOR, SKEW_PRIOR).ravel()


# Misfits: length in ln lr, variance over that of the noise, prior probability. The rough one needs
# many runs to be told from noise; without it, many runs would not find the best of a rough valley.
class _Misfit(NamedTuple):
    length: float
    variance: float
    probability: float


MISFITS = (_Misfit(1.0, 0.5, 0.6), _Misfit(0.5, 1.0, 0.4))
GROWTH = 2.0  # how fast both grow with the excess over the best
S0 = 0.07  # standard deviation of the noise at the best, in parts of the scale of the losses
PRIOR_DOF = 3.0  # nu: the weight of s0, in observations
COMPRESSED = 4.0  # excess, in scales of the losses, that larger ones approach
BEYOND = 2.0  # how far outside the tried learning rates (in ln lr) the minimum may lie
_MINIMA, _AMPLITUDES = 101, 9
_REACH = 2.2  # standard deviations of ln s on both sides of its mean


@dataclass(frozen=True, eq=False)
class Shape:
    """What is known of the valley's shape.

    Attributes:
        mean: Mean of ln s.
        sd: Its standard deviation.
        weight: Probabilities of `SHAPES`.
    """

    mean: float
    sd: float
    weight: Floats


@dataclass(frozen=True, eq=False)
class Valley:
    """The posterior of the valley at one horizon.

    Attributes:
        seen: What it rests on.
        m: Grid of minima, shape `(g,)`.
        weight: Probability of each, shape `(g,)`.
        shape: Of the amplitude and the shape.
    """

    seen: Losses
    m: Floats
    weight: Floats
    shape: Shape
    _of_misfit: Floats  # probability of each misfit if the minimum is at m
    _steepness: Floats  # expected amplitude of each shape if it is this misfit and the minimum m
    _variance: Floats  # of the noise at the best, by misfit, in parts of the scale squared
    _compressed: Floats
    _scale: float

    @property
    def minimum(self) -> tuple[float, float]:
        """Mean and standard deviation of m."""
        return moments(self.m, self.weight)

    def loss(self, x: Floats) -> Floats:
        """Expected loss at x if the minimum is at m, up to a constant, shape `(g, len(x))`."""
        # One expected valley for each misfit, shape (j, g, len(x)).
        valleys, seen = (
            np.einsum("jkg,kgx->jgx", self._steepness, _valleys(at, self.m))
            for at in (x, self.seen.x)
        )
        weights = np.array([self._kriging(misfit, x)[0] for misfit in MISFITS])
        losses = valleys + (self._compressed - seen) @ weights.swapaxes(1, 2)
        found: Floats = np.einsum("jg,jgx->gx", self._of_misfit, losses)
        return found * self._scale

    def sd(self, x: Floats) -> Floats:
        """Standard deviation of the loss at x, wherever the minimum is, shape `(len(x),)`."""
        likely = self.weight @ self._of_misfit.T
        unknown = [self._kriging(misfit, x)[1] for misfit in MISFITS]
        found: Floats = np.sqrt((likely * self._variance) @ np.array(unknown)) * self._scale
        return found

    def _kriging(self, misfit: _Misfit, x: Floats) -> tuple[Floats, Floats]:
        """Weights of what valleys leave of the losses seen, and what these leave unknown at x.

        Of misfit and level; the variance is in units of that of the noise.
        """
        growth = _growth(self._compressed)
        own = np.interp(x, self.seen.x, growth)
        across = _smooth(misfit, x, self.seen.x) * np.outer(own, growth)
        inverse = np.linalg.inv(_covariance(misfit, self.seen, growth))
        level = inverse.sum(axis=0) / inverse.sum()
        weights = across @ inverse
        left = misfit.variance * own**2 - (weights * across).sum(axis=1)
        return weights - np.outer(weights.sum(axis=1) - 1, level), np.maximum(left, 0.0)


def fit_valley(
    seen: Losses, scale: float, prior: Shape, density: Callable[[Floats], Floats] | None = None
) -> Valley:
    """The posterior of the valley.

    Args:
        seen: Losses of one horizon.
        scale: Scale of the losses of all horizons, `Losses.scale`.
        prior: Of the shape.
        density: Prior density of the minimum over ln lr; without it, all within the rates tried
            are alike, and those outside less likely the farther they are.
    """
    seen = near_the_best(seen, scale)
    beyond = np.full(2, BEYOND)
    if density is not None:
        # A law may be wrong: the minimum is not beyond a rate that lost much more than the best.
        beyond[seen.excess[[0, -1]] > FAR * scale] = 0.0
    low, high = seen.x[0] - beyond[0], min(seen.x[-1] + beyond[1], seen.wall)
    m = np.linspace(low, high, _MINIMA)
    if density is None:
        outside = np.maximum(0.0, np.maximum(seen.x[0] - m, m - seen.x[-1]))
        ln_density = -0.5 * (outside / (BEYOND / 2)) ** 2
    else:
        ln_density = np.log(np.maximum(density(m), 1e-12))
    ln_s = prior.mean + prior.sd * np.linspace(-_REACH, _REACH, _AMPLITUDES)
    ln_prior = (
        -0.5 * ((ln_s - prior.mean) / prior.sd)[:, None, None] ** 2
        + np.log(prior.weight)[:, None]
        + ln_density
    )
    s, y = np.exp(ln_s) / scale, COMPRESSED * np.tanh(seen.excess / scale / COMPRESSED)
    p, variance = _posterior(seen, m, s, y, ln_prior)
    shape = Shape(*moments(ln_s, p.sum(axis=(0, 2, 3))), p.sum(axis=(0, 1, 3)))
    misfit = p.sum(axis=(1, 2))
    steepness = np.einsum("s,jskg->jkg", s, p) / np.maximum(misfit, 1e-300)[:, None]
    weight = misfit.sum(axis=0)
    return Valley(seen, m, weight, shape, misfit / weight, steepness, variance, y, scale)


def unseen(x: Floats, density: Callable[[Floats], Floats]) -> tuple[Floats, Floats]:
    """Probabilities of minima, and a valley about each: of a horizon without any runs yet.

    Args:
        x: Grid of ln lr, ascending, shape `(n,)`; minima lie on it and as far beyond.
        density: Density of the minimum over ln lr.

    Returns:
        Probabilities, shape `(g,)`, and losses up to a constant and a factor, shape `(g, n)`.
    """
    m = np.linspace(x[0] - BEYOND, x[-1] + BEYOND, 2 * _MINIMA)
    weight = np.maximum(density(m), 1e-12)
    losses: Floats = np.einsum("k,kgx->gx", SHAPE_PRIOR, _valleys(x, m))
    return weight / weight.sum(), losses


def moments(x: Floats, p: Floats) -> tuple[float, float]:
    """Mean and standard deviation of x with probabilities p."""
    mean = float(p @ x)
    return mean, float(np.sqrt(p @ (x - mean) ** 2))


def _posterior(
    seen: Losses, m: Floats, s: Floats, y: Floats, ln_prior: Floats
) -> tuple[Floats, Floats]:
    """Probability of each misfit and, of the prior's shape, each amplitude, shape and minimum.

    And the variance of the noise that is expected with each misfit.
    """
    valleys, s = _valleys(seen.x, m), s[:, None, None]
    dof = PRIOR_DOF + len(seen.x) - 1
    ln_p, left = [], []
    for misfit in MISFITS:
        root = np.linalg.cholesky(_covariance(misfit, seen, _growth(y)))
        whiten = np.linalg.inv(root)
        level = whiten.sum(axis=1)
        information = np.linalg.norm(level)
        level /= information
        whiten = whiten - np.outer(level, level @ whiten)  # integrates the level out
        v, r = valleys @ whiten.T, whiten @ y
        rss = np.maximum(r @ r + s**2 * (v * v).sum(axis=-1) - 2 * s * (v @ r), 0.0)
        left.append((PRIOR_DOF * S0**2 + rss) / dof)
        evidence = np.log(misfit.probability) - np.log(np.diag(root)).sum() - np.log(information)
        ln_p.append(evidence + ln_prior - dof / 2 * np.log(left[-1]))
    p = np.exp(np.array(ln_p) - np.max(ln_p))
    p /= p.sum()
    each = p.sum(axis=(1, 2, 3))
    return p, (p * left).sum(axis=(1, 2, 3)) / np.maximum(each, 1e-300)


def _covariance(misfit: _Misfit, seen: Losses, growth: Floats) -> Floats:
    covariance: Floats = np.outer(growth, growth) * (
        _smooth(misfit, seen.x, seen.x) + np.diag(1 / seen.count)
    )
    return covariance


def _growth(y: Floats) -> Floats:
    growth: Floats = np.sqrt(1 + (GROWTH * y) ** 2)
    return growth


def _smooth(misfit: _Misfit, rows: Floats, columns: Floats) -> Floats:
    away = (rows[:, None] - columns) / misfit.length
    covariance: Floats = misfit.variance * np.exp(-0.5 * away**2)
    return covariance


def _valleys(x: Floats, m: Floats) -> Floats:
    """Valleys of unit amplitude, shape `(len(SHAPES), len(m), len(x))`."""
    z = x - m[:, None]
    width, skew = SHAPES.T[:, :, None, None]
    z = np.where(z > 0, z * np.exp(skew), z) / width
    away = np.abs(z)
    valleys: Floats = away + np.log1p(np.exp(-2 * away)) - np.log(2.0)  # ln cosh z
    return valleys
