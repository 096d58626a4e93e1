"""Metrics of trackers as rows: steps that are missing, runs that restart, and other oddities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from optuna_kappa import RunTable
from optuna_kappa.imports.logged import LoggedRun, Series, cells_of
from optuna_kappa.runs.cells import Place
from optuna_kappa.runs.mapping import ColumnNames
from optuna_kappa.runs.reading import read_cells

Points = Sequence[tuple[float, float, float]]  # step, value, time


def logged(label: str, params: Mapping[str, object], **metrics: Points) -> LoggedRun:
    def read(name: str) -> Series:
        step, value, time = np.array(metrics[name], dtype=np.float64).reshape(-1, 3).T
        return Series(step, value, time)

    return LoggedRun(label, params, list(metrics), read)


def table(*runs: LoggedRun, **names: object) -> RunTable:
    cells, found = cells_of(runs, ColumnNames(**names))  # type: ignore[arg-type]
    return read_cells(cells, found, Place("value"))


def test_metrics_at_different_steps() -> None:
    rates = [(step, 0.1, step) for step in range(1, 9)]
    run = logged("a", {}, lr=rates, val_loss=[(4, 0.5, 4.5), (8, 0.4, 8.5)])
    found = table(run)
    assert found.loss[np.isfinite(found.loss)].tolist() == [0.5, 0.4]
    assert set(found.horizon.tolist()) == {8.0}


def test_a_run_that_restarts(caplog: pytest.LogCaptureFixture) -> None:
    """Its values are in the order of time, not of steps, and each metric is read apart."""
    steps = [1, 2, 3, 4, 3, 4, 5]
    loss = [(step, 1 / (time + 1), time) for time, step in enumerate(steps)]
    rate = [(step, 0.1, time + 0.5) for time, step in enumerate(steps)]
    found = table(logged("a", {}, lr=rate, loss=loss))
    assert found.step.tolist() == [1, 2, 3, 4, 5]
    assert found.loss.tolist() == [1, 1 / 2, 1 / 5, 1 / 6, 1 / 7]
    assert "1 run logged a range of steps twice" in caplog.text


def test_losses_without_steps(caplog: pytest.LogCaptureFixture) -> None:
    run = logged("a", {"lr": 0.1}, loss=[(0, 0.5, 1), (0, 0.4, 2), (0, 0.3, 3)])
    assert table(run).step.tolist() == [1, 2, 3]
    assert "logged without steps in 1 of 1 runs" in caplog.text


def test_one_loss_a_run_without_a_step() -> None:
    runs = [logged(name, {"lr": 0.1, "epochs": 8}, loss=[(0, 0.5, 1)]) for name in "ab"]
    for horizon in ("epochs", 8.0):
        assert table(*runs, horizon=horizon).step.tolist() == [8, 8]
    with pytest.raises(ValueError, match="nothing tells how long the runs were: give their"):
        table(*runs)


def test_a_metric_counts_the_steps() -> None:
    epochs = [(100, 1, 1), (200, 2, 2)]
    run = logged("a", {"lr": 0.1}, epoch=epochs, loss=[(100, 0.5, 1), (200, 0.4, 2)])
    assert table(run, step="epoch").step.tolist() == [1, 2]
    with pytest.raises(ValueError, match="'lr' is no metric; the metrics are epoch, loss"):
        table(run, step="lr")


def test_epochs_from_0(caplog: pytest.LogCaptureFixture) -> None:
    epochs = [(49, 0, 1), (99, 0, 2), (149, 1, 3), (199, 1, 4)]
    run = logged("a", {"lr": 0.1}, epoch=epochs, loss=[(99, 0.5, 2), (199, 0.4, 4)])
    assert table(run, step="epoch").step.tolist() == [1, 2]
    assert "'epoch' is counted from 0: it is read one later" in caplog.text


def test_a_rate_that_only_some_runs_log() -> None:
    falling = [(step, 0.1 * (1 - step / 10), step) for step in range(1, 11)]
    loss = [(step, 1 / step, step) for step in range(1, 11)]
    found = table(
        logged("a", {"learning_rate": 0.1}, learning_rate=falling, loss=loss),
        logged("b", {"learning_rate": "0.2"}, loss=loss),
    )
    assert dict(zip(found.run, found.schedule, strict=True)) == {"a": "linear", "b": "constant"}
    assert found.lr[found.run == "b"].tolist() == [0.2] * 10
    assert not found.context


def test_a_rate_that_is_no_number() -> None:
    with pytest.raises(ValueError, match="row|value 0: lr must be a number, but is 'auto'"):
        table(logged("a", {"lr": "auto"}, loss=[(1, 0.5, 1)]))


def test_the_loss_is_asked_for_where_several_may_be_it() -> None:
    points = [(1.0, 0.5, 1.0)]
    run = logged("a", {"lr": 0.1}, **{"val_loss": points, "eval/loss": points})
    with pytest.raises(ValueError, match="several columns may be the loss: val_loss, eval/loss"):
        table(run)
    assert table(run, loss="eval/loss").loss.tolist() == [0.5]


def test_what_is_missing_names_what_there_is() -> None:
    run = logged("a", {"width": 8}, acc=[(1, 0.5, 1)])
    with pytest.raises(ValueError, match="'lr' is missing; the columns are run, step, width, acc"):
        table(run)
    with pytest.raises(ValueError, match="no run has logged 'width'; the metrics are acc"):
        table(run, lr="width", loss="width")
