"""`tune` in a terminal: a block while it runs, and nothing of it afterwards."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path

import optuna
import pytest
from terminals import Terminal
from user_files import write_objective

from optuna_kappa.launch.printed import pass_on
from optuna_kappa.study.interrupted import was_interrupted

CHATTY = """
import logging

logging.basicConfig(level=logging.INFO, format="log: %(message)s")

def chatty(trial):
    print("rate", end=" ")
    print("of trial", trial.number, flush=True)
    logging.info("trial %d begins", trial.number)
    time.sleep(1.0)
    for percent in (10, 100):
        print(f"\\r{percent} % of trial {trial.number}", end="", flush=True)
    print()
    return objective(trial)

def chats(trial):
    trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    while True:
        print("still there")
        time.sleep(0.1)
"""
TUNE = ("--horizon", "24", "--seed", "0", "--study", "mine")
COLUMNS = 120
TITLE = "-- mine ---"


class Session:
    """The command in a terminal of its own, which Ctrl-C reaches."""

    def __init__(self, folder: Path, *arguments: str, term: str = "xterm") -> None:
        self._terminal, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, COLUMNS, 0, 0))

        def belong() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            # Its workers outlive the command, as where a shell is the leader of the session.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

        # Python's own look at NO_COLOR would do no harm, but tune's would.
        env = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "optuna_kappa", "tune", *arguments, *TUNE],
            cwd=folder,
            env={**env, "TERM": term},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=belong,
        )
        os.close(theirs)
        self.sent = ""

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._terminal)

    def until(self, text: str) -> None:
        """Wait until a text is sent."""
        deadline = time.monotonic() + 120
        while text not in self.sent:
            assert time.monotonic() < deadline and self._read(), self.sent

    def press(self, keys: bytes) -> None:
        os.write(self._terminal, keys)

    def ended(self) -> list[str]:
        """Wait until it has ended; what is seen then."""
        while self._read():
            pass
        self.process.wait(timeout=120)
        terminal = Terminal(COLUMNS)
        terminal.feed(self.sent.replace("\r\n", "\n"))
        return terminal.lines

    def _read(self) -> bool:
        try:
            data = os.read(self._terminal, 1 << 16)
        except OSError:  # the last one who held the other end has closed it
            return False
        self.sent += data.decode()
        return bool(data)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("OPTUNA_STORAGE", raising=False)
    write_objective(tmp_path)
    with (tmp_path / "train.py").open("a") as file:
        file.write(CHATTY)
    return tmp_path


def test_what_the_objective_prints_stays_whole(folder: Path) -> None:
    with Session(folder, "train.py:chatty", "--trials", "2") as session:
        lines = session.ended()
        assert session.process.returncode == 0

    assert TITLE in session.sent and "best: no full run yet" in session.sent
    printed = [line for line in lines if not line.startswith("trial")]
    assert printed[0].startswith("study 'mine' in sqlite:///kappa.db")
    for number in (0, 1):
        assert printed[1 + 3 * number : 4 + 3 * number] == [
            f"rate of trial {number}",
            f"log: trial {number} begins",
            f"100 % of trial {number}",
        ]
        (event,) = [line for line in lines if line.startswith(f"trial {number}")]
        assert " after 1 step, ended at lr " in event
    assert printed[7].startswith("no recommendation yet")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_leaves_what_to_type(folder: Path, workers: str) -> None:
    with Session(folder, "train.py:waits", "--workers", workers) as session:
        session.until(f"trial {int(workers) - 1}: probe of 1 step, lr ")
        session.press(b"\x03")
        lines = session.ended()
        assert session.process.returncode == 130

    assert not any(line.startswith("--") or "Traceback" in line for line in lines)
    assert lines[-3].startswith("trial 0: interrupted at lr ") or workers == "2"
    assert lines[-2] == "everything is kept; this goes on with it:"
    assert lines[-1].startswith("  optuna-kappa tune train.py:waits --workers")


def test_an_error_of_the_objective_is_shown_whole(folder: Path) -> None:
    with Session(folder, "train.py:broken") as session:
        lines = session.ended()
        assert session.process.returncode == 1

    assert "RuntimeError: out of memory" in lines
    assert not any(line.startswith("--") for line in lines)


def test_what_workers_print_stays_whole(folder: Path) -> None:
    with Session(folder, "train.py:chatty", "--trials", "4", "--workers", "2") as session:
        lines = session.ended()
        assert session.process.returncode == 0

    assert TITLE in session.sent
    for number in range(4):
        for line in ("rate of trial {}", "log: trial {} begins", "100 % of trial {}"):
            assert line.format(number) in lines
    assert not any(line.startswith("--") for line in lines)


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        ([b"one\ntw", b"o\n"], ["one", "two"]),
        ([b"\r 10 %", b"\r100 %\n"], ["100 %"]),
        ([b"\router 1\n\rinner 1\x1b[A\n\rinner 2\x1b[A\router 2\n"], ["outer 2"]),
        ([b"\router\n\rinner\n\rinnermost\x1b[A\x1b[A\n"], ["outer"]),
        ([b"\x1b[32mgreen\x1b[0m\x1b[2J\n\nend"], ["\x1b[32mgreen\x1b[0m", "", "end"]),
        (["学".encode()[:2], "学".encode()[2:]], ["学"]),
        ([b"\xff\n"], ["\ufffd"]),
    ],
    ids=range(7),
)
def test_what_is_passed_on(written: list[bytes], lines: list[str]) -> None:
    ours, theirs = multiprocessing.Pipe(duplex=False)
    said: list[str] = []
    thread = pass_on(ours, said.append)
    for data in written:
        os.write(theirs.fileno(), data)
        time.sleep(0.1)
    theirs.close()
    thread.join(timeout=60)
    assert said == lines


def test_workers_whose_parent_was_killed_mark_their_trials(folder: Path) -> None:
    with Session(folder, "train.py:chats", "--workers", "2") as session:
        session.until("trial 1: probe of 1 step, lr ")
        session.process.kill()
        study = optuna.load_study(study_name="mine", storage=f"sqlite:///{folder}/kappa.db")
        deadline = time.monotonic() + 60
        while not all(map(was_interrupted, study.trials)):
            assert time.monotonic() < deadline
            time.sleep(0.1)

    assert len(study.trials) == 2


def test_a_terminal_that_cannot_update_gets_lines(folder: Path) -> None:
    with Session(folder, "train.py:objective", "--trials", "1", term="dumb") as session:
        lines = session.ended()

    assert "trial 0: probe, 1 step" in lines
    assert "\x1b" not in session.sent
