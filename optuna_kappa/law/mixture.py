"""Mixtures of normal distributions: how a law states a number together with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optuna_kappa._typing import Floats

# Quantiles are searched within this many standard deviations of the means. The probability of
# being farther out is below 1e-18, less than a float resolves.
_REACH = 9.0

# Each bisection step halves the interval. After 60 steps it is as narrow as floats allow.
_BISECTIONS = 60


@dataclass(frozen=True, eq=False)
class Mixture:
    """A one-dimensional mixture of k normal distributions.

    Attributes:
        weight: Weights, shape `(k,)`, with sum 1.
        mean: Means, shape `(k,)`.
        sd: Standard deviations, shape `(k,)`.

    Example:
        >>> normal = Mixture(weight=np.array([1.0]), mean=np.array([3.0]), sd=np.array([2.0]))
        >>> normal.moments
        (3.0, 2.0)
    """

    weight: NDArray[np.floating]
    mean: NDArray[np.floating]
    sd: NDArray[np.floating]

    def quantile(self, p: float) -> float:
        """Return the value below which a fraction p of the probability lies.

        Example:
            >>> normal = Mixture(weight=np.array([1.0]), mean=np.array([3.0]), sd=np.array([2.0]))
            >>> round(normal.quantile(0.975), 2)
            6.92
        """
        from scipy.special import ndtr  # not on `import optuna_kappa`: it takes as long as NumPy

        reach = _REACH * self.sd
        low = float((self.mean - reach).min())
        high = float((self.mean + reach).max())

        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            z = (middle - self.mean) / self.sd
            probability_below = float(self.weight @ ndtr(z))

            if probability_below < p:
                low = middle
            else:
                high = middle

        return (low + high) / 2

    def density(self, x: Floats) -> Floats:
        """Return the probability density at x, an array of the same shape as x.

        Example:
            >>> normal = Mixture(weight=np.array([1.0]), mean=np.array([3.0]), sd=np.array([2.0]))
            >>> normal.density(np.array([1.0, 3.0])).round(3).tolist()
            [0.121, 0.199]
        """
        z = (x[..., None] - self.mean) / self.sd
        area = self.sd * np.sqrt(2 * np.pi)
        normals = np.exp(-0.5 * z**2) / area

        density: Floats = normals @ self.weight
        return density

    @property
    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation of the mixture.

        Example:
            >>> weight, mean, sd = np.array([0.5, 0.5]), np.array([-1.0, 1.0]), np.zeros(2)
            >>> Mixture(weight, mean, sd).moments
            (0.0, 1.0)
        """
        mean = float(self.weight @ self.mean)
        deviation = self.mean - mean
        variance = self.weight @ (self.sd**2 + deviation**2)
        return mean, float(np.sqrt(variance))
