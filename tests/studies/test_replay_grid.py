"""Objectives from grids of learning rates, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optuna_kappa import RunTable
from optuna_kappa.schedules import constant, cosine
from studies.replay.grid import Grid

LRS = (1e-4, 1e-3, 1e-2, 1e-1)
# Final losses of two seeds; the best lr of their mean is 1e-2.
FINAL = np.array([[4.0, 2.0, 1.0, 8.0], [4.0, 2.0, 3.0, 8.0]])


def curves(
    final: np.ndarray = FINAL, horizon: float = 40, steps: tuple[int, ...] = (10, 20, 40)
) -> RunTable:
    """Losses that halve with each factor 2 of data, to `final` at the horizon."""
    rows = [
        (f"{horizon}/{s}/{lr}", lr, "constant", horizon, step, final[s, i] * horizon / step, s)
        for s in range(len(final))
        for i, lr in enumerate(LRS)
        for step in steps
    ]
    names = ("run", "lr", "schedule", "horizon", "step", "loss", "seed")
    return RunTable.from_columns(dict(zip(names, zip(*rows, strict=True), strict=True)))


def made(runs: RunTable, horizon: float = 40, *, prefix: bool = True) -> Grid:
    schedule = constant() if prefix else cosine()
    return Grid(runs, horizon, prefix=prefix, schedule=schedule, epoch=10)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def draws(grid: Grid, lr: float, horizon: float = 40, n: int = 40) -> list[list[float]]:
    generator = rng()
    return [grid.curve({"lr": lr}, horizon, generator).losses.tolist() for _ in range(n)]


def test_a_trial_is_the_curve_of_a_random_seed() -> None:
    grid = made(curves())
    found = {tuple(np.round(losses, 9)) for losses in draws(grid, 1e-2)}
    assert found == {(4.0, 2.0, 1.0), (12.0, 6.0, 3.0)}
    assert grid.curve({"lr": 1e-2}, 40, rng()).steps.tolist() == [10, 20, 40]


def test_between_two_learning_rates_a_loss_is_between_theirs() -> None:
    grid = made(curves(FINAL[:1]))
    between = [draws(grid, lr, n=1)[0][-1] for lr in np.geomspace(1e-4, 1e-2, 9)]
    assert between[0] == pytest.approx(4)
    assert between[-1] == pytest.approx(1)
    assert np.all(np.diff(between) < 0)


def test_the_beginning_of_a_run_is_a_shorter_run() -> None:
    grid = made(curves(FINAL[:1]))
    curve = grid.curve({"lr": 1e-3}, 20, rng())
    assert curve.steps.tolist() == [10, 20]
    assert curve.losses == pytest.approx([8, 4])
    # At a step without a report ln loss is linear in ln step, as these losses are.
    curve = grid.curve({"lr": 1e-3}, 30, rng())
    assert curve.steps.tolist() == [10, 20, 30]
    assert curve.losses[-1] == pytest.approx(2 * 40 / 30)
    # Shorter than the first report: that is the least there is.
    assert grid.curve({"lr": 1e-3}, 1, rng()).steps.tolist() == [10]


def test_regret_is_that_of_the_mean_over_seeds() -> None:
    grid = made(curves())
    means = FINAL.mean(axis=0)
    for lr, mean in zip(LRS, means, strict=True):
        # The interpolated minimum lies below that of the grid, if at all by little.
        assert grid.regret({"lr": lr}) == pytest.approx(mean / means.min() - 1, abs=1e-6)
    assert min(grid.regret({"lr": lr}) for lr in np.geomspace(1e-4, 1e-1, 999)) >= 0


def test_the_best_rate_is_that_of_no_regret() -> None:
    grid = made(curves(FINAL[:1]))
    best = LRS[int(FINAL[0].argmin())]
    assert grid.best_lr == pytest.approx(best)
    assert grid.regret({"lr": grid.best_lr}) == 0
    assert min(grid.regret({"lr": best * factor}) for factor in (0.7, 1.5)) > 0


def test_expected_losses_are_averaged_over_near_horizons() -> None:
    steps = (10, 30, 37, 40, 43, 50)
    loss = {37: (2.0, 1.0, 1.0, 5.0), 40: (2.0, 1.0, 3.0, 5.0), 43: (2.0, 1.0, 1.1, 5.0)}
    rows = [
        (f"{lr}", lr, "constant", 50.0, step, loss.get(step, (9.0, 7.0, 0.1, 9.0))[i])
        for i, lr in enumerate(LRS)
        for step in steps
    ]
    names = ("run", "lr", "schedule", "horizon", "step", "loss")
    runs = RunTable.from_columns(dict(zip(names, zip(*rows, strict=True), strict=True)))
    expected = (1 + 3 + 1.1) / 3  # 30 and 50 are too far away
    assert made(runs).regret({"lr": 1e-2}) == pytest.approx(expected / 1 - 1, rel=1e-6)


def test_a_run_that_diverged_reports_nan_and_counts_with_the_worst_loss() -> None:
    runs = curves()
    loss = runs.loss.copy()
    top = runs.lr == 1e-1
    loss[top & (runs.step >= 20)] = np.nan
    grid = made(replace(runs, loss=loss))
    assert np.isnan(draws(grid, 1e-1, n=1)[0]).tolist() == [False, True, True]
    assert np.isnan(draws(grid, 5e-2, n=1)[0]).tolist() == [False, True, True]
    assert np.isfinite(draws(grid, 2e-2, n=1)[0]).all()
    assert grid.regret({"lr": 1e-1}) == pytest.approx(4 / 2 - 1, abs=1e-6)


def test_a_run_whose_last_row_is_nan_has_diverged_before_the_end() -> None:
    runs = curves()
    loss = runs.loss.copy()
    loss[(runs.lr == 1e-1) & (runs.step == 20)] = np.nan
    rows = (runs.lr != 1e-1) | (runs.step <= 20)
    grid = made(replace(runs, loss=loss).where(rows))
    assert np.isnan(draws(grid, 1e-1, n=1)[0]).tolist() == [False, True, True]


def test_seeds_without_a_column_are_counted_at_each_learning_rate() -> None:
    runs = curves()
    plain = replace(runs, context={})
    found = {tuple(np.round(losses, 9)) for losses in draws(made(plain), 1e-2)}
    assert found == {(4.0, 2.0, 1.0), (12.0, 6.0, 3.0)}


def stretched() -> RunTable:
    """Runs of a schedule that is stretched: 40 and, with losses twice as high, 20 and 10."""
    parts = [
        curves(FINAL * 40 / horizon, horizon, (horizon // 2, horizon)) for horizon in (10, 20, 40)
    ]
    return RunTable.concatenate(parts)


def test_a_stretched_schedule_takes_the_runs_of_the_horizon() -> None:
    grid = made(stretched(), prefix=False)
    curve = grid.curve({"lr": 1e-3}, 20, rng())
    assert curve.steps.tolist() == [10, 20]
    assert curve.losses == pytest.approx([8, 4])


def test_between_two_horizons_it_takes_what_is_between() -> None:
    grid = made(stretched(), prefix=False)
    curve = grid.curve({"lr": 1e-3}, 20 * 2**0.5, rng())
    assert curve.steps / 2**0.5 == pytest.approx([10, 20])
    assert curve.losses == pytest.approx([8 / 2**0.5, 4 / 2**0.5])
    below = grid.curve({"lr": 1e-3}, 5, rng())
    assert below.losses[-1] == pytest.approx(16)


@pytest.mark.parametrize("horizon", [2, 50])
def test_horizons_far_from_all_recorded_ones_are_refused(horizon: float) -> None:
    with pytest.raises(ValueError, match="no cosine runs near horizon .*, only of 10, 20, 40;"):
        made(stretched(), prefix=False).curve({"lr": 1e-3}, horizon, rng())


def test_losses_that_may_be_negative_are_interpolated_as_they_are() -> None:
    grid = made(replace(curves(FINAL[:1]), loss=curves(FINAL[:1]).loss - 3))
    assert draws(grid, 1e-2, n=1)[0][-1] == pytest.approx(-2)
    # In parts of the difference between the median lr and the best.
    assert grid.regret({"lr": 1e-4}) == pytest.approx((4 - 1) / (3 - 1))


@pytest.mark.parametrize(
    ("runs", "horizon", "prefix", "message"),
    [
        (curves(), 50, True, "no runs of horizon 50 or more; its largest is 40"),
        (stretched(), 30, False, "no runs of horizon 30; it has 10, 20, 40"),
        (curves().where(curves().lr < 1e-2), 40, True, "2 learning rates at horizon 40"),
    ],
)
def test_tables_that_cannot_be_replayed(
    runs: RunTable, horizon: float, prefix: bool, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        made(runs, horizon, prefix=prefix)


def test_the_space_is_that_of_the_learning_rates() -> None:
    space = made(curves()).space["lr"]
    assert (space.low, space.high, space.log) == (1e-4, 1e-1, True)  # type: ignore[attr-defined]
    assert [params["lr"] for params in made(curves()).recorded] == list(LRS)
