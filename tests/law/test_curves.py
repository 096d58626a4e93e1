"""Where runs were seen, and where they had diverged."""

from __future__ import annotations

import numpy as np
import pytest
from simulated import table

from optuna_kappa.law.curves import Curve, read_curves


def curve(step: list[float], loss: list[float]) -> Curve:
    n = len(step)
    (read,) = read_curves(table(["a"] * n, [1e-3] * n, max(step), step, loss))
    return read


def test_a_run_is_seen_from_its_first_to_its_last_report() -> None:
    seen = curve([4, 8], [0.5, 0.4]).was_seen_at(np.array([3.0, 3.9, 6.0, 8.3, 9.0]))
    assert seen.tolist() == [False, True, True, True, False]


def test_a_report_at_step_0_is_left_out() -> None:
    assert curve([0, 4], [9.0, 0.5]).step.tolist() == [4.0]


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_diverged_run(loss: float) -> None:
    horizons = np.array([4.0, 8.0, 16.0])
    diverged = curve([4, 8, 16], [0.5, loss, loss])
    assert diverged.was_seen_at(horizons).tolist() == [True, False, False]
    assert diverged.had_diverged_at(horizons).tolist() == [False, True, True]


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_run_whose_loss_came_back_is_seen_throughout(loss: float) -> None:
    horizons = np.array([4.0, 8.0, 16.0])
    back = curve([4, 8, 16], [0.5, loss, 0.4])
    assert back.was_seen_at(horizons).all()
    assert not back.had_diverged_at(horizons).any()
    assert back.step.tolist() == [4.0, 16.0]


@pytest.mark.parametrize("unit", [1.0, 1.1, 1 / 3, 937.0])
def test_rounding_decides_nothing(unit: float) -> None:
    """20 * 1.05 is 21 exactly, or nearly so in another unit."""
    seen = curve([10 * unit, 20 * unit], [0.5, 0.4])
    assert seen.was_seen_at(np.array([21.0, 21.1]) * unit).tolist() == [True, False]
    diverged = curve([10 * unit, 30 * unit], [0.5, np.nan])
    assert diverged.had_diverged_at(np.array([10 * unit * 3, 29 * unit])).tolist() == [True, False]


def test_a_run_without_finite_losses_is_seen_nowhere() -> None:
    assert not curve([4], [np.nan]).was_seen_at(np.array([4.0])).any()


def test_reports_are_counted_from_begin_to_before_end() -> None:
    reports = curve([1, 2, 3, 4], [0.4] * 4)
    assert reports.count_reports(np.array([2.0, 5.0]), np.array([4.0, 9.0])).tolist() == [2, 0]
