"""Time a study while a dashboard is open on it: `python -m studies.bench dashboard`.

A study of 1,000 finished trials with 50 reports each goes on, in a process of its own, with
`optuna-dashboard` or `optuna-kappa dashboard` open. "Open" means that a page of the study asks for
it as often as a browser does. Beside it, at the same time, a copy of the study goes on alone, so
that a machine that is shared slows both alike. What a dashboard takes of a processor slows both as
well, where no core is free, and is therefore shown too.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

from rich.table import Table

from studies.bench.asker import one_thread
from studies.bench.report import Report
from studies.bench.watched import N_REPORTS, make_study, rate
from studies.processes import set_up_worker

TARGET = "at most 10 % fewer trials a second"
CASES = ("optuna-dashboard", "optuna-kappa dashboard")

_POLL = 10.0  # seconds between two requests of an open page, optuna-dashboard's default
_START = 120.0  # seconds within which a dashboard answers
_SETTLE = 20.0  # seconds after that, for what is done once


@dataclass(frozen=True)
class Timing:
    """How fast a study went on with a dashboard.

    Attributes:
        dashboard: One of `CASES`.
        rates: Trials a second, by round.
        alone: Those of the copy that went on alone at the same time.
        ratio: All trials of the study divided by those of the copy.
        cpu: Seconds of processor time that the dashboard took in a second; None if unknown.
    """

    dashboard: str
    rates: Sequence[float]
    alone: Sequence[float]
    ratio: float
    cpu: float | None


def report(n_trials: int, seconds: float, n_rounds: int = 4) -> Report:
    """Time a study with each dashboard, beside a copy without one.

    Args:
        n_trials: Finished trials of the study.
        seconds: Seconds for which the studies go on, in each case and round.
        n_rounds: Number of rounds.

    Raises:
        ValueError: A number is not allowed.
    """
    if n_trials < 1 or not seconds > 0 or n_rounds < 1:
        raise ValueError(
            "the number of trials, the seconds and the rounds must be above 0, but are "
            f"{n_trials}, {seconds:g} and {n_rounds}"
        )

    timings = []
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.db"
        make_study(made, n_trials)
        for case in CASES:
            rounds = [_round(case, made, seconds, number) for number in range(n_rounds)]
            timings.append(_timing(case, rounds))

    note = (
        f"A study of {n_trials:,} trials with {N_REPORTS} reports each goes on for {seconds:g} s "
        f"on SQLite beside a copy of it without a dashboard, {n_rounds} rounds. Target: {TARGET}."
    )
    return Report({"timings": [asdict(timing) for timing in timings]}, [_table(timings), note])


class _Round(NamedTuple):
    """Trials a second of the study and of its copy, and the load of the dashboard."""

    watched: float
    alone: float
    cpu: float


def _round(case: str, made: Path, seconds: float, number: int) -> _Round:
    # SQLite keeps files beside a database, so each copy has a name of its own.
    watched = made.with_name(f"{case} {number}.db")
    alone = made.with_name(f"{case} {number} alone.db")
    for path in (watched, alone):
        shutil.copy(made, path)

    with _open(case, watched) as load:
        # Neither of the two is always the first to start.
        paths = [watched, alone] if number % 2 else [alone, watched]
        found = dict(zip(paths, _at_once(paths, seconds), strict=True))
    return _Round(found[watched], found[alone], load[0])


def _at_once(paths: Sequence[Path], seconds: float) -> list[float]:
    context = multiprocessing.get_context("spawn")
    parent = (os.getpid(),)
    with one_thread(), ProcessPoolExecutor(len(paths), context, set_up_worker, parent) as pool:
        return list(pool.map(rate, paths, [seconds] * len(paths)))


@contextmanager
def _open(case: str, path: Path) -> Iterator[list[float]]:
    """A dashboard with a page open on the study; at the end, its load is in the list."""
    load: list[float] = []
    port = _free_port()
    program = [sys.executable, "-m", "optuna_kappa", "dashboard", "--no-browser"]
    if case == "optuna-dashboard":
        program = [sys.executable, "-c", "from optuna_dashboard._cli import main; main()", "-q"]
    with one_thread():
        process = subprocess.Popen(
            [*program, f"sqlite:///{path}", "--port", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    page = _Page(f"http://127.0.0.1:{port}/api/studies/1")
    try:
        page.open()
        time.sleep(_SETTLE)
        before, began = _cpu(process.pid), time.perf_counter()
        yield load
        load.append((_cpu(process.pid) - before) / (time.perf_counter() - began))
    finally:
        page.close()
        process.terminate()
        process.wait()


class _Page:
    """A page of a study, which asks for its new trials as a browser does."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._n_trials = 0
        self._closed = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def open(self) -> None:
        """Load all trials, and go on asking for new ones."""
        until = time.monotonic() + _START
        while True:
            try:
                self._ask()
                break
            except URLError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
        self._thread.start()

    def close(self) -> None:
        """Ask no more."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(_POLL):
            try:
                self._ask()
            except (URLError, OSError):
                continue

    def _ask(self) -> None:
        with urlopen(f"{self._url}?after={self._n_trials}", timeout=60) as answer:
            trials = json.load(answer)["trials"]
        finished = [trial for trial in trials if trial["state"] not in ("Running", "Waiting")]
        self._n_trials += len(finished)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _cpu(process: int) -> float:
    """Seconds of processor time of a process so far."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # of a system without this folder
        return math.nan
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _timing(case: str, rounds: Sequence[_Round]) -> Timing:
    watched = [one.watched for one in rounds]
    alone = [one.alone for one in rounds]
    load = statistics.mean(one.cpu for one in rounds)
    cpu = load if math.isfinite(load) else None
    return Timing(case, watched, alone, sum(watched) / sum(alone), cpu)


def _table(timings: Sequence[Timing]) -> Table:
    table = Table(title="A study with a dashboard open on it")
    for heading in ("dashboard", "trials a second", "alone", "ratio", "by round", "processor"):
        table.add_column(heading, justify="left" if heading == "dashboard" else "right")

    for timing in timings:
        pairs = zip(timing.rates, timing.alone, strict=True)
        table.add_row(
            timing.dashboard,
            f"{statistics.mean(timing.rates):.2f}",
            f"{statistics.mean(timing.alone):.2f}",
            f"{timing.ratio:.2f}",
            ", ".join(f"{watched / alone:.2f}" for watched, alone in pairs),
            "" if timing.cpu is None else f"{100 * timing.cpu:.1f} %",
        )
    return table
