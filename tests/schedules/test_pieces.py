from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from optuna_kappa.schedules import PeriodicSchedule, Schedule, cyclic, parse, step

EPOCH = 30_000  # training images of the paper
counts = st.one_of(st.integers(1, 12), st.floats(0.05, 12))
pieces = st.one_of(
    st.builds(step, factor=st.floats(0.01, 1), n=counts),
    st.builds(cyclic, factor=st.floats(0.01, 10), n=counts),
)


@settings(max_examples=150, deadline=None)
@given(pieces)
def test_mean_is_the_integral(schedule: Schedule) -> None:
    edges = [0.0, *schedule.knots, 1.0]
    cells = [integrate.quad(schedule, *cell)[0] for cell in itertools.pairwise(edges)]
    assert schedule.mean == pytest.approx(sum(cells), rel=1e-7)


@settings(max_examples=50, deadline=None)
@given(pieces)
def test_name_and_pickle(schedule: Schedule) -> None:
    p = np.linspace(0, 1, 101)
    again = parse(schedule.name)
    assert isinstance(again, Schedule) and again == schedule
    np.testing.assert_array_equal(again(p), schedule(p))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(schedule))(p), schedule(p))


@pytest.mark.parametrize(("n_epochs", "lr"), [(13, 0.00275), (5, 0.00284)])
def test_lr_of_the_paper(n_epochs: int, lr: float) -> None:
    horizon = n_epochs * EPOCH
    by_number = step(n=n_epochs)
    by_period = step(period=EPOCH).resolve(horizon)
    assert by_number == by_period
    assert by_number.lr(165, horizon) == pytest.approx(lr, abs=5e-6)
    assert by_number.mean * n_epochs == pytest.approx(sum(0.5**k for k in range(n_epochs)))


def test_values_by_piece() -> None:
    np.testing.assert_array_equal(step(n=4).factors(8), np.repeat([1, 0.5, 0.25, 0.125], 2))
    np.testing.assert_array_equal(cyclic(n=5).factors(5), [1, 3, 1, 3, 1])
    # 2.5 pieces: the third is cut short.
    np.testing.assert_array_equal(step(n=2.5).factors(5), [1, 1, 0.5, 0.5, 0.25])
    np.testing.assert_array_equal(cyclic(n=1.5).factors(3), [1, 1, 3])
    assert step(n=2.5).mean == pytest.approx(3.25 / 5)
    assert step(n=0.3).mean == step(n=1).mean == cyclic(n=1).mean == 1


def test_pieces_begin_at_their_knots() -> None:
    schedule = step(n=49)
    starts = np.array([0.0, *schedule.knots])
    np.testing.assert_array_equal(schedule(starts), 0.5 ** np.arange(49))
    assert schedule(1.0) == 0.5**48


@pytest.mark.parametrize("factor", [1.0, 1 - 1e-15, 1 - 1e-9])
def test_factor_of_one_is_the_limit(factor: float) -> None:
    expected = 1 - (1 - factor) * 999 / 2
    assert step(factor, n=1000).mean == pytest.approx(expected, rel=1e-12)


def test_period_resolves_with_the_horizon() -> None:
    schedule = step(period=EPOCH)
    assert isinstance(schedule, PeriodicSchedule)
    assert schedule.name == "step(period=30000)"
    assert schedule == parse(schedule.name) == pickle.loads(pickle.dumps(schedule))
    assert hash(schedule) == hash(parse(schedule.name))
    assert schedule.resolve(75_000).name == "step(n=2.5)"
    assert schedule.resolve(75_000).resolve(1.0) == step(n=2.5)
    # 0.3 / 0.1 rounds to just below 3.
    assert step(period=0.1).resolve(0.3) == step(n=3)
    assert cyclic(2, period=10).resolve(40) == cyclic(2, n=4)
    assert cyclic(period=10).name == "cyclic(period=10)"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: step(), r"step needs exactly one of n and period, got n=None.*step\(n=13\)"),
        (lambda: parse("step(n=2, period=3)"), "exactly one of n and period, got n=2"),
        (lambda: cyclic(3), "cyclic needs exactly one of n and period"),
        (lambda: step(2, n=3), r"factor must be .* in \(0, 1\], got 2: .*use cyclic"),
        (lambda: step(0, n=3), "factor must be .* got 0"),
        (lambda: cyclic(-1, n=3), "factor must be .* got -1"),
        (lambda: step(n=0), r"n must be .* in \(0, 100000\], got 0: .*pieces"),
        (lambda: cyclic(n=10**6), "n must be .* got 1000000"),
        (lambda: step(period=0), "period must be .* got 0: .*unit of the horizon"),
        (lambda: step(period=10).resolve(0), "horizon must be .* got 0: .*data"),
        (lambda: step(period=1).resolve(3e9), "at most 100000 periods .* got 3.*in one unit"),
    ],
)
def test_bad_parameters(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=message):
        call()
