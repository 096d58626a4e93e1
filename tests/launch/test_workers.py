"""`tune --workers`: several processes, one of them killed, all of them interrupted, an error."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState
from user_files import started

from optuna_kappa.cli import main
from optuna_kappa.launch.search import WORKER
from optuna_kappa.launch.workers import _how_it_ended
from optuna_kappa.study.interrupted import was_interrupted
from optuna_kappa.study.plans import horizon, kind_of

SETTINGS = ("--horizon", "24", "--seed", "0", "--study", "mine", "--workers", "2")
COMMAND = ("tune", "train.py:objective", *SETTINGS)


def trials() -> list[FrozenTrial]:
    return optuna.load_study(study_name="mine", storage="sqlite:///kappa.db").trials


def running() -> list[FrozenTrial]:
    """The running trials, once there are two."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            now = [one for one in trials() if one.state == TrialState.RUNNING]
        except Exception:  # the study is not there yet
            now = []
        if len(now) == 2 and all(WORKER in one.user_attrs for one in now):
            return now
        time.sleep(0.1)
    raise AssertionError("two workers have not begun")


def pid_of(trial: FrozenTrial) -> int:
    return int(trial.user_attrs[WORKER].split()[1])


def test_a_search_by_two_workers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main((*COMMAND, "--trials", "12")) == 0
    done = trials()
    assert len(done) == 12 and len({pid_of(one) for one in done}) == 2
    assert os.getpid() not in {pid_of(one) for one in done}

    counted = Counter((kind_of(one), horizon(one)) for one in done)
    assert counted == {("probe", 1): 6, ("probe", 8): 4, ("law", 24): 2}
    out, err = capsys.readouterr()
    assert "recommended" in out
    assert all(f"trial {n}: " in err for n in range(12))


def test_a_killed_worker_is_replaced_and_its_trial_planned_again(folder: Path) -> None:
    command = ("tune", "train.py:waits", *SETTINGS, "--trials", "10")
    with started(folder, *command, sleep=0) as process:
        lost = running()[0]
        os.kill(pid_of(lost), signal.SIGKILL)
        (folder / "go").touch()
        _, err = process.communicate(timeout=240)

    assert process.returncode == 0
    assert f"trial {lost.number}: its worker was ended by SIGKILL; it runs again" in err
    done = trials()
    assert [one.number for one in done if was_interrupted(one)] == [lost.number]
    counted = Counter(horizon(one) for one in done if not was_interrupted(one))
    assert counted == {1: 6, 8: 4}
    assert not any(one.state == TrialState.RUNNING for one in done)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_all(folder: Path, number: signal.Signals, code: int) -> None:
    with started(folder, "tune", "train.py:waits", *SETTINGS, sleep=0) as process:
        begun = running()
        process.send_signal(number)
        _, err = process.communicate(timeout=120)

    assert process.returncode == code and "Traceback" not in err
    assert "this goes on with it" in err
    done = trials()
    assert not any(one.state == TrialState.RUNNING for one in done)
    assert [was_interrupted(done[one.number]) for one in begun] == [True, True]
    for one in begun:
        with pytest.raises(ProcessLookupError):
            os.kill(pid_of(one), 0)


def test_ctrl_c_that_is_ignored_ends_nothing(folder: Path) -> None:
    command = ("tune", "train.py:waits", *SETTINGS, "--trials", "4")
    with started(folder, *command, sleep=0, on_ctrl_c=signal.SIG_IGN) as process:
        running()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        time.sleep(0.5)
        (folder / "go").touch()
        process.communicate(timeout=240)

    assert process.returncode == 0
    assert [one.state for one in trials()] == [TrialState.PRUNED] * 4


def test_ctrl_c_of_a_terminal_interrupts_each_trial_once(folder: Path) -> None:
    with started(folder, "tune", "train.py:waits", *SETTINGS, sleep=0) as process:
        begun = running()
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=120)

    assert process.returncode == 130 and "Traceback" not in err
    assert (
        [one.number for one in trials() if was_interrupted(one)]
        == [0, 1]
        == [one.number for one in begun]
    )


def test_an_error_of_the_objective_ends_all(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(("tune", "train.py:breaks_later", *SETTINGS))
    assert stopped.value.code == 1
    err = capsys.readouterr().err
    assert "RuntimeError: out of memory" in err and "this goes on with it" in err
    assert not any(one.state == TrialState.RUNNING for one in trials())


def test_workers_that_all_die(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(("tune", "train.py:dies", *SETTINGS))
    assert stopped.value.code == 1
    assert "workers in a row have died without ending a trial" in capsys.readouterr().err
    assert all(map(was_interrupted, trials()))


@pytest.mark.parametrize("number", ["0", "-1", "two", "1.5"])
def test_a_number_of_workers(
    folder: Path, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("tune", "train.py:objective", "--horizon", "24", "--workers", number)
    try:
        code = main(arguments)
    except SystemExit as stopped:
        code = int(str(stopped.code))
    assert code == 2
    assert "number of processes" in capsys.readouterr().err
    assert not (folder / "kappa.db").exists()


class _Ended:
    def __init__(self, exitcode: int) -> None:
        self.exitcode = exitcode


@pytest.mark.parametrize(
    ("code", "text"),
    [(7, "exit code 7"), (-9, "SIGKILL"), (-200, "signal 200")],
)
def test_how_a_worker_ended(code: int, text: str) -> None:
    assert text in _how_it_ended(_Ended(code))  # type: ignore[arg-type]
