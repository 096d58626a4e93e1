"""Gaussian-process regressions of many hypotheses, from the factors of one matrix.

The prior covariance of n optima under hypothesis h is

    K_h = C + b_h^2 B + c_h^2 W + a_h a_h'

where C is common to all hypotheses, B the covariance of a unit bias, W that of a unit drift, and
a_h the lever of the slope times its standard deviation: a matrix of rank one. Few hypotheses
differ in their sizes b and c. So one Cholesky factor L for each pair of sizes is enough. With
vectors whitened by L^-1,

    x' K_h^-1 y = x y - (x a_h) (y a_h) / (1 + a_h a_h)
    ln det K_h = 2 sum ln diag L + ln (1 + a_h a_h)

Libraries of linear algebra hand matrices of 100 rows and more to several threads. For so few rows
that only costs: where other programs keep the cores busy, the threads wait for each other, and a
factor takes 100 ms instead of 0.2. So larger matrices are worked on in blocks.

Shapes: k hypotheses, n optima.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optuna_kappa._typing import Floats

_BLOCK = 64  # rows of a matrix that is factorized at once
_ROWS = 16  # vectors that are multiplied at once

_Array = NDArray[np.floating]  # what NumPy says its linear algebra returns


class Regression(NamedTuple):
    """Regressions on the same optima, one for each hypothesis.

    Attributes:
        whitening: L^-1 of each pair of sizes, shape `(number of pairs, n, n)`.
        size: Which pair of sizes each hypothesis has, shape `(k,)`.
        slope: Whitened a_h, shape `(k, n)`.
        weights: K_h^-1 times the differences of the optima from their prior means, shape `(k, n)`.
        probability: Posterior probabilities of the hypotheses, shape `(k,)`.

    Example:
        >>> one = regress(
        ...     residual=np.array([[0.5]]), common=np.array([[1.0]]), slope=np.zeros((1, 1)),
        ...     parts=[], prior=np.ones(1),
        ... )
        >>> one.probability.tolist()
        [1.0]
    """

    whitening: _Array
    size: NDArray[np.intp]
    slope: _Array
    weights: _Array
    probability: _Array

    def condition(self, cross: Floats) -> tuple[_Array, _Array]:
        """What the optima say about a quantity.

        Args:
            cross: Its prior covariances with the optima, shape `(k, n)`.

        Returns:
            What they add to its mean, and what they take from its variance, both of shape `(k,)`.

        Example:
            >>> one = regress(
            ...     residual=np.array([[0.5]]), common=np.array([[1.0]]), slope=np.zeros((1, 1)),
            ...     parts=[], prior=np.ones(1),
            ... )
            >>> mean, variance = one.condition(np.array([[0.8]]))
            >>> mean.tolist(), variance.round(2).tolist()
            ([0.4], [0.64])
        """
        white = _whitened(self.whitening, self.size, cross)
        return self.shifts(cross[:, None])[:, 0], _product(white, white, self.slope)

    def shifts(self, cross: Floats) -> _Array:
        """What the optima add to the means of m quantities, shape `(k, m)`.

        Args:
            cross: Their prior covariances with the optima, shape `(k, m, n)`.

        Example:
            >>> one = regress(
            ...     residual=np.array([[0.5]]), common=np.array([[1.0]]), slope=np.zeros((1, 1)),
            ...     parts=[], prior=np.ones(1),
            ... )
            >>> one.shifts(np.array([[[0.8], [0.2]]])).tolist()
            [[0.4, 0.1]]
        """
        shifts: _Array = (cross * self.weights[:, None]).sum(axis=2)
        return shifts


def regress(
    residual: Floats,
    common: Floats,
    slope: Floats,
    parts: Sequence[tuple[Floats, Floats]],
    prior: Floats,
) -> Regression:
    """Regress under each hypothesis, and weigh the hypotheses.

    Args:
        residual: Differences of the optima from their prior means, shape `(k, n)`.
        common: C, the errors of the optima included, shape `(n, n)`.
        slope: a_h, shape `(k, n)`.
        parts: Sizes of other parts of the covariance, b_h and c_h, each of shape `(k,)`, and what
            a unit of each is: B and W, each of shape `(n, n)`.
        prior: Prior probabilities of the hypotheses, shape `(k,)`.

    Example:
        >>> two = regress(
        ...     residual=np.array([[0.0], [3.0]]), common=np.eye(1), slope=np.zeros((2, 1)),
        ...     parts=[], prior=np.array([0.5, 0.5]),
        ... )
        >>> two.probability.round(2).tolist()
        [0.99, 0.01]
    """
    sizes = np.zeros((len(prior), 1 + len(parts)))
    for i, (size_of_part, _) in enumerate(parts):
        sizes[:, i] = size_of_part
    distinct, size = np.unique(sizes, axis=0, return_inverse=True)
    size = size.ravel()  # NumPy 2.0.0 returns it as a column

    factors = []
    for row in distinct:
        covariance = common
        for part_size, (_, unit) in zip(row, parts, strict=False):
            covariance = covariance + part_size**2 * unit
        factors.append(_factorize(covariance))
    whitening = np.stack([inverse for inverse, _ in factors])
    ln_diagonal = np.array([ln_diagonal for _, ln_diagonal in factors])

    white_slope = _whitened(whitening, size, slope)
    white_residual = _whitened(whitening, size, residual)
    misfit = _product(white_residual, white_residual, white_slope)

    ln_determinant = 2 * ln_diagonal[size] + np.log1p((white_slope**2).sum(axis=1))
    ln_probability = np.log(prior) - 0.5 * (misfit + ln_determinant)

    # Subtracting the maximum keeps the exponentials from underflowing all together.
    probability = np.exp(ln_probability - ln_probability.max())
    probability /= probability.sum()

    along_slope = (white_residual * white_slope).sum(axis=1) / (1 + (white_slope**2).sum(axis=1))
    white_weights = white_residual - along_slope[:, None] * white_slope
    transposed = np.swapaxes(whitening, 1, 2)
    weights = _whitened(transposed, size, white_weights)
    return Regression(whitening, size, white_slope, weights, probability)


def _factorize(matrix: Floats) -> tuple[_Array, float]:
    """Return the inverse of the Cholesky factor L, and the sum of ln diag L."""
    n = len(matrix)
    if n <= _BLOCK:
        factor = np.linalg.cholesky(matrix)
        return np.linalg.inv(factor), float(np.log(np.diagonal(factor)).sum())

    half = n // 2
    first, ln_first = _factorize(matrix[:half, :half])
    below = matrix[half:, :half] @ first.T
    second, ln_second = _factorize(matrix[half:, half:] - below @ below.T)

    inverse = np.zeros((n, n))
    inverse[:half, :half] = first
    inverse[half:, half:] = second
    inverse[half:, :half] = -(second @ below) @ first
    return inverse, ln_first + ln_second


def _whitened(whitening: _Array, size: NDArray[np.intp], vectors: Floats) -> _Array:
    """L^-1 times each vector, with the L of its hypothesis, shape `(k, n)`."""
    white = np.empty_like(vectors)
    for i, matrix in enumerate(whitening):
        of_size = size == i
        parts = np.array_split(vectors[of_size], -(-np.count_nonzero(of_size) // _ROWS))
        white[of_size] = np.concatenate([part @ matrix.T for part in parts])

    return white


def _product(x: _Array, y: _Array, slope: _Array) -> _Array:
    """X' K^-1 y of each hypothesis, shape `(k,)`, from whitened vectors."""
    x_slope = (x * slope).sum(axis=1)
    y_slope = (y * slope).sum(axis=1)
    scale = 1 + (slope**2).sum(axis=1)

    product: _Array = (x * y).sum(axis=1) - x_slope * y_slope / scale
    return product
