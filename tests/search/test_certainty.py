"""How sure a recommendation is, on valleys that are known."""

from __future__ import annotations

import numpy as np
import pytest

from optuna_kappa.law import fit
from optuna_kappa.law.observations import observe
from optuna_kappa.law.optimum import find_chain
from optuna_kappa.runs import RunTable, example_runs
from optuna_kappa.schedules import as_schedule
from optuna_kappa.search.certainty import Belief, Certainty, Truth, belief_of

CONSTANT = as_schedule("constant")


def believed(runs: RunTable, horizon: float) -> Belief:
    chain = find_chain(observe(runs), logarithmic=runs.positive)
    belief = belief_of(chain, fit(runs), horizon, CONSTANT)
    assert belief is not None
    return belief


def test_probabilities_sum_to_one_and_quantiles_ascend() -> None:
    certainty = believed(example_runs(), 64).certainty(np.log(0.01 / 64))
    assert certainty.weight.sum() == pytest.approx(1.0)
    assert (np.diff(certainty.regret) >= 0).all()
    assert certainty.quantile(0.1) <= certainty.quantile(0.5) <= certainty.quantile(0.9)
    assert certainty.within(1e9) == pytest.approx(1.0)


def test_no_rate_is_better_than_the_best() -> None:
    belief = believed(example_runs(), 64)
    rates = np.log(0.01 / 64) + np.array([-2.0, 0.0, 2.0])
    low, best, high = [belief.certainty(x).within(0.05) for x in rates]
    assert best > low and best > high
    assert min(belief.certainty(x).regret.min() for x in rates) >= 0


def test_a_horizon_without_runs_is_less_sure_than_one_with_runs() -> None:
    runs = example_runs()  # up to 64
    seen = believed(runs, 64).certainty(np.log(0.01 / 64))
    ahead = believed(runs, 1024).certainty(np.log(0.01 / 1024))
    assert ahead.within(0.05) < seen.within(0.05)
    assert ahead.mean > seen.mean


def test_without_a_law_nothing_is_believed() -> None:
    assert belief_of(find_chain([]), fit(RunTable.empty()), 64, CONSTANT) is None


def test_draws_follow_the_probabilities() -> None:
    p = np.zeros((2, 12, 3))
    p[0, 4, 1], p[1, 7, 2] = 0.25, 0.75
    belief = Belief(np.array([1.0, 2.0]), np.array([-7.0, -6.0, -5.0]), p, 0.1, 1.0, True)
    rng = np.random.default_rng(0)
    drawn = [belief.draw(rng) for _ in range(400)]
    assert set(drawn) == {Truth(1.0, 4, -6.0), Truth(2.0, 7, -5.0)}
    assert np.mean([truth.s == 2.0 for truth in drawn]) == pytest.approx(0.75, abs=0.1)


def test_losses_that_may_be_negative_count_by_their_level() -> None:
    p = np.full((1, 12, 1), 1 / 12)
    at = [
        Belief(np.ones(1), np.array([-5.0]), p, 0.1, level, False).certainty(-6.0).mean
        for level in (1.0, 10.0)
    ]
    assert at[0] == pytest.approx(10 * at[1])


def test_a_loss_beyond_all_numbers_is_a_large_regret() -> None:
    p = np.full((1, 12, 1), 1 / 12)
    belief = Belief(np.array([1e6]), np.array([-5.0]), p, 0.1, 1.0, True)
    assert np.isfinite(belief.certainty(5.0).regret).all()


def test_within_counts_equal_regrets() -> None:
    certainty = Certainty(np.array([0.0, 0.02]), np.array([0.5, 0.5]))
    assert certainty.within(0.02) == 1.0 and certainty.within(0.0199) == 0.5
