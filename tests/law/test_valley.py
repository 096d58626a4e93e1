"""Valleys, and what they miss: identities that hold whatever the losses are."""

from __future__ import annotations

import numpy as np
import pytest

from optuna_kappa.law.likelihood import grid_posterior
from optuna_kappa.law.losses import Losses, compress
from optuna_kappa.law.misfit import MISFITS, Misfit, covariance, interpolate
from optuna_kappa.law.valley import fit_valley, moments
from optuna_kappa.law.valley_shapes import SHAPE_PRIOR, SHAPES, Shape, unit_valleys

X = np.array([-8.0, -7.3, -6.0, -5.5])
EXCESS = np.array([0.5, 0.1, 0.0, 0.3])
SEEN = Losses(X, EXCESS, np.array([1.0, 2.0, 1.0, 3.0]), 1.0, np.inf, 7)


@pytest.mark.parametrize("misfit", MISFITS)
def test_interpolation_keeps_a_level(misfit: Misfit) -> None:
    weights, remaining = interpolate(misfit, SEEN, EXCESS, np.linspace(-9.0, -4.0, 11))
    assert weights.sum(axis=1) == pytest.approx(np.ones(11))
    assert (remaining >= 0).all()


@pytest.mark.parametrize("misfit", MISFITS)
def test_more_runs_leave_less_noise(misfit: Misfit) -> None:
    variances = np.diag(covariance(misfit, SEEN, np.zeros(4)))
    assert variances == pytest.approx(misfit.variance + 1 / SEEN.count)


def test_valleys_are_0_at_their_minimum_and_steeper_where_narrow() -> None:
    valleys = unit_valleys(np.array([-5.0, -4.0]), np.array([-5.0]))
    assert valleys[:, 0, 0] == pytest.approx(np.zeros(len(SHAPES)))
    narrow, wide = (valleys[(SHAPES == [width, 0.0]).all(axis=1), 0, 1] for width in (0.5, 1.5))
    assert narrow == pytest.approx(np.log(np.cosh(2.0)))
    assert wide == pytest.approx(np.log(np.cosh(1 / 1.5)))


def test_probabilities_on_the_grid_sum_to_1() -> None:
    s, m = np.array([0.3, 0.6]), np.linspace(-9.0, -4.0, 7)
    p, variance = grid_posterior(SEEN, EXCESS, s, m, np.zeros((2, len(SHAPES), 7)))
    assert p.shape == (len(MISFITS), 2, len(SHAPES), 7)
    assert p.sum() == pytest.approx(1.0)
    assert variance.shape == (len(MISFITS),) and (variance > 0).all()


def test_a_valley_does_not_depend_on_the_unit_of_the_losses() -> None:
    prior = Shape(np.log(0.3), 1.0, SHAPE_PRIOR)
    valley = fit_valley(SEEN, 0.3, prior)
    scaled = Losses(X, 1000 * EXCESS, SEEN.count, 1000.0, np.inf, 7)
    other = fit_valley(scaled, 300.0, Shape(np.log(300.0), 1.0, SHAPE_PRIOR))
    assert other.minimum == pytest.approx(valley.minimum)
    assert other.loss(X) == pytest.approx(1000 * valley.loss(X))
    assert other.sd(X) == pytest.approx(1000 * valley.sd(X))


def test_expected_losses_are_lowest_near_the_minimum() -> None:
    valley = fit_valley(SEEN, 0.3, Shape(np.log(0.3), 1.0, SHAPE_PRIOR))
    x = np.linspace(-8.0, -5.5, 101)
    assert x[np.argmin(valley.weight @ valley.loss(x))] == pytest.approx(-6.5, abs=0.5)
    assert moments(valley.m, valley.weight) == valley.minimum


def test_compression_keeps_order_and_small_losses() -> None:
    excess = np.array([0.0, 0.01, 1.0, 10.0, 1e6])
    compressed = compress(excess)
    assert (np.diff(compressed) > 0).all()
    assert compressed[1] == pytest.approx(0.01, rel=1e-4)
    assert compressed[-1] == pytest.approx(4.0)
