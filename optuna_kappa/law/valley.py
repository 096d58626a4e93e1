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
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from optuna_kappa.law.observations import Observations
from optuna_kappa.runs import Floats

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
FAR = 1.0  # excess, in scales of the losses, of a rate that is far from the best
COMPRESSED = 4.0  # excess, in scales of the losses, that larger ones approach
BEYOND = 1.5  # how far outside the tried learning rates (in ln lr) the minimum may lie
_AWAY = (0.5, 1.5)  # distances from the best, in ln lr, at which the losses' scale is taken
_MINIMA, _AMPLITUDES = 101, 9
_REACH = 2.2  # standard deviations of ln s on both sides of its mean


@dataclass(frozen=True, eq=False)
class Losses:
    """The losses of one horizon, by distinct learning rate.

    Attributes:
        x: Distinct ln lr of the runs that did not diverge, ascending, shape `(n,)`.
        excess: Mean loss over the least one, on the logarithmic scale where there is one.
        count: Runs that it is the mean of.
        wall: The lowest diverged ln lr above the best; infinite where there is none.
        runs: Number of runs, those that diverged included.
    """

    x: Floats
    excess: Floats
    count: Floats
    wall: float
    runs: int

    @property
    def best(self) -> int:
        """Which learning rate had the least loss."""
        return int(np.argmin(self.excess))

    @property
    def edge(self) -> int:
        """-1 or 1 if the best is the lowest or highest rate, and divergence is not why; else 0."""
        if self.best == 0:
            return -1
        return int(self.best == len(self.x) - 1 and not np.isfinite(self.wall))

    @property
    def scale(self) -> float:
        """Excess at rates that are off by a factor of about e, however many were tried."""
        away = np.abs(self.x - self.x[self.best])
        near = (away >= _AWAY[0]) & (away <= _AWAY[1])
        if not near.any():
            near = away == min(away[away > 0], default=0.0)
        return float(np.median(self.excess[near]))


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
    _misfit: Floats  # probability of each misfit if the minimum is at m
    _steepness: Floats  # expected amplitude of each shape if it is this misfit and the minimum m
    _compressed: Floats
    _scale: float

    @property
    def minimum(self) -> tuple[float, float]:
        """Mean and standard deviation of m."""
        return moments(self.m, self.weight)

    def loss(self, x: Floats) -> Floats:
        """Expected loss at x if the minimum is at m, up to a constant, shape `(g, len(x))`."""
        found = np.zeros((len(self.m), len(x)))
        for misfit, likely, steepness in zip(MISFITS, self._misfit, self._steepness, strict=True):
            valleys, seen = (_sum(steepness, at, self.m) for at in (x, self.seen.x))
            smooth = self._smoother(misfit, x)
            found += likely[:, None] * (valleys + (self._compressed - seen) @ smooth.T)
        return found * self._scale

    def _smoother(self, misfit: _Misfit, x: Floats) -> Floats:
        """From what the valley leaves of the losses seen to the misfit and level at x."""
        seen, growth = self.seen, _growth(self._compressed)
        across = _misfit(misfit, x, seen.x) * np.outer(np.interp(x, seen.x, growth), growth)
        inverse = np.linalg.inv(_covariance(misfit, seen, growth))
        level = inverse.sum(axis=0) / inverse.sum()
        smoother: Floats = across @ inverse @ (np.eye(len(seen.x)) - level) + level
        return smoother


def read(seen: Observations, *, logarithmic: bool) -> Losses:
    """The losses of one horizon; at least one of them is finite."""
    finite = np.isfinite(seen.loss)
    y = np.log(seen.loss[finite]) if logarithmic else seen.loss[finite]
    x, index = np.unique(seen.ln_lr[finite], return_inverse=True)
    count = np.bincount(index).astype(np.float64)
    mean = np.bincount(index, weights=y) / count
    diverged = seen.ln_lr[~finite]
    above = diverged[diverged > x[np.argmin(mean)]]
    wall = float(above.min()) if len(above) else np.inf
    return Losses(x, mean - mean.min(), count, wall, len(seen.loss))


