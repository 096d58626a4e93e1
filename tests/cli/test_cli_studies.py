"""The commands `studies` and `recommend`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from searching import SIMPLE, objective, search

from optuna_kappa import KappaPruner, KappaSampler
from optuna_kappa.cli.main import main
from optuna_kappa.study.example import example_study
from optuna_kappa.study.storage import open_database

EVIL = "<script>alert(1)</script>\x1b[2J\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with studies of all kinds, one of a single study, and a journal."""
    path: Path = tmp_path_factory.mktemp("listed")
    storage = open_database(f"sqlite:///{path}/kappa.db")
    example_study(storage)
    optuna.create_study(study_name=EVIL, storage=storage)
    both = optuna.create_study(study_name="both", storage=storage, directions=["minimize"] * 2)
    both.optimize(lambda trial: (1.0, 2.0), n_trials=2)
    tpe = optuna.create_study(study_name="tpe", storage=storage)
    tpe.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    storage.engine.dispose()

    search(KappaSampler(64, seed=0), n_trials=12, storage=f"sqlite:///{path}/one.db")
    journal = JournalStorage(JournalFileBackend(f"{path}/runs.log"))
    example_study(journal, name="in a journal")
    open_database(f"sqlite:///{path}/empty.db").engine.dispose()
    return path


@pytest.fixture(autouse=True)
def folder(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made)
    monkeypatch.delenv("OPTUNA_STORAGE", raising=False)


def output(arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    before = Path("kappa.db").read_bytes()
    assert main(arguments.split()) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert Path("kappa.db").read_bytes() == before
    return out


def listed(arguments: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(output(f"studies {arguments}", capsys))["studies"]
    return found


def test_studies_of_all_kinds_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["study"]: row for row in listed("-f json", capsys)}
    assert list(rows) == ["example", EVIL, "both", "tpe"]
    example = rows["example"]
    assert sum(example["kinds"].values()) == example["n_trials"] == 13
    assert example["recommended"]["low"] < example["recommended"]["lr"]
    assert example["note"] is None
    assert rows["both"]["states"] == {"complete": 2}
    for name in (EVIL, "both", "tpe"):
        assert rows[name]["recommended"] is None and rows[name]["note"]


def test_the_table_has_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = listed("--json --study example", capsys)
    out = output("studies --study example --study both", capsys)
    assert "2 studies" in out and "10 probe" in out
    assert f"lr {row['recommended']['lr']:.3g}" in out
    assert f"{row['spent_fre']:.3g} full-run equivalents" in out
    assert "one objective" in out


def test_csv_has_a_row_a_study(capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(output("studies -f csv", capsys))))
    assert [row["n_trials"] for row in rows] == ["13", "0", "2", "3"]
    (row,) = listed("--json --study example", capsys)
    assert float(rows[0]["recommended.lr"]) == row["recommended"]["lr"]
    assert "recommended" not in rows[0]


@pytest.mark.parametrize("columns", ["40", "80", "300"])
def test_lines_fit_the_terminal(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for command in ("studies --study example --study both", "recommend --study example"):
        out = output(command, capsys)
        assert max(map(len, out.splitlines())) < min(int(columns), 80)


def test_where_the_storage_is_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (journal,) = listed("--storage runs.log --json", capsys)
    assert journal["study"] == "in a journal" and journal["recommended"]
    monkeypatch.setenv("OPTUNA_STORAGE", "sqlite:///one.db")
    assert len(listed("--json", capsys)) == 1
    assert len(listed("--json --storage sqlite:///kappa.db", capsys)) == 4


def test_recommends_what_the_sampler_does(capsys: pytest.CaptureFixture[str]) -> None:
    study = optuna.load_study(study_name="example", storage="sqlite:///kappa.db")
    lr = KappaSampler(24, seed=0).recommend(study)
    told = json.loads(output("recommend --study example --json", capsys))
    assert told["lr"] == lr
    assert sum(told["classes"].values()) == pytest.approx(1)
    assert f"lr {lr:.3g}" in output("recommend --study example", capsys)


def test_what_is_known_counts(capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(output("recommend --study example --json --prior copy", capsys))
    assert told["prior"] == "copy"
    told = json.loads(output("recommend --study example --json --horizon 48", capsys))
    assert told["horizon"] == 48


def test_for_other_parameters(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def train(trial: optuna.Trial) -> float:
        trial.suggest_categorical("width", [8, 64])
        return objective(SIMPLE)(trial)

    url = f"sqlite:///{tmp_path}/width.db"
    sampler, pruner = KappaSampler(64, seed=0), KappaPruner()
    study = optuna.create_study(storage=url, sampler=sampler, pruner=pruner)
    study.optimize(train, n_trials=12)
    told = output(f"recommend --storage {url} --param width=8", capsys)
    assert "width=8" in told


def test_probes_alone_do_not_tell_the_horizon(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/probes.db"
    example_study(url, n_trials=10)
    (row,) = listed(f"--storage {url} --json", capsys)
    assert row["recommended"]["horizon"] == 8 and "no full run" in row["note"]
    assert main(["recommend", "--storage", url]) == 0
    assert "note: no full run has been planned yet" in capsys.readouterr().err
    assert "for 24 steps" in output(f"recommend --storage {url} --horizon 24", capsys)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("recommend", "has several studies"),
        ("recommend --study none", "there is no study 'none'"),
        ("studies --study none", "there is no study 'none'"),
        ("recommend --study both", "one objective"),
        ("recommend --study tpe", "nothing tells how long"),
        ("recommend --study tpe --horizon 8", "three learning rates"),
        ("recommend --study example --param width", "NAME=VALUE"),
        ("recommend --study example --param width=3", "no trial has a parameter 'width'"),
        ("recommend --study example --horizon 0", "horizon must be"),
        ("recommend --study example --schedule no-such", "no-such"),
        ("studies --storage sqlite:///empty.db", "there is no study"),
        ("studies --storage sqlite:///none.db", "there is no database"),
        ("studies --storage none.log", "there is no storage"),
        ("studies --storage kappa.db", "write sqlite:///kappa.db"),
        ("studies -f xml", "invalid choice"),
    ],
)
def test_bad_input_is_one_line(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1 and message in err


def test_no_storage(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["studies"]) == 2
    assert "--storage" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
