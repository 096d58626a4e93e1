"""The command line, on tables and on studies."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from simulated import AT_LARGEST, LARGEST, Simulated, grid, joined

from optuna_kappa import Law, RunTable, fit, read_csv
from optuna_kappa.backtest import METHODS, backtest
from optuna_kappa.cli.main import main
from optuna_kappa.study.storage import open_database


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("runs") / "runs.csv.gz"
    Simulated(noise=0.01).runs(grid()).to_csv(path)
    return str(path)


def widths(n: int = 2) -> RunTable:
    """Groups of a schedule without a shape, at three horizons."""
    parts = []
    for i in range(n):
        problem = Simulated(noise=0.01, seed=i)
        part = joined(*(problem.final(grid(), LARGEST / 3**k, "warm-1e-5") for k in range(3)))
        column = np.full(len(part), f"{64 * 2**i}")
        parts.append(replace(part, context={"width": column, "a-long-column-name": column}))
    return joined(*parts)


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("runs") / "grouped.csv"
    widths().to_csv(path)
    return str(path)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('studies') / 'my.db'}"
    kept = open_database(url)
    problem = Simulated(noise=0.01)

    def objective(trial: optuna.Trial) -> float:
        lr = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
        for step in range(1, 65):
            trial.report(problem.loss(lr, step), step)
        return problem.loss(lr, 64)

    sampler = optuna.samplers.GridSampler({"rate": grid(8, -2.5, 2.5).tolist()})
    optuna.create_study(study_name="mine", storage=kept, sampler=sampler).optimize(objective)
    kept.engine.dispose()
    return url


def output(arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    assert main(arguments.split()) == 0
    out, err = capsys.readouterr()
    if "--json" not in arguments:
        # The name of a file that was written may be long, and is not broken into lines.
        lines = [line for line in (out + err).splitlines() if not line.startswith("wrote the ")]
        assert max(map(len, lines), default=0) <= 80
    return out, err


def answer(arguments: str, capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(output(f"{arguments} --json", capsys)[0])


def test_fit(runs: str, capsys: pytest.CaptureFixture[str]) -> None:
    law = fit(read_csv(runs))
    out, err = output(f"fit {runs}", capsys)
    assert err == ""
    assert "All runs: 10 runs" in out
    assert "horizon    best lr  s.e. factor      kappa" in out
    assert f"slope {law.slope[0]:.2f}, 90 % interval" in out
    assert "holds: the optimum falls as horizon^-slope" in out
    (group,) = answer(f"fit {runs}", capsys)["groups"]
    assert group["context"] == {}
    assert group["slope"]["median"] == law.slope[0]
    assert group["verdict"]["word"] == "holds"
    assert group["checks"]["left_out"] == law.checks.left_out
    assert f"coefficient of variation {law.checks.kappa_cv:.2f}" in out
    assert [one["horizon"] for one in group["optima"]] == [o.horizon for o in law.optima]
    for one in group["optima"]:
        assert one["kappa"] == pytest.approx(one["lr"] * one["horizon"])


def test_a_schedule_without_a_shape_has_no_kappa(
    grouped: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = output(f"fit {grouped} --context width", capsys)
    assert "the shape of the schedule warm-1e-5 is not known" in err
    assert "width=128: 30 runs\n\n  warm-1e-5\n" in out
    groups = answer(f"fit {grouped} --context width", capsys)["groups"]
    assert [group["context"] for group in groups] == [{"width": "128"}, {"width": "64"}]
    assert {one["kappa"] for group in groups for one in group["optima"]} == {None}


def test_a_note_says_what_else_varies(grouped: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, err = output(f"backtest {grouped}", capsys)
    assert "the runs also differ in width, a-long-column-name" in err
    one = output(f"backtest {grouped} --where width=64.0", capsys)
    assert one[1] == ""


def test_a_saved_law_proposes_the_same(
    runs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    law = tmp_path / "law.json"
    output(f"fit {runs} --save {law}", capsys)
    saved = answer(f"propose --law {law} --horizon 128 --schedule cosine", capsys)
    assert saved == answer(f"propose {runs} --horizon 128 --schedule cosine", capsys)
    (one,) = saved["proposals"]
    proposal = Law.from_json(law.read_text()).propose(128.0, "cosine")
    assert one["lr"] == proposal.lr
    assert one["kappa"] == pytest.approx(proposal.lr * 128 / 2)
    assert one["verdict"]["word"] == "holds"


def test_propose_for_several_horizons_and_groups(
    grouped: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = f"propose {grouped} --context width --horizon 64 128"
    out, _ = output(arguments, capsys)
    assert out.count("90 % interval") >= 2
    assert "width=64, warm-1e-5" in out
    proposals = answer(arguments, capsys)["proposals"]
    assert [(p["context"]["width"], p["horizon"]) for p in proposals] == [
        ("128", 64),
        ("128", 128),
        ("64", 64),
        ("64", 128),
    ]
    for one in proposals:
        assert one["low"] < one["lr"] < one["high"]
        assert one["lr"] == pytest.approx(AT_LARGEST * 64 / one["horizon"], rel=0.25)


def test_a_horizon_far_beyond_the_runs_is_told(
    runs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, err = output(f"propose {runs} --horizon {LARGEST * 4:g}", capsys)
    assert err == ""
    far = f"propose {runs} --horizon {LARGEST * 4:g} {LARGEST * 1e9:g} {LARGEST * 1e6:g}"
    _, err = output(far, capsys)
    told = " ".join(err.split())
    assert told.startswith(f"note: horizon {LARGEST * 1e6:g} is 1,000,000 times that of the lon")
    assert "decades there and says nothing useful" in told and told.count("note: ") == 1

    proposal = fit(read_csv(runs)).propose(LARGEST * 1e6)
    spanned = np.log10(proposal.high / proposal.low)
    assert f"spans {spanned:.0f} decades" in told


def test_groups_without_a_proposal_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = Simulated().final(grid(1), LARGEST, "warm-1e-5")
    alone = replace(alone, context={"width": np.array(["narrow"])})
    joined(widths(), alone).to_csv(tmp_path / "runs.csv")
    out, err = output(f"propose {tmp_path}/runs.csv --context width --horizon 64", capsys)
    assert "width=narrow" not in out
    assert "note: width=narrow: the law has nothing to start from" in err


def test_horizons_in_epochs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = Simulated().runs(grid(), first=1.0)
    table = replace(table, horizon=1000 * table.horizon, step=1000 * table.step)
    path = tmp_path / "epochs.csv"
    replace(table, context={"epoch": np.full(len(table), "1000")}).to_csv(path)
    (one,) = answer(f"propose {path} --horizon 24", capsys)["proposals"]
    assert one["horizon"] == 24_000
    (group,) = answer(f"backtest {path} --hide 64 --fit-up-to 16", capsys)["groups"]
    assert (group["hidden"], group["last"]) == pytest.approx((64_000, 16_000))


def test_backtest(grouped: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = f"backtest {grouped} --context width,a-long-column-name"
    expected = backtest(read_csv(grouped), ["width", "a-long-column-name"])
    assert answer(arguments, capsys) == expected.to_dict()
    out, err = output(arguments, capsys)
    assert err == ""
    assert "width, a-long-column-name" in out
    assert "Regret in %, 2 groups" in out
    assert "held the optimum in" in out
    for method in METHODS:
        assert any(line.startswith(method) for line in out.splitlines())


def test_of_many_groups_the_worst_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "many.csv"
    widths(22).to_csv(path)
    arguments = f"backtest {path} --context width"
    out, _ = output(arguments, capsys)
    assert "... and 12 groups where the law lost less; --all shows them" in out
    every, _ = output(f"{arguments} --all", capsys)
    assert len(every.splitlines()) == len(out.splitlines()) + 11


def test_figures(
    runs: str, grouped: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "law.html"
    output(f"fit {runs} --figure {page}", capsys)
    assert page.read_text().count('class="figure"') == 2
    arguments = f"propose {grouped} --context width --horizon 128 --unit epochs"
    output(f"{arguments} --figure {page}", capsys)
    text = page.read_text()
    assert text.count('class="figure"') == 4
    assert "horizon (epochs)" in text


def test_a_study(storage: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path(storage.removeprefix("sqlite:///")).read_bytes()
    for arguments in (
        f"--storage {storage} --lr rate",
        f"--storage {storage} --study mine --lr rate",
    ):
        (one,) = answer(f"propose {arguments} --horizon 128", capsys)["proposals"]
        assert one["lr"] == pytest.approx(AT_LARGEST / 2, rel=0.3)
    (group,) = answer(f"backtest --storage {storage} --lr rate", capsys)["groups"]
    assert (group["schedule"], group["hidden"]) == ("constant", 64)
    trained = f"fit --storage {storage} --lr rate --trained-with cosine"
    assert {o["schedule"] for o in answer(trained, capsys)["groups"][0]["optima"]} == {"cosine"}
    assert Path(storage.removeprefix("sqlite:///")).read_bytes() == before


def test_as_a_program(runs: str) -> None:
    installed = Path(sys.executable).with_name("optuna-kappa")
    command = [str(installed)] if installed.exists() else [sys.executable, "-m", "optuna_kappa"]
    done = subprocess.run([*command, "fit", runs], capture_output=True, text=True, check=True)
    assert "holds: " in done.stdout
    assert done.stderr == ""


def test_a_reader_that_leaves_is_no_error(runs: str) -> None:
    code = f"""
import os, sys
from optuna_kappa.cli import main
read, write = os.pipe()
os.close(read)
os.dup2(write, 1)
sys.exit(main(["fit", {runs!r}]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (141, "")
