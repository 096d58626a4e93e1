"""Commands say what they leave out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from simulated import Simulated, grid, joined, table

from optuna_kappa.cli import main

PROBLEM = Simulated(slope=0.7)


def notes(capsys: pytest.CaptureFixture[str], path: Path) -> str:
    assert main(["fit", str(path)]) == 0
    return " ".join(capsys.readouterr().err.split())


def test_an_odd_run_is_named_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = table(["odd"], 1e-3, 7200, 7200, 1.0)
    joined(PROBLEM.runs(grid()), odd).to_csv(tmp_path / "runs.csv")
    assert notes(capsys, tmp_path / "runs.csv").count("run '1:odd' (at 7200) is left out") == 1


def test_empty_losses_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "runs.csv"
    runs = PROBLEM.runs(grid())
    runs.to_csv(path)
    header, *lines = path.read_text().splitlines()
    for i in range(0, len(lines), 2):
        lines[i] = lines[i].rpartition(",")[0] + ","
    path.write_text("\n".join([header, *lines]))
    assert f"{len(runs) // 2} of {len(runs)} rows have no loss" in notes(capsys, path)


def test_of_many_groups_a_few_notes_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "runs.csv"
    lines = ["run,lr,schedule,horizon,step,loss,width"]
    for width in range(9):
        for i, lr in enumerate(np.geomspace(1e-4, 1e-2, 5)):
            lines.append(f"{width}.{i},{lr},constant,8,8,{PROBLEM.loss(lr, 8)},{width}")
        lines.append(f"{width}.odd,0.001,constant,800,800,1.0,{width}")
    path.write_text("\n".join(lines))

    assert main(["fit", str(path), "--context", "width"]) == 0
    found = " ".join(capsys.readouterr().err.split())
    assert found.count("is left out") == 4
    assert "5 more notes" in found
