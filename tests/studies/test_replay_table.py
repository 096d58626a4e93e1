"""From run tables to objectives: what is chosen, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optuna_kappa import RunTable
from optuna_kappa.runs.selection import select
from optuna_kappa.schedules import constant
from studies.replay.grid import Grid
from studies.replay.lookup import Lookup
from studies.replay.table import prepare


def runs(
    schedule: str = "constant", horizon: float = 80, unit: float = 1, **context: str
) -> RunTable:
    lrs = (1e-4, 1e-3, 1e-2, 1e-1)
    steps = (0, 20, 40, 80)
    n = len(steps)
    return RunTable.from_columns(
        {
            "run": np.repeat([f"{schedule} {lr} {context}" for lr in lrs], n),
            "lr": np.repeat(lrs, n),
            "schedule": [schedule] * 4 * n,
            "horizon": [horizon * unit] * 4 * n,
            "step": np.tile(steps, 4) * horizon / 80 * unit,
            "loss": np.tile([4.0, 3.0, 2.0, 1.0], 4) * np.repeat([3.0, 1.0, 2.0, 4.0], n),
            **{name: [value] * 4 * n for name, value in context.items()},
        }
    )


def test_the_only_schedule_and_the_largest_horizon_need_not_be_named() -> None:
    made = prepare(runs(), None, None)
    assert (made.schedule, made.horizon) == ("constant", 80)
    assert isinstance(made.objective, Grid)
    assert made.objective.horizon == 80


def test_a_schedule_is_known_by_its_first_word() -> None:
    both = RunTable.concatenate([runs(), runs("halving(period=20)")])
    assert prepare(both, "halving", 40).schedule == "halving(period=20)"
    assert prepare(both, "halving(period=20)", 40).objective.horizon == 40
    with pytest.raises(ValueError, match="several schedules; choose one of constant, halving"):
        prepare(both, None, 40)
    with pytest.raises(ValueError, match="no runs have schedule 'cosine'; there are constant, h"):
        prepare(both, "cosine", 40)


def test_a_horizon_may_be_given_in_epochs() -> None:
    table = runs(epoch="20")
    assert prepare(table, None, 2).horizon == 40
    assert prepare(table, None, 40).horizon == 40
    assert prepare(table, None, 2).objective.epoch == 20
    # Without epochs there is no other unit, and a short run is a 24th.
    assert prepare(runs(), None, 48).objective.epoch == 2


@pytest.mark.parametrize("horizon", [-1, 0, 81, 5.0])
def test_a_horizon_that_the_runs_do_not_reach(horizon: float) -> None:
    table = runs(epoch="20")
    with pytest.raises(
        ValueError, match="at most that of the longest run, 80 or 4 .*epochs of 20"
    ):
        prepare(table, None, horizon)


def test_data_in_fractions_becomes_whole_steps() -> None:
    made = prepare(runs("halving(period=0.5)", unit=1 / 40), None, None)
    assert made.horizon == 2
    curve = made.objective.curve({"lr": 1e-3}, made.objective.horizon, np.random.default_rng(0))
    assert np.all(curve.steps == np.round(curve.steps))
    assert curve.steps / curve.steps[-1] == pytest.approx([0.25, 0.5, 1])
    # The period is counted in the same steps: 2 units of data are 4 periods.
    schedule = made.objective.schedule.resolve(made.objective.horizon)
    assert schedule.mean == pytest.approx((1 + 1 / 2 + 1 / 4 + 1 / 8) / 4)


def test_horizons_beyond_32_bits_are_counted_in_blocks() -> None:
    made = prepare(runs(horizon=1e11), None, None)
    assert made.horizon == 1e11
    assert made.objective.horizon < 2**31


def test_a_schedule_of_unknown_name_with_one_horizon_is_read_from_its_beginning() -> None:
    made = prepare(runs("adam8p"), None, 40)
    assert made.objective.schedule == constant()
    assert made.objective.curve({"lr": 1e-3}, 20, np.random.default_rng(0)).steps.tolist() == [20]


def test_one_of_several_horizons_is_not() -> None:
    table = RunTable.concatenate([runs("mine", 80), runs("mine", 40)])
    curve = prepare(table, None, 80).objective.curve({"lr": 1e-3}, 40, np.random.default_rng(0))
    assert curve.losses[-1] == pytest.approx(1.0)  # the end of a run, not the middle of one


def test_groups_have_to_be_chosen() -> None:
    both = RunTable.concatenate([runs(width="64"), runs(width="128")])
    with pytest.raises(ValueError, match="differ in width as well; choose by --where width=64"):
        prepare(both, None, None)
    assert isinstance(prepare(select(both, {"width": "128"}), None, None).objective, Grid)


def random_search() -> RunTable:
    """Each run has its own lr and its own second parameter; the best is the third."""
    lrs = (1e-4, 1e-3, 1e-2, 2e-2)
    others = (0.1, 0.9, 0.5, 0.4)
    final = (4.0, 3.0, 1.0, 2.0)
    steps = (0, 10, 20)
    loss = np.outer(final, (9, 2, 1)).ravel()
    table = RunTable.from_columns(
        {
            "run": np.repeat(np.arange(4), 3),
            "lr": np.repeat(lrs, 3),
            "schedule": ["x"] * 12,
            "horizon": [20.0] * 12,
            "step": np.tile(steps, 4),
            "loss": loss,
            "momentum": np.repeat(others, 3),
            "kind": np.repeat(["a", "b", "a", "b"], 3),
        }
    )
    return table


def test_a_random_search_is_looked_up() -> None:
    made = prepare(random_search(), None, None).objective
    assert isinstance(made, Lookup)
    assert set(made.space) == {"lr", "momentum", "kind"}
    near_third = {"lr": 1.2e-2, "momentum": 0.52, "kind": "a"}
    curve = made.curve(near_third, 20, np.random.default_rng(0))
    assert curve.steps.tolist() == [10, 20]  # not step 0, where nothing was trained
    assert curve.losses.tolist() == [2, 1]
    assert made.curve(near_third, 12, np.random.default_rng(0)).losses.tolist() == [2]
    assert made.regret(near_third) == 0
    assert made.regret({"lr": 1e-4, "momentum": 0.1, "kind": "a"}) == pytest.approx(3)
    assert made.regret(made.recorded[1]) == pytest.approx(2)


def test_a_configuration_that_diverged_is_the_worst() -> None:
    table = random_search()
    loss = table.loss.copy()
    loss[(table.run == "0") & (table.step == 20)] = np.nan
    made = prepare(replace(table, loss=loss), None, None).objective
    assert made.regret(made.recorded[0]) == np.inf
    assert np.isnan(made.curve(made.recorded[0], 20, np.random.default_rng(0)).losses[-1])