def _near(seen: Losses, scale: float) -> Losses:
    """Without the rates beyond the first one on each side that lost a multiple of the scale.

    That far out the loss goes its own way; that it is high there says the first one already.
    """
    far = np.flatnonzero(seen.excess > FAR * scale)
    left, right = far[far < seen.best], far[far > seen.best]
    part = slice(left[-1] if len(left) else 0, right[0] + 1 if len(right) else None)
    return replace(seen, x=seen.x[part], excess=seen.excess[part], count=seen.count[part])


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
    seen = _near(seen, scale)
    low, high = seen.x[0] - BEYOND, min(seen.x[-1] + BEYOND, seen.wall)
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
    p = _posterior(seen, m, s, y, ln_prior)
    shape = Shape(*moments(ln_s, p.sum(axis=(0, 2, 3))), p.sum(axis=(0, 1, 3)))
    misfit = p.sum(axis=(1, 2))
    steepness = np.einsum("s,jskg->jkg", s, p) / np.maximum(misfit, 1e-300)[:, None]
    weight = misfit.sum(axis=0)
    return Valley(seen, m, weight, shape, misfit / weight, steepness, y, scale)


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


def _posterior(seen: Losses, m: Floats, s: Floats, y: Floats, ln_prior: Floats) -> Floats:
    """Probability of each misfit and, of the prior's shape, each amplitude, shape and minimum."""
    valleys, s = _valleys(seen.x, m), s[:, None, None]
    dof = PRIOR_DOF + len(seen.x) - 1
    ln_p = []
    for misfit in MISFITS:
        root = np.linalg.cholesky(_covariance(misfit, seen, _growth(y)))
        whiten = np.linalg.inv(root)
        level = whiten.sum(axis=1)
        information = np.linalg.norm(level)
        level /= information
        whiten = whiten - np.outer(level, level @ whiten)  # integrates the level out
        v, r = valleys @ whiten.T, whiten @ y
        rss = np.maximum(r @ r + s**2 * (v * v).sum(axis=-1) - 2 * s * (v @ r), 0.0)
        evidence = np.log(misfit.probability) - np.log(np.diag(root)).sum() - np.log(information)
        ln_p.append(evidence + ln_prior - dof / 2 * np.log(PRIOR_DOF * S0**2 + rss))
    p = np.exp(np.array(ln_p) - np.max(ln_p))
    posterior: Floats = p / p.sum()
    return posterior


def _covariance(misfit: _Misfit, seen: Losses, growth: Floats) -> Floats:
    covariance: Floats = np.outer(growth, growth) * (
        _misfit(misfit, seen.x, seen.x) + np.diag(1 / seen.count)
    )
    return covariance


def _growth(y: Floats) -> Floats:
    growth: Floats = np.sqrt(1 + (GROWTH * y) ** 2)
    return growth


def _misfit(misfit: _Misfit, rows: Floats, columns: Floats) -> Floats:
    away = (rows[:, None] - columns) / misfit.length
    covariance: Floats = misfit.variance * np.exp(-0.5 * away**2)
    return covariance


def _sum(steepness: Floats, x: Floats, m: Floats) -> Floats:
    """The expected valley at x if the minimum is at m, shape `(len(m), len(x))`."""
    valleys: Floats = np.einsum("kg,kgx->gx", steepness, _valleys(x, m))
    return valleys


def _valleys(x: Floats, m: Floats) -> Floats:
    """Valleys of unit amplitude, shape `(len(SHAPES), len(m), len(x))`."""
    z = x - m[:, None]
    width, skew = SHAPES.T[:, :, None, None]
    z = np.where(z > 0, z * np.exp(skew), z) / width
    valleys: Floats = np.logaddexp(z, -z) - np.log(2.0)  # ln cosh z, without its overflow
    return valleys
