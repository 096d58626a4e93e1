"""What the next runs are worth."""

from __future__ import annotations

import numpy as np
import pytest

from optuna_kappa.law.observations import observe
from optuna_kappa.law.prior import MIXTURE
from optuna_kappa.runs import RunTable, example_runs
from optuna_kappa.schedules import as_schedule
from optuna_kappa.search.purchases import Known, purchases


def known(runs: RunTable, horizon: int) -> Known:
    constant = as_schedule("constant")
    return Known(observe(runs), True, (), horizon, constant, MIXTURE, low=-14.0, high=-2.0)


def test_runs_make_the_recommendation_surer() -> None:
    before = known(example_runs(horizons=[1, 4]), 64)
    offered = purchases(before, [(1, 6), (4, 6)], regret=0.05, n_draws=8)
    assert [one.then for one in offered] == sorted((one.then for one in offered), reverse=True)
    assert all(one.now == before.within(0.05) and one.gain >= 0 for one in offered)
    assert offered[0].gain > 0.05


def test_offers_full_runs_and_probes_with_their_costs() -> None:
    offered = purchases(known(example_runs(horizons=[1, 4]), 64), [(1, 6), (4, 6)], 0.05, 2)
    assert {(one.n, one.horizon, one.cost) for one in offered} == {
        (1, 64, 1.0),
        (2, 64, 2.0),
        (2, 4, 0.125),
        (2, 16, 0.5),
    }


def test_is_the_same_each_time() -> None:
    of = known(example_runs(horizons=[1, 4]), 64)
    assert purchases(of, [(4, 6)], 0.02, 3, seed=1) == purchases(of, [(4, 6)], 0.02, 3, seed=1)


def test_without_a_law_nothing_is_offered() -> None:
    assert purchases(known(RunTable.empty(), 64), [(1, 6)], 0.02) == []


def test_bought_runs_join_those_of_their_horizon() -> None:
    before = known(example_runs(horizons=[1, 4]), 64)
    rates = before.next_rates(2, 4)
    after = before.with_runs(rates, [0.5, 0.6], 4)
    assert len(after.seen) == len(before.seen)
    assert sum(len(one.loss) for one in after.seen) == 2 + sum(
        len(one.loss) for one in before.seen
    )
    assert len(before.with_runs(rates, [0.5, 0.6], 64).seen) == len(before.seen) + 1


def test_full_runs_do_not_repeat_a_rate() -> None:
    first, second = known(example_runs(horizons=[1, 4, 64]), 64).next_rates(2, 64)
    assert first != pytest.approx(second, abs=0.01)
    assert np.isfinite([first, second]).all()
