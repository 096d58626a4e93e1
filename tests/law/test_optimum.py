"""The optimum at one horizon, against parabolas whose vertex is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import ArrayLike
from simulated import table

from optuna_kappa import RunTable, fit
from optuna_kappa.law import Optimum
from optuna_kappa.runs import example_runs

CENTRE = 1e-3  # lr at x = 0
CURVATURE = 0.1


def losses(x: ArrayLike, vertex: float, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    x = np.asarray(x, dtype=float)
    rough = noise * np.random.default_rng(seed).standard_normal(x.shape)
    return np.asarray(np.exp(CURVATURE * (x - vertex) ** 2 + rough))


def runs(x: ArrayLike, loss: ArrayLike) -> RunTable:
    x = np.asarray(x, dtype=float)
    return table(np.arange(len(x)), CENTRE * np.exp(x), 10, 10, loss)


def optimum(x: ArrayLike, loss: ArrayLike) -> Optimum:
    (found,) = fit(runs(x, loss)).optima
    return found


def vertex_of(found: Optimum) -> float:
    return found.ln_lr - math.log(CENTRE)


@pytest.mark.parametrize("spacing", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("vertex", [0.0, 0.2, -0.8])
def test_the_vertex_of_an_exact_parabola(vertex: float, spacing: float) -> None:
    x = np.arange(-4, 4 + spacing / 2, spacing)
    found = optimum(x, losses(x, vertex))
    assert vertex_of(found) == pytest.approx(vertex, abs=0.15 * spacing)
    assert abs(vertex_of(found) - vertex) < 2 * found.se
    assert found.se < 0.35 * spacing
    assert (found.n, found.at_edge) == (len(x), 0)
    assert found.horizon == pytest.approx(10.0)


def test_losses_on_any_scale() -> None:
    """A parabola in ln loss and one in a loss that is also negative have the same vertex."""
    x = np.linspace(-4, 4, 17)
    level = np.log(losses(x, 0.3))
    found = [vertex_of(optimum(x, loss)) for loss in (np.exp(level), level - 3.0, 50 * level - 1)]
    assert found == pytest.approx([0.3] * 3, abs=0.1)


def test_a_steep_wall_on_the_right_bends_nothing() -> None:
    x = np.linspace(-4, 4, 17)
    wall = np.where(x > 1.2, 20.0 * (x - 1.2), 0.0)
    plain, walled = (optimum(x, np.exp(CURVATURE * x**2 + high)) for high in (0 * x, wall))
    assert abs(vertex_of(walled) - vertex_of(plain)) < 0.3


def test_fewer_points_give_a_larger_error() -> None:
    found = [
        optimum(x, losses(x, 0.2)) for x in (np.linspace(-4, 4, n) for n in (3, 5, 9, 17, 33))
    ]
    errors = [each.se for each in found]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 5 * errors[-1]
    assert [each.n for each in found] == [3, 5, 9, 17, 33]


def test_noise_gives_a_larger_error() -> None:
    x = np.linspace(-4, 4, 17)
    errors = [
        np.mean([optimum(x, losses(x, 0.2, noise, seed)).se for seed in range(20)])
        for noise in (0.0, 0.01, 0.03, 0.1, 0.3)
    ]
    assert errors == sorted(errors)
    assert errors[-1] > 3 * errors[0]


@pytest.mark.parametrize("noise", [0.01, 0.03])
def test_the_error_is_the_size_of_the_misses(noise: float) -> None:
    x = np.linspace(-4, 4, 17)
    found = [optimum(x, losses(x, 0.2, noise, seed)) for seed in range(40)]
    z = [(vertex_of(each) - 0.2) / each.se for each in found]
    assert np.mean(np.abs(z) < 2) >= 0.9
    assert np.std(z) > 0.15  # an error that is always far too large covers everything


@pytest.mark.parametrize(("low", "high", "edge"), [(0.0, 4.0, -1), (-4.0, 0.0, 1), (0.5, 4.0, -1)])
def test_points_on_one_side_give_a_larger_error(low: float, high: float, edge: int) -> None:
    inside, x = np.linspace(-4, 4, 17), np.linspace(low, high, 9)
    found = optimum(x, losses(x, 0.0))
    assert found.se > 3 * optimum(inside, losses(inside, 0.0)).se
    assert found.at_edge == edge
    assert abs(vertex_of(found)) < 2 * found.se


def test_a_diverged_lr_above_the_best_is_no_edge_and_bounds_the_optimum() -> None:
    x = np.linspace(-4, 4, 17)
    loss = losses(x, 1.0)
    loss[x > 0.1] = np.nan
    open_ended = optimum(x[x < 0.1], loss[x < 0.1])
    bounded = optimum(x, loss)
    assert (open_ended.at_edge, bounded.at_edge) == (1, 0)
    assert vertex_of(bounded) < 0.4 < vertex_of(open_ended)
    assert bounded.se < open_ended.se
    assert bounded.n == len(x)


def test_repeated_runs_at_one_lr_count_by_their_mean() -> None:
    x = np.linspace(-4, 4, 9)
    three = np.repeat(x, 3)
    spread = np.tile([0.7, 1.0, 1.3], 9)
    assert vertex_of(optimum(three, losses(three, 0.2) * spread)) == pytest.approx(0.2, abs=0.35)


def test_kappa_is_lr_times_horizon_times_mean() -> None:
    found = Optimum("cosine", horizon=100.0, ln_lr=math.log(2e-3), se=0.1, n=9, at_edge=0)
    assert found.kappa is None  # the mean of its schedule is not known
    assert replace(found, mean=0.5).kappa == pytest.approx(2e-3 * 100 * 0.5)


def test_kappa_of_optima_where_the_law_is_kappa_invariance() -> None:
    optima = fit(example_runs(slope=1.0, horizons=[4, 16, 64])).optima
    assert [optimum.kappa for optimum in optima] == pytest.approx([0.01] * 3, rel=0.05)


def test_fewer_than_three_learning_rates_give_no_first_optimum() -> None:
    for x in ([0.0], [0.0, 1.0], [0.0, 1.0, 1.0]):
        assert fit(runs(x, losses(x, 0.2))).optima == ()
