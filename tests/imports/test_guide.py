"""The commands of the guide on imports work as printed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from test_logs import few_runs, quietly, write_events, write_lightning, write_mlflow
from test_sources import chart, history, write_rows

from optuna_kappa.cli import main
from optuna_kappa.runs import example_runs
from optuna_kappa.study.example import example_study

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "bring-your-runs.md"

OBJECTIVE = """
def objective(trial):
    lr = trial.suggest_float("lr", 1e-6, 1e-1, log=True)
    for step in (64, 128, 256):
        trial.report(lr / step, step)
    return lr / step
"""


def commands() -> list[str]:
    blocks = re.findall(r"```\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("optuna-kappa ")]


def test_the_commands_of_the_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("mlflow", "tensorboard", "torch"):
        pytest.importorskip(library)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPTUNA_STORAGE", raising=False)

    runs = few_runs()
    rows = history(runs)
    for row in rows:
        row["max_steps"] = 32 if row["Name"].startswith("calm-1") else 8
    write_rows(Path("history.csv"), rows)
    write_rows(Path("chart.csv"), chart(runs, with_rates=True))
    with quietly(monkeypatch):
        write_mlflow("sqlite:///mlflow.db", runs)
        write_events(Path("runs"), runs, hparams=True)
    write_lightning(Path("lightning_logs"), runs, lambda p: 0.0)
    example_runs(horizons=[16, 64]).to_csv("runs.csv")
    example_study("sqlite:///my.db")
    Path("train.py").write_text(OBJECTIVE)

    lines = commands()
    assert len(lines) >= 10
    for line in lines:
        assert main(shlex.split(line)[1:]) == 0, line
