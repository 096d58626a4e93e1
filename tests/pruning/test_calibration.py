from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from optuna_kappa._typing import Floats
from optuna_kappa.pruning import History, Place, Run, forecast, learn
from optuna_kappa.pruning.calibration import _LARGEST_SQUARE, Calibration, calibrate
from optuna_kappa.pruning.constants import FITTED
from optuna_kappa.pruning.covariance import prior_covariance
from optuna_kappa.pruning.excess import excess, noise_of

# The package gives the function this name.
model = import_module("optuna_kappa.pruning.forecast")

STEPS = np.array([2.0, 5.0, 10.0, 25.0, 40.0, 60.0, 80.0, 90.0, 100.0])


def history(n_whole: int, n_ended: int) -> History:
    """Runs that differ in where they report, in noise and in how far they came."""
    rng = np.random.default_rng(1)
    runs = []
    for i in range(n_whole + n_ended):
        level, place = np.exp(rng.normal(0.0, 0.5)), Place(rng.normal(), rng.normal(size=1))
        loss = level * (1 + STEPS**-0.5) * np.exp(rng.normal(0.0, 0.02, len(STEPS)))
        seen = np.arange(len(STEPS)) < 4 if i >= n_whole else rng.random(len(STEPS)) < 0.8
        final = float(loss[-1]) if i < n_whole else float("nan")
        runs.append(Run(STEPS[seen], loss[seen], place, final))
    learned = learn(runs, STEPS[-1])
    assert learned is not None
    return learned


def conditional(
    prior: Floats, z: Floats, wanted: np.ndarray, given: np.ndarray
) -> tuple[Floats, Floats]:
    across = prior[np.ix_(wanted, given)]
    weights = np.linalg.solve(prior[np.ix_(given, given)], across.T).T
    return weights @ z[given], prior[np.ix_(wanted, wanted)] - weights @ across.T


def by_formula(z: Floats, prior: Floats) -> Calibration:
    """Each whole run forecast anew from its first phases and all other runs."""
    n, k = z.shape
    flat = z.ravel()
    known = np.flatnonzero(np.isfinite(flat))
    missed, weight = np.zeros(k), np.zeros(k)
    for row in np.flatnonzero(np.isfinite(z[:, -1])):
        last = row * k + k - 1
        for phase in np.flatnonzero(np.isfinite(z[row])):
            given = known[(known < row * k + phase) | (known > last)]
            guess, variance = conditional(prior, flat, np.array([last]), given)
            square = (flat[last] - guess[0]) ** 2 / variance[0, 0]
            counts = 1 / (1 + FITTED.behind_discount * flat[last] ** 2)
            missed[phase] += counts * min(square, _LARGEST_SQUARE)
            weight[phase] += counts
    expected = FITTED.prior_misses * FITTED.prior_square
    inflation = (expected + missed) / (FITTED.prior_misses + weight)
    return Calibration(inflation, FITTED.prior_dof + weight)


@pytest.mark.parametrize(("n_whole", "n_ended"), [(1, 0), (6, 0), (5, 4)])
def test_forecast_and_its_calibration_are_those_of_the_formulas(
    n_whole: int, n_ended: int
) -> None:
    known_runs, place = history(n_whole, n_ended), Place(0.3, np.array([-0.2]))
    expected = forecast(known_runs, place)
    rows = model._nearest(known_runs, place)
    z = excess(known_runs.value[rows], expected.best, expected.unit)
    n, k = z.shape
    noise = noise_of(known_runs, rows, expected.unit)
    ln_lr = np.append(known_runs.ln_lr[rows], place.ln_lr)
    others = np.vstack([known_runs.others[rows], place.others])
    prior = prior_covariance(ln_lr, others, known_runs.phases)
    prior[np.diag_indices(n * k)] += noise.ravel()
    flat = z.ravel()
    known = np.flatnonzero(np.isfinite(flat))
    mean, covariance = conditional(prior, flat, np.arange(n * k, (n + 1) * k), known)
    np.testing.assert_allclose(expected.mean, mean, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(expected.covariance, covariance, rtol=1e-6, atol=1e-7)
    inflation, dof = by_formula(z, prior)
    np.testing.assert_allclose(expected.dof, dof)
    np.testing.assert_allclose(expected.inflation, inflation, rtol=1e-6)


def random_runs(n: int, k: int, seed: int) -> tuple[Floats, Floats]:
    """Excesses of runs, some unknown and some far off, and a covariance of them."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, k))
    z[rng.random((n, k)) < 0.3] = np.nan
    z[0] = 0.0
    z[1, -1] = 9.0  # misses by more than what counts
    halves = rng.normal(size=(n * k, 2 * n * k))
    return z, halves @ halves.T / (2 * n * k)


@pytest.mark.parametrize("seed", range(3))
def test_one_factorization_gives_the_misses_of_all_forecasts(seed: int) -> None:
    z, prior = random_runs(5, 4, seed)
    known = np.flatnonzero(np.isfinite(z))
    inverse = np.linalg.inv(prior[np.ix_(known, known)])
    root = np.linalg.cholesky(inverse)
    trust = calibrate(z, root, known, solved=inverse @ z.ravel()[known])
    inflation, dof = by_formula(z, prior)
    np.testing.assert_allclose(trust.inflation, inflation, rtol=1e-9)
    np.testing.assert_allclose(trust.dof, dof, rtol=1e-12)


def test_without_whole_runs_there_is_only_the_prior() -> None:
    z = np.array([[0.3, np.nan], [0.1, np.nan]])
    known = np.array([0, 2])
    trust = calibrate(z, np.eye(2), known, solved=z.ravel()[known])
    assert trust.inflation.tolist() == [FITTED.prior_square] * 2
    assert trust.dof.tolist() == [FITTED.prior_dof] * 2
