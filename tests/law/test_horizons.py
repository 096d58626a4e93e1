"""Where curves are read: an odd run takes nothing away from the others."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from simulated import AT_LARGEST, LARGEST, Simulated, grid, joined, table

from optuna_kappa import RunTable, fit
from optuna_kappa.law.curves import read_curves
from optuna_kappa.law.horizons import ladder, planned_together
from optuna_kappa.law.observations import Observations, observe

PROBLEM = Simulated(slope=0.7)


def by_horizon(runs: RunTable) -> dict[float, Observations]:
    return {seen.horizon: seen for seen in observe(runs)}


def odd(
    last: float, *, lr: float = 1e-3, schedule: str = "constant", loss: float = 1.0
) -> RunTable:
    return table(["odd"], lr, last, last, loss, schedule)


def miss(runs: RunTable, schedule: str = "constant") -> float:
    """How far the proposal is from the optimum, in ln lr."""
    return abs(math.log(fit(runs).propose(LARGEST, schedule).lr / AT_LARGEST))


GOOD = {
    "curves": PROBLEM.runs(grid()),
    "final losses": joined(*(PROBLEM.final(grid(), h) for h in (1, 4, 16, 64))),
    "curves of several lengths": joined(*(PROBLEM.runs(grid(7), h) for h in (16.0, 40.0, 64.0))),
}


@pytest.mark.parametrize("good", GOOD.values(), ids=GOOD)
@pytest.mark.parametrize("last", [70.0, 90.0, 640.0, 19_200.0, 1e9])
def test_a_run_that_is_alone_beyond_all_others_takes_nothing_away(
    good: RunTable, last: float
) -> None:
    alone, together = by_horizon(good), by_horizon(joined(good, odd(last)))
    if last > 32 * LARGEST:
        assert together.keys() == alone.keys()
        for horizon, seen in alone.items():
            np.testing.assert_array_equal(together[horizon].loss, seen.loss)
    assert miss(joined(good, odd(last))) == pytest.approx(miss(good), abs=0.05)
    assert miss(good) < 0.1


@pytest.mark.parametrize("n", [2, 3, 6])
@pytest.mark.parametrize("factor", [1.15, 10.0, 300.0, 3e4])
def test_several_runs_in_another_unit_take_nothing_away(n: int, factor: float) -> None:
    good = GOOD["final losses"]
    lrs = np.geomspace(1e-4, 1e-2, n)
    others = [odd(LARGEST * factor, lr=lr, loss=1 + i) for i, lr in enumerate(lrs)]
    together = by_horizon(joined(good, *others))
    for horizon, seen in by_horizon(good).items():
        np.testing.assert_array_equal(together[horizon].loss, seen.loss)


@pytest.mark.parametrize("end", [28.0, 30.0])
def test_a_run_that_ended_alone_between_the_others_takes_nothing_away(end: float) -> None:
    good = joined(*(PROBLEM.final(grid(), h) for h in (4.0, 26.0, 64.0)))
    assert by_horizon(joined(good, odd(end))).keys() >= {4.0, 26.0, 64.0}


def test_an_early_report_of_one_run_costs_nothing() -> None:
    good = GOOD["curves"]
    early = table(["odd"] * 2, 1e-3, 64, [1e-12, 64.0], [3.0, PROBLEM.loss(1e-3, 64.0)])
    assert len(ladder(list(read_curves(joined(good, early))))) < 30
    assert miss(joined(good, early)) < 0.1


def test_thousands_of_lengths_are_read_quickly() -> None:
    rng = np.random.default_rng(0)
    n = 3000
    lengths = np.exp(rng.uniform(0, 20, n))
    runs = table(np.arange(n), np.exp(rng.uniform(-9, -3, n)), lengths, lengths, 1.0)
    rungs = ladder(list(read_curves(runs)))
    assert 100 < len(rungs) < 20 / math.log(1.05)  # each run counts, within 5 % of its end


@pytest.mark.parametrize("relative", [1e-15, 1e-12, 1e-9, 1e-6, 3e-4])
@pytest.mark.parametrize("unit", [1.0, 1 / 3])
def test_planned_horizons_that_differ_by_rounding_are_one(relative: float, unit: float) -> None:
    exact = joined(*(PROBLEM.final(grid(), h * unit, "cosine", mean=0.5) for h in (4, 16, 64)))
    rng = np.random.default_rng(0)
    rounding = 1 + relative * rng.uniform(0, 1, len(exact))
    rounded = replace(exact, horizon=exact.horizon * rounding, step=exact.step * rounding)
    expected, found = observe(exact), observe(rounded)
    assert [len(seen.loss) for seen in found] == [len(seen.loss) for seen in expected]
    assert [seen.horizon for seen in found] == pytest.approx(
        [s.horizon for s in expected], rel=1e-3
    )


def test_horizons_that_were_planned_apart_stay_apart() -> None:
    runs = joined(*(PROBLEM.final(grid(3), h, "cosine", mean=0.5) for h in (100, 101, 102)))
    groups = planned_together(list(read_curves(runs)))
    assert [(horizon, len(group)) for horizon, group in groups] == [(100, 3), (101, 3), (102, 3)]


@pytest.mark.parametrize("fraction", [0.95, 0.9, 5 / 6, 0.8])
@pytest.mark.parametrize("which", ["all", "every second"])
def test_a_scheduled_run_counts_from_four_fifths_on(fraction: float, which: str) -> None:
    whole = joined(*(PROBLEM.final(grid(9), h, "cosine", mean=0.5) for h in (4, 16, 64)))
    short = np.arange(len(whole)) % (1 if which == "all" else 2) == 0
    step = np.where(short, fraction * whole.horizon, whole.step)
    loss = np.where(short, whole.loss * fraction**-0.25, whole.loss)
    ended = replace(whole, step=step, loss=loss)
    assert [len(seen.loss) for seen in observe(ended)] == [9, 9, 9]
    assert abs(math.log(fit(ended).propose(LARGEST, "cosine").lr / AT_LARGEST * 0.5)) < 0.15


def test_a_scheduled_run_that_ended_earlier_does_not_count() -> None:
    whole = PROBLEM.final(grid(9), 64, "cosine", mean=0.5)
    assert observe(replace(whole, step=0.79 * whole.step)) == []


@pytest.mark.parametrize("last", [64.2, 100.0, 7200.0])
def test_a_scheduled_run_that_is_alone_at_its_horizon(last: float) -> None:
    good = joined(*(PROBLEM.final(grid(9), h, "cosine", mean=0.5) for h in (4, 16, 64)))
    together = joined(good, odd(last, schedule="cosine"))
    assert by_horizon(together).keys() == {4.0, 16.0, 64.0}
