from __future__ import annotations

import numpy as np
import pytest

from optuna_kappa.pruning.phases import choose, read

EVEN = np.arange(1, 101) / 100


def test_phases_lie_where_runs_report() -> None:
    phases = choose([EVEN, EVEN])
    assert phases[-1] == 1.0
    assert set(phases.tolist()) <= set(EVEN.tolist())
    assert (np.diff(phases) > 0).all()
    assert len(phases) == 16


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_reports_are_all_phases(n: int) -> None:
    at = np.arange(1, n + 1) / n
    assert choose([at]).tolist() == at.tolist()


def test_reports_of_most_runs_count() -> None:
    usual, odd = np.array([0.25, 0.5, 1.0]), np.array([0.3, 0.7, 1.0])
    assert choose([usual, odd, usual]).tolist() == [0.25, 0.5, 1.0]


def test_without_common_reports_phases_are_the_usual_ones() -> None:
    runs = [np.array([0.111, 0.5, 1.0]), np.array([0.122, 0.6, 1.0]), np.array([0.13, 0.7, 1.0])]
    assert len(choose(runs)) == 16


def test_a_phase_is_the_mean_of_the_third_of_an_octave_before_it() -> None:
    y = EVEN.copy()
    found = read(EVEN, y, np.array([0.1, 0.5, 1.0]))
    assert found.value[0] == pytest.approx(np.mean([0.08, 0.09, 0.1]))
    assert found.value[1] == pytest.approx(np.mean(np.arange(40, 51) / 100))
    assert found.averaged.tolist() == [3, 11, 1]
    assert found.value[2] == 1.0  # the last one is a report


def test_the_mean_begins_after_the_phase_before() -> None:
    found = read(EVEN, EVEN, np.array([0.09, 0.1, 1.0]))
    assert found.value[1] == pytest.approx(0.1)


def test_between_reports_a_value_is_interpolated_in_ln_step() -> None:
    found = read(np.array([0.1, 0.4, 1.0]), np.array([3.0, 1.0, 0.0]), np.array([0.1, 0.2, 1.0]))
    assert found.value.tolist() == pytest.approx([3.0, 2.0, 0.0])


def test_a_run_has_no_value_beyond_its_last_report() -> None:
    found = read(np.array([0.1, 0.25]), np.array([3.0, 1.0]), np.array([0.1, 0.25, 0.5, 1.0]))
    assert np.isnan(found.value).tolist() == [False, False, True, True]


def test_no_reports() -> None:
    found = read(np.empty(0), np.empty(0), np.array([0.5, 1.0]))
    assert np.isnan(found.value).all()
    assert np.isnan(found.scatter).all()


def test_scatter_is_that_of_a_report_about_the_curve() -> None:
    rng = np.random.default_rng(0)
    at = np.arange(1, 2001) / 2000
    found = read(at, -np.log(at) + 0.03 * rng.standard_normal(2000), np.array([0.5, 1.0]))
    assert found.scatter == pytest.approx([0.03, 0.03], rel=0.1)
    smooth = read(at, -np.log(at), np.array([0.5, 1.0]))
    assert (smooth.scatter < 1e-4).all()


def test_scatter_is_unknown_of_two_reports() -> None:
    assert np.isnan(read(np.array([0.5, 1.0]), np.zeros(2), np.array([0.5, 1.0])).scatter).all()


def test_a_step_that_is_rounded_to_nothing_is_no_phase() -> None:
    fractions = np.array([1.0, 2**29, 2**30, 2**31]) / 2**31
    assert choose([fractions, fractions]).tolist() == [0.25, 0.5, 1.0]
