"""What full runs are expected to lose, and which to try next."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from simulated import AT_LARGEST, LARGEST, Simulated, grid, joined, table

from optuna_kappa import RunTable, fit
from optuna_kappa.law.observations import observe
from optuna_kappa.law.optimum import find_chain
from optuna_kappa.runs import example_runs
from optuna_kappa.search.at_horizon import link_at
from optuna_kappa.search.surrogate import Surrogate, surrogate

BEST = math.log(AT_LARGEST)
LOW, HIGH = BEST - 5.0, BEST + 4.0
SHORT = Simulated().runs(grid(19), horizon=LARGEST / 4)


def full(*offsets: float, problem: Simulated = Simulated()) -> RunTable:  # noqa: B008
    """Full runs at ln lr this far from the best."""
    return problem.final(AT_LARGEST * np.exp(np.array(offsets)), LARGEST)


def expected(
    runs: RunTable, low: float = LOW, high: float = HIGH, schedule: str = "constant"
) -> Surrogate:
    return surrogate(find_chain(observe(runs)), fit(runs), LARGEST, schedule, low, high)


def test_without_full_runs_it_follows_the_law() -> None:
    found = expected(SHORT)
    assert found.best == pytest.approx(math.log(fit(SHORT).propose(LARGEST).lr), abs=0.1)
    assert found.next_to_try([]) == found.best
    assert found.weight.sum() == pytest.approx(1.0)


def test_full_runs_overrule_a_wrong_law() -> None:
    """The short runs are of a problem whose optimum is 20 times as high."""
    wrong = replace(SHORT, lr=20 * SHORT.lr)
    before = expected(wrong).best - BEST
    after = expected(joined(wrong, full(-2.0, -1.0, 0.0, 1.0, 2.0))).best - BEST
    assert before > 2.0
    assert abs(after) < 0.3


def test_the_next_runs_bracket_the_best() -> None:
    found = expected(SHORT)
    tried = [found.next_to_try([])]
    for _ in range(2):
        tried.append(found.next_to_try(tried))
    centre, first, second = tried
    assert (first - centre) * (second - centre) < 0
    for side in (first, second):
        assert 0.2 < abs(side - centre) < 2.0


def test_runs_that_are_running_are_not_repeated() -> None:
    found, tried = expected(SHORT), list[float]()
    for _ in range(6):
        tried.append(found.next_to_try([], running=tried))
    assert np.diff(sorted(tried)).min() > 0.05


def test_it_stays_in_the_range() -> None:
    for low, high in ((BEST + 2.0, BEST + 4.0), (BEST - 5.0, BEST - 3.0), (BEST, BEST)):
        for runs in (SHORT, joined(SHORT, full(-1.0, 0.0, 1.0))):
            found = expected(runs, low, high)
            for lr in (found.best, found.next_to_try([]), found.next_to_try([low])):
                assert low <= lr <= high


def test_more_full_runs_find_the_best_in_noise() -> None:
    misses = []
    for seed in range(10):
        noisy = Simulated(noise=0.02, seed=seed)
        offsets = np.random.default_rng(seed).uniform(-1.5, 1.5, 12)
        runs = joined(noisy.runs(grid(9), horizon=LARGEST / 4), full(*offsets, problem=noisy))
        misses.append(abs(expected(runs).best - BEST))
    assert np.median(misses) < 0.2


def test_many_full_runs_stay_at_the_best() -> None:
    """However little there is left to gain, the next run is not somewhere else."""
    noisy = Simulated(noise=0.02)
    runs, tried = noisy.runs(grid(9), horizon=LARGEST / 4), list[float]()
    for number in range(60):
        found = expected(runs)
        tried.append(found.next_to_try(tried) - BEST)
        again = full(tried[-1], problem=replace(noisy, seed=number))
        runs = joined(runs, again)
    assert np.abs(tried[10:]).max() < 1.0
    assert np.median(np.abs(tried[10:])) < 0.4


def test_a_schedule_has_its_own_runs() -> None:
    cosine = Simulated().final(np.exp(BEST + np.array([-0.5, 0.7, 1.9])), LARGEST, "cosine", 0.5)
    runs = joined(SHORT, cosine)
    found = expected(runs, schedule="cosine")
    assert found.best == pytest.approx(BEST + math.log(2.0), abs=0.35)


@pytest.mark.parametrize(
    ("horizon", "expected"), [(64, 64.0), (62, 64.0), (75, 64.0), (85, None), (200, None)]
)
def test_link_at_takes_horizons_that_are_nearly_the_same(
    horizon: float, expected: float | None
) -> None:
    chain = find_chain(observe(example_runs(horizons=[1, 8, 64])))
    link = link_at(chain, "constant", horizon)
    assert (link and link.seen.horizon) == expected
    assert link_at(chain, "cosine", horizon) is None


def test_nothing_beyond_a_clearly_bad_rate_is_tried() -> None:
    """Far beyond it the loss is unknown, so the standard deviation alone promises a gain there."""
    x = np.linspace(LOW, HIGH, 91)
    vague = np.where(np.abs(x - BEST) > 1.5, 10.0, 0.01)
    loss = ((x - BEST) ** 2)[None]
    found = Surrogate(x, np.ones(1), loss, vague)
    assert abs(found.next_to_try([BEST]) - BEST) > 1.5
    found = replace(found, ends=(BEST - 1.0, BEST + 1.0))
    assert abs(found.next_to_try([BEST]) - BEST) <= 1.0
    # A range that lies beyond the ends altogether is searched all the same.
    found = replace(found, ends=(HIGH + 1.0, math.inf))
    assert LOW <= found.next_to_try([BEST]) <= HIGH


def test_a_rate_known_to_be_bad_is_not_tried_again_and_again() -> None:
    """Noisy losses of a flat valley with a cliff on its right side, and rates beyond the cliff."""
    lrs = [7.4e-4, 1.6e-3, 1.9e-3, 2.4e-3, 2.5e-3, 3.0e-3, 3.5e-3, 3.5e-3, 3.6e-3, 3.7e-3, 7.1e-3]
    losses = [0.480, 0.465, 0.485, 0.469, 0.463, 0.475, 0.484, 0.466, 0.448, 0.459, 0.620]
    for bad_lr, bad_loss in ((0.017, 0.80), (0.018, 0.75), (0.019, 0.86)):
        names = [f"{i}" for i in range(len(lrs))]
        found = expected(table(names, lrs, LARGEST, LARGEST, losses), low=math.log(1e-5))
        tried = np.log(lrs).tolist()
        assert 1e-3 < math.exp(found.next_to_try(tried)) < 7.2e-3
        # It is the ends that keep it from there.
        anywhere = replace(found, ends=(-math.inf, math.inf))
        assert math.exp(anywhere.next_to_try(tried)) > 7.2e-3
        lrs, losses = [*lrs, bad_lr], [*losses, bad_loss]
