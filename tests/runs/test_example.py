"""The run table that examples start from has the law that it promises."""

from __future__ import annotations

import math

import numpy as np
import pytest

from optuna_kappa import fit
from optuna_kappa.runs import example_runs
from optuna_kappa.schedules import as_schedule


def test_one_row_for_each_run() -> None:
    runs = example_runs(horizons=[1, 4, 16])
    assert len(runs) == len(np.unique(runs.run)) == 3 * 6
    np.testing.assert_array_equal(runs.step, runs.horizon)
    assert set(runs.schedule.tolist()) == {"constant"}
    assert runs.context == {}


def test_the_same_table_each_time() -> None:
    np.testing.assert_array_equal(example_runs().loss, example_runs().loss)


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("schedule", ["constant", "cosine(warmup=0.1)", "step(period=2)"])
def test_losses_are_least_at_the_optimum(slope: float, schedule: str) -> None:
    runs = example_runs(slope, schedule, horizons=[2, 16])
    for horizon in (2, 16):
        here = runs.where(runs.horizon == horizon)
        optimum = 0.01 * horizon**-slope / as_schedule(schedule).resolve(horizon).mean
        expected = horizon**-0.3 * np.cosh(0.8 * np.log(here.lr / optimum))
        np.testing.assert_allclose(here.loss, expected)
        assert here.lr.min() < optimum < here.lr.max()


def test_the_law_is_found() -> None:
    law = fit(example_runs(slope=0.5))
    median, low, high = law.slope
    assert low < 0.5 < high
    assert median == pytest.approx(0.5, abs=0.15)
    assert math.log(law.propose(64).lr) == pytest.approx(math.log(0.01 / 8), abs=0.2)


def test_rejects() -> None:
    with pytest.raises(ValueError, match="horizon must be .* got 0: .*a whole run sees"):
        example_runs(horizons=[1, 0])
    with pytest.raises(ValueError, match="Did you mean 'cosine'"):
        example_runs(schedule="cosin")
