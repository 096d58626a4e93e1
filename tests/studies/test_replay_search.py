"""Replayed searches: every sample is charged, and the same seed gives the same search."""

from __future__ import annotations

import numpy as np
import pytest
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from simulated import Simulated, grid

from optuna_kappa import RunTable
from optuna_kappa.search.ladder import N_PROBES, rungs
from studies.replay.objective import Objective
from studies.replay.search import TOP_K, Searched, search
from studies.replay.table import prepare, steps_per_unit
from studies.samplers import NOTHING, Known, Target, make

_HORIZON = 64


@pytest.fixture(scope="module")
def objective() -> Objective:
    tables = [Simulated(noise=0.02, seed=seed).runs(grid(13)) for seed in range(3)]
    return prepare(RunTable.concatenate(tables), None, None).objective


def test_without_a_pruner_each_trial_costs_a_full_run(objective: Objective) -> None:
    found = search(objective, "random", seed=0, budget=5)
    assert found.spent.tolist() == [1, 2, 3, 4, 5]
    assert np.isfinite(found.regret).all()
    assert (found.ask_ms > 0).all()


def test_probes_are_charged_for_what_they_see(objective: Objective) -> None:
    found = search(objective, "kappa", seed=0, budget=4)
    probes = found.spent[:N_PROBES]
    (low, n_low), (high, n_high) = rungs(round(objective.horizon), N_PROBES)
    cheap, dear = np.split(np.diff(np.concatenate([[0], probes])), [n_low])
    assert cheap == pytest.approx(low / objective.horizon, rel=0.05)
    assert dear == pytest.approx(high / objective.horizon, rel=0.05)
    assert len(dear) == n_high
    assert np.diff(found.spent[N_PROBES - 1 :]) == pytest.approx(1)


def test_kappa_recommends_by_its_law_before_there_is_a_full_run(objective: Objective) -> None:
    found = search(objective, "kappa", seed=0, budget=2)
    before = found.spent < 1.3
    assert found.regret[before][-1] < 0.2
    assert np.isnan(found.regret[:2]).all()  # two probes make no law


def test_what_is_recommended_is_the_best_full_run_seen(objective: Objective) -> None:
    found = search(objective, "random", seed=3, budget=12)
    # No noise to speak of: the best seen is the best there is, so far.
    assert found.regret[-1] == found.regret.min()
    assert (np.diff(found.regret) <= 0.05).all()


def test_pruned_runs_cost_what_they_saw(objective: Objective) -> None:
    full = search(objective, "tpe", seed=0, budget=10)
    pruned = search(objective, "tpe+sha", seed=0, budget=10)
    assert len(pruned.spent) > len(full.spent)
    assert np.diff(pruned.spent).min() < 1


def test_the_same_seed_gives_the_same_search(objective: Objective) -> None:
    for name in ("kappa", "tpe", "tpe+hyperband"):
        one, again, other = (search(objective, name, seed, budget=6) for seed in (0, 0, 1))
        assert np.array_equal(one.spent, again.spent)
        assert np.array_equal(one.regret, again.regret, equal_nan=True)
        assert not np.array_equal(one.regret, other.regret, equal_nan=True)


def test_what_is_known_is_told_to_kappa_alone(objective: Objective) -> None:
    known = Known("adam", 64)
    for name, same in (("kappa", False), ("tpe", True)):
        plain = search(objective, name, seed=0, budget=4)
        told = search(objective, name, seed=0, budget=4, known=known)
        assert np.array_equal(plain.regret, told.regret, equal_nan=True) == same


def test_passes_grow_with_the_horizon() -> None:
    assert Known("adam", 24).at(0.5) == Known("adam", 12)
    assert NOTHING.at(0.5) == NOTHING


def test_top_k_runs_everything_for_one_epoch_and_the_best_in_full(objective: Objective) -> None:
    short = objective.epoch / objective.horizon
    found = search(objective, TOP_K, seed=0, budget=4)
    assert found.spent[:13] == pytest.approx(short * np.arange(1, 14), rel=0.05)
    assert np.diff(found.spent[12:]) == pytest.approx(1)
    assert np.isnan(found.regret[:13]).all()
    # The optimum at a 24th of the data is 24 times as high: the best k there are too high.
    assert found.regret[13] > 0.5


def test_probes_may_be_runs_of_another_table() -> None:
    problem = Simulated()
    constant, cosine = problem.runs(grid(13)), problem.final(grid(13), 32, "cosine", 0.5)
    unit = steps_per_unit(constant, cosine)
    target = prepare(cosine, None, None, unit).objective
    lender = prepare(constant, None, None, unit).objective
    found = search(target, "kappa", seed=0, budget=6, lender=lender)
    # The probes are of constant rate, in runs of the cosine target, then full runs at once.
    last = N_PROBES - 1
    assert found.spent[last] == pytest.approx(3, rel=0.05)
    assert np.diff(found.spent[last:]) == pytest.approx(1)
    assert np.isfinite(found.regret[last])  # the law's guess
    assert found.regret[N_PROBES] < 0.2
    other = search(target, "random", seed=0, budget=6, lender=lender)
    assert other.spent.tolist() == [1, 2, 3, 4, 5, 6]


def test_only_probes_that_were_charged_are_lent(
    objective: Objective, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets: list[Target] = []

    def spied(name: str, target: Target) -> tuple[BaseSampler, BasePruner]:
        targets.append(target)
        return make(name, target)

    monkeypatch.setattr("studies.replay.search.make", spied)
    search(objective, "kappa", seed=0, budget=3, lender=objective)
    own, lent = targets
    assert not own.sources
    (table,) = lent.sources
    assert len(np.unique(table.run)) == N_PROBES
    assert table.step.max() <= objective.horizon / 3 * 1.05


def test_a_diverged_run_is_charged_up_to_where_it_diverged() -> None:
    wild = Simulated(diverges=2.0, after=15.0).runs(grid(13))
    objective = prepare(wild, None, None).objective
    found = search(objective, "random", seed=0, budget=8)
    costs = np.diff(np.concatenate([[0], found.spent]))
    assert set(np.round(costs, 3)) == {0.25, 1.0}


def test_regret_with_a_budget() -> None:
    found = Searched(np.array([0.5, 1.5, 2.5]), np.array([np.nan, 0.3, 0.1]), np.zeros(3))
    at = found.at(np.array([0.1, 0.5, 1.0, 1.5, 2.4, 2.5, 9.0]))
    assert np.isnan(at[:3]).all()
    assert at[3:].tolist() == [0.3, 0.3, 0.1, 0.1]
