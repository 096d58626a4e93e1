"""Verdicts as tables of claim, estimate and interval."""

from __future__ import annotations

import math

import numpy as np
import pytest

from studies.paper.estimate import Estimate
from studies.paper.verdicts import Verdict, at_most, combine, of_rate, of_slope

HOLDS, PART, FAILS, UNKNOWN = Verdict.HOLDS, Verdict.PART, Verdict.FAILS, Verdict.UNKNOWN


def estimate(value: float, half: float, edge: bool = False) -> Estimate:
    """An estimate with this half of an interval."""
    return Estimate(value, np.full(5, value), resolution=half / 1.959964, edge=edge)


@pytest.mark.parametrize(
    ("factor", "half", "verdict"),
    [
        (1.0, 1.1, HOLDS),
        (1.2, 1.01, HOLDS),
        (1.5, 1.6, UNKNOWN),
        (1.4, 1.41, HOLDS),
        (1.5, 1.1, PART),
        (1 / 1.5, 1.1, PART),
        (2.5, 1.1, FAILS),
        (1 / 3, 1.1, FAILS),
        (3.0, 1.5, FAILS),
        (1.0, 3.0, UNKNOWN),
        (3.0, 4.0, UNKNOWN),
    ],
)
def test_of_rate(factor: float, half: float, verdict: Verdict) -> None:
    assert of_rate(165, estimate(math.log(165 * factor), math.log(half))) is verdict


@pytest.mark.parametrize(
    ("value", "half", "verdict"),
    [
        (1.0, 0.2, HOLDS),
        (0.9, 0.01, HOLDS),
        (0.7, 0.35, UNKNOWN),
        (1.24, 0.25, HOLDS),
        (0.7, 0.1, PART),
        (0.2, 0.1, FAILS),
        (1.7, 0.1, FAILS),
        (1.0, 0.6, UNKNOWN),
        (0.2, 0.9, UNKNOWN),
    ],
)
def test_of_slope(value: float, half: float, verdict: Verdict) -> None:
    assert of_slope(1.0, estimate(value, half)) is verdict


@pytest.mark.parametrize(
    ("value", "half", "verdict"),
    [
        (0.1, 0.05, HOLDS),
        (0.27, 0.05, HOLDS),
        (0.4, 0.1, PART),
        (0.6, 0.1, FAILS),
        (0.3, 0.4, UNKNOWN),
    ],
)
def test_at_most(value: float, half: float, verdict: Verdict) -> None:
    assert at_most(0.224, estimate(value, half)) is verdict


def test_no_verdict_without_interval_or_at_an_edge() -> None:
    for judge in (of_rate, of_slope, at_most):
        assert judge(1.0, Estimate(0.0, np.array([]))) is UNKNOWN
        assert judge(1.0, estimate(0.0, 0.01, edge=True)) is UNKNOWN


def test_combine() -> None:
    assert combine([HOLDS, HOLDS]) is HOLDS
    assert combine([HOLDS, UNKNOWN]) is PART
    assert combine([FAILS, UNKNOWN]) is FAILS
    assert combine([FAILS, UNKNOWN, UNKNOWN]) is UNKNOWN
    assert combine([HOLDS, FAILS]) is PART
    assert combine([FAILS, PART]) is PART
    assert combine([FAILS, FAILS]) is FAILS
    assert combine([UNKNOWN]) is UNKNOWN
    assert combine([]) is UNKNOWN
