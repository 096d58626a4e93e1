"""Which learning rate comes next, as tables."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from optuna_kappa.search.picking import Picker, below_wall, beside, spread, within_cell
from optuna_kappa.search.surrogate import Surrogate

LOW, HIGH = -10.0, 0.0
PICKER = Picker(LOW, HIGH, math.inf, expected=None, n_cells=5, n_first=5, u=0.5)


def surrogate(at: float) -> Surrogate:
    """A parabola with its minimum at one place for sure."""
    x = np.linspace(LOW, HIGH, 101)
    return Surrogate(x, np.ones(1), ((x - at) ** 2)[None], np.full(len(x), 1e-3))


@pytest.mark.parametrize("seed", range(5))
def test_spread_covers_the_range(seed: int) -> None:
    rng, tried = np.random.default_rng(seed), list[float]()
    for _ in range(8):
        tried.append(spread(LOW, HIGH, tried, 8, float(rng.random())))
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
    assert spread(LOW, HIGH, tried, n, u) == pytest.approx(expected)


def test_spread_over_a_single_value() -> None:
    assert spread(-3.0, -3.0, [-3.0], 6, 0.5) == -3.0


def test_what_was_tried_is_not_repeated_to_the_digit() -> None:
    tried = [-3.0, -1.0]
    assert beside(-2.0, tried, -5.0, 0.0, 0.3) == -2.0
    for u in (0.0, 0.3, 0.99):
        assert 0.0 < abs(beside(-1.0, tried, -5.0, 0.0, u) + 1.0) < 0.05
        assert -5.0 <= beside(-5.0, [-5.0], -5.0, 0.0, u) <= 0.0
        moved = beside(-1.0, [-1.0, -0.97, -1.03], -5.0, 0.0, u)
        assert min(abs(moved - other) for other in (-1.0, -0.97, -1.03)) > 0.02
    assert beside(-1.0, [-1.0], -1.0, -1.0, 0.9) == -1.0


@pytest.mark.parametrize(
    ("wall", "expected"), [(math.inf, HIGH), (-3.0, -3.0), (2.0, HIGH), (-20.0, LOW)]
)
def test_below_wall(wall: float, expected: float) -> None:
    assert below_wall(LOW, HIGH, wall) == expected


def test_without_a_law_picks_cover_the_range() -> None:
    running: list[float] = []
    for _ in range(5):
        running.append(PICKER.pick([], running))
    assert sorted(running) == [-9.0, -7.0, -5.0, -3.0, -1.0]


def test_the_first_runs_cover_the_range_and_then_the_law_is_followed() -> None:
    picker = replace(PICKER, expected=surrogate(-4.0), n_first=2)
    assert picker.pick([-9.0], []) == spread(LOW, HIGH, [-9.0], 5, 0.5)
    assert picker.pick([-9.0, -1.0], []) == pytest.approx(-4.0, abs=0.11)


def test_trials_asked_before_take_the_best_places() -> None:
    picker = replace(PICKER, expected=surrogate(-4.0), n_first=0)
    first = picker.pick([-9.0], [])
    second = picker.pick([-9.0], [first])
    assert picker.pick_after(0, [-9.0], []) == first
    assert picker.pick_after(1, [-9.0], []) == second
    assert picker.pick_after(2, [-9.0], []) == picker.pick([-9.0], [first, second])


def test_what_was_picked_before_is_not_repeated() -> None:
    picker = replace(PICKER, expected=surrogate(-4.0), n_first=0, u=0.75)
    best = picker.pick([], [])
    assert 0 < abs(picker.pick([best], []) - best) < 0.05


@pytest.mark.parametrize(
    ("low", "high"), [(-9.0, -3.0), (-6.0, -3.0), (-9.0, -6.0), (-6.0, -5.999)]
)
def test_runs_that_pick_one_place_at_once_stay_apart(low: float, high: float) -> None:
    """Also where the place is an end of the range, or the range is narrower than a cell."""
    us = np.random.default_rng(0).random(64)
    picked = [within_cell(-6.0, 0.04, low, high, float(u)) for u in us]
    assert len(set(picked)) == 64
    assert min(picked) >= low and max(picked) <= high
    assert np.abs(np.array(picked) + 6.0).max() <= 0.02


def test_only_a_trial_that_is_alone_is_on_the_grid() -> None:
    alone = replace(PICKER, expected=surrogate(-4.0), n_first=0, u=0.25)
    best = alone.pick([], [])
    beside_others = replace(alone, alone=False).pick([], [])
    assert 0 < abs(beside_others - best) < surrogate(-4.0).spacing
