"""What pruners do to a stream of trials, by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from optuna.distributions import FloatDistribution
from simulated import Simulated, grid

from optuna_kappa.schedules import constant
from studies.replay.objective import Curve, Objective
from studies.replay.pruning import Outcome, Proposal, outcome, proposals, stated
from studies.replay.search import TOP_K
from studies.replay.table import prepare


class Fixed:
    """An objective of which only the target and the space are looked at."""

    horizon, epoch, schedule = 4.0, 1.0, constant()
    space = {"lr": FloatDistribution(1e-3, 1.0, log=True)}
    recorded: Sequence[Any] = ()

    def curve(self, *_: Any) -> Curve:
        raise AssertionError

    def regret(self, _: Any) -> float:
        raise AssertionError


FIXED: Objective = Fixed()


def proposal(lr: float, *losses: float, regret: float = 0.0) -> Proposal:
    return Proposal({"lr": lr}, Curve(np.arange(1.0, 5.0), np.array(losses)), regret)


# Five that the median pruner lets through to begin with, one that wins late, one that loses.
STREAM = [
    *(proposal(0.1, 3, 2.5, 2.2, 2 + i / 8, regret=0.5) for i in range(5)),
    proposal(0.01, 5, 4, 2, 1, regret=0.1),
    proposal(0.2, 6, 6, 6, 6, regret=5.0),
]


def test_nothing_pruned_is_nothing_lost() -> None:
    assert outcome(FIXED, STREAM, "none", 0) == Outcome(1, 1, 0, 0, 0, 0)


def test_the_median_pruner_ends_what_is_slow() -> None:
    found = outcome(FIXED, STREAM, "median", 0)
    assert (found.survival, found.survival_1pct) == (0, 0)
    assert found.regret == pytest.approx(1.5 / 1.1 - 1)
    assert found.regret_observed == pytest.approx(2 / 1 - 1)
    assert found.saved == pytest.approx(6 / 28)  # two trials end after 1 step of 4
    assert found.lr_shift == pytest.approx(np.log(10))


def test_a_trial_as_good_as_the_best_counts_too() -> None:
    stream = [*STREAM[:5], proposal(0.01, 5, 4, 2, 1), proposal(0.02, 1, 1, 1, 1.009)]
    found = outcome(FIXED, stream, "median", 0)
    assert (found.survival, found.survival_1pct) == (0, 1)
    assert found.regret_observed == pytest.approx(0.009)


@pytest.mark.parametrize(("pruner", "saved"), [("median:5", 6 / 28), ("median:6", 3 / 28)])
def test_a_setting_follows_a_colon(pruner: str, saved: float) -> None:
    assert outcome(FIXED, STREAM, pruner, 0).saved == pytest.approx(saved)


@pytest.mark.parametrize(("pruner", "kept"), [(TOP_K, 2), ("top-k:4", 4), ("top-k:100", 1)])
def test_top_k_keeps_one_of_k(pruner: str, kept: int) -> None:
    stream = [proposal(0.1 + i / 100, 1 + i, 1 + i, 1 + i, 1 + i) for i in range(16)]
    assert outcome(FIXED, stream, pruner, 0).saved == pytest.approx((16 - kept) * 3 / 64)


def test_what_is_stated_stands_beside_what_comes_of_it() -> None:
    found = stated(FIXED, STREAM, "kappa", 0)
    assert {one.number for one in found} <= {1, 2, 3, 4, 5, 6}  # nothing is said of the first
    assert {one.number for one in found if one.won} == {5}
    assert all(0 <= one.probability <= 1 for one in found)
    ended = [one for one in found if one.number == 6]
    assert len(ended) == 1 and ended[0].probability < 0.02


def test_top_k_keeps_the_best_eighth_of_the_first_epoch() -> None:
    stream = [proposal(0.1 + i / 100, 1 + i, 1 + i, 1 + i, 1 + i) for i in range(16)]
    stream[9] = proposal(0.5, 10, 5, 2, 0.5, regret=-0.2)
    found = outcome(FIXED, stream, TOP_K, 0)
    assert found.saved == pytest.approx(14 * 3 / 64)
    assert found.survival == 0
    assert found.regret_observed == pytest.approx(1 / 0.5 - 1)
    assert found.lr_shift == pytest.approx(np.log(0.1 / 0.5))


@pytest.mark.parametrize("pruner", ["none", "median", TOP_K])
def test_diverged_runs_cost_what_they_saw_and_never_win(pruner: str) -> None:
    nan = float("nan")
    stream = [proposal(0.9, 0.1, nan, nan, nan), *STREAM[:5]]
    found = outcome(FIXED, stream, pruner, 0)
    assert found.survival == (0 if pruner == TOP_K else 1)
    whole = 2 + 5 * 4
    costs = {"none": whole, "median": whole, TOP_K: 2 + 5}
    assert found.saved == pytest.approx(1 - costs[pruner] / whole)


def test_proposals_are_those_of_a_sampler_that_sees_all_ends() -> None:
    objective = prepare(Simulated().runs(grid(13)), None, None).objective
    stream = proposals(objective, "tpe", seed=0, n=30)
    again = proposals(objective, "tpe", seed=0, n=30)
    assert [p.params for p in stream] == [p.params for p in again]
    first, last = ([p.regret for p in part] for part in (stream[:10], stream[-10:]))
    assert np.median(last) < np.median(first)
    assert all(p.curve.steps[-1] == objective.horizon for p in stream)
