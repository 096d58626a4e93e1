"""Mixtures of normal distributions: what a law says of a number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optuna_kappa._typing import Floats


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
