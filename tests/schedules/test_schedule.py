from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optuna_kappa.schedules import (
    PeriodicSchedule,
    Schedule,
    constant,
    cosine,
    cyclic,
    exponential,
    linear,
    one_cycle,
    polynomial,
    step,
    wsd,
)

BUILT_IN = [
    constant(),
    cosine(),
    cosine(warmup=0.13, floor=0.05),
    linear(warmup=0.07),
    polynomial(0.5),
    exponential(0.01),
    step(n=7),
    cyclic(n=4.4),
    wsd(),
    one_cycle(),
]
positive = st.floats(1e-8, 1e12)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(BUILT_IN), positive, positive)
def test_kappa_and_lr_are_inverse(schedule: Schedule, lr: float, horizon: float) -> None:
    kappa = schedule.kappa(lr, horizon)
    assert kappa == pytest.approx(lr * horizon * schedule.mean)
    assert schedule.lr(kappa, horizon) == pytest.approx(lr)
    assert schedule.resolve(horizon) is schedule


@pytest.mark.parametrize("schedule", BUILT_IN, ids=lambda schedule: schedule.name)
def test_mean_of_factors_tends_to_mean(schedule: Schedule) -> None:
    for n_steps in (10, 100, 1000, 10_000):
        factors = schedule.factors(n_steps)
        assert factors.shape == (n_steps,)
        # Each knot, and each end, may be off by half a step times the rise of m.
        bound = 0.5 * (len(schedule.knots) + 2) * max(1.0, np.ptp(factors)) / n_steps
        assert abs(factors.mean() - schedule.mean) < bound


def test_smooth_shapes_converge_at_second_order() -> None:
    errors = [abs(exponential(0.01).factors(n).mean() - exponential(0.01).mean) for n in (50, 500)]
    assert errors[1] == pytest.approx(errors[0] / 100, rel=0.01)


def test_factors_are_at_the_middle_of_each_step() -> None:
    np.testing.assert_allclose(linear().factors(4), [0.875, 0.625, 0.375, 0.125])


def test_call_on_floats_and_arrays() -> None:
    assert type(linear()(0.25)) is float
    assert linear()(0.25) == 0.75
    assert linear()(np.array([[0.0, 1.0]])).tolist() == [[1.0, 0.0]]
    # Rounding at the ends is no error.
    assert linear()(1 + 1e-12) == 0


@pytest.mark.parametrize("schedule", BUILT_IN, ids=lambda schedule: schedule.name)
def test_lambda_lr_sets_lr_times_factors(schedule: Schedule) -> None:
    torch = pytest.importorskip("torch")
    n_steps, lrs = 17, (3e-3, 0.1)
    groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": lr} for lr in lrs]
    optimizer = torch.optim.SGD(groups)
    scheduler = schedule.lambda_lr(optimizer, n_steps)
    seen = []
    for _ in range(n_steps + 3):
        seen.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    factors = schedule.factors(n_steps)
    expected = np.append(factors, np.repeat(factors[-1], 3))[:, None] * lrs
    np.testing.assert_array_equal(seen, expected)


def test_import_loads_no_torch() -> None:
    code = (
        "import sys, optuna_kappa.schedules;"
        "sys.exit(', '.join({'torch', 'plotly'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_own_schedules() -> None:
    own = Schedule("down then up", mean=0.75, shape=lambda p: np.abs(1 - 2 * p) / 2 + 0.5)
    assert own.kappa(2.0, 10.0) == 15
    assert own != Schedule("down then up", mean=0.7, shape=own.shape)
    warm = PeriodicSchedule("warm-up of 100", 100, lambda n: linear(warmup=min(0.5, 1 / n)))
    assert warm.resolve(1000) == linear(warmup=0.1)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (constant(), True),
        (step(period=30), True),
        (cyclic(period=30), True),
        # Stretched over the horizon: the longer run's rate is another one from early on.
        (step(n=4), False),
        (cosine(), False),
        (linear(floor=1), False),
    ],
)
def test_beginning_is_shorter_run(schedule: Schedule | PeriodicSchedule, expected: bool) -> None:
    assert schedule.beginning_is_shorter_run is expected


@pytest.mark.parametrize("schedule", [constant(), step(period=30), cyclic(period=30)])
def test_a_beginning_that_is_a_shorter_run_has_its_rates(
    schedule: Schedule | PeriodicSchedule,
) -> None:
    seen = np.linspace(0, 100, 101)
    shorter, longer = schedule.resolve(100), schedule.resolve(240)
    # The last report of the shorter run is left out: a step of the longer one may start there.
    np.testing.assert_allclose(shorter(seen[:-1] / 100), longer(seen[:-1] / 240))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cosine()(1.5), r"p must lie in \[0, 1\], got 1.5: .*divide"),
        (lambda: cosine()(np.array([0.5, np.nan])), r"p must lie in \[0, 1\]"),
        (lambda: cosine().kappa(0, 1), r"lr must be .* in \(0, inf\), got 0"),
        (lambda: cosine().kappa(1, -1), "horizon must be .* got -1: .*planned to see"),
        (lambda: cosine().lr(np.nan, 1), "kappa must be .* got nan"),
        (lambda: cosine().lr(1, np.inf), "horizon must be .* got inf"),
        (lambda: cosine().factors(0), "n_steps must be an int of at least 1, got 0: .*steps"),
        (lambda: cosine().factors(2.0), "n_steps must be an int .* got 2.0"),  # type: ignore[arg-type]
        (lambda: cosine().factors(True), "n_steps must be an int .* got True"),
        (lambda: Schedule(" ", 1.0, np.ones_like), "name must be text that is not blank"),
        (lambda: Schedule("a", 0.0, np.ones_like), "mean must be .* got 0"),
        (lambda: Schedule("a", 1.0, np.ones_like, (0.0, 0.5)), "knots must ascend strictly"),
        (lambda: Schedule("a", 1.0, np.ones_like, (0.5, 0.4)), "knots must ascend strictly"),
        (lambda: PeriodicSchedule("a", -1.0, lambda n: cosine()), "period must be .* got -1"),
    ],
)
def test_bad_values(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("p", [1j, np.array([1j]), np.array([0.5 + 0j])])
def test_a_fraction_is_no_complex_number(p: Any) -> None:
    with pytest.raises(ValueError, match=r"p must lie in \[0, 1\]"):
        constant()(p)
