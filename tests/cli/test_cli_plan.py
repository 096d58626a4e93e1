"""`optuna-kappa plan`: before a search, and during one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from searching import search

from optuna_kappa.cli import main


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("studies") / "kappa.db"
    url = f"sqlite:///{path}"
    search(n_trials=15, storage=url, study_name="begun")
    search(n_trials=2, storage=url, study_name="too early")
    return url


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out


def error(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    return err


def test_says_what_will_be_run(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "plan", "--horizon", "24", "--probe-budget", "0.5", "--unit", "epochs")
    assert "6 probes of 1 epochs, 0.25 full runs" in text
    assert "3 probes of 2 epochs, 0.25 full runs" in text
    assert "0.5 full runs in all" in text
    assert "prior: mixture" in text


def test_json_has_a_plan_for_each_budget(capsys: pytest.CaptureFixture[str]) -> None:
    told = ("--optimizer", "adam", "--passes", "24", "--json")
    found = json.loads(output(capsys, "plan", "--horizon", "24", *told))
    assert found["prior"] == "adaptive, repeated data"
    assert [plan["budget"] for plan in found["plans"]] == [0.25, 0.5, 1.0]
    for plan in found["plans"]:
        assert plan["cost"] == pytest.approx(sum(rung["cost"] for rung in plan["rungs"]))
        assert 0 <= plan["median_regret"] <= plan["p90_regret"]


def test_a_study_says_how_sure_it_is(storage: str, capsys: pytest.CaptureFixture[str]) -> None:
    of = ("plan", "--storage", storage, "--study", "begun")
    text = output(capsys, *of)
    assert "within  2 % of the best with probability" in text
    assert "1 full run: " in text and "more probes of" in text

    found = json.loads(output(capsys, *of, "--json"))
    probabilities = [found["within"][regret] for regret in ("0.01", "0.02", "0.05")]
    assert probabilities == sorted(probabilities)
    assert {one["n"] for one in found["purchases"]} == {1, 2}


def test_wrong_input_is_one_line(storage: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "give --horizon" in error(capsys, "plan", "--probe-budget", "0.5")
    assert "--probe-budget must be" in error(
        capsys, "plan", "--horizon", "24", "--probe-budget", "-1"
    )
    assert "--horizon must be at least 2" in error(capsys, "plan", "--horizon", "1")
    assert "--regret must be" in error(capsys, "plan", "--horizon", "24", "--regret", "0")
    assert "shows no law yet" in error(
        capsys, "plan", "--storage", storage, "--study", "too early"
    )
    assert "no study 'other'" in error(capsys, "plan", "--storage", storage, "--study", "other")


def test_full_runs_that_stop_short_have_no_probability(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of = ("--storage", "sqlite:///kappa.db", "--study", "long")
    tune = ("tune", "train.py:objective", "--horizon", "256", "--seed", "0", "--trials", "13")
    assert main([*tune, *of]) == 0  # the objective trains for 24 steps
    out, err = capsys.readouterr()
    assert "probability" not in out
    assert " ".join(err.split()).count("note: Trial 10 was to train for 256 steps, but ") == 1

    assert main(["recommend", *of]) == 0
    out, err = capsys.readouterr()
    assert "recommended" in out and "certainty" not in out
    assert "tune --horizon 24" in " ".join(err.split())

    assert main(["plan", *of]) == 2
    out, err = capsys.readouterr()
    assert out == "" and "stop far before step 256, so nothing is known" in err
