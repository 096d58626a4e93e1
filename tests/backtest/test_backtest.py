"""Hiding the largest horizon: known laws, and that what is hidden stays hidden."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from simulated import AT_LARGEST, LARGEST, Simulated, grid, joined

from optuna_kappa import RunTable
from optuna_kappa._typing import Floats
from optuna_kappa.backtest import METHODS, Backtest, Outcome, Skipped, backtest
from optuna_kappa.backtest.results import SLOPES


def ladder(
    problem: Simulated,
    lrs: Floats | None = None,
    schedule: str = "warm-1e-5",
    top: float = LARGEST,
) -> RunTable:
    """Runs planned for four horizons, each a factor 3 apart, of a schedule without a shape."""
    rates = grid() if lrs is None else lrs
    return joined(*(problem.final(rates, top / 3**i, schedule) for i in range(4)))


def with_context(runs: RunTable, **context: str) -> RunTable:
    n = len(runs)
    return replace(runs, context={name: np.full(n, value) for name, value in context.items()})


def only(found: Backtest) -> Outcome:
    (group,) = found.groups
    assert isinstance(group, Outcome)
    return group


def reason(found: Backtest) -> str:
    (group,) = found.groups
    assert isinstance(group, Skipped)
    return group.reason


LAWS = {
    "slope 1": Simulated(slope=1.0),
    "slope 0.5 under a ceiling": Simulated(slope=0.5, ceiling=6.0),
    "flat": Simulated(slope=0.0),
    "slope 1, and divergence": Simulated(slope=1.0, diverges=8.0),
}


@pytest.mark.parametrize("name", LAWS)
def test_known_laws_are_recovered(name: str) -> None:
    problem = LAWS[name]
    for runs in (ladder(problem), problem.runs(grid())):
        group = only(backtest(runs))
        assert group.hidden == LARGEST
        # A third of the horizon is all that is seen of these two: a prior that a flat law steepens
        # pulls down, a valley that is cut off by divergence is seen less well.
        hard = name in ("flat", "slope 1, and divergence")
        assert group.methods["law"].lr == pytest.approx(AT_LARGEST, rel=0.5 if hard else 0.3)
        assert group.methods["law"].regret < (0.09 if hard else 0.05)
        assert group.covered
        low, high = group.interval
        assert low < group.methods["law"].lr < high
        best = min(group.methods[method].regret for method in SLOPES)
        assert group.methods["law"].regret < best + (0.09 if hard else 0.05)


def test_each_method_by_hand() -> None:
    problem = Simulated(slope=0.5)
    rates = np.array([1e-4, 3e-4, 1e-3, 3e-3, 1e-2])
    group = only(backtest(ladder(problem, rates)))
    assert group.last == pytest.approx(LARGEST / 3)
    assert group.fitted == pytest.approx([LARGEST / 27, LARGEST / 9, LARGEST / 3])
    # The optimum at a third of the horizon is 3.5e-3, next to 3e-3.
    lrs = {name: 3e-3 * 3**-slope for name, slope in SLOPES.items()}
    losses = {lr: problem.loss(lr, LARGEST) for lr in rates}
    for name, lr in lrs.items():
        assert group.methods[name].lr == pytest.approx(lr)
    assert lrs["slope-1"] == pytest.approx(1e-3)  # a recorded one
    best = min(losses.values())
    assert group.methods["slope-1"].regret == pytest.approx(losses[1e-3] / best - 1)
    assert group.methods["copy"].regret == pytest.approx(losses[3e-3] / best - 1, abs=1e-12)


def test_what_is_hidden_moves_no_proposal() -> None:
    for runs in (ladder(Simulated(noise=0.05)), Simulated(noise=0.05).runs(grid())):
        before = only(backtest(runs, hide=LARGEST, fit_up_to=LARGEST / 3))
        hidden = runs.step > LARGEST / 3 * 1.01
        other = replace(runs, loss=np.where(hidden, 1 + np.sin(1e3 * runs.lr), runs.loss))
        after = only(backtest(other, hide=LARGEST, fit_up_to=LARGEST / 3))
        assert after.interval == before.interval
        assert after.fitted == before.fitted
        for method in METHODS:
            assert after.methods[method].lr == before.methods[method].lr
        assert after.optimum != before.optimum
        diverged = replace(runs, loss=np.where(hidden & (runs.lr > 4e-3), np.nan, runs.loss))
        again = only(backtest(diverged, hide=LARGEST, fit_up_to=LARGEST / 3))
        assert again.methods["law"].lr == before.methods["law"].lr


def test_where_constant_curves_are_cut() -> None:
    problem = Simulated()
    group = only(backtest(problem.runs(grid())))
    assert (group.hidden, group.last) == pytest.approx((64, 32))
    group = only(backtest(problem.runs(grid()), hide=32, fit_up_to=8))
    assert (group.hidden, group.last) == pytest.approx((32, 8))
    assert max(group.fitted) <= 8 * (1 + 1e-6)
    # A probe's planned horizon is the natural place.
    probes = problem.runs(grid(), horizon=4.0)
    group = only(backtest(joined(probes, problem.runs(grid(5, -1, 1)))))
    assert (group.hidden, group.last) == pytest.approx((64, 4))


def test_the_largest_horizon_with_enough_learning_rates_is_hidden() -> None:
    problem = Simulated()
    few = problem.final(grid(3), 2 * LARGEST, "warm-1e-5")
    assert only(backtest(joined(ladder(problem), few))).hidden == LARGEST


def test_a_group_and_schedule_each() -> None:
    problem = Simulated()
    small, large = (
        with_context(ladder(problem, top=top), width=width, seed="0")
        for top, width in ((LARGEST, "64"), (3 * LARGEST, "128"))
    )
    cosine = with_context(ladder(problem, schedule="cosine"), width="128", seed="0")
    found = backtest(joined(small, large, cosine), ["width"])
    assert [(g.context, g.schedule) for g in found.groups] == [
        ({"width": "128"}, "cosine"),
        ({"width": "128"}, "warm-1e-5"),
        ({"width": "64"}, "warm-1e-5"),
    ]
    assert [group.hidden for group in found.tested] == [LARGEST, 3 * LARGEST, LARGEST]


def test_groups_that_cannot_be_used_say_why() -> None:
    problem = Simulated()
    one = problem.final(grid(), LARGEST, "adam8p")
    assert "no horizon below the largest has 3 learning rates" in reason(backtest(one))
    assert "only runs whose schedule is 'constant' count" in reason(backtest(one))
    few = ladder(problem, grid(3))
    assert "fewer than 4 learning rates" in reason(backtest(few))
    assert "at any horizon; the largest horizons: 64, 21.3333" in reason(backtest(few))
    whole = ladder(problem)
    assert "at 50, the horizon to hide" in reason(backtest(whole, hide=50))
    assert "no horizon up to 1 has 3" in reason(backtest(whole, fit_up_to=1))
    assert "less than a factor 1.2 above 63" in reason(backtest(whole, fit_up_to=63))
    near = joined(*(problem.final(grid(), d, "x") for d in (60.0, 64.0)))
    assert "no horizon below the largest" in reason(backtest(near))
    assert backtest(RunTable.empty()).groups == ()


@pytest.mark.parametrize("horizon", [0.0, -1.0, math.nan, math.inf])
def test_horizons_out_of_range(horizon: float) -> None:
    with pytest.raises(ValueError, match="hide must be a finite number in .* it is a horizon"):
        backtest(ladder(Simulated()), hide=horizon)
    with pytest.raises(
        ValueError, match="fit_up_to must be a finite number in .* it is a horizon"
    ):
        backtest(ladder(Simulated()), fit_up_to=horizon)


def test_other_wrong_input() -> None:
    with pytest.raises(ValueError, match="fit_up_to must be at most 20, .* 24, but is 21"):
        backtest(ladder(Simulated()), hide=24, fit_up_to=21)
    with pytest.raises(ValueError, match="'width' is not a context column"):
        backtest(ladder(Simulated()), ["width"])


def test_coverage_and_summary_over_simulated_groups() -> None:
    groups = [
        with_context(ladder(Simulated(slope=slope, noise=0.03, seed=seed)), seed=f"{seed} {slope}")
        for slope in (0.0, 0.5, 1.0)
        for seed in range(10)
    ]
    found = backtest(joined(*groups), ["seed"])
    summary = found.summary()
    assert [summary[method]["n"] for method in METHODS] == [30] * 5
    assert summary["coverage90"] >= 0.8
    law = summary["law"]
    assert law["mean_regret"] < min(summary[method]["mean_regret"] for method in SLOPES)
    assert law["median_regret"] <= law["p90_regret"]
    regrets = [group.methods["law"].regret for group in found.tested]
    assert law["mean_regret"] == pytest.approx(np.mean(regrets))
    assert law["p90_regret"] == pytest.approx(np.quantile(regrets, 0.9))


def test_as_json() -> None:
    runs = joined(
        with_context(ladder(Simulated()), width="64"),
        with_context(Simulated().final(grid(), LARGEST, "x"), width="8"),
    )
    found = json.loads(json.dumps(backtest(runs, ["width"]).to_dict(), allow_nan=False))
    assert list(found) == ["prior", "groups", "summary"]
    assert found["prior"] == "mixture"
    assert list(found["summary"]) == [*METHODS, "coverage90"]
    for method in METHODS:
        assert list(found["summary"][method]) == [
            "n",
            "mean_regret",
            "median_regret",
            "p90_regret",
        ]
    used, skipped = found["groups"]
    assert list(used) == list(skipped)
    assert used["reason"] is None
    assert used["methods"]["law"].keys() == {"lr", "regret"}
    assert [key for key, value in skipped.items() if value is None] == list(used)[2:-1]
    empty = backtest(runs.where(runs.context["width"] == "8"), ["width"]).to_dict()["summary"]
    assert empty["law"] == {
        "n": 0,
        "mean_regret": None,
        "median_regret": None,
        "p90_regret": None,
    }
    assert empty["coverage90"] is None
