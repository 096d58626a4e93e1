"""Where runs go while all losses tie."""

from __future__ import annotations

import math

import numpy as np
import pytest

from optuna_kappa.search.covering import N_CELLS, cover, cover_from_top
from optuna_kappa.search.picking import Picker

LOW, HIGH = -8.0, 0.0


def covered(n: int, elsewhere: list[float], low: float = LOW, high: float = HIGH) -> list[float]:
    tried = list[float]()
    for _ in range(n):
        tried.append(cover(low, high, tried, elsewhere))
    return tried


@pytest.mark.parametrize("seed", range(4))
def test_each_cell_has_a_run_before_any_has_two(seed: int) -> None:
    elsewhere = np.random.default_rng(seed).uniform(LOW, HIGH, 6).tolist()
    assert sorted(covered(N_CELLS, elsewhere)) == list(np.arange(-7.5, 0.0))


@pytest.mark.parametrize(("n", "widest"), [(N_CELLS, 1.0), (2 * N_CELLS, 0.5), (40, 0.25)])
def test_no_gap_is_wider_than_a_cell_then_half_a_cell(n: int, widest: float) -> None:
    edges = np.concatenate([[LOW], np.sort(covered(n, [])), [HIGH]])
    assert np.diff(edges).max() <= widest + 1e-12
    assert np.diff(edges).min() > 0  # no rate twice


def test_cells_that_no_horizon_has_seen_come_first() -> None:
    elsewhere = [-7.9, -6.2, -5.7, -4.4, -2.6, -1.3]
    assert set(covered(2, elsewhere)) == {-3.5, -0.5}


def test_rates_outside_the_range_count_for_nothing() -> None:
    assert cover(LOW, HIGH, [-9.0, 3.0], [-20.0]) == cover(LOW, HIGH, [], [])


def test_a_range_of_a_single_value() -> None:
    assert cover(LOW, LOW, [LOW], []) == LOW


@pytest.mark.parametrize("u", [0.0, 0.5, 0.99])
def test_a_wall_is_never_passed_and_no_rate_tried_twice(u: float) -> None:
    picker = Picker(LOW, HIGH, -3.0, None, n_cells=6, n_first=0, u=u, elsewhere=[])
    tried = list[float]()
    for _ in range(30):
        tried.append(picker.pick(tried, []))
    assert LOW <= min(tried) and max(tried) <= -3.0
    assert len(set(tried)) == 30
    assert max(np.diff(np.sort(tried))) < 5 / 16 + 0.04


def test_trials_that_ask_at_once_take_other_cells() -> None:
    picker = Picker(LOW, HIGH, math.inf, None, n_cells=6, n_first=0, u=0.5, elsewhere=[])
    asked = [picker.pick_after(n, [], []) for n in range(N_CELLS)]
    assert sorted(asked) == list(np.arange(-7.5, 0.0))


def test_the_highest_cell_without_a_run_comes_first() -> None:
    tried: list[float] = []
    for _ in range(N_CELLS + 1):
        tried.append(cover_from_top(LOW, HIGH, tried))
    assert tried[:N_CELLS] == list(np.arange(-0.5, -8.0, -1.0))
    assert tried[N_CELLS] not in tried[:N_CELLS]
    assert cover_from_top(LOW, LOW, []) == LOW
