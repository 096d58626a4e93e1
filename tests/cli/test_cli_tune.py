"""`optuna-kappa tune` on a user's file: launched, killed, resumed, interrupted, certified."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from user_files import started, write_objective

from optuna_kappa.cli import main
from optuna_kappa.cli.searching import _this_command
from optuna_kappa.study.interrupted import was_interrupted

NAME = "train objective 24"
FULL = ("tune", "train.py:objective", "--horizon", "24", "--seed", "0")


def study(name: str = NAME) -> optuna.Study:
    return optuna.load_study(study_name=name, storage="sqlite:///kappa.db")


def error(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    return err


def wait_for_trial(process: subprocess.Popen[str], number: int) -> None:
    """Wait until a trial has begun."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(f"trial {number}: "):
            return
    raise AssertionError(f"trial {number} never began")


def test_searches_and_goes_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FULL, "--budget", "2.5", "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["study"] == NAME and 2.5 <= found["spent_fre"] < 3.5
    assert found["recommended"]["horizon"] == 24
    assert found["storage"] == "sqlite:///kappa.db"
    assert found["n_trials"] == sum(found["states"].values()) == len(study().trials)
    assert found["best"]["value"] == study().best_value
    assert "trial 0: probe, 1 step\n" in err and "of 2.5 full runs spent" in err

    n_before = len(study().trials)
    assert main([*FULL, "--budget", "4"]) == 0
    out = capsys.readouterr().out
    assert "recommended  lr 0.0004" in out and "spent        4." in out
    assert out.endswith(f"\n  optuna-kappa plan --study '{NAME}'\n\n")
    assert len(study().trials) > n_before
    assert main([*FULL, "--budget", "4"]) == 0  # nothing is left to do
    assert "trial" not in capsys.readouterr().err


def test_ends_when_it_is_sure(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FULL, "--certify", "0.8:0.05", "--trials", "40"]) == 0
    assert len(study().trials) < 40
    out = " ".join(capsys.readouterr().out.split())
    assert "%, the loss of a full run is at most 2 % above that at the best lr" in out


def test_settings_are_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FULL, "--trials", "1", "--optimizer", "adam", "--passes", "24"]) == 0
    stored = json.loads(study().user_attrs["kappa:settings"])
    assert stored == {"horizon": 24, "optimizer": "adam", "passes": 24.0, "seed": 0}
    capsys.readouterr()

    again = ("tune", "train.py:objective", "--study", NAME)
    assert main([*again, "--trials", "2"]) == 0
    assert len(study().trials) == 2
    capsys.readouterr()
    assert "begun with horizon 24, and 12 is asked for" in error(capsys, *again, "--horizon", "12")
    assert "with no schedule, and cosine" in error(capsys, *again, "--schedule", "cosine")


def test_the_direction_is_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FULL, "--trials", "1"]) == 0
    capsys.readouterr()
    assert "was not begun to maximize" in error(capsys, *FULL, "--trials", "2", "--maximize")
    assert len(study().trials) == 1

    other = ("--study", "other", "--trials", "1")
    assert main([*FULL, *other, "--maximize"]) == 0
    assert main([*FULL, *other]) == 0  # the direction is the study's own
    assert study("other").direction == optuna.study.StudyDirection.MAXIMIZE


def test_the_way_on_names_a_storage_of_the_environment(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPTUNA_STORAGE", "sqlite:///other.db")
    with pytest.raises(SystemExit):
        main(["tune", "train.py:broken", "--horizon", "24"])
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith("--storage sqlite:///other.db")


def test_a_password_is_not_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql://me:secret@localhost/kappa"
    monkeypatch.setenv("OPTUNA_STORAGE", url)
    with pytest.raises(SystemExit):
        main(["tune", "--help"])
    out = capsys.readouterr().out
    assert "secret" not in out and "me:***@localhost" in out
    assert _this_command(["tune"], url) == 'optuna-kappa tune --storage "$OPTUNA_STORAGE"'


def test_a_killed_search_goes_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    process = started(folder, *FULL, "--trials", "30", sleep=30)
    wait_for_trial(process, 0)
    time.sleep(1)  # the learning rate is suggested
    process.kill()
    process.communicate()
    assert [trial.state for trial in study().trials] == [TrialState.RUNNING]

    write_objective(folder)
    assert main([*FULL, "--trials", "12"]) == 0
    assert "trial 0 was left by a process that is gone" in capsys.readouterr().err
    trials = study().trials
    assert was_interrupted(trials[0]) and trials[0].state == TrialState.FAIL
    planned = [json.loads(trial.user_attrs["kappa:plan"])["horizon"] for trial in trials]
    assert planned.count(1) == 7 and planned.count(8) == 4  # the lost probe ran again
    assert len(trials) == 13  # and does not count


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_keeps_everything(folder: Path, number: signal.Signals, code: int) -> None:
    process = started(folder, *FULL, "--trials", "30", sleep=30)
    wait_for_trial(process, 0)
    time.sleep(1)
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert out == "" and "Traceback" not in err and "note:" not in err
    assert "this goes on with it:" in err and "optuna-kappa tune train.py:objective" in err
    (trial,) = study().trials
    assert trial.state == TrialState.FAIL and was_interrupted(trial)


def test_runs_in_any_thread(folder: Path) -> None:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(main([*FULL, "--trials", "1"])))
    thread.start()
    thread.join()
    assert codes == [0]


