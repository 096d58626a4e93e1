"""Missing losses: gaps are not divergences."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from simulated import Simulated, joined, table

from optuna_kappa import RunTable, fit, read_csv
from optuna_kappa.backtest import backtest
from optuna_kappa.runs.gaps import diverged_at, is_gap, without_gaps

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ([0.5, 0.4, 0.3, 0.2], INF),
        ([0.5, NAN, 0.4, 0.3], INF),
        ([NAN, NAN, 0.4, 0.3], INF),
        ([0.5, INF, 0.4, 0.3], INF),
        ([0.5, 0.4, NAN, NAN], 3.0),
        ([0.5, 0.4, 0.3, INF], 4.0),
        ([0.5, NAN, 0.3, NAN], 4.0),
        ([NAN, NAN, NAN, NAN], 1.0),
        ([0.5, 0.4, NAN, INF], 3.0),
    ],
)
def test_a_run_diverged_if_its_loss_does_not_come_back(loss: list[float], expected: float) -> None:
    assert diverged_at(np.arange(1.0, 5.0), np.array(loss)) == expected


@pytest.mark.parametrize(
    ("end", "loss_at_end", "expected"),
    [(35, NAN, INF), (39, NAN, INF), (40, NAN, 40.0), (45, NAN, 40.0), (31, INF, 31.0)],
)
def test_a_run_with_gaps_diverged_if_a_loss_that_was_due_is_missing(
    end: int, loss_at_end: float, expected: float
) -> None:
    step = np.arange(1.0, end + 1)
    loss = np.where(step % 10 == 0, 0.5, NAN)
    loss[30:] = NAN
    loss[-1] = loss_at_end
    runs = table(["a"] * end, 0.1, 100, step, loss)
    bad = ~np.isfinite(loss) & ~is_gap(runs)
    assert step[bad].min(initial=INF) == expected


def test_a_missing_loss_beside_a_loss_of_the_same_step_is_a_gap() -> None:
    assert diverged_at(np.array([1.0, 2.0, 2.0]), np.array([0.5, 0.4, NAN])) == INF


def test_a_table_without_gaps_stays_as_it_is() -> None:
    runs = Simulated(diverges=2.0, after=4.0).runs([1e-4, 1e-3, 1e-2])
    assert np.isnan(runs.loss).any()
    assert without_gaps(runs) is runs


def exported(every: int, diverges: float = INF) -> tuple[RunTable, RunTable]:
    """Runs with a loss at every so many steps, and the same with a row for each other step too."""
    problem = Simulated(slope=0.7, diverges=diverges, after=32.0)
    rates = np.geomspace(1e-4, 1e-1, 10)
    sparse, dense = [], []
    for lr in rates:
        step = np.arange(1.0, 65.0)
        loss = np.array([problem.loss(lr, one) for one in step])
        kept = step % every == 0
        sparse.append(table([f"{lr}"] * kept.sum(), lr, 64, step[kept], loss[kept]))
        dense.append(table([f"{lr}"] * 64, lr, 64, step, np.where(kept, loss, NAN)))
    return joined(*sparse), joined(*dense)


@pytest.mark.parametrize("every", [2, 4, 8])
@pytest.mark.parametrize("diverges", [INF, 4.0])
def test_rows_without_a_loss_change_nothing(every: int, diverges: float) -> None:
    sparse, dense = exported(every, diverges)
    assert len(dense) > len(sparse)
    assert fit(dense).optima == fit(sparse).optima
    assert len(fit(sparse).optima) >= 3


@pytest.mark.parametrize("name", ["runs.csv", "runs.csv.gz"])
def test_an_empty_loss_in_a_file_is_a_gap(tmp_path: Path, name: str) -> None:
    sparse, dense = exported(4)
    dense.to_csv(tmp_path / "whole.csv")
    text = (tmp_path / "whole.csv").read_text().replace(",nan", ",")
    assert ",\n" in text
    data = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    assert fit(read_csv(tmp_path / name)).optima == fit(sparse).optima


def test_a_run_that_ended_before_its_first_loss_was_due_did_not_diverge() -> None:
    _, dense = exported(8)
    short = table(["short"] * 5, 2e-3, 64, np.arange(1, 6), [NAN] * 5)
    dead = table(["dead"] * 9, 9e-2, 64, np.arange(1, 10), [NAN] * 9)
    with_both = joined(dense, short, dead)
    left = {str(run).split(":")[1] for run in without_gaps(with_both).run}
    assert "dead" in left
    assert "short" not in left


def test_gaps_change_no_backtest() -> None:
    sparse, dense = exported(4)
    expected, found = backtest(sparse), backtest(dense)
    assert expected.tested
    assert [outcome.methods for outcome in found.tested] == [
        outcome.methods for outcome in expected.tested
    ]
