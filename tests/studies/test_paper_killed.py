"""The sweep's command: killed at random moments, interrupted, failing, given wrong input."""

from __future__ import annotations

import collections
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("filelock")

from studies.paper.plan import Planned, quick_plan
from studies.paper.recorded import TEST, read

ROOT = Path(__file__).parents[2]
# Runs take a twentieth of a second; there are enough to be killed ten times on the way.
PLAN = quick_plan(seeds=5)
PATIENCE = 120.0  # seconds; that of a busy machine
QUICK = ["--quick", "--seeds", str(PLAN.seeds)]
QUICKLY = 10.0  # seconds within which all processes of a killed command are to be gone
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")

Command = subprocess.Popen[str]


def start(out: Path, *options: str) -> Command:
    """Starts a sweep in a process group of its own."""
    environment = dict(os.environ)
    if environment.pop("PYTHONDONTWRITEBYTECODE", None):
        # Or each of the many processes may compile the whole of torch for itself.
        environment["PYTHONPYCACHEPREFIX"] = str(out / "compiled")
    return subprocess.Popen(
        [sys.executable, "-m", "studies.paper", "sweep", *QUICK, "--out", str(out), *options],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Whoever runs the tests in the background may have them ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def end(command: Command, patience: float = QUICKLY) -> tuple[int, str, str]:
    """Exit code and output, once no process that could write to it is left, workers included."""
    out, error = command.communicate(timeout=patience)
    return command.returncode, out, error


@contextmanager
def no_survivors() -> Iterator[list[Command]]:
    """A list of commands, of which nothing outlives the test."""
    commands: list[Command] = []
    try:
        yield commands
    finally:
        for command in commands:
            try:
                os.killpg(command.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            with command:  # closes its pipes and waits
                pass


def workers(command: Command) -> list[int]:
    """The worker processes of a command."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            line = (folder / "cmdline").read_text()
        except OSError:
            continue  # it has ended meanwhile
        if parent == command.pid and "spawn_main" in line:
            found.append(int(folder.name))
    return sorted(found)


def n_finished(out: Path) -> int:
    try:
        with closing(sqlite3.connect(f"file:{out / 'sweep.db'}?mode=ro", uri=True)) as connection:
            (n,) = connection.execute("SELECT COUNT(*) FROM trials").fetchone()
    except sqlite3.OperationalError:
        return 0  # not there yet
    return int(n)


def wait_for(happened: Callable[[], bool], command: Command) -> None:
    limit = time.monotonic() + PATIENCE
    while not happened():
        assert command.poll() is None, f"it ended: {end(command)}"
        assert time.monotonic() < limit, "nothing happened"
        time.sleep(0.02)


def assert_each_run_once(out: Path) -> None:
    """Exactly the planned runs, in the studies and in the tables."""
    url = f"sqlite:///{out / 'sweep.db'}"
    planned = collections.defaultdict(list)
    for group, run in PLAN.runs():
        planned[group.name].append(run)
    assert set(optuna.get_all_study_names(url)) == set(planned)
    for name, runs in planned.items():
        trials = optuna.load_study(study_name=name, storage=url).trials
        assert {trial.state for trial in trials} <= {TrialState.COMPLETE, TrialState.PRUNED}
        assert sorted(Planned(**trial.params) for trial in trials) == sorted(runs)
        for kind in ("", TEST):
            table = read(f"{name}{kind}", out)
            keys = zip(
                *(table.run, table.lr, table.context["seed"], table.context["n_train"]),
                *(table.horizon,),
                strict=True,
            )
            exported = [
                Planned(lr, int(s), int(n), int(h)) for _, lr, s, n, h in sorted(set(keys))
            ]
            assert sorted(exported) == sorted(runs)


@needs_proc
def test_killed_ten_times(tmp_path: Path) -> None:
    """Ends with exactly the planned runs, none twice, whatever is killed, and how."""
    seed = int(os.environ.get("KILL_SEED", "1"))
    print(f"KILL_SEED={seed}")
    random_ = random.Random(seed)
    ways = random_.sample(["parent", "all", "interrupt", "terminate"], 4)
    cut_short = 0
    with no_survivors() as commands:
        for way in ways:
            commands.append(start(tmp_path, "--jobs", "2"))
            _kill_worker(tmp_path, commands[-1], random_)
            _await_runs(tmp_path, commands[-1], random_)
            _kill(way, commands[-1])
            cut_short += len(list((tmp_path / "locks").iterdir()))
        # Two commands; of the one a worker is killed, which the other does not mind.
        commands += [start(tmp_path, "--jobs", "1"), start(tmp_path, "--jobs", "2")]
        alone, last = commands[-2:]
        _kill_worker(tmp_path, alone, random_)
        code, _, error = end(alone)
        assert code == 1 and error.startswith("error: a worker process was killed (SIGKILL); runs")
        assert error.endswith(". Run the same command again to continue.\n")
        assert error.count("\n") == 1
        _kill_worker(tmp_path, last, random_)
        assert cut_short, "no kill hit a run"
        assert n_finished(tmp_path) < len(list(PLAN.runs())), "killed too late"
        code, out, error = end(last, PATIENCE)
        assert (code, error) == (0, "")
        assert "A worker process was killed (SIGKILL); others go on.\n" in out
    assert_each_run_once(tmp_path)


def _kill_worker(out: Path, command: Command, random_: random.Random) -> None:
    wait_for(lambda: workers(command) != [], command)
    _await_runs(out, command, random_)
    os.kill(random_.choice(workers(command)), signal.SIGKILL)


def _await_runs(out: Path, command: Command, random_: random.Random) -> None:
    """Waits until some more runs are finished, and a moment, so that others are half-way."""
    goal = n_finished(out) + random_.randint(1, 4)
    wait_for(lambda: n_finished(out) >= goal, command)
    time.sleep(random_.uniform(0, 0.05))


def _kill(way: str, command: Command) -> None:
    """Kills a command; those of its processes that were not must be gone soon."""
    if way == "all":
        os.killpg(command.pid, signal.SIGKILL)
    elif way == "interrupt":
        os.killpg(command.pid, signal.SIGINT)  # as the keyboard does
    else:
        command.send_signal(signal.SIGTERM if way == "terminate" else signal.SIGKILL)
    code, _, error = end(command)
    if way in ("interrupt", "terminate"):
        assert (code, error) == (130, "Stopped. Run the same command again to continue.\n")
    else:
        assert (code, error) == (-signal.SIGKILL, "")
