from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optuna_kappa.psi import curves_of, planned
from optuna_kappa.runs import RunTable
from optuna_kappa.schedules import Schedule, constant, cosine, step, wsd


@pytest.mark.parametrize("schedule", [constant(), cosine(), cosine(warmup=0.1), wsd(), step(n=4)])
def test_kappa_is_that_of_the_schedule(schedule: Schedule) -> None:
    curve = planned(schedule, lr=0.2, horizon=1000)
    assert curve.kappa[-1] == pytest.approx(schedule.kappa(0.2, 1000), rel=0.02)
    assert curve.step[-1] == 1000
    assert not curve.measured.any()


def test_losses_are_where_they_were_measured() -> None:
    curve = planned(cosine(), 0.1, 800, steps=[3, 400, 800], losses=[3, 2, 1])
    assert curve.step[curve.measured].tolist() == [3, 400, 800]
    assert curve.loss[curve.measured].tolist() == [3, 2, 1]
    assert (curve.rate > 0).all()


def table(**changes: Any) -> RunTable:
    columns: dict[str, Any] = {
        "run": ["a", "b", "c", "d"],
        "lr": [0.1, 0.1, 0.2, 3.0],
        "schedule": ["constant", "constant", "cosine", "constant"],
        "horizon": [10, 10, 10, 10],
        "step": [10, 10, 10, 10],
        "loss": [1.0, 3.0, 1.5, 2.5],
    }
    return RunTable.from_columns(columns | changes)


def test_seeds_are_averaged_and_far_rates_left_out() -> None:
    curves, note = curves_of(table())
    assert [curve.loss[curve.measured].tolist() for curve in curves] == [[2.0], [1.5]]
    assert "1 of 3 plans" in note


def test_runs_that_diverged_are_left_out() -> None:
    curves, _ = curves_of(table(loss=[1.0, 3.0, np.nan, 2.5]))
    assert [curve.name for curve in curves] == ["constant, lr 0.1, horizon 10"]


@pytest.mark.parametrize(
    "changes", [{"schedule": ["mine"] * 4}, {"loss": [np.nan] * 4}, {"loss": [-1.0] * 4}]
)
def test_nothing_to_use(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no run can be used"):
        curves_of(table(**changes))
