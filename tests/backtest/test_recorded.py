"""Regret at a recorded horizon, on tables small enough to check by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated import joined, table

from optuna_kappa import RunTable
from optuna_kappa.backtest import backtest
from optuna_kappa.backtest.recorded import Recorded, RecordedRuns
from optuna_kappa.runs import example_runs
from optuna_kappa.schedules.parsing import is_constant

LRS = (1e-4, 1e-3, 1e-2, 1e-1)
LOSSES = (4.0, 2.0, 1.0, 3.0)


def at_64(losses: tuple[float, ...] = LOSSES, schedule: str = "cosine") -> RunTable:
    runs = [f"{i}" for i in range(len(losses))]
    return table(runs, LRS[: len(losses)], 64.0, 64.0, losses, schedule)


def found(runs: RunTable, horizon: float = 64.0) -> Recorded:
    one = RecordedRuns(runs).at(horizon)
    assert one is not None
    return one


def test_at_recorded_rates_regret_is_that_of_their_losses() -> None:
    one = found(at_64())
    assert one.best_lr == pytest.approx(1e-2)
    regrets = [one.regret(lr) for lr in LRS]
    assert regrets == pytest.approx([3.0, 1.0, 0.0, 2.0], abs=1e-12)


def test_outside_the_recorded_range_it_is_clipped() -> None:
    one = found(at_64())
    assert one.regret(1e-9) == one.regret(LRS[0]) == pytest.approx(3.0)
    assert one.regret(1e9) == pytest.approx(2.0)


def test_between_two_rates_ln_loss_is_monotone_in_ln_lr() -> None:
    one = found(at_64())
    between = [one.regret(lr) for lr in np.geomspace(1e-4, 1e-2, 20)]
    assert between == sorted(between, reverse=True)
    # Two points make a straight line: the geometric mean of 4 and 1 is 2.
    assert found(at_64((4.0, 1.0))).regret(np.sqrt(1e-7)) == pytest.approx(1.0)


def test_losses_that_are_not_positive_are_compared_by_difference() -> None:
    one = found(at_64((4.0, 2.0, -1.0, 3.0)))
    assert [one.regret(lr) for lr in LRS] == pytest.approx([5.0, 3.0, 0.0, 4.0], abs=1e-12)


def test_seeds_are_averaged_and_divergence_counts_with_the_largest_loss() -> None:
    seeds = joined(at_64(), at_64((4.0, 2.0, float("nan"), 5.0)))
    one = found(seeds)
    assert one.loss == pytest.approx([4.0, 2.0, (1.0 + 5.0) / 2, 4.0])
    assert one.best_lr == pytest.approx(1e-3)
    assert one.n_finite == 4
    assert found(at_64((1.0, 2.0, 3.0, float("inf")))).n_finite == 3


def test_one_learning_rate_is_no_curve() -> None:
    assert RecordedRuns(at_64((1.0,))).at(64) is None
    assert RecordedRuns(at_64((1.0,), "constant")).at(64) is None
    assert RecordedRuns(at_64()).at(32) is None
    assert RecordedRuns(RunTable.empty()).at(32) is None


def curves(ends: tuple[float, ...]) -> RunTable:
    """Constant-rate runs that report at 10, 20, ...: loss is the lr's place, plus step / 1000."""
    rows = [
        (f"{i}", LRS[i], step, i + 1 + step / 1000)
        for i, end in enumerate(ends)
        for step in np.arange(10.0, end + 1, 10)
    ]
    run, lr, step, loss = zip(*rows, strict=True)
    return table(run, lr, 200.0, step, loss)


def test_a_constant_run_counts_at_every_horizon_up_to_its_own() -> None:
    runs = curves((200, 100, 200, 150))
    assert RecordedRuns(runs).horizons == [200, 150, 100]
    assert found(runs, 100).n_finite == 4
    assert found(runs, 150).n_finite == 3
    assert found(runs, 200).n_finite == 2
    # From 135 to the end of the shortest: reports at 140 and 150.
    assert found(runs, 150).loss == pytest.approx([1.145, 3.145, 4.145])
    # With room on both sides the mean is that of the middle.
    assert found(runs.where(runs.lr != LRS[1]), 100).loss == pytest.approx([1.1, 3.1, 4.1])
    # Between two reports that are far apart.
    assert 1.01 < found(runs, 14).loss[0] < 1.02


def test_a_constant_run_counts_as_diverged_from_its_first_nan() -> None:
    runs = curves((200, 200, 200, 100))
    loss = np.where((runs.lr == LRS[2]) & (runs.step >= 60), np.nan, runs.loss)
    late = table(runs.run, runs.lr, runs.horizon, runs.step, loss)
    assert found(late, 50).n_finite == 4
    one = found(late, 100)
    assert one.n_finite == 3
    assert one.loss[2] == one.loss.max() == one.loss[3]


def test_a_scheduled_run_counts_at_its_own_horizon_only() -> None:
    runs = joined(at_64(), table(["x", "y"], LRS[:2], 128.0, 64.0, [9.0, 9.0], "cosine"))
    assert RecordedRuns(runs).horizons == [128, 64]
    assert found(runs).loss == pytest.approx(LOSSES)
    assert RecordedRuns(runs).at(128) is None  # both were ended half-way


def test_constant_by_any_spelling() -> None:
    assert [is_constant(name) for name in ("constant", "constant()", "cosine", "adam8p")] == [
        True,
        True,
        False,
        False,
    ]


def test_planned_horizons_that_differ_by_rounding_are_one() -> None:
    whole = example_runs(schedule="cosine", horizons=[4, 16, 64])
    rounding = 1 + 1e-4 * np.arange(len(whole)) / len(whole)
    runs = replace(whole, horizon=whole.horizon * rounding, step=whole.step * rounding)

    expected, found = (backtest(table).tested[0] for table in (whole, runs))
    assert found.fitted == pytest.approx(expected.fitted, rel=1e-3)
    assert found.methods["law"].regret == pytest.approx(expected.methods["law"].regret, abs=1e-3)
