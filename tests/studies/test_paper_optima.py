"""Optima of simulated curves: exact ones, skewed ones, walls, and how often intervals hold."""

from __future__ import annotations

import math

import numpy as np
import paper_tables
import pytest
from numpy.typing import NDArray

from studies.paper.curves import Curves
from studies.paper.optima import argmins, excess, ln_loss, minimum, optimum, slope

EPOCH = paper_tables.EPOCH
STEP = math.log(1000) / 20  # between the learning rates of the sweep


def curves(
    schedule: str = "constant", noise: float = 0.0, n_seeds: int = 3, seed: int = 0
) -> Curves:
    """Runs of 22 epochs whose optimum is inverse to the data."""
    lrs, steps = np.geomspace(3e-5, 3e-2, 21), EPOCH * np.arange(1, 23)
    best = np.log(4e-3 * EPOCH / steps)
    y = 0.1 * (np.log(lrs)[:, None] - best) ** 2
    rng = np.random.default_rng(seed)
    seeds = tuple(str(i) for i in range(n_seeds))
    loss = np.exp(y + noise * rng.standard_normal((n_seeds, *y.shape)))
    name = paper_tables.SCHEDULES[schedule]
    return Curves("simulated", name, 22 * EPOCH, EPOCH, EPOCH, seeds, lrs, steps, loss)


def skewed(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.logaddexp(-0.9 * x, 0.45 * x)


def walled(x: NDArray[np.float64]) -> NDArray[np.float64]:
    wall = 10 / (1 + np.exp(-(x - 1.0) / 0.12))
    return np.asarray(np.log(0.5 * np.exp(-0.6 * x) + 1 + wall + 0.02 * np.exp(x)))


@pytest.mark.parametrize("offset", [0.0, 0.1, 0.17, 0.3])
def test_minimum_of_a_parabola(offset: float) -> None:
    x = np.arange(-8.0, 9.0) * STEP + offset
    assert minimum(x, 0.2 * x**2) == pytest.approx(0, abs=0.002)


def test_minimum_of_skewed_and_walled_curves_within_the_resolution() -> None:
    fine = np.linspace(-2, 2, 40_001)
    for curve, allowed in ((skewed, 0.03), (walled, 0.15)):
        true = float(fine[np.argmin(curve(fine))])
        found = []
        for offset in np.linspace(0, STEP, 20, endpoint=False):
            x = np.arange(-8.0, 9.0) * STEP + true + offset
            found.append(minimum(x, curve(x)) - true)
        assert np.sqrt(np.mean(np.square(found))) < allowed


def test_rates_at_which_runs_diverge_are_walls() -> None:
    x = np.arange(-8.0, 9.0) * STEP
    y = 0.2 * x**2
    y[x > 0.5] = np.nan
    assert minimum(x, y) == pytest.approx(0, abs=0.02)
    y[x > 0.1] = np.nan
    assert minimum(x, y) == pytest.approx(0, abs=0.9 * STEP)


def test_optimum_of_exact_curves() -> None:
    for schedule in ("constant", "cyclic"):
        runs = curves(schedule)
        for n in (1, 5, 13, 22):
            # Averaging over horizons bends a law of exponent 1 by less than half a percent.
            found = optimum(runs, n * EPOCH)
            assert math.exp(found.value) == pytest.approx(4e-3 / n, rel=0.006)
            assert not found.edge


def test_optimum_at_the_edge_of_the_rates_is_a_bound() -> None:
    runs = curves()
    low = Curves(
        **{**runs.__dict__, "lrs": runs.lrs[18:], "loss": runs.loss[:, 18:]},
    )
    assert optimum(low, 22 * EPOCH).edge


def test_slope_is_recovered_with_its_interval() -> None:
    runs = curves(noise=0.02, n_seeds=5)
    steps = [n * EPOCH for n in range(8, 23)]
    found = slope(steps, [optimum(runs, step) for step in steps])
    assert found.low <= 1 <= found.high
    assert found.half_width < 0.25


def test_intervals_hold_the_true_optimum() -> None:
    inside = []
    for seed in range(40):
        runs = curves(noise=0.05, n_seeds=5, seed=seed)
        for n in (2, 6, 13):
            found = optimum(runs, n * EPOCH)
            inside.append(found.low <= math.log(4e-3 / n) <= found.high)
    assert 0.9 <= np.mean(inside)


def test_neighbouring_horizons_are_averaged_where_alike() -> None:
    for schedule, around in (("constant", (12, 13, 14)), ("cyclic", (13,)), ("cosine", (22,))):
        runs = curves(schedule, noise=0.1)
        middle = 13 if schedule != "cosine" else 22
        expected = np.log(runs.loss[:, :, [n - 1 for n in around]]).mean(axis=(0, 2))
        np.testing.assert_allclose(ln_loss(runs, middle * EPOCH), expected)


def test_excess_is_the_loss_above_the_best() -> None:
    runs = curves()
    at = math.exp(math.log(4e-3 / 5) + 1)
    assert excess(runs, 5 * EPOCH, at).value == pytest.approx(math.exp(0.1) - 1, abs=0.005)
    assert excess(runs, 5 * EPOCH, 4e-3 / 5).value == pytest.approx(0, abs=1e-3)


def test_argmins_are_rates_of_the_grid_for_each_three_seeds() -> None:
    runs = curves(noise=0.1, n_seeds=5)
    found = argmins(runs, 13 * EPOCH)
    assert len(found) == 10
    assert set(found) <= set(runs.lrs)
    assert len(argmins(curves(n_seeds=2), EPOCH)) == 1


def test_diverged_seeds_are_never_the_best() -> None:
    runs = curves()
    runs.loss[0, :3] = np.nan
    assert np.isnan(ln_loss(runs, EPOCH)[:3]).all()
    assert argmins(runs, 22 * EPOCH)[0] >= runs.lrs[3]
    runs.loss[:] = np.nan
    with pytest.raises(ValueError, match="all runs of table simulated diverged before 30,000"):
        optimum(runs, EPOCH)
