"""The command line of the paper's check: one clear sentence for what cannot be done."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("filelock")

from studies.paper import __main__ as command
from studies.paper import crew
from studies.paper.__main__ import main
from studies.paper.plan import Group, Plan
from studies.paper.recorded import read
from studies.paper.sweep import Sweep

TINY = Plan("digits", 480, 2, (Group("tiny", "adam", "constant", ((480, 480),), (1e-3, 1e-2)),))
# A schedule that is none is noticed by the worker that is to train it.
FAILING = Plan("digits", 480, 1, (Group("bad", "adam", "zigzag", ((480, 480),), (1e-3,)),))


def sweep(*options: str) -> int:
    return main(["sweep", "--quick", *options])


def the_error(capsys: pytest.CaptureFixture[str]) -> str:
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    return error


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--jobs", "0"], "jobs must be at least 1"),
        (["--jobs", "-2"], "jobs must be at least 1"),
        (["--seeds", "-1"], "seeds must be at least 1, but is -1"),
        (["--minutes", "-3"], "minutes at least 0, but are 2 and -3"),
        (["--minutes", "nan"], "minutes at least 0, but are 2 and nan"),
    ],
    ids=" ".join,
)
def test_wrong_numbers(
    wrong: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep("--out", str(tmp_path / "out"), *wrong) == 2
    assert message in the_error(capsys)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["--jobs", "--seeds", "--minutes"])
def test_no_numbers(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        sweep(name, "many")
    assert f"argument {name}: invalid" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--out", "--to"])
@pytest.mark.parametrize("place", ["file", "file/below"])
@pytest.mark.parametrize("name", ["sweep", "export"])
def test_folders_that_cannot_be_written_to(
    name: str, place: str, option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    places = {"--out": str(tmp_path / "out"), option: str(tmp_path / place)}
    assert main([name, "--quick", *(word for pair in places.items() for word in pair)]) == 2
    error = the_error(capsys)
    assert f"cannot write to the folder {tmp_path / place} (" in error
    assert error.endswith(f"; choose another {option}\n")


def test_the_folder_of_the_tables_is_looked_at_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    out = tmp_path / "out"
    assert main(["sweep", "--out", str(out), "--to", str(tmp_path / "file")]) == 2
    assert not out.exists()


def other_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE invoices (id INTEGER)")
        connection.commit()


def no_database(path: Path) -> None:
    path.write_text("invoices\n" * 100)


@pytest.mark.parametrize("write", [other_program, no_database, Path.mkdir])
def test_databases_of_others(
    write: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(write)
    write(tmp_path / "sweep.db")
    assert sweep("--out", str(tmp_path)) == 2
    error = the_error(capsys)
    assert "sweep.db" in error and "choose" in error


def test_mnist_is_missed_by_the_command_not_by_its_workers(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("OPTUNA_KAPPA_DATA", str(tmp_path / "empty"))
    # The tables of the full plan go into the package where --to does not say otherwise.
    assert main(["sweep", "--out", str(tmp_path), "--to", str(tmp_path)]) == 2
    error = capfd.readouterr().err
    assert error.startswith("error: OPTUNA_KAPPA_DATA is ") and error.count("\n") == 1
    assert not list(tmp_path.glob("*.csv.gz"))


def test_cut_short_and_gone_on_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "quick_plan", lambda seeds: TINY)
    options = ["--out", str(tmp_path), "--jobs", "1"]
    assert sweep(*options, "--minutes", "1e-6") == 0
    out = capsys.readouterr().out
    assert "Data: scikit-learn's embedded digits" in out and "0 of 4 runs, 0.0 % of the" in out
    assert "0 tables in" in out
    assert out.endswith("Runs still to do: 4. Run the same command again to continue.\n")
    Sweep(TINY, tmp_path).work(iter([True, True, True, False]).__next__)
    assert main(["export", "--quick", "--out", str(tmp_path)]) == 0
    assert "2 tables in" in capsys.readouterr().out
    assert set(read("tiny", tmp_path).run.tolist()) == {"0", "1"}  # the whole seed
    assert sweep(*options) == 0
    out = capsys.readouterr().out
    assert "3 of 4 runs, 75.0 % of the samples, starting" in out and "still" not in out
    assert set(read("tiny", tmp_path).run.tolist()) == {"0", "1", "2", "3"}
    assert sweep(*options) == 0
    assert capsys.readouterr().out.startswith("All 4 runs are done.\n2 tables in ")


def test_workers_that_fail_are_not_silent(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "quick_plan", lambda seeds: FAILING)
    assert sweep("--out", str(tmp_path), "--jobs", "1") == 1
    *above, last = capfd.readouterr().err.splitlines()
    assert above[0].startswith("Process ") and "zigzag" in "".join(above)
    assert last == (
        "error: a worker process failed with the error above; runs still to do: 1. Run the "
        "same command again to continue."
    )


def test_interrupted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(crew, "run_all", interrupt)
    assert sweep("--out", str(tmp_path)) == 130
    assert capsys.readouterr().err == "Stopped. Run the same command again to continue.\n"
