"""What is known before any run, on the command line."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optuna_kappa import fit, read_csv
from optuna_kappa.cli import main
from optuna_kappa.law import Prior, prior_for
from optuna_kappa.runs import example_runs

KNOWN = "--optimizer adam --passes 32"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("runs") / "runs.csv"
    example_runs(slope=0.6, horizons=[1, 8]).to_csv(path)
    return str(path)


def told(horizon: float) -> Prior:
    return prior_for(optimizer="adam", passes=32, horizon=horizon)


def output(arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments.split()) == 0
    return capsys.readouterr().out


def answer(arguments: str, capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(output(f"{arguments} --json", capsys))


def error(arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments.split()) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    return err


def test_fit_counts_passes_for_the_longest_run(
    runs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = fit(read_csv(runs), prior=told(8))
    (group,) = answer(f"fit {runs} {KNOWN}", capsys)["groups"]
    assert group["prior"] == "adaptive, repeated data"
    assert group["classes"] == expected.classes
    assert group["slope"]["median"] == expected.slope[0]


def test_propose_counts_them_for_the_planned_run(
    runs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = fit(read_csv(runs), prior=told(64))
    found = answer(f"propose {runs} --horizon 16 64 {KNOWN}", capsys)["proposals"]
    assert [one["lr"] for one in found] == [expected.propose(d).lr for d in (16, 64)]
    assert {one["prior"] for one in found} == {"adaptive, repeated data"}
    assert found[0]["classes"] == expected.classes


def test_planned_runs_in_epochs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = example_runs(slope=0.6, horizons=[1, 8])
    table = replace(table, horizon=1000 * table.horizon, step=1000 * table.step)
    table = replace(table, context={"epoch": np.full(len(table), "1000")})
    table.to_csv(tmp_path / "runs.csv")
    (one,) = answer(f"propose {tmp_path}/runs.csv --horizon 64 {KNOWN}", capsys)["proposals"]
    assert one["lr"] == fit(table, prior=told(64_000)).propose(64_000).lr


def test_a_named_prior(runs: str, capsys: pytest.CaptureFixture[str]) -> None:
    (group,) = answer(f"fit {runs} --prior bjorck", capsys)["groups"]
    assert group["prior"] == "bjorck"
    assert group["classes"] == fit(read_csv(runs), prior="bjorck").classes


def test_backtest(runs: str, capsys: pytest.CaptureFixture[str]) -> None:
    plain, copied, known = (
        answer(f"backtest {runs} --hide 8 {options}", capsys)
        for options in ("", "--prior copy", KNOWN)
    )
    assert [plain["prior"], copied["prior"]] == ["mixture", "copy"]
    assert known["prior"] == "adaptive, repeated data"
    lrs = [one["groups"][0]["methods"]["law"]["lr"] for one in (plain, copied)]
    assert lrs[0] < 0.8 * lrs[1]
    assert "The law's prior: copy.\n" in output(f"backtest {runs} --prior copy", capsys)


@pytest.mark.parametrize("command", ["fit RUNS", "propose RUNS --horizon 64"])
def test_what_is_printed(command: str, runs: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(output(f"{command} {KNOWN}".replace("RUNS", runs), capsys).split())
    assert re.search(r"your runs: \d+ % [a-z ]+, .*\(prior: adaptive, repeated data\)", text)


def test_a_saved_law_keeps_its_prior(
    runs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    law = f"{tmp_path}/law.json"
    output(f"fit {runs} {KNOWN} --save {law}", capsys)
    (one,) = answer(f"propose --law {law} --horizon 16", capsys)["proposals"]
    assert one["lr"] == fit(read_csv(runs), prior=told(8)).propose(16).lr
    assert one["prior"] == "adaptive, repeated data"
    for known in ("--prior paper", "--optimizer adam", "--passes 2"):
        assert "has the prior that it was fitted with" in error(
            f"propose --law {law} --horizon 16 {known}", capsys
        )


def test_the_page_says_where_the_prior_is_from(
    runs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output(f"fit {runs} --prior bjorck --figure {tmp_path}/law.html", capsys)
    page = (tmp_path / "law.html").read_text()
    assert "Prior: bjorck. Source: Bjorck et al. 2024, arXiv 2409.19913" in page
    # The legend has the weight of each class, after the runs and before.
    assert re.search(r"slope 0.32: \d+ % \(prior 95 %\)", page)


@pytest.mark.parametrize("command", ["fit", "backtest", "propose --horizon 64"])
@pytest.mark.parametrize(
    ("known", "message"),
    [
        ("--prior best", "invalid choice: 'best'"),
        ("--prior paper --passes 2", "give either --prior or --optimizer and --passes"),
        ("--optimizer best", "optimizer must be one of adam"),
        ("--passes 0", "passes must be a finite number"),
        ("--passes nan", "passes must be a finite number"),
        ("--passes many", "argument --passes: invalid float value: 'many'"),
    ],
)
def test_what_is_wrong_shows_before_runs_are_read(
    command: str, known: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *options = command.split()
    arguments = " ".join([name, "none.csv", *options, known])
    assert message in error(arguments, capsys)
