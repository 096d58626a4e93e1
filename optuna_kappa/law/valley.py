r"""The loss over the learning rate at one horizon: a valley, what a valley misses, and noise.

In x = ln lr, the losses y (their logarithms if they are positive) of the n learning rates tried at
one horizon are

    y(x) = a + s ln cosh(z / w) + g(x) + e,    z = x - m, times exp(k) on the right of m

with level a, amplitude s, width w, skew k and minimum m (`optuna_kappa.law.valley_shapes`), a
smooth misfit g and independent noise e (`optuna_kappa.law.misfit`). The posterior of s, w, k and m
is computed on a grid (`optuna_kappa.law.likelihood`). Losses far above the best are compressed,
and a diverged rate above the best is an upper bound of m.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.law.far_rates import is_far, near_the_best
from optuna_kappa.law.likelihood import TINY, grid_posterior
from optuna_kappa.law.losses import Losses, compress
from optuna_kappa.law.misfit import MISFITS, interpolate
from optuna_kappa.law.valley_shapes import SHAPE_PRIOR, Shape, unit_valleys

# How far outside the tried learning rates the minimum may lie, in ln lr: a factor of about 7.
BEYOND = 2.0

# Without a law, minima outside the tried rates are less likely the farther out they are: a normal
# density with this standard deviation, so that the end of the grid is at two of them.
_BEYOND_SD = BEYOND / 2

# Size of the grid of minima. That of the amplitudes is coarser: the minimum is wanted.
_N_MINIMA = 101

_LEAST_SCALE = 1e-100  # of the losses, as a part of the largest excess

_LEAST_DENSITY = 1e-12  # no minimum is impossible: a law may be wrong

Density: TypeAlias = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False)
class Valley:
    """The posterior of the valley at one horizon.

    There are g minima m, j misfits and k shapes.

    Attributes:
        seen: The losses that it was fitted to.
        m: Grid of minima, shape `(g,)`.
        weight: Probability of each minimum, shape `(g,)`.
        shape: Posterior of the amplitude and the shape.
        s: Grid of amplitudes, shape `(a,)`.
        p: Probability of each amplitude, shape and minimum, shape `(a, k, g)`.

    Example:
        >>> from optuna_kappa.law.optimum import find_chain
        >>> from optuna_kappa.law.observations import observe
        >>> from optuna_kappa.runs import example_runs
        >>> chain = find_chain(observe(example_runs(horizons=[1])))
        >>> valley = fit_valley(chain.links[0].losses, chain.scale, chain.links[0].prior)
        >>> mean, sd = valley.minimum
        >>> round(float(np.exp(mean)), 3)  # the best learning rate
        0.01
        >>> losses = valley.weight @ valley.loss(np.log([0.001, 0.01, 0.1]))
        >>> int(np.argmin(losses))
        1
    """

    seen: Losses
    m: Floats
    weight: Floats
    shape: Shape
    s: Floats
    p: Floats

    # The rest is in scales of the losses (`Losses.scale`).
    _misfit_given_m: Floats  # probability of each misfit given the minimum, shape (j, g)
    _amplitude: Floats  # of each shape, see _expected_amplitude, shape (j, k, g)
    _noise_variance: Floats  # at the best, given the misfit, shape (j,)
    _y: Floats  # compressed excess losses
    _scale: float

    @property
    def minimum(self) -> tuple[float, float]:
        """Mean and standard deviation of the minimum, in ln lr."""
        return moments(self.m, self.weight)

    def loss(self, x: Floats) -> Floats:
        """Expected loss at x given each minimum, up to a constant, shape `(g, len(x))`."""
        valleys = self._expected_valleys(x)
        missed = self._y - self._expected_valleys(self.seen.x)

        weights = []
        for misfit in MISFITS:
            weights_of_misfit, _ = interpolate(misfit, self.seen, self._y, x)
            weights.append(weights_of_misfit)

        expected_misfit = missed @ np.array(weights).swapaxes(1, 2)
        losses = valleys + expected_misfit
        mean: Floats = np.einsum("jg,jgx->gx", self._misfit_given_m, losses)
        return mean * self._scale

    def sd(self, x: Floats) -> Floats:
        """Standard deviation of the loss at x, averaged over the minima, shape `(len(x),)`."""
        remaining = []
        for misfit in MISFITS:
            _, remaining_of_misfit = interpolate(misfit, self.seen, self._y, x)
            remaining.append(remaining_of_misfit)

        misfit_probability = self.weight @ self._misfit_given_m.T
        noise_variance = misfit_probability * self._noise_variance
        sd: Floats = np.sqrt(noise_variance @ np.array(remaining))
        return sd * self._scale

    @property
    def noise(self) -> float:
        """Expected standard deviation of the losses of single runs at the best rate."""
        misfit_probability = self._misfit_given_m @ self.weight
        return float(np.sqrt(misfit_probability @ self._noise_variance)) * self._scale

    def _expected_valleys(self, x: Floats) -> Floats:
        """Expected valley at x given misfit and minimum, shape `(j, g, len(x))`."""
        valleys = unit_valleys(x, self.m)
        expected: Floats = np.einsum("jkg,kgx->jgx", self._amplitude, valleys)
        return expected


def fit_valley(
    seen: Losses,
    scale: float,
    prior: Shape,
    density: Density | None = None,
) -> Valley:
    """Compute the posterior of the valley at one horizon.

    Args:
        seen: Losses at the horizon.
        scale: Scale of the losses at all horizons, see `Losses.scale`.
        prior: Prior of the amplitude and the shape.
        density: Prior density of the minimum over ln lr. Without it, all minima within the rates
            tried are equally likely, and those outside are less likely the farther out they are.
    """
    # Next to a loss of 1, a scale of 1e-320 has no ratio that a float holds.
    scale = max(scale, _LEAST_SCALE * float(seen.excess.max()))
    seen = near_the_best(seen, scale)
    y = compress(seen.excess / scale)

    m = _grid_of_minima(seen, scale, has_law=density is not None)
    ln_s = prior.ln_amplitudes
    s = np.exp(ln_s) / scale

    ln_prior = _ln_prior(prior, ln_s, _ln_density(m, seen, density))
    p, noise_variance = grid_posterior(seen, y, s, m, ln_prior)
    p_misfit = p.sum(axis=(1, 2))
    p_minimum = p_misfit.sum(axis=0)

    return Valley(
        seen=seen,
        m=m,
        weight=p_minimum,
        shape=_shape(ln_s, p),
        s=np.exp(ln_s),
        p=p.sum(axis=0),
        _misfit_given_m=p_misfit / p_minimum,
        _amplitude=_expected_amplitude(s, p),
        _noise_variance=noise_variance,
        _y=y,
        _scale=scale,
    )


def unseen(
    x: Floats,
    density: Density,
    shapes: Floats = SHAPE_PRIOR,
) -> tuple[Floats, Floats]:
    """Return minima and valleys around them at a horizon that has no runs yet.

    Args:
        x: Grid of ln lr, ascending, shape `(n,)`; minima lie on it and up to `BEYOND` outside.
        density: Density of the minimum over ln lr.
        shapes: Probabilities of the shapes of the valley, shape `(12,)`.

    Returns:
        Probabilities of the minima, shape `(g,)`, and losses given each of them up to a constant
        and a factor, shape `(g, n)`.

    Example:
        >>> x = np.array([-6.0, -5.0, -4.0])
        >>> weight, losses = unseen(x, density=lambda m: np.exp(-0.5 * (m + 5.0) ** 2))
        >>> int(np.argmin(weight @ losses))
        1
    """
    m = np.linspace(x[0] - BEYOND, x[-1] + BEYOND, 2 * _N_MINIMA)
    valleys = unit_valleys(x, m)
    losses: Floats = np.einsum("k,kgx->gx", shapes, valleys)

    weight = np.maximum(density(m), _LEAST_DENSITY)
    return weight / weight.sum(), losses


def moments(x: Floats, p: Floats) -> tuple[float, float]:
    """Mean and standard deviation of x with probabilities p.

    Example:
        >>> moments(np.array([1.0, 3.0]), np.array([0.5, 0.5]))
        (2.0, 1.0)
    """
    mean = float(p @ x)
    squares = (x - mean) ** 2
    variance = p @ squares
    return mean, float(np.sqrt(variance))


def _grid_of_minima(
    seen: Losses,
    scale: float,
    *,
    has_law: bool,
) -> Floats:
    """Return the grid of minima, ascending, shape `(g,)`."""
    beyond = np.full(2, BEYOND)
    if has_law:
        # A law may be wrong: the minimum is not beyond a rate that lost much more than the best.
        outermost = seen.excess[[0, -1]]
        beyond[is_far(outermost, scale)] = 0.0

    low = seen.x[0] - beyond[0]
    high = min(seen.x[-1] + beyond[1], seen.wall)
    return np.linspace(low, high, _N_MINIMA)


def _ln_prior(
    prior: Shape,
    ln_s: Floats,
    ln_density: Floats,
) -> Floats:
    """Logarithm of the prior of each amplitude, shape and minimum, shape `(len(ln_s), k, g)`."""
    z = (ln_s - prior.mean) / prior.sd
    ln_p_amplitude = -0.5 * z**2
    ln_p_shape = np.log(prior.weight)

    by_shape = ln_p_amplitude[:, None] + ln_p_shape
    ln_prior: Floats = by_shape[:, :, None] + ln_density
    return ln_prior


def _ln_density(
    m: Floats,
    seen: Losses,
    density: Density | None,
) -> Floats:
    """Logarithm of the prior density of the minima, up to a constant, shape `(g,)`."""
    if density is not None:
        p = np.maximum(density(m), _LEAST_DENSITY)
        return np.log(p)

    below = seen.x[0] - m
    above = m - seen.x[-1]
    outside = np.maximum(0.0, np.maximum(below, above))
    ln_density: Floats = -0.5 * (outside / _BEYOND_SD) ** 2
    return ln_density


def _shape(ln_s: Floats, p: Floats) -> Shape:
    """Return the posterior of amplitude and shape, given the probabilities p on the grid."""
    p_amplitude = p.sum(axis=(0, 2, 3))
    p_shape = p.sum(axis=(0, 1, 3))

    mean, sd = moments(ln_s, p_amplitude)
    return Shape(mean, sd, p_shape)


def _expected_amplitude(s: Floats, p: Floats) -> Floats:
    """Expected amplitude of each shape given misfit and minimum, shape `(j, k, g)`.

    The amplitude of a shape counts as 0 where the valley has another shape.
    """
    p_misfit = p.sum(axis=(1, 2))
    total = np.einsum("s,jskg->jkg", s, p)

    expected: Floats = total / np.maximum(p_misfit, TINY)[:, None]
    return expected
