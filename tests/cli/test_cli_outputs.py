"""What commands write never replaces what they read."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from optuna_kappa import fit
from optuna_kappa.cli import main
from optuna_kappa.runs import example_runs
from optuna_kappa.study.storage import open_database


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, a law and a study, and other names of the table; no test changes any of them."""
    path: Path = tmp_path_factory.mktemp("outputs")
    runs = example_runs()
    runs.to_csv(path / "in.csv")
    runs.to_csv(path / "other.csv")
    (path / "law.json").write_text(fit(runs).to_json())
    storage = open_database(f"sqlite:///{path}/in.db")
    study = optuna.create_study(storage=storage)
    study.add_trial(create_trial(state=TrialState.PRUNED, intermediate_values={1: 2.0}))
    storage.engine.dispose()
    (path / "link.csv").symlink_to("in.csv")
    os.link(path / "in.csv", path / "hard.csv")
    (path / "sub").mkdir()
    return path


@pytest.fixture
def folder(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    return made


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize(
    "words",
    [
        "fit in.csv --figure in.csv",
        "fit in.csv --save in.csv",
        "fit in.csv --save ./sub/../in.csv",
        "fit in.csv --save FOLDER/in.csv",
        "fit in.csv --figure link.csv",
        "fit in.csv --figure hard.csv",
        "fit link.csv --figure in.csv",
        "fit in.csv --save new.json --figure in.csv",
        "fit in.csv --save new.json --figure sub/../new.json",
        "propose in.csv --horizon 8 --figure in.csv",
        "propose --law law.json --horizon 8 --figure law.json",
        "explain --storage sqlite:///in.db --figure in.db",
        "explain --storage sqlite:///FOLDER/in.db --figure in.db",
        "explain --storage sqlite:///file:in.db?uri=true --figure in.db",
        "explain --storage sqlite:///in.db --figure in.db-wal",
        "explain --storage sqlite:///in.db --figure in.db-shm",
        "explain --storage sqlite:///in.db --figure in.db-journal",
        "fit --storage sqlite:///in.db --save in.db",
    ],
)
def test_an_output_is_no_input(
    words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(folder)
    assert main(words.replace("FOLDER", str(folder)).split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "would overwrite the " in err
    assert len(err.splitlines()) == 1
    assert contents(folder) == before


@pytest.mark.parametrize("option", ["--figure", "--save"])
@pytest.mark.parametrize("name", ["", " ", "-", "sub", "sub/", "link.csv", os.devnull])
def test_names_that_are_no_files(
    option: str, name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(folder)
    assert main(["fit", "other.csv", option, name]) == 2
    assert contents(folder) == before
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: cannot write the ")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["propose", "in.csv", "--law", "", "--horizon", "8"],
        ["propose", "in.csv", "--horizon", "8", "--schedule", ""],
        ["propose", "", "--law", "law.json", "--horizon", "8"],
        ["explain", "--storage", "sqlite:///in.db", "--study", ""],
        ["fit", "in.csv", "--storage", ""],
    ],
)
@pytest.mark.usefixtures("folder")
def test_empty_names_are_not_left_out(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("command", ["fit", "explain", "backtest", "propose --horizon 8"])
@pytest.mark.parametrize(
    "tables", [[], ["invoices"], ["studies"], ["studies", "trials", "version_info"]]
)
def test_reading_changes_no_database(
    command: str, tables: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        for table in tables:
            connection.execute(f"CREATE TABLE {table} (id INTEGER)")
        connection.commit()
    path.touch()
    before = path.read_bytes()

    assert main([*command.split(), "--storage", f"sqlite:///{path}"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["other.db"]
