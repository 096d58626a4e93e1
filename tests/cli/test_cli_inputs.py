"""The command line given wrong input: one sentence, exit code 2."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
from simulated import Simulated, grid, joined

from optuna_kappa.cli import backtest, main
from optuna_kappa.runs import example_runs
from optuna_kappa.study.storage import open_database


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("inputs")
    problem = Simulated()
    runs = problem.runs(grid())
    runs.to_csv(path / "runs.csv")
    replace(runs, context={"width": np.arange(len(runs)).astype(str)}).to_csv(path / "wide.csv")
    joined(runs, problem.final(grid(), 64.0, "cosine", 0.5)).to_csv(path / "mixed.csv")
    problem.final(grid(1), 64.0).to_csv(path / "few.csv")
    (path / "law.json").write_text("{}")
    storage = open_database(f"sqlite:///{path}/empty.db")
    storage.engine.dispose()
    storage = open_database(f"sqlite:///{path}/several.db")
    for name in ("a", "b"):
        study = optuna.create_study(study_name=name, storage=storage)
        if name == "a":
            study.optimize(lambda trial: trial.suggest_float("rate", 1e-4, 1, log=True), 1)
    storage.engine.dispose()
    return path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "required: COMMAND; optuna-kappa --help shows"),
        ("fitt", "invalid choice: 'fitt'"),
        ("fit", "give a run table (RUNS.csv) or a study (--storage URL): one of them"),
        ("fit AT/runs.csv --storage sqlite:///AT/empty.db", "either, not both"),
        ("fit AT/runs.csv --study a", "--study needs --storage"),
        ("fit AT/none.csv", "cannot read the run table AT/none.csv"),
        ("fit AT", "there are no runs in the folder AT: neither an MLflow store"),
        ("fit AT/law.json", "AT/law.json: the table has a header but no rows; its columns are {}"),
        ("fit AT/runs.csv --colour", "unrecognized arguments: --colour"),
        ("fit AT/runs.csv --context width", "'width' is not a context column"),
        ("fit AT/runs.csv --where width", "--where must be COLUMN=VALUE,..."),
        ("fit AT/runs.csv --where width=1", "'width' is not a context column"),
        ("fit AT/wide.csv --where width=x", "no run has width=x; there are 0, 1, 10"),
        ("fit AT/wide.csv --context width --save AT/x.json", "--save is for one law, but there"),
        ("fit AT/runs.csv --save AT/none/x.json", "cannot write the law AT/none/x.json: No such"),
        ("fit AT/runs.csv --figure AT/none/x.html", "cannot write the page AT/none/x.html"),
        ("fit --storage none.log", "there is no storage 'none.log'; give a URL"),
        ("fit --storage AT/runs.csv", "AT/runs.csv is no journal of Optuna"),
        ("fit --storage kappa.db", "there is no storage 'kappa.db'; give a URL"),
        ("fit --storage sqlite:///AT/none.db", "there is no database AT/none.db"),
        ("fit --storage sqlite:///AT/runs.csv", "cannot use AT/runs.csv as a database"),
        ("fit --storage sqlite:///AT/empty.db", "there is no study in sqlite:///AT/empty.db"),
        ("fit --storage sqlite:///AT/several.db", "several studies; choose by --study: a, b"),
        (
            "fit --storage sqlite:///AT/several.db --study c",
            "no study 'c' in sqlite:///AT/several",
        ),
        (
            "fit --storage sqlite:///AT/several.db --study b",
            "'b' has a parameter 'lr'; they have n",
        ),
        ("fit --storage sqlite:///AT/several.db --study a", "they have rate: give the learning"),
        ("fit --storage sqlite:///AT/several.db --study a --lr rate", "and a reported loss"),
        ("propose AT/runs.csv", "the following arguments are required: --horizon"),
        ("propose --horizon 8 AT/runs.csv", "must be a number, but is 'AT/runs.csv' (RUNS comes"),
        ("propose AT/runs.csv --horizon -8", "must be positive and finite, but is -8"),
        ("propose AT/runs.csv --horizon 8 --schedule cosin", "Did you mean 'cosine'?"),
        ("propose AT/mixed.csv --horizon 8", "choose by --schedule: constant, cosine, or any"),
        ("propose AT/few.csv --horizon 8", "the law has nothing to start from"),
        ("propose AT/runs.csv --law AT/law.json --horizon 8", "either --law or runs"),
        ("propose --law AT/law.json --horizon 8", "cannot read the law AT/law.json: not a law"),
        ("propose --law AT/none.json --horizon 8", "cannot read the law AT/none.json"),
        ("backtest AT/runs.csv --hide 1e3", "at 1000, the horizon to hide; the largest horizons"),
        ("backtest AT/runs.csv --hide 8 --fit-up-to 8", "fit_up_to must be at most 6.66667"),
        ("backtest AT/runs.csv --hide nan", "must be positive and finite, but is nan"),
    ],
)
def test_one_sentence(
    arguments: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments.replace("AT", str(folder)).split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    last = err.splitlines()[-1]  # notes come before it
    assert re.match("error: ", last)
    assert message.replace("AT", str(folder)) in last
    assert [line for line in err.splitlines() if line.startswith("error")] == [last]


def test_no_file_is_left_by_wrong_input(folder: Path) -> None:
    assert not (folder / "none.db").exists()
    assert not (folder / "x.json").exists()


def test_interrupted(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(backtest, "backtest", interrupt)
    assert main(["backtest", f"{folder}/runs.csv"]) == 130


@pytest.mark.parametrize("words", [["fit"], ["explain", "--trial", "0"], ["studies"], ["plan"]])
@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE trial_values",
        "DROP TABLE studies",
        "DROP TABLE study_directions",
        "DROP TABLE study_user_attributes",
        "UPDATE trials SET state = 'ODD'",
        "UPDATE trials SET datetime_start = 'yesterday'",
        "UPDATE trial_params SET distribution_json = '{'",
        "INSERT INTO trial_user_attributes (trial_id, key, value_json) VALUES (1, 'a', '{')",
    ],
)
def test_damaged_storages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str, words: list[str]
) -> None:
    path = tmp_path / "my.db"
    storage = open_database(f"sqlite:///{path}")
    study = optuna.create_study(storage=storage)
    study.optimize(lambda trial: trial.suggest_float("lr", 0.1, 0.2), n_trials=1)
    storage.engine.dispose()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(damage)
        connection.commit()

    capsys.readouterr()
    assert main([*words, "--storage", f"sqlite:///{path}"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"error: (cannot read the storage|.* another program) .*\n", err)


def test_a_process_without_an_output(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example_runs().to_csv(folder / "output.csv")
    monkeypatch.setattr("sys.stdout", None)
    assert main(["fit", str(folder / "output.csv")]) == 0
