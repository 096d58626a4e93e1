"""Medians, means, intervals and budgets to a level."""

from __future__ import annotations

import numpy as np
import pytest

from studies.replay.statistics import interval, mean, median, number, stays_under


def test_what_is_missing_is_worse_than_all_else() -> None:
    values = np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, 5.0]])
    assert median(values).tolist() == [2.0, np.inf]
    assert mean(values).tolist() == [np.inf, np.inf]


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(0).standard_normal((400, 1))
    low, high = interval(mean, values)
    half = 1.96 * values.std() / 20
    assert (high - low)[0] == pytest.approx(2 * half, rel=0.1)
    assert (high + low)[0] / 2 == pytest.approx(values.mean(), abs=half / 5)


def test_the_interval_of_a_median_holds_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(100):
        low, high = interval(median, rng.exponential(size=(40, 1)))
        held += bool(low[0] <= np.log(2) <= high[0])
    assert 85 <= held <= 100


def test_an_interval_may_be_open() -> None:
    low, high = interval(median, np.array([[1.0], [2.0], [np.nan]]))
    assert np.isfinite(low[0])
    assert np.isinf(high[0])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.5, 0.04, 0.03, 0.02], 2),
        ([0.5, 0.04, 0.06, 0.02], 4),
        ([0.01, 0.01, 0.01, 0.01], 1),
        ([0.5, 0.04, 0.03, 0.06], np.inf),
        ([np.nan, np.inf, 0.05, 0.05], 3),
    ],
)
def test_the_budget_from_which_on_values_stay_under_a_level(
    values: list[float], expected: float
) -> None:
    assert stays_under(np.arange(1.0, 5.0), np.array(values), 0.05) == expected


def test_json_has_no_infinity() -> None:
    assert (number(1.5), number(np.inf), number(np.nan)) == (1.5, None, None)
