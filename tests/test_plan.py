"""The plan's pure functions, as tables."""

from __future__ import annotations

import math

import numpy as np
import pytest

from optuna_kappa import plan

LOW, HIGH = -10.0, 0.0
INF = math.inf


@pytest.mark.parametrize("target", [24, 32, 96, 390_000, 2**31 - 1])
def test_rungs_climb_below_the_target(target: int) -> None:
    found = plan.rungs(target, plan.N_PROBES)
    horizons = [horizon for horizon, _ in found]
    assert horizons == sorted(set(horizons))
    assert 1 <= horizons[0] < horizons[-1] < target
    assert sum(n for _, n in found) == plan.N_PROBES
    # Most probes where they are cheapest, and all of them for about a full run and a half.
    assert found[0][1] == max(n for _, n in found)
    assert sum(horizon * n for horizon, n in found) < 2 * target


@pytest.mark.parametrize("n_probes", [1, 2, 3, 7, 30, 100])
def test_rungs_spend_all_probes(n_probes: int) -> None:
    assert sum(n for _, n in plan.rungs(96, n_probes)) == n_probes
    assert all(n > 0 for _, n in plan.rungs(96, n_probes))


@pytest.mark.parametrize(
    ("target", "n_probes", "expected"),
    [
        (96, 0, []),
        (1, 14, []),  # there is no shorter horizon
        (3, 5, [(1, 5)]),  # both rungs fall on one
    ],
)
def test_rungs_of_small_studies(
    target: int, n_probes: int, expected: list[tuple[int, int]]
) -> None:
    assert plan.rungs(target, n_probes) == expected


@pytest.mark.parametrize(
    ("target", "expected"), [(360_000, 10), (24, 10), (12, 8), (5, 6), (3, 4), (2, 3)]
)
def test_what_probes_cost_is_bounded(target: int, expected: int) -> None:
    assert plan.affordable(target) == expected


@pytest.mark.parametrize("seed", range(5))
def test_spread_covers_the_range(seed: int) -> None:
    rng, tried = np.random.default_rng(seed), list[float]()
    for _ in range(8):
        tried.append(plan.spread(LOW, HIGH, tried, 8, float(rng.random())))
    assert sorted(int((x - LOW) / (HIGH - LOW) * 8) for x in tried) == list(range(8))


@pytest.mark.parametrize(
    ("tried", "n", "u", "expected"),
    [
        ([], 1, 0.25, -7.5),
        ([-9.0], 2, 0.5, -2.5),
        ([-2.0], 2, 0.5, -7.5),
        ([-2.0, -7.0, -3.0], 2, 0.0, -10.0),
        (
            [-5.0, -20.0, 30.0, 31.0],
            3,
            0.5,
            -25 / 3,
        ),  # outside the range: in the cells at its ends
    ],
)
def test_spread(tried: list[float], n: int, u: float, expected: float) -> None:
    assert plan.spread(LOW, HIGH, tried, n, u) == pytest.approx(expected)


def test_spread_over_a_single_value() -> None:
    assert plan.spread(-3.0, -3.0, [-3.0], 6, 0.5) == -3.0


@pytest.mark.parametrize(
    ("n_by_law", "n_base", "se", "trusted"),
    [
        # The first two may follow the law whatever happens, and a third.
        (0, 0, INF, True),
        (0, 5, INF, True),
        (1, 0, INF, True),
        (2, 0, INF, True),
        # Then every second trial is the base sampler's ...
        (3, 0, INF, False),
        (3, 1, INF, True),
        (4, 1, 1.1, False),
        (4, 2, 1.1, True),
        # ... until the target trials themselves have located the optimum.
        (3, 0, 0.1, True),
        (30, 2, 0.9, True),
        (30, 2, 1.1, False),
    ],
)
def test_trusts_law(n_by_law: int, n_base: int, se: float, trusted: bool) -> None:
    assert plan.trusts_law(n_by_law, n_base, se, known=True) is trusted


@pytest.mark.parametrize(("known", "first"), [(True, 3), (False, 2)])
def test_an_unborne_law_gets_at_most_every_second_trial(known: bool, first: int) -> None:
    kinds: list[bool] = []
    for _ in range(20):
        n_by_law = sum(kinds)
        kinds.append(plan.trusts_law(n_by_law, len(kinds) - n_by_law, INF, known=known))
    assert kinds[:first] == [True] * first
    assert kinds[first:] == [i % 2 == 1 for i in range(20 - first)]


def test_what_was_tried_is_not_repeated_to_the_digit() -> None:
    tried = [-3.0, -1.0]
    assert plan.beside(-2.0, tried, -5.0, 0.0, 0.3) == -2.0
    for u in (0.0, 0.3, 0.99):
        assert 0.0 < abs(plan.beside(-1.0, tried, -5.0, 0.0, u) + 1.0) < 0.05
        assert -5.0 <= plan.beside(-5.0, [-5.0], -5.0, 0.0, u) <= 0.0
    assert plan.beside(-1.0, [-1.0], -1.0, -1.0, 0.9) == -1.0
