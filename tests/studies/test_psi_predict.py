from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from studies.psi.__main__ import main


@pytest.fixture
def curves(tmp_path: Path) -> Path:
    """A constant run, one that decays and one of two stages; each fall gains a share of it."""
    lines = ["run,step,rate,loss"]
    step = np.arange(1, 41)
    rates = {
        "constant": np.full(40, 0.1),
        "decay": np.linspace(0.1, 0.01, 40),
        "stages": np.where(step < 20, 0.1, 0.03),
    }
    for name, rate in rates.items():
        loss = 2 + 0.5 * np.cumsum(rate) ** -0.5 - 2 * (0.1 - rate)
        lines += [f"{name},{s},{r},{x}" for s, r, x in zip(step, rate, loss, strict=True)]
    path = tmp_path / "curves.csv"
    path.write_text("\n".join(lines))
    return path


def test_json_has_every_run(curves: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--curves", str(curves), "--fit", "constant,decay", "--json"]) == 0

    data = json.loads(capsys.readouterr().out)
    assert list(data) == ["runs"]
    assert list(data["runs"]) == ["constant", "decay", "stages"]
    for scores in data["runs"].values():
        assert list(scores) == ["mean_relative_error", "worst_relative_error"]
        assert 0 <= scores["mean_relative_error"] <= scores["worst_relative_error"] < 0.1


def test_the_table_says_what_was_fitted(curves: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--curves", str(curves), "--fit", "constant,decay"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [
        "yes" in row for name in ("constant", "decay", "stages") for row in rows if name in row
    ]
    assert not any("stages" in row and "yes" in row for row in rows)


@pytest.mark.parametrize(
    ("names", "more", "message"),
    [
        ("none", [], "there is no run 'none'; the file has constant, decay, stages"),
        ("constant", [], "the rate must change"),
        (" , ", [], "--fit must name at least one run"),
        ("decay", ["--warmup", "-1"], "warmup must be from 0"),
        ("decay", ["--warmup", "nan"], "warmup must be from 0"),
    ],
)
def test_wrong_input_is_one_line(
    curves: Path,
    capsys: pytest.CaptureFixture[str],
    names: str,
    more: list[str],
    message: str,
) -> None:
    assert main(["predict", "--curves", str(curves), "--fit", names, *more]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ") and shown.err.count("\n") == 1
    assert message in shown.err
