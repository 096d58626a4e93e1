"""What users may pass in, and one form of message for what they may not."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from optuna_kappa._validation import MAX_STEP, Interval, check_count, check_horizon


@pytest.mark.parametrize(
    ("ends", "low", "high"),
    [("[]", True, True), ("[)", True, False), ("(]", False, True), ("()", False, False)],
)
def test_ends_of_an_interval(ends: str, low: bool, high: bool) -> None:
    interval = Interval(0, 1, ends)
    assert (0.0 in interval, 1.0 in interval) == (low, high)
    assert 0.5 in interval
    assert not any(value in interval for value in (-0.1, 1.1, math.nan))


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.int64(1), Fraction(1)])
def test_numbers_of_any_kind_are_returned_as_float(value: Any) -> None:
    checked = Interval(0, 1).check("x", value, "it is x")
    assert (checked, type(checked)) == (1.0, float)


@pytest.mark.parametrize("value", [2, -1, math.nan, math.inf, True, "1", None, [1]])
def test_not_in_the_interval(value: Any) -> None:
    with pytest.raises(ValueError) as error:
        Interval(0, 1).check("x", value, "it is x")
    assert str(error.value) == f"x must be a finite number in [0, 1], got {value!r}: it is x."


@pytest.mark.parametrize(("value", "least"), [(1, 1), (0, 0), (np.int64(7), 1)])
def test_counts(value: Any, least: int) -> None:
    checked = check_count("n", value, "it is n", least=least)
    assert (checked, type(checked)) == (int(value), int)


@pytest.mark.parametrize(("value", "least"), [(0, 1), (-1, 0), (1.0, 1), (True, 1), ("1", 1)])
def test_not_a_count(value: Any, least: int) -> None:
    with pytest.raises(ValueError) as error:
        check_count("n", value, "it is n", least=least)
    assert str(error.value) == f"n must be an int of at least {least}, got {value!r}: it is n."


@pytest.mark.parametrize("value", [1, 24.0, np.int64(24), np.float32(24), MAX_STEP])
def test_horizons(value: Any) -> None:
    checked = check_horizon(value)
    assert (checked, type(checked)) == (int(value), int)


@pytest.mark.parametrize("value", [0, -1, 1.5, math.nan, math.inf, True, "24", None])
def test_not_a_horizon(value: Any) -> None:
    with pytest.raises(ValueError, match="^horizon must be a positive whole number of steps, got"):
        check_horizon(value)


@pytest.mark.parametrize("value", [MAX_STEP + 1, 10**400])
def test_horizons_that_no_storage_holds(value: int) -> None:
    with pytest.raises(ValueError, match="^horizon must be .*"):
        check_horizon(value)
