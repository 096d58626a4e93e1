from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from curves import STEPS, curve, history

from optuna_kappa.pruning import History, Place, forecast

LRS = np.geomspace(1e-5, 1e-1, 9).tolist()


def chance(
    known: History, lr: float, steps: int, factor: float = 1.0, margin: float = 0.0
) -> float:
    """The probability of a run that has come so far."""
    loss = factor * curve(lr, seed=99)[:steps]
    expected = forecast(known, Place(math.log(lr), np.empty(0)))
    return expected.probability(known.read(STEPS[:steps], loss), margin)


def test_the_winner_is_not_given_up_though_it_is_behind_early_on() -> None:
    known = history([*LRS[:4], *LRS[5:]])
    early, final = ([curve(lr, 99)[i] for lr in (6e-4, LRS[5])] for i in (4, -1))
    assert early[0] > 2 * early[1] and final[0] < known.best < final[1]
    for steps in (2, 5, 10, 25, 50, 99):
        assert chance(known, 6e-4, steps) > 0.1


@pytest.mark.parametrize("lr", [2e-5, 2e-2, 5e-2])
def test_runs_far_off_are_told_early(lr: float) -> None:
    assert chance(history(LRS), lr, 14) < 0.02


def test_what_is_known_at_the_end_is_what_was_reported() -> None:
    known = history(LRS)
    best = min(run.final for run in known.runs)
    at_end = {lr: curve(lr, 99)[-1] < best for lr in np.geomspace(1e-4, 1e-2, 9)}
    for lr, won in at_end.items():
        found = chance(known, float(lr), 99)
        assert found > 0.2 if won else found < 0.8


def test_a_margin_makes_it_harder() -> None:
    known = history(LRS)
    chances = [chance(known, 4e-4, 50, margin=m) for m in (0.0, 0.01, 0.1, 1.0)]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > chances[-1]


@pytest.mark.parametrize("factor", [1e-6, 1e9])
def test_the_scale_of_losses_does_not_count(factor: float) -> None:
    for steps in (3, 30):
        expected = chance(history(LRS), 1e-3, steps)
        assert chance(history(LRS, factor), 1e-3, steps, factor) == pytest.approx(expected)


def test_without_reports_the_parameters_say_something() -> None:
    known = history(LRS)
    empty = known.read(np.empty(0), np.empty(0))
    good, bad = (
        forecast(known, Place(math.log(lr), np.empty(0))).probability(empty) for lr in (6e-4, 1e-1)
    )
    assert bad < 0.1 < good


def test_one_run_to_compare_with_is_little() -> None:
    known = history([1e-3])
    for lr in (1e-4, 3e-4, 3e-3):
        assert 0.01 < chance(known, lr, 10) < 0.99


def test_misses_widen_what_follows() -> None:
    calm, lrs = history(LRS), np.log(LRS)
    rng = np.random.default_rng(0)
    value = calm.value.copy()
    value[:, -1] += 0.5 * rng.standard_normal(len(LRS))
    wild = replace(calm, value=value)
    place = Place(float(lrs[4]), np.empty(0))
    ends = [forecast(known, place) for known in (wild, calm)]
    assert ends[0].inflation[-1] > 1.5 * ends[1].inflation[-1]


def test_runs_that_are_all_alike() -> None:
    known = history([1e-3] * 3)
    same = forecast(known, Place(math.log(1e-3), np.empty(0)))
    assert 0 < same.probability(known.read(STEPS[:9], curve(1e-3, 0)[:9])) < 1


def test_of_many_runs_the_best_is_among_those_looked_at() -> None:
    known = history([3e-4, *np.geomspace(1e-2, 1e-1, 60).tolist()])
    found = forecast(known, Place(math.log(5e-2), np.empty(0)))
    assert found.best[-1] == pytest.approx(math.log(known.best))
    assert chance(known, 5e-2, 20) < 0.05


def test_a_run_unlike_all_others_is_less_certain() -> None:
    known = history(LRS)
    expected = forecast(known, Place(math.log(3e-3), np.empty(0)))
    loss = curve(3e-3, 99)[:30]
    odd = loss * np.where(np.arange(30) % 8 < 4, 0.6, 1.6)
    like, unlike = (expected.probability(known.read(STEPS[:30], y)) for y in (loss, odd))
    assert like < 0.05 and unlike > like


def test_scatter_at_the_end_makes_the_end_uncertain() -> None:
    known = history(LRS)
    expected = forecast(known, Place(math.log(3e-3), np.empty(0)))
    seen = known.read(STEPS[:60], curve(3e-3, 99)[:60])
    rough = seen._replace(scatter=np.full_like(seen.scatter, 1.0))
    assert expected.probability(rough) > 2 * expected.probability(seen)
    quiet = replace(expected, usual=0.0).probability(known.read(STEPS[:2], curve(3e-3, 99)[:2]))
    noisy = replace(expected, usual=2.0).probability(known.read(STEPS[:2], curve(3e-3, 99)[:2]))
    assert noisy > quiet
