from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from curves import HORIZON, STEPS, curve, finished, history

from optuna_kappa.pruning import Forecast, History, Place, Rule, forecast, is_due, judge, learn

LRS = np.geomspace(1e-5, 1e-1, 9).tolist()
RULE = Rule(epsilon=0.03, margin=0.0, n_startup_trials=4)


def unasked() -> Forecast:
    raise AssertionError("no forecast is needed")


@pytest.mark.parametrize(
    ("lr", "n", "pruned"),
    [
        (6e-4, 5, False),
        (6e-4, 50, False),
        (6e-4, 90, False),
        (2e-5, 40, True),
        (5e-2, 14, True),
        (5e-2, 90, True),
    ],
)
def test_table(lr: float, n: int, pruned: bool) -> None:
    known = history([*LRS[:4], *LRS[5:]])
    place = Place(math.log(lr), np.empty(0))
    found = judge(known, lambda: forecast(known, place), STEPS[:n], curve(lr, 99)[:n], RULE)
    assert found.prune is pruned
    assert found.step == n
    assert found.probability is not None
    assert (found.probability < RULE.epsilon) is pruned
    assert f"at step {n}" in found.reason and "the best of 8 runs" in found.reason


def test_too_few_runs_to_compare_with() -> None:
    known = history(LRS[:3])
    found = judge(known, unasked, STEPS[:50], curve(1e-1)[:50], RULE)
    assert found == (False, 50, None, "3 of 4 runs to compare with")


def test_a_loss_far_above_its_start_has_diverged() -> None:
    known = history(LRS[:2])
    gained = float(curve(LRS[1], 1)[0] - curve(LRS[1], 1).min())
    for above, pruned in ((9.0, False), (11.0, True)):
        loss = np.array([2.0, 2.1, 2.0 + above * gained])
        found = judge(known, unasked, STEPS[:3], loss, RULE)
        assert found.prune is pruned
        assert found.reason.startswith("diverged" if pruned else "2 of 4")


def test_a_loss_that_began_high_and_falls_has_not() -> None:
    loss = np.array([900.0, 500.0, 100.0])
    assert not judge(history(LRS[:2]), unasked, STEPS[:3], loss, RULE).prune


def test_epsilon_of_zero_prunes_nothing_for_its_forecast() -> None:
    known, place = history(LRS), Place(math.log(1e-1), np.empty(0))
    rule = Rule(0.0, 0.0, 1)
    assert not judge(known, lambda: forecast(known, place), STEPS, curve(1e-1), rule).prune


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], False),
        ([1], False),
        ([2], True),
        ([2, 2.5], False),
        ([2, 3], True),
        ([1, 60], True),
        ([59, 60], True),
        ([60, 61], False),
        ([100], False),  # nothing is left to save
        ([90, 100], False),  # the last phase is the end
    ],
)
def test_due_is_the_first_report_of_a_phase(steps: list[float], expected: bool) -> None:
    assert is_due(history([1e-3]), np.array(steps)) is expected


def test_without_a_history_powers_of_two_are_due() -> None:
    due = [n for n in range(20) if is_due(None, STEPS[:n])]
    assert due == [1, 2, 4, 8, 16]


def test_a_run_is_judged_at_most_once_a_phase() -> None:
    known = history([1e-3])
    due = [n for n in range(1, HORIZON + 1) if is_due(known, STEPS[:n])]
    assert len(due) == len(known.phases) - 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-0.1, 0.0, 1), "epsilon must be .* got -0.1: it is a probability"),
        ((1.0, 0.0, 1), r"epsilon must be .* in \[0, 1\), got 1.0"),
        ((math.nan, 0.0, 1), "epsilon must be"),
        ((0.1, 1.0, 1), "margin must be .* part of the best loss: 0.01 asks for 1 % less"),
        ((0.1, 0.0, 0), "n_startup_trials must be an int of at least 1, got 0"),
    ],
)
def test_wrong_rules(arguments: tuple[float, float, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Rule(*arguments)


def test_a_margin_is_a_part_of_the_best_loss_in_either_scale() -> None:
    place, loss = Place(math.log(6e-4), np.empty(0)), curve(6e-4, 99)[:70]
    lrs = [*LRS[:4], *LRS[5:]]
    chances = []
    for known, shift in ((history(lrs), 0.0), (shifted(lrs, -5.0), -5.0)):
        for margin in (0.0, 0.3):
            rule = Rule(0.0, margin, 1)
            expected = partial(forecast, known, place)
            found = judge(known, expected, STEPS[:70], loss + shift, rule)
            assert found.probability is not None
            chances.append(found.probability)
    assert chances[0] > 1.2 * chances[1]
    assert chances[2] > 1.2 * chances[3]


def shifted(lrs: list[float], by: float) -> History:
    """The same runs with losses that are not positive."""
    runs = [finished(lr, seed=i) for i, lr in enumerate(lrs)]
    moved = [run._replace(loss=run.loss + by, final=run.final + by) for run in runs]
    known = learn(moved, HORIZON)
    assert known is not None and not known.logarithmic
    return known


def test_a_phase_without_a_report_has_the_value_of_the_last_one() -> None:
    known = history(LRS)
    seen = known.read_under_way(np.array([17.0]), np.array([0.5]))
    there = np.isfinite(seen.value)
    assert there.sum() == 1
    assert known.phases[there][0] <= 0.17
    assert seen.value[there][0] == pytest.approx(math.log(0.5))


def test_a_loss_of_zero_is_far_below_all_others() -> None:
    known = history(LRS)
    seen = known.read_under_way(STEPS[:5], np.zeros(5))
    assert np.isfinite(seen.value[:2]).all()
    assert seen.value[0] < np.nanmin(known.value) - 5
