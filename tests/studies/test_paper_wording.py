"""Estimates as text."""

from __future__ import annotations

import math

import numpy as np
import pytest

from studies.paper.estimate import Estimate
from studies.paper.wording import amount, grouped, listed, number, percent, rate, ratio


def estimate(value: float, half: float, edge: bool = False) -> Estimate:
    return Estimate(value, np.full(5, value), resolution=half / 1.959964, edge=edge)


def test_intervals() -> None:
    around = estimate(math.log(4e-4), math.log(1.25))
    assert rate(around) == "4e-4 (3.2e-4 to 5e-4)"
    assert ratio(estimate(math.log(2), math.log(1.25))) == "2.00 (1.60 to 2.50)"
    assert amount(estimate(math.log(36_000), math.log(1.2))) == "36,000 (30,000 to 43,200)"
    assert number(estimate(0.9, 0.1)) == "0.90 (0.80 to 1.00)"
    assert percent(estimate(0.1, 0.2)) == "10 % (0 to 30)"
    assert rate(estimate(0.0, math.log(2), edge=True)).endswith("at the edge of the rates tried)")


def test_without_an_interval() -> None:
    alone = Estimate(math.log(4e-4), np.array([]))
    assert rate(alone) == "4e-4 (one seed: no interval)"
    assert percent(Estimate(0.22, np.array([]))) == "22 % (one seed: no interval)"
    assert rate(estimate(math.log(4e-4), 800)) == "4e-4 (interval wider than a factor of 1000)"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123, "0.0123"), (99.4, "99.4"), (195.4, "195"), (36_149, "36,100"), (1e6, "1,000,000")],
)
def test_grouped(value: float, text: str) -> None:
    assert grouped(value) == text


def test_listed() -> None:
    assert [listed(list("abc")[:n]) for n in (0, 1, 2, 3)] == ["", "a", "a and b", "a, b and c"]
