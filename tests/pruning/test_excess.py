from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from curves import history

from optuna_kappa.pruning.constants import FITTED
from optuna_kappa.pruning.excess import MOST_NOISE, excess, noise_of, unit_of, usual_scatter


def test_excess_keeps_order_and_sign() -> None:
    y, best = np.array([-1.0, 0.0, 0.1, 1.0, 10.0]), np.zeros(5)
    z = excess(y, best, 0.1)
    assert (np.diff(z) > 0).all()
    assert z[1] == 0 and z[0] == -z[3]
    assert z[4] < 100 * 0.1


def test_the_unit_is_a_part_of_what_the_best_gained() -> None:
    known = history([1e-4, 1e-3])
    gained = known.lowest.max() - known.lowest[-1]
    assert unit_of(known, usual=9.0) == pytest.approx(FITTED.unit_share * gained)


def test_the_unit_is_above_zero_where_nothing_was_gained() -> None:
    known = history([1e-3])
    flat = replace(known, value=np.zeros_like(known.value))
    assert unit_of(flat, usual=0.5) == pytest.approx(FITTED.unit_share * 1e-3)
    flat = replace(flat, logarithmic=False)
    assert unit_of(flat, usual=0.5) == pytest.approx(FITTED.unit_share * 0.5)
    assert unit_of(flat, usual=0.0) > 0


def test_usual_scatter_is_that_of_whole_runs_with_a_known_one() -> None:
    known = history([1e-4, 1e-3, 1e-2])
    scatter = known.scatter.copy()
    scatter[:, -1] = [0.1, 0.3, np.nan]
    rough = replace(known, scatter=scatter)
    assert usual_scatter(rough, np.arange(3)) == pytest.approx(0.2)
    assert usual_scatter(rough, np.array([2])) == 0.0


def test_noise_grows_with_the_scatter_up_to_a_limit() -> None:
    known, rows = history([1e-4, 1e-3]), np.arange(2)
    calm = noise_of(known, rows, 0.5)
    rough = noise_of(replace(known, scatter=2 * known.scatter), rows, 0.5)
    np.testing.assert_allclose(rough, 4 * calm)
    wild = noise_of(replace(known, scatter=1e6 * known.scatter), rows, 0.5)
    assert (wild[calm > 0] == MOST_NOISE).all() and (calm > 0).any()