HIT = """
def hit(trial):
    os.kill(os.getpid(), 15)
    return objective(trial)
"""


def test_sigterm_that_is_ignored_ends_nothing(folder: Path) -> None:
    with (folder / "train.py").open("a") as file:
        file.write(HIT)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        assert main(["tune", "train.py:hit", *FULL[2:], "--study", NAME, "--trials", "1"]) == 0
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
    assert study().trials[0].state == TrialState.PRUNED


def test_an_error_of_the_objective_is_shown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["tune", "train.py:broken", "--horizon", "24"])
    assert ended.value.code == 1
    err = capsys.readouterr().err
    assert "RuntimeError: out of memory" in err and "train.py" in err
    assert study("train broken 24").trials[0].state == TrialState.FAIL


def test_wrong_input_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "runs" / "empty").mkdir(parents=True)
    (folder / "runs" / "search.py").touch()
    wrong = {
        ("train.py",): "must have a file or module and a function",
        ("nowhere.py:objective", "--horizon", "24"): "there is no file 'nowhere.py'",
        ("no_module:objective", "--horizon", "24"): "there is no module 'no_module'",
        ("runs:objective", "--horizon", "24"): "runs is a folder; name the file and its function,"
        " such as runs/search.py:objective",
        ("./runs:objective", "--horizon", "24"): "runs is a folder; name the file",
        ("runs/empty:objective", "--horizon", "24"): "such as runs/empty/train.py:objective",
        ("runs.empty:objective", "--horizon", "24"): "runs/empty is a folder; name the file",
        (
            "train.py:objctive",
            "--horizon",
            "24",
        ): "it has breaks_later, broken, dies, objective, waits",
        ("train.py:answer", "--horizon", "24"): "there is no function 'answer'",
        ("train.py:objective",): "give --horizon",
        ("train.py:objective", "--horizon", "0"): "horizon",
        ("train.py:objective", "--horizon", "24", "--budget", "nan"): "--budget must be",
        ("train.py:objective", "--horizon", "24", "--trials", "0"): "--trials must be",
        ("train.py:objective", "--horizon", "24", "--timeout", "soon"): "--timeout must be",
        ("train.py:objective", "--horizon", "24", "--certify", "0.9"): "PROBABILITY:REGRET",
        ("train.py:objective", "--horizon", "24", "--certify", "2:0.1"): "PROBABILITY:REGRET",
        ("train.py:objective", "--horizon", "24", "--optimizer", "x"): "optimizer must be",
    }
    for arguments, sentence in wrong.items():
        assert sentence in error(capsys, "tune", *arguments), arguments
    (folder / "bad.py").write_text("import no_such_library")
    told = error(capsys, "tune", "bad.py:objective", "--horizon", "24")
    assert "ModuleNotFoundError: No module named 'no_such_library'" in told


def test_a_study_of_another_program_is_left_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = "sqlite:///kappa.db"
    optuna.create_study(storage=storage, study_name="mine").ask()
    told = error(capsys, *FULL, "--study", "mine")
    assert "was not launched by this command" in told


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("limit", "larger", "told"),
    [
        (("--budget", "0.2"), "0.3", "of 0.2 full runs are spent; a larger --budget goes on"),
        (("--trials", "2"), "3", "it has 2 of 2 trials; a larger --trials goes on"),
    ],
    ids=["budget", "trials"],
)
@pytest.mark.usefixtures("folder")
def test_where_nothing_is_left_to_do_it_says_so(
    limit: tuple[str, str],
    larger: str,
    told: str,
    workers: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*FULL, *limit]) == 0
    assert "nothing is left" not in capsys.readouterr().err
    n_trials = len(study().trials)

    assert main([*FULL, *limit, "--workers", workers]) == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "nothing is left" in line]
    assert line.startswith("nothing is left to do in this study: ") and told in line
    assert len(study().trials) == n_trials

    assert main([*FULL, limit[0], larger]) == 0
    assert "nothing is left" not in capsys.readouterr().err
    assert len(study().trials) > n_trials
