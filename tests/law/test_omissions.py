"""What is left out of a fit is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated import Simulated, grid, joined, table

from optuna_kappa import RunTable
from optuna_kappa.law import omissions

PROBLEM = Simulated(slope=0.7)
CONSTANT = PROBLEM.runs(grid())
COSINE = joined(*(PROBLEM.final(grid(), h, "cosine", mean=0.5) for h in (4, 16, 64)))
NAN = np.nan


@pytest.mark.parametrize(
    "runs", [CONSTANT, COSINE, joined(CONSTANT, COSINE), Simulated(diverges=2.0).runs(grid())]
)
def test_nothing_is_left_out_of_good_tables(runs: RunTable) -> None:
    assert omissions(runs) == []


@pytest.mark.parametrize("horizon", [100.0, 7200.0])
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_run_that_is_alone_is_named(horizon: float, schedule: str) -> None:
    good = CONSTANT if schedule == "constant" else COSINE
    odd = table(["odd"], 1e-3, horizon, horizon, 1.0, schedule)
    (note,) = omissions(joined(good, odd))
    assert "run '1:odd'" in note
    assert f"at {horizon:g}" in note


@pytest.mark.parametrize("n", [1, 2, 7])
def test_scheduled_runs_that_ended_early_are_named(n: int) -> None:
    short = np.arange(len(COSINE)) < n
    (note,) = omissions(replace(COSINE, step=np.where(short, 1.0, COSINE.step)))
    assert "1 of 4" in note
    assert "4/5 of its horizon" in note
    assert ("4 more" in note) == (n == 7)


def test_a_table_without_any_loss_is_not_passed_over() -> None:
    (note,) = omissions(replace(CONSTANT, loss=np.full(len(CONSTANT), NAN)))
    assert "7 more are left out: no loss is finite" in note


def test_gaps_are_counted() -> None:
    rows = np.arange(len(CONSTANT))
    (note,) = omissions(replace(CONSTANT, loss=np.where(rows % 3 == 0, NAN, CONSTANT.loss)))
    assert note.startswith(f"{np.count_nonzero(rows % 3 == 0)} of {len(rows)} rows have no loss")


def test_a_run_without_any_loss_among_runs_with_gaps_is_named() -> None:
    rows = np.arange(len(CONSTANT))
    gappy = replace(CONSTANT, loss=np.where(rows % 2 == 0, NAN, CONSTANT.loss))
    silent = table(["silent"], 1e-3, 64, 1, NAN)
    notes = omissions(joined(gappy, silent))
    assert len(notes) == 2
    assert "run '1:silent' is left out" in notes[1]
