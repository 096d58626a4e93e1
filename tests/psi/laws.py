"""A loss law that several tests use."""

from __future__ import annotations

import numpy as np

from optuna_kappa.psi import LossLaw

VALUES = np.array([2.0, -1.0, -0.7, -0.5, 3.0, 0.6, -0.6, 0.0, 0.3])


def known_law(scatter: float = 0.005) -> LossLaw:
    """Noise makes the largest rates bad for constant runs; the best peak is inside."""
    return LossLaw(VALUES, np.eye(9) * 1e-4, 0.4, 20.0, 1e-4, scatter)
