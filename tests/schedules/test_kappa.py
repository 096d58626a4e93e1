"""Cumulative learning, and the learning rate that gives it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optuna_kappa.schedules import Schedule, constant, cosine, cyclic, one_cycle
from optuna_kappa.schedules.kappa import kappa, lr_for

positive = st.floats(1e-8, 1e12)


@given(positive, positive, st.floats(1e-3, 10.0))
def test_lr_is_the_inverse_of_kappa(lr: float, horizon: float, mean: float) -> None:
    assert lr_for(kappa(lr, horizon, mean), horizon, mean) == pytest.approx(lr, rel=1e-12)


@pytest.mark.parametrize("schedule", [constant(), cosine(warmup=0.1), cyclic(n=3), one_cycle()])
def test_kappa_is_the_sum_of_the_rates_of_all_steps(schedule: Schedule) -> None:
    lr, n_steps = 3e-3, 30_000
    rates = lr * schedule.factors(n_steps)
    assert kappa(lr, n_steps, schedule.mean) == pytest.approx(rates.sum(), rel=1e-6)


def test_schedules_compute_it_here() -> None:
    schedule = cosine(warmup=0.1)
    assert schedule.kappa(lr=2e-3, horizon=500) == kappa(2e-3, 500, schedule.mean)
    assert schedule.lr(kappa=0.4, horizon=500) == lr_for(0.4, 500, schedule.mean)


def test_equal_kappa_means_half_the_lr_at_twice_the_horizon() -> None:
    np.testing.assert_allclose(lr_for(165.0, 2000, 0.5), lr_for(165.0, 1000, 0.5) / 2)
