"""How probes are laid out, as tables."""

from __future__ import annotations

import math

import pytest

from optuna_kappa.search.ladder import N_PROBES, affordable, next_probe, rungs, trusts_law

INF = math.inf


@pytest.mark.parametrize("target", [24, 32, 96, 390_000, 2**31 - 1])
def test_rungs_climb_below_the_target(target: int) -> None:
    found = rungs(target, N_PROBES)
    horizons = [horizon for horizon, _ in found]
    assert horizons == sorted(set(horizons))
    assert 1 <= horizons[0] < horizons[-1] < target
    assert sum(n for _, n in found) == N_PROBES
    # Most probes where they are cheapest, and all of them for about a full run and a half.
    assert found[0][1] == max(n for _, n in found)
    assert sum(horizon * n for horizon, n in found) < 2 * target


@pytest.mark.parametrize("n_probes", [1, 2, 3, 7, 30, 100])
def test_rungs_spend_all_probes(n_probes: int) -> None:
    assert sum(n for _, n in rungs(96, n_probes)) == n_probes
    assert all(n > 0 for _, n in rungs(96, n_probes))


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
    assert rungs(target, n_probes) == expected


@pytest.mark.parametrize(
    ("target", "expected"), [(360_000, 10), (24, 10), (12, 8), (5, 6), (3, 4), (2, 3)]
)
def test_what_probes_cost_is_bounded(target: int, expected: int) -> None:
    assert affordable(target) == expected


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
    assert trusts_law(n_by_law, n_base, se, known=True) is trusted


@pytest.mark.parametrize(("known", "first"), [(True, 3), (False, 2)])
def test_an_unborne_law_gets_at_most_every_second_trial(known: bool, first: int) -> None:
    kinds: list[bool] = []
    for _ in range(20):
        n_by_law = sum(kinds)
        kinds.append(trusts_law(n_by_law, len(kinds) - n_by_law, INF, known=known))
    assert kinds[:first] == [True] * first
    assert kinds[first:] == [i % 2 == 1 for i in range(20 - first)]


@pytest.mark.parametrize(
    ("planned", "expected"),
    [
        ({}, 1),
        ({1: 5}, 1),
        ({1: 6}, 8),
        # A longer trial counts for the shorter rung, a full run for none.
        ({8: 6}, None),
        ({8: 2, 1: 4}, 8),
        ({24: 30}, 1),
        # Those of a study that had another target.
        ({3: 6, 12: 3}, 8),
        ({12: 6}, None),
    ],
)
def test_next_probe(planned: dict[int, int], expected: int | None) -> None:
    assert next_probe([(1, 6), (8, 4)], planned, target=24) == expected
