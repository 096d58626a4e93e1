"""Intervals over seeds: what they are for means, and how often they hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from studies.paper.estimate import Estimate, derive, difference, shifted


def of_mean(values: np.ndarray) -> Estimate:
    left_out = [float(np.delete(values, i).mean()) for i in range(len(values))]
    return Estimate(float(values.mean()), np.array(left_out))


def test_interval_of_a_mean_is_students() -> None:
    values = np.array([1.0, 2.0, 4.0, 4.5, 7.0])
    estimate = of_mean(values)
    low, high = stats.t.interval(0.95, 4, values.mean(), stats.sem(values))
    assert (estimate.low, estimate.high) == pytest.approx((low, high))


def test_one_seed_has_no_interval() -> None:
    estimate = Estimate(2.0, np.array([]))
    assert not estimate.known
    assert estimate.half_width == math.inf
    assert not derive(lambda values: float(values[0] ** 2), [estimate]).known


def test_what_estimates_share_cancels() -> None:
    first = of_mean(np.array([1.0, 2.0, 4.0]))
    apart = difference(shifted(first, 3.0), first)
    assert apart.value == pytest.approx(3.0)
    assert apart.half_width == pytest.approx(0.0, abs=1e-12)


def test_resolution_is_carried_to_first_order() -> None:
    first = Estimate(1.0, np.ones(4), resolution=0.3)
    second = Estimate(1.0, np.ones(4), resolution=0.4)
    assert difference(first, second).resolution == pytest.approx(0.5)
    assert difference(first, second).half_width == pytest.approx(0.5 * stats.norm.ppf(0.975))


def test_a_bound_stays_one() -> None:
    bound, free = Estimate(1.0, np.ones(3), edge=True), Estimate(1.0, np.ones(3))
    assert difference(bound, free).edge
    assert not shifted(free, 1.0).edge


@pytest.mark.parametrize("n_seeds", [2, 3, 5])
def test_coverage_of_a_curved_function(n_seeds: int) -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(400):
        mean = of_mean(rng.normal(1.0, 0.2, n_seeds))
        ratio = derive(lambda values: float(np.exp(values[0])), [mean])
        inside += ratio.low <= math.e <= ratio.high
    assert 0.9 < inside / 400 <= 0.99
