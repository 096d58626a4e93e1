from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from optuna_kappa.search.trajectory import Trajectory, trajectory

NAN, INF = np.nan, np.inf


def test_trajectory_sums_costs_and_keeps_the_best() -> None:
    found = trajectory([0.25, 1.0, 1.0, 0.5], [NAN, 3.0, 4.0, 2.0], offset=0.5)
    np.testing.assert_allclose(found.spent, [0.75, 1.75, 2.75, 3.25])
    np.testing.assert_array_equal(found.best, [INF, 3.0, 3.0, 2.0])


@pytest.mark.parametrize("diverged", [NAN, INF, -INF])
def test_diverged_runs_find_nothing(diverged: float) -> None:
    np.testing.assert_array_equal(trajectory([1, 1], [diverged, 5.0]).best, [INF, 5.0])


@pytest.mark.parametrize(
    ("budget", "best"), [(0.0, INF), (0.99, INF), (1.0, 3.0), (2.9, 3.0), (3.0, 2.0), (99, 2.0)]
)
def test_at(budget: float, best: float) -> None:
    found = trajectory([1, 1, 1], [3.0, 4.0, 2.0])
    assert found.at(budget) == best
    np.testing.assert_array_equal(found.at([[budget], [budget]]), [[best], [best]])


@pytest.mark.parametrize(
    ("loss", "budget"), [(5.0, 1.0), (3.0, 1.0), (2.5, 3.0), (2.0, 3.0), (1.9, INF)]
)
def test_budget_to(loss: float, budget: float) -> None:
    assert trajectory([1, 1, 1], [3.0, 4.0, 2.0]).budget_to(loss) == budget


def test_free_trials_count_together() -> None:
    found = trajectory([1, 0], [3.0, 2.0])
    assert found.at(1.0) == 2.0
    assert found.budget_to(3.0) == 1.0


def test_parts_of_a_run_sum_to_a_whole_one() -> None:
    found = trajectory([0.1] * 10, [NAN] * 9 + [2.0])
    assert found.at(1.0) == 2.0
    assert found.budget_to(2.0) == 1.0


def test_search_without_trials() -> None:
    empty = trajectory([], [])
    assert empty.at(10.0) == INF
    assert empty.budget_to(1.0) == INF


def test_is_immutable_and_does_not_alias() -> None:
    spent = np.array([1.0, 2.0])
    found = Trajectory(spent, np.array([2.0, 1.0]))
    spent[0] = 7.0
    assert found.spent[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        found.best[0] = 0.0


@pytest.mark.parametrize(
    ("spent", "best", "message"),
    [
        ([1.0, 2.0], [1.0], r"same shape \(n,\), but have \(2,\) and \(1,\)"),
        ([[1.0]], [[1.0]], "same shape"),
        ([2.0, 1.0], [1.0, 1.0], "spent must be finite, at least 0 and ascending"),
        ([-1.0, 1.0], [1.0, 1.0], "spent must be finite"),
        ([1.0, NAN], [1.0, 1.0], "spent must be finite"),
        ([1.0, 2.0], [1.0, 2.0], "best must never rise"),
        ([1.0, 2.0], [1.0, NAN], "not be NaN"),
    ],
)
def test_invalid(spent: list[float], best: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Trajectory(np.array(spent), np.array(best))


def test_costs_and_losses_of_different_length() -> None:
    with pytest.raises(ValueError, match="same shape"):
        trajectory([1, 1], [3.0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"costs": ["a"]}, "costs must hold numbers"),
        ({"costs": [1e300]}, "each of costs must be within 1e\\+100"),
        ({"costs": 10**400}, "costs must hold numbers"),
        ({"losses": [10**400]}, "losses must hold numbers"),
        ({"offset": 10**400}, "offset must be a finite number"),
        ({"offset": Decimal("NaN")}, "offset must be a finite number"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trajectory(**{"costs": [1.0], "losses": [0.5], **arguments})


def test_what_is_asked_of_a_trajectory_are_numbers() -> None:
    found = trajectory([1], [3.0])
    with pytest.raises(ValueError, match="budget must hold numbers"):
        found.at(["much"])
    for loss in ("low", Decimal("NaN"), None):
        with pytest.raises(ValueError, match="loss must be a number"):
            found.budget_to(loss)  # type: ignore[arg-type]
    assert found.budget_to(10**400) == 1.0
