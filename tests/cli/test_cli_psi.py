"""The commands `psi` and `schedule`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from optuna_kappa.cli import main
from optuna_kappa.psi import LossLaw, Psi, planned
from optuna_kappa.runs import RunTable
from optuna_kappa.schedules import constant, linear

VALUES = np.array([2.0, -1.0, -0.7, -0.5, 3.0, 0.6, -0.6, 0.0, 0.3])
HORIZON = 1000.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run table of a known law, and loss curves of one peak."""
    path: Path = tmp_path_factory.mktemp("psi")
    law = LossLaw(VALUES, np.eye(9), 0.4, 20.0, 1e-4, 0.0)
    columns: dict[str, list[object]] = {
        name: [] for name in ("run", "lr", "schedule", "horizon", "step", "loss")
    }
    lines = ["run,step,rate,loss"]
    for schedule in (constant(), linear()):
        for lr in (0.05, 0.1, 0.2, 0.4):
            curve = planned(schedule, lr, HORIZON)
            for step, rate, loss in zip(curve.step, curve.rate, law.loss(curve), strict=True):
                row = (f"{schedule.name} {lr}", lr, schedule.name, HORIZON, step, loss)
                for name, value in zip(columns, row, strict=True):
                    columns[name].append(value)
                if lr == 0.1:
                    lines.append(f"{schedule.name},{step},{rate},{loss}")

    RunTable.from_columns(columns).to_csv(path / "runs.csv")  # type: ignore[arg-type]
    (path / "curves.csv").write_text("\n".join(lines))
    return path


def output(words: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(words.replace("FOLDER", str(folder)).split()) == 0
    return capsys.readouterr().out


def test_psi(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = f"psi {folder}/runs.csv --save {folder}/psi.json --figure {folder}/psi.html --json"
    assert main(words.split()) == 0
    out, err = capsys.readouterr()
    assert err == f"wrote the Psi {folder}/psi.json\nwrote the page {folder}/psi.html\n"
    results = json.loads(out)
    psi = Psi.from_json((folder / "psi.json").read_text())
    assert results["horizon"] == HORIZON
    assert results["formula"]["text"] == str(psi.formula)
    assert results["peak_lr"] == psi.peak_lr()
    assert "alpha = " in (folder / "psi.html").read_text()

    truth = LossLaw(VALUES, np.eye(9), 0.4, 20.0, 1e-4, 0.0)
    best = Psi.from_law(truth, HORIZON)
    ends = [
        truth.loss(planned(one.open_loop(), one.peak_lr(), HORIZON))[-1] for one in (psi, best)
    ]
    assert ends[0] == pytest.approx(ends[1], rel=5e-3)


def test_schedule(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = json.loads(output("schedule FOLDER/runs.csv --horizon 1000 --json", folder, capsys))
    names = [one["schedule"] for one in results["schedules"]]
    assert names[-1] in ("constant", "step(n=8)")
    assert {"psi(horizon=1000)", "cosine", "linear", "wsd(warmup=0)"} <= set(names)
    best = [one["probability_best"] for one in results["schedules"]]
    assert sum(best) == pytest.approx(1)

    out = output("schedule FOLDER/runs.csv --horizon 1000", folder, capsys)
    header, *rows = [line for line in out.splitlines() if line.startswith("  ")][:7]
    assert header.endswith("  P(best)")
    assert [row.split()[5] for row in rows] == [f"{one:.0%}" for one in best]
    assert "P(best): probability that the schedule ends lowest of these" in out


def test_loss_curves_of_one_peak(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = f"schedule {folder}/curves.csv --curve-warmup 0 --horizon 1000"
    assert main(words.split()) == 0
    shown = capsys.readouterr()
    assert "all runs have one peak rate" in shown.err
    assert shown.out.count("highest lr fitted") == 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("psi FOLDER/none.csv", "cannot read the run table"),
        ("psi", "give a run table"),
        ("psi FOLDER/runs.csv --context width", "--context is not for this command"),
        ("psi FOLDER/runs.csv --curve-warmup 3", "--curve-warmup is for loss curves"),
        ("psi FOLDER/curves.csv --curve-warmup -1", "warmup must be from 0"),
        ("schedule FOLDER/runs.csv --horizon -1", "must be positive and finite"),
        ("psi FOLDER/runs.csv --save FOLDER/runs.csv", "would overwrite the run table"),
    ],
)
def test_wrong_input_is_one_line(
    words: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.replace("FOLDER", str(folder)).split()) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err
    assert shown.err.startswith("error: ") and shown.err.count("\n") == 1


def test_a_psi_that_cannot_be_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["psi", f"{folder}/runs.csv", "--save", f"{folder}/no/psi.json"]) == 2
    assert f"cannot write the Psi {folder}/no/psi.json: " in capsys.readouterr().err
