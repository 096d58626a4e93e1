from __future__ import annotations

from math import exp, log, log10

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.pruning.constants import FITTED as C
from optuna_kappa.pruning.covariance import prior_covariance

LN_LR = np.log([1e-4, 3e-4, 1e-2])
OTHERS = np.array([[0.1, 0.9], [0.1, 0.7], [0.5, 0.2]])
PHASES = np.array([0.1, 0.5, 1.0])


def by_formula(i: int, u: float, k: int, v: float) -> float:
    """The covariance of run i at phase u with run k at phase v, term by term."""
    o2 = float((((OTHERS[i] - OTHERS[k]) / C.other_length) ** 2).sum())
    r2 = ((LN_LR[i] - LN_LR[k]) / C.lr_length) ** 2 + o2
    likeness = (1 + r2 / (2 * C.neighbor_tail)) ** -C.neighbor_tail
    total = 25.0
    for variance, shared, t in (
        (C.level_variance, C.level_shared, 1.0),
        (C.log_trend_variance, C.log_trend_shared, log10(u) * log10(v)),
        (C.trend_variance, C.trend_shared, (u - 1) * (v - 1)),
        (C.wander_variance, C.wander_shared, exp(-abs(log10(u / v)) / C.wander_memory)),
    ):
        total += variance * t * (shared * likeness + (1 - shared) * (i == k))
    ln_kappa = (LN_LR[i] + log(u) - LN_LR[k] - log(v)) / C.kappa_length
    total += C.kappa_variance * exp(-(ln_kappa**2) / 2) / (1 + o2 / 2)
    total += C.common_variance * exp(-((log(u / v) / C.common_length) ** 2) / 2)
    if i == k and u == v:
        total += C.noise_sd_last**2 if u == 1 else C.noise_sd**2
    return total


def covariance() -> Floats:
    return prior_covariance(LN_LR, OTHERS, PHASES)


def test_it_is_that_of_the_formula() -> None:
    values = [(i, float(u)) for i in range(len(LN_LR)) for u in PHASES]
    expected = [[by_formula(i, u, k, v) for k, v in values] for i, u in values]
    np.testing.assert_allclose(covariance(), expected, rtol=1e-12)


def test_it_is_a_covariance() -> None:
    np.testing.assert_allclose(covariance(), covariance().T, rtol=1e-15)
    assert np.linalg.eigvalsh(covariance()).min() > 0


def test_runs_with_the_same_kappa_are_the_most_alike() -> None:
    nothing = np.empty((2, 0))
    same = prior_covariance(np.log([1e-3, 5e-4]), nothing, PHASES)  # at the half and at the end
    other = prior_covariance(np.log([1e-3, 2e-3]), nothing, PHASES)
    assert same[1, 5] > other[1, 5]
