"""How a budget is spread over probes."""

from __future__ import annotations

import numpy as np
import pytest

from optuna_kappa.search.budget import Rung, probes_for, rungs_for
from optuna_kappa.search.ladder import LADDER, N_PROBES, rungs


def ladder(budget: float) -> list[tuple[float, int]]:
    """(target / horizon, number of probes) of each rung."""
    return [(round(1 / rung.fraction, 6), rung.n) for rung in rungs_for(budget)]


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (0.25, [(48, 4), (16, 3)]),
        (0.5, [(24, 6), (12, 3)]),
        (1.0, [(24, 6), (6, 4)]),
        (1.5, [(24, 6), (3.2, 4)]),
        (1.55, [(24, 6), (3.2, 4)]),
        # Only cheap probes, and the fewest that bracket an optimum.
        (0.1, [(48, 4)]),
        (3 / 48, [(48, 3)]),
        (0.03, [(100, 3)]),
        # What is left buys longer probes.
        (0.15, [(48, 4), (16, 1)]),
        (0.75, [(24, 6), (8, 4)]),
        # More probes, none of them longer.
        (4.0, [(24, 6), (3.2, 12)]),
    ],
)
def test_ladders(budget: float, expected: list[tuple[float, int]]) -> None:
    assert ladder(budget) == expected


def test_the_ladder_of_a_search_is_one_of_them() -> None:
    target = 2**20
    found = [(round(rung.fraction * target), rung.n) for rung in rungs_for(1.55)]
    assert found == rungs(target, N_PROBES)
    assert len(found) == len(LADDER)


@pytest.mark.parametrize("budget", np.geomspace(0.01, 24, 300))
def test_any_budget(budget: float) -> None:
    found = rungs_for(budget)
    cost = sum(rung.cost for rung in found)
    assert (0.8 if budget >= 0.25 else 2 / 3) * budget <= cost <= 1.1 * budget
    assert sum(rung.n for rung in found) >= 3
    assert all(rung.n >= 1 for rung in found)
    fractions = [rung.fraction for rung in found]
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1 / 3.2 + 1e-9
    if len(found) > 1:
        assert fractions[1] >= 2 * fractions[0] - 1e-9


def test_more_budget_never_buys_shorter_probes_or_fewer() -> None:
    ladders = [rungs_for(budget) for budget in np.geomspace(0.25, 24, 300)]
    longest = [found[-1].fraction for found in ladders]
    numbers = [sum(rung.n for rung in found) for found in ladders]
    assert (np.diff(longest) > -1e-9).all()
    assert (np.diff(numbers) >= 0).all()


def test_cost() -> None:
    assert Rung(fraction=0.25, n=3).cost == 0.75


@pytest.mark.parametrize("budget", [0, -1, np.nan, np.inf, "half"])
def test_a_budget_is_positive(budget: float) -> None:
    with pytest.raises(ValueError, match="budget must be .* it is that of the probes"):
        rungs_for(budget)


@pytest.mark.parametrize("target", [2, 5, 12, 16, 24, 100, 10**6])
@pytest.mark.parametrize("budget", [0.1, 0.25, 0.5, 1.0, 1.5, 4.0])
def test_probes_of_whole_steps(target: int, budget: float) -> None:
    probes = probes_for(budget, target)
    horizons = [horizon for horizon, _ in probes]
    assert horizons == sorted(set(horizons))
    assert 1 <= horizons[0] <= horizons[-1] < target
    assert sum(n for _, n in probes) >= 3

    cost = sum(horizon * n for horizon, n in probes)
    cheapest = 3 / target
    assert cost <= max(1.1 * budget, cheapest) * target


@pytest.mark.parametrize(("target", "budget"), [(16, 0.5), (12, 0.5), (24, 0.25)])
def test_coarse_steps_leave_two_horizons(target: int, budget: float) -> None:
    assert [horizon for horizon, _ in probes_for(budget, target)] == [1, 2]
