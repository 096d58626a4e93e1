from __future__ import annotations

import math

import numpy as np
import pytest

from optuna_kappa.visualization import marks


def test_axis_leaves_out_what_nearly_diverged() -> None:
    low, high = marks.without_far_out([2.5, 2.6, 2.7, 2.8, 2.9, 900.0], log=True)
    assert (low, high < 5) == (2.5, True)
    assert marks.without_far_out([0.1, 0.2, 0.5, 1.0, 2.0], log=True) == (0.1, 2.0)
    assert marks.without_far_out([-3.0, -2.0, -1.0]) == (-3.0, -1.0)


def test_low_values_are_bad_where_the_study_maximizes() -> None:
    values = [0.9, 0.91, 0.92, 0.93, -50.0]
    low, high = marks.without_far_out(values, maximize=True)
    assert -1 < low < 0.9
    assert high == 0.93


def test_no_values_have_a_frame_too() -> None:
    assert marks.without_far_out([]) == (0.0, 1.0)


def test_thin_keeps_ends_and_what_it_is_told_to() -> None:
    assert marks.thin(0) == []
    assert marks.thin(3) == [0, 1, 2]
    kept = marks.thin(10_001, keep=[77])
    assert len(kept) == marks.MOST_POINTS + 1
    assert {0, 77, 10_000} <= set(kept)
    assert max(np.diff(kept)) < 40
    assert marks.thin(9, most=3) == [0, 4, 8]


@pytest.mark.parametrize(("value", "expected"), [(math.pi, 3.1416), (-1234567.0, -1234600.0)])
def test_numbers_are_rounded(value: float, expected: float) -> None:
    assert marks.rounded([value]) == [expected]


def test_many_curves_are_one_trace() -> None:
    joined = marks.end_to_end([([1, 2], [3, 4], "<b>"), ([5], [6], "b")])
    assert joined == {
        "x": [1, 2, None, 5, None],
        "y": [3, 4, None, 6, None],
        "text": ["&lt;b&gt;", "&lt;b&gt;", "", "b", ""],
    }
