"""Which learning rates are clearly bad, and where they begin."""

from __future__ import annotations

import math

import numpy as np
import pytest

from optuna_kappa.law.far_rates import bad_ends
from optuna_kappa.law.losses import Losses

INF = math.inf


@pytest.mark.parametrize(
    ("excess", "ends"),
    [
        ([0.5, 0.0, 0.5], (-INF, INF)),
        ([2.0, 0.0, 0.5], (0.0, INF)),
        ([0.5, 0.0, 2.0], (-INF, 2.0)),
        ([9.0, 2.0, 0.5, 0.0, 0.5, 2.0, 9.0], (1.0, 5.0)),
        # The nearest bad rate is the end, also where better ones lie beyond it.
        ([0.0, 2.0, 0.1], (-INF, 1.0)),
    ],
)
def test_bad_ends(excess: list[float], ends: tuple[float, float]) -> None:
    n = len(excess)
    losses = Losses(
        x=np.arange(float(n)),
        excess=np.array(excess),
        count=np.ones(n),
        level=1.0,
        wall=INF,
        runs=n,
    )
    assert bad_ends(losses, scale=1.0) == ends
    # In another unit of the losses the ends are the same.
    assert bad_ends(Losses(losses.x, 7 * losses.excess, losses.count, 7.0, INF, n), 7.0) == ends
