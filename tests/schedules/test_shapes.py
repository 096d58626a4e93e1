from __future__ import annotations

import itertools
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from optuna_kappa.schedules import (
    Schedule,
    constant,
    cosine,
    exponential,
    linear,
    one_cycle,
    parse,
    polynomial,
    wsd,
)

fractions = st.floats(0, 0.999)
unit = st.floats(0, 1)
smooth = st.one_of(
    st.builds(constant),
    st.builds(cosine, warmup=fractions, floor=unit),
    st.builds(linear, warmup=fractions, floor=unit),
    st.builds(polynomial, power=st.floats(0.1, 20), floor=unit),
    st.builds(exponential, final=st.floats(1e-6, 1)),
    st.tuples(fractions, unit, unit).map(lambda x: wsd(x[0], (1 - x[0]) * x[1], x[2])),
    st.builds(one_cycle, warmup=fractions, start=unit, final=unit),
)


@settings(max_examples=150, deadline=None)
@given(smooth)
def test_mean_is_the_integral(schedule: Schedule) -> None:
    edges = [0.0, *schedule.knots, 1.0]
    cells = [integrate.quad(schedule, *cell)[0] for cell in itertools.pairwise(edges)]
    assert schedule.mean == pytest.approx(sum(cells), rel=1e-7, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(smooth)
def test_range_name_and_pickle(schedule: Schedule) -> None:
    p = np.linspace(0, 1, 101)
    m = schedule(p)
    assert m.shape == p.shape and m.min() >= 0 and m.max() <= 1 + 1e-12
    again = parse(schedule.name)
    assert isinstance(again, Schedule)
    assert again == schedule and hash(again) == hash(schedule)
    np.testing.assert_array_equal(again(p), m)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(schedule))(p), m)
    np.testing.assert_allclose(schedule(p.reshape(1, -1)), m[None])


def test_corners() -> None:
    schedule = cosine(warmup=0.1, floor=0.05)
    np.testing.assert_allclose(
        schedule(np.array([0, 0.05, 0.1, 0.55, 1])), [0, 0.5, 1, 0.525, 0.05], atol=1e-15
    )
    np.testing.assert_allclose(
        wsd(0.1, 0.2, 0.3)(np.array([0, 0.05, 0.1, 0.8, 0.9, 1])), [0, 0.5, 1, 1, 0.65, 0.3]
    )
    np.testing.assert_allclose(one_cycle()(np.array([0, 0.3, 1])), [0.04, 1, 0.04e-4])
    np.testing.assert_allclose(exponential(0.01)(np.array([0, 0.5, 1])), [1, 0.1, 0.01])
    np.testing.assert_allclose(polynomial(2)(np.array([0, 0.5, 1])), [1, 0.25, 0])


@pytest.mark.parametrize(
    ("schedule", "name", "knots"),
    [
        (constant(), "constant", ()),
        (cosine(), "cosine", ()),
        (cosine(0.1, 0.05), "cosine(warmup=0.1, floor=0.05)", (0.1,)),
        (linear(floor=1e-5), "linear(floor=1e-05)", ()),
        (polynomial(2), "polynomial(power=2)", ()),
        (exponential(np.float64(0.01)), "exponential(final=0.01)", ()),
        (wsd(), "wsd", (0.01, 0.8)),
        (wsd(0.5, 0.5), "wsd(warmup=0.5, decay=0.5)", (0.5,)),
        (wsd(0.1, 0), "wsd(warmup=0.1, decay=0)", (0.1,)),
        (one_cycle(warmup=0), "one_cycle(warmup=0)", ()),
    ],
)
def test_names_and_knots(schedule: Schedule, name: str, knots: tuple[float, ...]) -> None:
    assert schedule.name == name
    assert schedule.knots == pytest.approx(knots)


def test_degenerate_parameters() -> None:
    assert exponential(1).mean == 1
    assert exponential(1 - 1e-12).mean == pytest.approx(1 - 5e-13, rel=1e-14)
    assert linear(floor=1).mean == 1
    assert wsd(0, 0).mean == 1
    assert wsd(0.7, 0.3).mean == pytest.approx(0.5)
    assert polynomial(1, 0.2).mean == pytest.approx(linear(floor=0.2).mean)
    tiny = cosine(warmup=5e-324)
    assert tiny(0.0) == 0 and tiny.mean == 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cosine(warmup=1), r"warmup must be .* in \[0, 1\), got 1: .*warming up"),
        (lambda: cosine(warmup=-0.1), "warmup must be .* got -0.1"),
        (lambda: cosine(floor=1.1), r"floor must be .* in \[0, 1\], got 1.1: .*of the peak"),
        (lambda: linear(warmup=math.nan), "warmup must be a finite number .* got nan"),
        (lambda: linear(floor=True), "floor must be .* got True"),
        (lambda: polynomial(0), r"power must be .* in \(0, inf\), got 0"),
        (lambda: polynomial(math.inf), "power must be a finite number .* got inf"),
        (lambda: exponential(0), r"final must be .* in \(0, 1\], got 0"),
        (lambda: exponential("0.1"), "final must be .* got '0.1'"),  # type: ignore[arg-type]
        (lambda: wsd(0.6, 0.5), r"warmup \+ decay must be at most 1, got 0.6 \+ 0.5: .*shorten"),
        (lambda: wsd(decay=2), "decay must be .* got 2"),
        (lambda: one_cycle(start=2), "start must be .* got 2: .*first rate"),
        (lambda: one_cycle(final=-1), "final must be .* got -1: .*of the first"),
    ],
)
def test_bad_parameters(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=message):
        call()
