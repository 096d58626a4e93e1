"""The numbers behind a verdict, of runs whose law is known."""

from __future__ import annotations

import numpy as np
import pytest
from simulated import AT_LARGEST, LARGEST, Simulated, grid, joined

from optuna_kappa import fit

RUNS = Simulated(1.0).runs(grid(19))


def test_a_law_that_holds() -> None:
    checks = fit(RUNS).checks
    assert checks.left_out is not None and abs(checks.left_out) < 1.0
    assert checks.kappa_cv is not None and checks.kappa_cv < 0.05
    assert checks.alone is not None and checks.alone < 0.1
    assert checks.shifts == {}


def test_what_contradicts_a_law_shows() -> None:
    far = Simulated(-4.0).final(grid(41, -12.0, 12.0), 4 * LARGEST)
    checks = fit(joined(RUNS, far)).checks
    assert checks.left_out is not None and checks.left_out > 3.0
    flat = fit(Simulated(0.0).runs(grid(19))).checks
    assert flat.kappa_cv is not None and flat.kappa_cv > 0.5
    assert flat.at_edge == 0


def test_optima_at_the_edge_are_counted() -> None:
    checks = fit(Simulated(1.0).runs(grid(10, -6.0, -1.0))).checks
    assert 0 < checks.at_edge == checks.horizons
    assert checks.kappa_cv is checks.alone is None


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_a_schedule_beside_the_others(factor: float) -> None:
    lrs = factor * AT_LARGEST / 0.5 * np.exp(np.linspace(-2.0, 2.5, 9))
    cosine = Simulated().final(lrs, LARGEST, "cosine", 0.5 / factor)
    (shift,) = fit(joined(RUNS, cosine)).checks.shifts.values()
    assert shift.factor == pytest.approx(factor, rel=0.2)
    assert shift.low < factor < shift.high


def test_of_few_runs_nothing_can_be_told() -> None:
    checks = fit(Simulated().final(grid(), LARGEST)).checks
    assert checks.left_out is checks.kappa_cv is None
    assert fit(RUNS.where(np.zeros(len(RUNS), dtype=bool))).checks.horizons == 0
