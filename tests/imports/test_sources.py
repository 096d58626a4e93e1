"""Files as tools write them: the law is that of the same runs as a run table."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulated import Simulated, grid

from optuna_kappa import RunTable, fit
from optuna_kappa.cli import main
from optuna_kappa.imports import read_source
from optuna_kappa.imports.databases import is_optuna
from optuna_kappa.runs.mapping import ColumnNames
from optuna_kappa.schedules import parse


def example() -> RunTable:
    return Simulated(noise=0.1).runs(grid())


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    header = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, header, restval="")
        writer.writeheader()
        writer.writerows(rows)


def history(runs: RunTable) -> list[dict[str, Any]]:
    """Rows of a history: the training loss is logged in rows of its own."""
    rows: list[dict[str, Any]] = []
    for run, lr, step, loss in zip(runs.run, runs.lr, runs.step, runs.loss, strict=True):
        common = {"_step": step, "_runtime": 3 * step, "Name": f"calm-{run}", "learning_rate": lr}
        rows.append(common | {"train/loss": loss - 0.1})
        rows.append(common | {"val/loss": loss})
    return rows


def test_a_history_with_gaps(tmp_path: Path) -> None:
    runs = example()
    write_rows(tmp_path / "wandb.csv", history(runs))
    table = read_source(tmp_path / "wandb.csv")
    assert fit(table).to_json() == fit(runs).to_json()
    assert list(table.context) == []  # what changes within a run is a metric


def test_a_run_that_logs_a_range_of_steps_twice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runs = example()
    rows = history(runs)
    first_end = next(i for i, row in enumerate(rows) if row["Name"] != rows[0]["Name"])
    # It had gone on, with other losses, and was restarted from its middle.
    lost = [row | {"val/loss": 9.0} for row in rows[first_end // 2 : first_end - 2]]
    write_rows(tmp_path / "wandb.csv", rows[: first_end // 2] + lost + rows[first_end // 2 :])
    assert fit(read_source(tmp_path / "wandb.csv")).to_json() == fit(runs).to_json()
    assert "1 run logged a range of steps twice" in caplog.text


@pytest.mark.parametrize("name", ["cosine(warmup=0.1)", "linear", "wsd(warmup=0.1, decay=0.3)"])
def test_the_current_rate_in_place_of_the_base_rate(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    shape = parse(name).resolve(1.0)
    rows = []
    for i, lr in enumerate(grid()):
        for step in np.arange(1.0, 65.0):
            current = lr * shape(step / 64)
            rows.append({"run": i, "lr": current, "_step": step, "loss": 1 + lr + 1 / step})
    write_rows(tmp_path / "wandb.csv", rows)
    table = read_source(tmp_path / "wandb.csv")
    assert set(table.schedule.tolist()) == {name}
    np.testing.assert_allclose(np.unique(table.lr), grid(), rtol=1e-4)
    assert "'lr' changes within 10 of 10 runs: it is the current rate" in caplog.text


def chart(runs: RunTable, with_rates: bool) -> list[dict[str, Any]]:
    """Rows of a chart export: a column for each run."""
    rows: dict[float, dict[str, Any]] = {}
    for run, lr, step, loss in zip(runs.run, runs.lr, runs.step, runs.loss, strict=True):
        name = f"calm-{run}" if with_rates else f"calm-{run}-lr={float(lr)!r}"
        row = rows.setdefault(float(step), {"Step": step})
        for ending in ("", "__MIN", "__MAX"):
            row[f"{name} - val/loss{ending}"] = loss
            if with_rates:
                row[f"{name} - lr{ending}"] = lr
    return [rows[step] for step in sorted(rows)]


@pytest.mark.parametrize("with_rates", [True, False])
def test_a_chart_export(tmp_path: Path, with_rates: bool) -> None:
    runs = example()
    write_rows(tmp_path / "chart.csv", chart(runs, with_rates))
    assert fit(read_source(tmp_path / "chart.csv")).to_json() == fit(runs).to_json()


@pytest.mark.parametrize(
    ("header", "loss", "message"),
    [
        ("Step,a - x,b - x", None, "the chart export has no learning rates"),
        ("Step,a - x,a - y", None, "several metrics: x, y; choose the loss by --loss"),
        ("Step,a - x,a - y", "z", "the chart export has no metric 'z', only x, y"),
    ],
)
def test_a_chart_export_that_says_too_little(
    tmp_path: Path, header: str, loss: str | None, message: str
) -> None:
    path = tmp_path / "chart.csv"
    path.write_text(f"{header}\n1,0.5,0.4\n")
    with pytest.raises(ValueError, match=message):
        read_source(path, ColumnNames(loss=loss))


def test_a_parquet_file(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    runs = example()
    columns = ("run", "lr", "schedule", "horizon", "step", "loss")
    table = pyarrow.table({name: getattr(runs, name).tolist() for name in columns})
    parquet.write_table(table, tmp_path / "runs.parquet")
    assert fit(read_source(tmp_path / "runs.parquet")).to_json() == fit(runs).to_json()

    (tmp_path / "cut.parquet").write_bytes((tmp_path / "runs.parquet").read_bytes()[:100])
    with pytest.raises(ValueError, match="cannot read the run table .*cut.parquet: "):
        read_source(tmp_path / "cut.parquet")


@pytest.mark.parametrize("command", ["fit", "backtest", "propose"])
def test_the_commands_take_a_mapping(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    runs = example()
    runs.to_csv(tmp_path / "runs.csv")
    text = (tmp_path / "runs.csv").read_text()
    header = "Name,learning_rate,shape,max_steps,_step,val/loss"
    (tmp_path / "renamed.csv").write_text(header + text[text.index("\n") :])
    horizon = "--horizon-column" if command == "propose" else "--horizon"
    mapping = "--lr learning_rate --step _step --loss val/loss --run Name --schedule-column shape"
    planned = "--horizon 256" if command == "propose" else ""

    assert main(f"{command} {tmp_path}/runs.csv --json {planned}".split()) == 0
    expected = capsys.readouterr()
    words = f"{command} {tmp_path}/renamed.csv --json {planned} {mapping} {horizon} max_steps"
    assert main(words.split()) == 0
    assert capsys.readouterr() == expected


def test_a_file_of_brackets_is_no_storage(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    path.write_text("[" * 100_000)
    assert not is_optuna(str(path))
