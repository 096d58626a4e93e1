"""The command line of the main job: what it leaves, and one clear sentence for wrong input."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

pytest.importorskip("torch")

from studies.compare.__main__ import main
from studies.compare.search import cost

SMALL = ["--data", "digits", "--horizon", "2", "--budget", "4", "--repeats", "1"]
SMALL += ["--schedule-horizon", "2", "--schedule-budget", "4", "--minutes", "0"]


def other_database(folder: Path) -> list[str]:
    path = folder / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE invoices (id INTEGER)")
        connection.commit()
    return ["--storage", f"sqlite:///{path}"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--schedule", "cosin"], "cosine"),
        (["--horizon", "0"], "at least 1 epoch, but is 0"),
        (["--horizon", "-3"], "at least 1 epoch, but is -3"),
        (["--budget", "1"], "at least 4 full-run equivalents"),
        (["--budget", "nan"], "at least 4 full-run equivalents"),
        (["--lr-range", "0", "0.1"], "ascending positive numbers"),
        (["--lr-range", "0.1", "0.01"], "ascending positive numbers"),
        (["--samplers", "kapa"], "unknown sampler 'kapa'; choose from kappa, tpe"),
        (["--samplers", ""], "no sampler is given"),
        (["--search", "lr,width"], "unknown parameter 'width'; choose from lr, weight_decay"),
        (["--search", "lr,lr"], "parameter 'lr' is given twice"),
        (["--search", "weight-decay,hidden"], "must include lr"),
        (["--search", ""], "no parameter is given"),
        (["--optimizer", "lion"], "unknown optimizer 'lion'; choose from adam, sgd"),
        (["--samplers", "tpe,tpe"], "sampler 'tpe' is given twice"),
        (["--minutes", "-1"], "minutes at least 0"),
        (["--storage", "sqlite://"], "need a file"),
        (["--only-schedule", "--schedule", "none"], "--only-schedule needs a --schedule"),
        (["--repeats", "0"], "repeats must be at least 1"),
        (["--seed", "-1"], "seed must be at least 0"),
        (["--data", "cifar"], "cifar"),
        (["--jobs", "0"], "jobs must be at least 1"),
        (["--probe-budget", "0"], "probe budget must be above 0"),
        (["--storage", "kappa"], "sqlite:///kappa.db"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, list) else "",
)
def test_wrong_input(
    wrong: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SMALL, "--out", str(tmp_path), *wrong]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert message in error


def test_wrong_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.touch()
    assert main([*SMALL, "--out", str(file / "out")]) == 2
    assert "cannot write to the folder" in capsys.readouterr().err
    assert main([*SMALL, "--out", str(tmp_path), *other_database(tmp_path)]) == 2
    assert "database of another program" in capsys.readouterr().err


def test_one_comparison_at_a_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = tmp_path / ".compare.pid"
    lock.write_text(str(os.getppid()))
    assert main([*SMALL, "--out", str(tmp_path)]) == 2
    assert f"process {os.getppid()} is running a comparison" in capsys.readouterr().err
    assert lock.exists()


def test_unreadable_data_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPTUNA_KAPPA_DATA", str(tmp_path / "nowhere"))
    assert main(["--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "OPTUNA_KAPPA_DATA" in error and error.count("\n") == 1


def test_cut_short_before_anything_ran(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--out", str(tmp_path), "--minutes", "1e-6"]) == 0
    screen = " ".join(capsys.readouterr().out.split())
    assert "An epoch takes" in screen and "Stopped after 1e-06 minutes" in screen
    assert "No full run has been finished by all searches yet." in screen
    assert main([*SMALL, "--out", str(tmp_path)]) == 0
    assert "100 % done" in capsys.readouterr().out

    # The size is kept with the studies.
    assert main(["--data", "digits", "--out", str(tmp_path), "--minutes", "0"]) == 0
    screen = " ".join(capsys.readouterr().out.split())
    assert "All searches are finished" in screen and "target 2 epochs" in screen


def test_several_parameters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page shows what was found of each parameter, and no figure of the lr alone."""
    wanted = ["--search", "lr,weight-decay,hidden,batch-size", "--schedule", "none"]
    assert main([*SMALL, "--out", str(tmp_path), *wanted]) == 0
    screen = capsys.readouterr().out
    assert "searched: lr, weight_decay, hidden, batch_size" in " ".join(screen.split())
    page = (tmp_path / "report.html").read_text()
    assert ">weight_decay</button></th>" in page
    assert page.count('class="figure"') == 1
    assert "64-hidden-10 with ReLU, adam" in page and "16 to 256" in page


def command(out: Path) -> list[str]:
    return [sys.executable, "-m", "studies.compare", *SMALL, "--out", str(out)]


def trials(database: Path) -> dict[tuple[str, int], optuna.trial.FrozenTrial]:
    storage = f"sqlite:///{database}"
    studies = (
        optuna.load_study(study_name=name, storage=storage)
        for name in optuna.get_all_study_names(storage)
    )
    return {(study.study_name, trial.number): trial for study in studies for trial in study.trials}


def test_killed_and_started_again(tmp_path: Path) -> None:
    """A kill loses no finished trial; afterwards no search has spent more than its budget."""
    root = Path(__file__).parents[2]
    database = tmp_path / "kappa.db"
    # A process group of its own, so that the workers can be killed along with the parent.
    process = subprocess.Popen(
        command(tmp_path), cwd=root, stdout=subprocess.DEVNULL, start_new_session=True
    )
    for _ in range(3000):  # five minutes: a busy machine takes one to start the workers
        time.sleep(0.1)
        if process.poll() is not None or (database.exists() and len(_finished(database)) >= 16):
            break
    assert process.poll() is None, "it ended before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = {key: trial for key, trial in trials(database).items() if _is_finished(trial)}
    assert before

    again = subprocess.run(
        command(tmp_path), cwd=root, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr
    after = trials(database)
    assert {key: after[key] for key in before} == before
    assert not any(trial.state == TrialState.RUNNING for trial in after.values())
    for name in {name for name, _ in after}:
        if name.startswith("compare/digits/adam constant"):
            charged = [t for (study, _), t in after.items() if study == name and _is_finished(t)]
            spent = sum(cost(trial, 2000) for trial in charged)
            assert 3 < spent <= 4
    assert "Goes on with 1 repeat of kappa and tpe: constant rate at 2 epochs" in again.stdout
    assert "best loss" in again.stdout and (tmp_path / "report.html").stat().st_size > 1e6

    done = subprocess.run(command(tmp_path), cwd=root, capture_output=True, text=True, check=False)
    assert "All searches are finished" in done.stdout
    assert trials(database) == after


def _is_finished(trial: optuna.trial.FrozenTrial) -> bool:
    return trial.state in (TrialState.COMPLETE, TrialState.PRUNED)


def _finished(database: Path) -> list[tuple[int]]:
    with closing(sqlite3.connect(database, timeout=10)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'trials'")
        if not tables.fetchall():
            return []
        done = "SELECT trial_id FROM trials WHERE state IN ('COMPLETE', 'PRUNED')"
        return connection.execute(done).fetchall()
