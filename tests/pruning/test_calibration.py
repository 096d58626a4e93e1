from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from optuna_kappa._typing import Floats
from optuna_kappa.pruning import History, Place, Run, forecast, learn

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
    found = learn(runs, STEPS[-1])
    assert found is not None
    return found


def conditional(
    prior: Floats, z: Floats, wanted: np.ndarray, given: np.ndarray
) -> tuple[Floats, Floats]:
    across = prior[np.ix_(wanted, given)]
    weights = np.linalg.solve(prior[np.ix_(given, given)], across.T).T
    return weights @ z[given], prior[np.ix_(wanted, wanted)] - weights @ across.T


@pytest.mark.parametrize(("n_whole", "n_ended"), [(1, 0), (6, 0), (5, 4)])
def test_forecast_and_its_calibration_are_those_of_the_formulas(
    n_whole: int, n_ended: int
) -> None:
    known_runs, place = history(n_whole, n_ended), Place(0.3, np.array([-0.2]))
    found = forecast(known_runs, place)
    rows = model._nearest(known_runs, place)
    z = model.excess(known_runs.value[rows], found.best, found.unit)
    n, k = z.shape
    noise = model._noise(known_runs, rows, found.best, found.unit)
    ln_lr = np.append(known_runs.ln_lr[rows], place.ln_lr)
    others = np.vstack([known_runs.others[rows], place.others])
    prior = model._covariance(ln_lr, others, known_runs.phases)
    prior[np.diag_indices(n * k)] += noise.ravel()
    flat = z.ravel()
    known = np.flatnonzero(np.isfinite(flat))
    mean, covariance = conditional(prior, flat, np.arange(n * k, (n + 1) * k), known)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-6, atol=1e-7)
    missed, weight = np.zeros(k), np.zeros(k)
    for row in np.flatnonzero(np.isfinite(z[:, -1])):
        last = row * k + k - 1
        for phase in np.flatnonzero(np.isfinite(z[row])):
            given = known[(known < row * k + phase) | (known > last)]
            guess, variance = conditional(prior, flat, np.array([last]), given)
            square = (flat[last] - guess[0]) ** 2 / variance[0, 0]
            counts = 1 / (1 + model.BEHIND * flat[last] ** 2)
            missed[phase] += counts * min(square, model._FAR_OFF)
            weight[phase] += counts
    np.testing.assert_allclose(found.dof, model.DOF + weight)
    inflation = (model.NU * model.PRIOR + missed) / (model.NU + weight)
    np.testing.assert_allclose(found.inflation, inflation, rtol=1e-6)
