"""Time a study while a dashboard is open on it: `python -m studies.bench dashboard`.

A study of 1,000 finished trials with 50 reports each goes on, in a process of its own: alone, with
`optuna-dashboard` open, and with `optuna-kappa dashboard` open. "Open" means that a page of the
study asks for it as often as a browser does. The three take turns, each from the same copy of the
study, so that a machine that slows down slows all of them alike.
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
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import optuna
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial
from rich.table import Table

from optuna_kappa import KappaPruner, KappaSampler, horizon
from optuna_kappa.search.ladder import N_PROBES, rungs
from optuna_kappa.study.attributes import as_text
from optuna_kappa.study.plans import PLAN, Plan
from optuna_kappa.study.storage import open_storage
from studies.bench.asker import one_thread
from studies.bench.history import fill
from studies.bench.report import Report
from studies.processes import set_up_worker

N_REPORTS = 50
TARGET = "at most 10 % fewer trials a second"
ALONE = "none"
CASES = (ALONE, "optuna-dashboard", "optuna-kappa dashboard")

_LR = FloatDistribution(1e-5, 1.0, log=True)
_POLL = 10.0  # seconds between two requests of an open page, optuna-dashboard's default
_START = 120.0  # seconds within which a dashboard answers
_SETTLE = 20.0  # seconds after that, for what is done once


@dataclass(frozen=True)
class Timing:
    """How fast a study went on with one dashboard, or none.

    Attributes:
        dashboard: One of `CASES`.
        rates: Trials a second, by round.
        ratio: Median over the rounds of the rate divided by that without a dashboard.
        cpu: Seconds of processor time that the dashboard took in a second; None without one.
    """

    dashboard: str
    rates: Sequence[float]
    ratio: float
    cpu: float | None


def report(n_trials: int, seconds: float, n_rounds: int = 3) -> Report:
    """Time a study with each dashboard, and without one.

    Args:
        n_trials: Finished trials of the study.
        seconds: Seconds for which the study goes on, in each case and round.
        n_rounds: Number of rounds.

    Raises:
        ValueError: A number is not allowed.
    """
    if n_trials < 1 or not seconds > 0 or n_rounds < 1:
        raise ValueError(
            "the number of trials, the seconds and the rounds must be above 0, but are "
            f"{n_trials}, {seconds:g} and {n_rounds}"
        )

    rates: dict[str, list[float]] = {case: [] for case in CASES}
    loads: dict[str, list[float]] = {case: [] for case in CASES}
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.db"
        make_study(made, n_trials)
        for number in range(n_rounds):
            for case in CASES:
                # SQLite keeps files beside a database, so each copy has a name of its own.
                path = Path(folder) / f"{case} {number}.db"
                shutil.copy(made, path)
                with _open(case, path) as load:
                    rates[case].append(_in_worker(path, seconds))
                loads[case] += load

    timings = [_timing(case, rates, loads) for case in CASES]
    note = (
        f"A study of {n_trials:,} trials with {N_REPORTS} reports each goes on for {seconds:g} s "
        f"on SQLite, {n_rounds} rounds. Target: {TARGET}."
    )
    return Report({"timings": [asdict(timing) for timing in timings]}, [_table(timings), note])


def make_study(path: Path, n_trials: int) -> None:
    """Make a database of one study, as a search with KappaSampler would leave it."""
    storage = open_storage(f"sqlite:///{path}")
    fill(storage, "bench", list(_trials(n_trials)))
    with storage.engine.connect() as connection:
        # All of it into the one file that is copied.
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    storage.engine.dispose()


def rate(path: Path, seconds: float) -> float:
    """Trials a second with which a study goes on."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = open_storage(f"sqlite:///{path}", create=False)
    sampler = KappaSampler(N_REPORTS, seed=0)
    study = optuna.load_study(
        study_name="bench", storage=storage, sampler=sampler, pruner=KappaPruner()
    )
    study.optimize(_objective, n_trials=2)  # the first ask reads all trials

    n_before = len(study.get_trials(deepcopy=False))
    began = time.perf_counter()
    study.optimize(_objective, timeout=seconds)
    spent = time.perf_counter() - began
    n_after = len(study.get_trials(deepcopy=False))
    storage.engine.dispose()
    return (n_after - n_before) / spent


def _trials(n: int) -> Iterator[FrozenTrial]:
    horizons = [steps for steps, count in rungs(N_REPORTS, N_PROBES) for _ in range(count)]
    rng = np.random.default_rng(0)
    for number in range(n):
        steps = horizons[number] if number < len(horizons) else N_REPORTS
        is_probe = steps < N_REPORTS
        lr = float(np.exp(rng.uniform(np.log(1e-4), np.log(1e-1))))
        losses = {step: _loss(lr, step) for step in range(1, steps + 1)}
        yield create_trial(
            state=TrialState.PRUNED if is_probe else TrialState.COMPLETE,
            value=losses[steps],
            params={"lr": lr},
            distributions={"lr": _LR},
            user_attrs={
                PLAN: as_text(asdict(Plan(steps, "probe" if is_probe else "law", "constant")))
            },
            intermediate_values=losses,
        )


def _objective(trial: optuna.Trial) -> float:
    lr = trial.suggest_float("lr", _LR.low, _LR.high, log=True)
    loss = math.inf
    for step in range(1, horizon(trial, default=N_REPORTS) + 1):
        loss = _loss(lr, step)
        trial.report(loss, step)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return loss


def _loss(lr: float, step: int) -> float:
    return step**-0.3 * math.cosh(0.5 * math.log(lr * step / 0.05))


def _in_worker(path: Path, seconds: float) -> float:
    context = multiprocessing.get_context("spawn")
    parent = (os.getpid(),)
    with one_thread(), ProcessPoolExecutor(1, context, set_up_worker, parent) as pool:
        found: float = pool.submit(rate, path, seconds).result()
        return found


@contextmanager
def _open(case: str, path: Path) -> Iterator[list[float]]:
    """A dashboard with a page open on the study; at the end, its load is in the list."""
    load: list[float] = []
    if case == ALONE:
        yield load
        return

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


def _timing(case: str, rates: dict[str, list[float]], loads: dict[str, list[float]]) -> Timing:
    pairs = zip(rates[case], rates[ALONE], strict=True)
    ratio = statistics.median(with_one / alone for with_one, alone in pairs)
    load = [value for value in loads[case] if math.isfinite(value)]
    return Timing(case, rates[case], ratio, statistics.median(load) if load else None)


def _table(timings: Sequence[Timing]) -> Table:
    table = Table(title="A study with a dashboard open on it")
    for heading in ("dashboard", "trials a second", "range", "to none", "processor"):
        table.add_column(heading, justify="left" if heading == "dashboard" else "right")

    for timing in timings:
        table.add_row(
            timing.dashboard,
            f"{statistics.median(timing.rates):.2f}",
            f"{min(timing.rates):.2f} to {max(timing.rates):.2f}",
            f"{timing.ratio:.2f}",
            "" if timing.cpu is None else f"{100 * timing.cpu:.1f} %",
        )
    return table
