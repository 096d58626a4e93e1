"""`optuna-kappa worker`: joins, shares limits, is terminated or killed, and what it says."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState
from user_files import started

from optuna_kappa.cli import main
from optuna_kappa.launch import joining
from optuna_kappa.launch.search import WORKER, begin_trial, forget_dead, run_trial
from optuna_kappa.study.interrupted import was_interrupted
from optuna_kappa.study.plans import horizon, kind_of, plan_of
from optuna_kappa.study.private import rdb_of
from optuna_kappa.study.storage import close_storage

URL = "sqlite:///kappa.db"
BEGIN = ("tune", "train.py:objective", "--horizon", "24", "--seed", "0", "--study", "mine")
JOIN = ("worker", "train.py:objective", "--study", "mine")


def trials() -> list[FrozenTrial]:
    return optuna.load_study(study_name="mine", storage=URL).trials


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def running() -> list[FrozenTrial]:
    return [
        one for one in trials() if one.state == TrialState.RUNNING and WORKER in one.user_attrs
    ]


def test_goes_on_as_it_began(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same trials as one process alone runs, up to the same limit."""
    assert main([*BEGIN, "--trials", "12"]) == 0
    alone = [(plan_of(one), one.params, one.value) for one in trials()]
    Path("kappa.db").rename("alone.db")

    assert main([*BEGIN, "--trials", "12", "--timeout", "0.000001"]) == 0
    assert trials() == []
    capsys.readouterr()
    assert main(JOIN) == 0
    assert [(plan_of(one), one.params, one.value) for one in trials()] == alone
    out, err = capsys.readouterr()
    assert out == ""
    assert "joined the study 'mine' in sqlite:///kappa.db, up to 12 trials" in err

    assert main(JOIN) == 0  # nothing is left to do
    assert "trial" not in capsys.readouterr().err.partition("\n")[2]
    assert main([*JOIN, "--trials", "13"]) == 0
    assert len(trials()) == 13


def test_two_workers_and_tune(folder: Path) -> None:
    command = [sys.executable, "-m", "optuna_kappa"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    workers = [
        subprocess.Popen([*command, *JOIN, "--storage", URL], **quiet)  # type: ignore[call-overload]
        for _ in range(2)
    ]  # before there is a study
    try:
        assert main([*BEGIN, "--trials", "14"]) == 0
        assert [worker.wait(timeout=240) for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    done = trials()
    # Each looks before it begins, so others may begin at the same time.
    assert 14 <= len(done) <= 16
    counted = Counter(horizon(one) for one in done if kind_of(one) == "probe")
    assert counted == {1: 6, 8: 4}
    assert all(one.state.is_finished() for one in done)


def test_sigterm_marks_the_trial(folder: Path) -> None:
    assert main([*BEGIN, "--trials", "14", "--timeout", "0.000001"]) == 0
    waits = ("worker", "train.py:waits", "--study", "mine")
    with started(folder, *waits, sleep=0) as process:
        wait_until(lambda: len(running()) == 1)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 143 and "Traceback" not in err
    assert "this goes on with it:\n  optuna-kappa worker train.py:waits --study mine\n" in err
    assert [was_interrupted(one) for one in trials()] == [True]


def test_sigkill_loses_one_trial(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BEGIN, "--trials", "10", "--timeout", "0.000001"]) == 0
    waits = ("worker", "train.py:waits", "--study", "mine")
    with started(folder, *waits, sleep=0) as process:
        wait_until(lambda: len(running()) == 1)
        process.kill()
        process.communicate(timeout=120)
    assert main(JOIN) == 0
    assert "left by a process that is gone; it runs again" in capsys.readouterr().err
    counted = Counter(horizon(one) for one in trials() if not was_interrupted(one))
    assert counted == {1: 6, 8: 4}


def stop_beating(study: optuna.Study) -> None:
    """Make the last signs of life of all trials old, as if their workers had died long ago."""
    database = rdb_of(study)
    assert database is not None
    with database.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE trial_heartbeats SET heartbeat = datetime('now', '-1 hour')"
        )


def test_a_stale_trial_keeps_plan_and_rate_and_counts_once(folder: Path) -> None:
    assert main([*BEGIN, "--trials", "11", "--timeout", "0.000001"]) == 0
    storage, study = joining.wait_for_study(URL, "mine", seconds=0)
    lost = begin_trial(study)
    lost.set_user_attr(WORKER, "elsewhere 17 4711")
    rate = lost.suggest_float("lr", 1e-5, 1e-1, log=True)
    study._storage.record_heartbeat(lost._trial_id)  # type: ignore[attr-defined]
    stop_beating(study)
    assert forget_dead(study) == []
    close_storage(storage)

    assert main(JOIN) == 0
    done = trials()
    (again,) = [one for one in done if one.system_attrs.get("failed_trial") == lost.number]
    assert done[lost.number].state == TrialState.FAIL
    assert plan_of(again) == plan_of(done[lost.number])
    assert again.params == {"lr": rate} and again.state == TrialState.PRUNED
    counted = Counter(horizon(one) for one in done if one.number != lost.number)
    assert counted == {1: 6, 8: 4, 24: 1}  # eleven, and the one that was lost


def test_a_trial_that_others_took_for_dead(folder: Path) -> None:
    """The machine slept: the trial was told by nobody, and runs elsewhere. The worker goes on."""
    assert main([*BEGIN, "--trials", "11", "--timeout", "0.000001"]) == 0
    storage, study = joining.wait_for_study(URL, "mine", seconds=0)
    trial = begin_trial(study)

    def sleeps(trial: optuna.Trial) -> float:
        trial.suggest_float("lr", 1e-5, 1e-1, log=True)
        stop_beating(study)
        begin_trial(study)  # another worker's
        trial.report(0.5, 1)
        return 0.5

    run_trial(study, trial, sleeps)
    before, again = study.trials
    assert (before.state, before.value) == (TrialState.FAIL, None)
    assert again.system_attrs["failed_trial"] == before.number
    assert again.params == before.params
    close_storage(storage)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--study", "none", "--wait", "0.1"), "there is no study 'none'"),
        (("--storage", "sqlite:///none.db", "--wait", "0.1"), "there is no database none.db"),
        (("--study", "mine", "--wait", "long"), "--wait must be seconds"),
        (("--study", "mine", "--trials", "0"), "--trials must be"),
    ],
    ids=["study", "storage", "wait", "trials"],
)
def test_one_line(
    folder: Path, options: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*BEGIN, "--trials", "1"]) == 0
    capsys.readouterr()
    assert main(["worker", "train.py:objective", *options]) == 2
    out, err = capsys.readouterr()
    assert out == "" and says in err.splitlines()[-1]
    assert err.splitlines()[-1].startswith("error: ")
    assert not Path("none.db").exists()


def test_a_newer_version(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BEGIN, "--trials", "1"]) == 0
    study = optuna.load_study(study_name="mine", storage=URL)
    study.set_user_attr("kappa:settings", '{"horizon": 24, "seed": 0, "speed": "high"}')
    capsys.readouterr()
    assert main(JOIN) == 2
    _, err = capsys.readouterr()
    assert "the setting speed 'high', which this version of optuna-kappa does not know" in err
    assert err.count("\n") == 1
