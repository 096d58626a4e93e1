"""`optuna-kappa import`: from tables and storages to a study that a search goes on with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from optuna_kappa.cli import importing, main
from optuna_kappa.runs import example_runs
from optuna_kappa.study.example import example_study

OBJECTIVE = """
import math
def objective(trial):
    lr = trial.suggest_float("lr", 1e-6, 1e-1, log=True)
    for step in range(1, 65):
        trial.report(1 / step + 0.1 * math.log(lr * step / 0.01) ** 2, step)
        if trial.should_prune():
            raise __import__("optuna").TrialPruned()
    return 1 / step + 0.1 * math.log(lr * step / 0.01) ** 2
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPTUNA_STORAGE", raising=False)
    example_runs(horizons=[1, 4, 16]).to_csv("runs.csv")
    return tmp_path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is only read."""
    path: Path = tmp_path_factory.mktemp("read")
    example_runs(horizons=[1, 4, 16]).to_csv(path / "runs.csv")
    example_study(f"sqlite:///{path}/my.db", n_trials=2)
    return path


def told(words: str, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert main(words.split()) == 0
    out, err = capsys.readouterr()
    assert err == ""
    result: dict[str, object] = json.loads(out)
    return result


def same_numbers(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return bool(np.isclose(one, other, rtol=1e-9))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_numbers(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_numbers, one, other))
    return one == other


def test_fit_says_the_same_of_the_study(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = told("import runs.csv --study mine --json", capsys)
    assert (done["added"], done["present"], done["target"]) == (18, 0, None)
    of_table = told("fit runs.csv --json", capsys)
    assert same_numbers(told("fit --storage sqlite:///kappa.db --json", capsys), of_table)
    assert told("import runs.csv --study mine --json", capsys)["added"] == 0


def test_tune_goes_on_without_probes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "train.py").write_text(OBJECTIVE)
    done = told("import runs.csv --study mine --horizon 64 --json", capsys)
    assert (done["target"], done["probes_left"]) == (64, 0)

    assert main("tune train.py:objective --study mine --budget 2 --json".split()) == 0
    capsys.readouterr()
    (study,) = json.loads(json.dumps(told("studies --json", capsys)))["studies"]
    assert study["kinds"] == {"probe": 18, "law": 2}
    assert study["spent_fre"] == 2


@pytest.mark.parametrize("source", ["my.db", "journal:///AT/runs.log"])
def test_a_study_of_any_storage(
    folder: Path, capsys: pytest.CaptureFixture[str], source: str
) -> None:
    example_study("sqlite:///my.db")
    example_study(JournalStorage(JournalFileBackend("runs.log")))
    capsys.readouterr()
    source = source.replace("AT", str(folder))
    done = told(f"import {source} --study longer --horizon 96 --json", capsys)
    assert (done["added"], done["horizons"]) == (13, {"1": 6, "8": 4, "24": 3})
    again = told(f"import {source} --study longer --json", capsys)
    assert (again["added"], again["present"]) == (0, 13)

    of_copy = told("fit --storage sqlite:///kappa.db --json", capsys)
    assert of_copy == told("fit --storage sqlite:///my.db --json", capsys)


def test_into_a_journal_that_exists(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    storage = JournalStorage(JournalFileBackend("runs.log"))
    optuna.create_study(study_name="mine", storage=storage)
    capsys.readouterr()
    assert told("import runs.csv --study mine --storage runs.log --json", capsys)["added"] == 18
    assert len(optuna.load_study(study_name="mine", storage=storage).trials) == 18


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("none.csv --study a", "cannot read the run table none.csv"),
        ("runs.csv", "arguments are required: --study"),
        (
            "runs.csv --study a --loss z",
            "there is no column 'z', which loss names; the columns are",
        ),
        ("runs.csv --study a --where width=1", "'width' is not a context column"),
        ("runs.csv --study a --param width=int(1,8)", "the runs have no column 'width'"),
        ("runs.csv --study a --param width", "--param must be NAME=RANGE"),
        ("runs.csv --study a --unit 3", "steps of a study are whole numbers"),
        ("runs.csv --study a --unit 0", "--unit must be"),
        ("runs.csv --study a --lr-range 1 0.1", "--lr-range must be LOW HIGH"),
        ("runs.csv --study a --optimizer adam", "--optimizer is kept with --horizon"),
        ("runs.csv --study a --horizon 0", "horizon must be a positive whole number of steps"),
        ("runs.csv --study a --from-study b", "--from-study is for storages"),
        ("runs.csv --study a --storage none.log", "there is no storage 'none.log'"),
        ("sqlite:///none.db --study a", "there is no database"),
        ("my.db --study a --from-study b", "there is no study 'b'"),
        ("my.db --study a --loss x", "--loss is for tables and logs"),
        ("my.db --study a --lr rate", "no finished trial of 'example' has 'rate'"),
        ("my.db --study example --storage sqlite:///my.db", "cannot be imported into itself"),
    ],
)
def test_one_sentence(
    shared: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    message: str,
) -> None:
    monkeypatch.chdir(shared)
    monkeypatch.delenv("OPTUNA_STORAGE", raising=False)
    assert main(["import", *words.split()]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and err.startswith("error: ")
    assert message in err
    assert not Path("kappa.db").exists()  # a mistake leaves nothing behind


def test_other_settings_and_directions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told("import runs.csv --study mine --horizon 64 --json", capsys)
    assert main("import runs.csv --study mine --horizon 96".split()) == 2
    assert "was begun with horizon 64, and 96 is asked for" in capsys.readouterr().err

    optuna.create_study(study_name="up", storage="sqlite:///kappa.db", direction="maximize")
    capsys.readouterr()
    assert main("import runs.csv --study up".split()) == 2
    assert "the runs minimize their value, and the study 'up' does not" in capsys.readouterr().err


def test_what_the_runs_differ_in_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = Path("runs.csv").read_text().splitlines()
    wide = [f"{text[0]},width", *(f"{line},{64 + i % 2}" for i, line in enumerate(text[1:]))]
    Path("runs.csv").write_text("\n".join(wide))
    assert main("import runs.csv --study a".split()) == 0
    assert "the runs also differ in width" in capsys.readouterr().err
    assert main("import runs.csv --study b --param width=int(1,128)".split()) == 0
    assert capsys.readouterr().err == ""


def test_a_long_import_says_how_far_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importing, "_EVERY", -1.0)
    assert main("import runs.csv --study mine --json".split()) == 0
    out, err = capsys.readouterr()
    assert err.splitlines()[7] == "7 of 18 runs" and json.loads(out)["added"] == 18
