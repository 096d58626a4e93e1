"""Runs a sweep in several processes and tells how far it is.

The processes share nothing but the folder of the studies: a lock or a pipe in memory would be left
in disorder by one that is killed. The parent counts the runs that are in the studies, and so those
that other commands train as well.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from studies.mnist.data import load
from studies.paper.plan import Group, Plan, Planned
from studies.paper.sweep import Sweep
from studies.processes import set_up_worker

_POLL = 1.0  # seconds between looks at the studies, which cost a hundredth of it
_LINE_EVERY = 60.0  # seconds between lines where there is no terminal for a bar
_WARM = 300.0  # seconds over which the speed is measured


class WorkerError(RuntimeError):
    """Runs are missing because processes ended before their time."""


def run_all(plan: Plan, folder: Path, jobs: int, deadline: float, console: Console) -> int:
    """Trains what is missing; returns how many runs are missing then.

    An interrupt stops the workers at once; the runs that they are at are lost. Of a worker that
    fails, the others take over what is left.

    Args:
        plan: What to train.
        folder: Where the studies are.
        jobs: Processes, one thread each.
        deadline: Time, as of `time.time()`, from which no run is started; may be infinite.
        console: Where to show the progress.

    Raises:
        ValueError: The folder or the data cannot be used.
        WorkerError: A worker failed, and there are runs that none has trained.
    """
    sweep, planned = Sweep(plan, folder), list(plan.runs())
    todo = sweep.missing()
    if not todo:
        console.print(f"All {len(planned):,} runs are done.", highlight=False)
        return 0
    # Loaded, or downloaded, once here: what is wrong with it is said before there are workers.
    console.print(f"Data: {load(plan.source).source}", soft_wrap=True, markup=False)
    with _crew(plan, folder, jobs, deadline) as workers:
        _follow(workers, sweep, _Display(planned, todo, console))
        failed = [worker.exitcode for worker in workers if worker.exitcode]
    missing = len(sweep.missing())
    if missing and failed:
        raise WorkerError(
            f"a worker process {_ending(failed[0])}; runs still to do: {missing:,}. The same "
            "command goes on from here."
        )
    return missing


@contextmanager
def _crew(plan: Plan, folder: Path, jobs: int, deadline: float) -> Iterator[list[BaseProcess]]:
    """Worker processes, stopped at the end."""
    context = multiprocessing.get_context("spawn")
    arguments = (plan, folder, os.getpid(), deadline)
    started: list[BaseProcess] = []
    try:
        for _ in range(jobs):
            worker = context.Process(target=_work, args=arguments)
            with _no_interrupt():
                worker.start()
                started.append(worker)
        yield started
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.join()


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Keeps an interrupt back; processes started meanwhile never get one.

    It reaches all processes, and those that are still starting would each print a traceback.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(plan: Plan, folder: Path, parent: int, deadline: float) -> None:
    set_up_worker(parent)
    Sweep(plan, folder).work(lambda: time.time() < deadline)


class _Display:
    """A bar on a terminal, a line a minute elsewhere; both count samples, and tell of runs."""

    def __init__(
        self,
        planned: Sequence[tuple[Group, Planned]],
        missing: Sequence[tuple[Group, Planned]],
        console: Console,
    ) -> None:
        self._n_runs, self._console = len(planned), console
        self._total = _samples(planned)
        self._last_line = time.monotonic()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:.1f} %"),
            TextColumn("{task.fields[left]}"),
        )
        self.bar = Progress(
            *columns,
            console=console,
            speed_estimate_period=_WARM,
            disable=not console.is_terminal,
        )
        self._task = self.bar.add_task(
            self._runs(missing),
            total=self._total,
            completed=self._total - _samples(missing),
            left="starting",
        )
        if not console.is_terminal:
            self._print_line()

    def _runs(self, missing: Sequence[tuple[Group, Planned]]) -> str:
        return f"{self._n_runs - len(missing):,} of {self._n_runs:,} runs"

    def show(self, missing: Sequence[tuple[Group, Planned]]) -> None:
        """Shows how far the sweep is, or prints a line where one is due."""
        done = self._total - _samples(missing)
        task = self.bar.tasks[self._task]
        if done > task.completed:  # the speed is that between changes
            self.bar.update(self._task, completed=done, description=self._runs(missing))
            if (seconds := task.time_remaining) is not None:
                self.bar.update(self._task, left=f"{timedelta(seconds=round(seconds))} left")
        if not self._console.is_terminal and time.monotonic() >= self._last_line + _LINE_EVERY:
            self._print_line()

    def tell(self, message: str) -> None:
        """Prints a sentence, above the bar if there is one."""
        self._console.print(message, highlight=False)

    def _print_line(self) -> None:
        self._last_line = time.monotonic()
        task = self.bar.tasks[self._task]
        speed = f"{task.speed:,.0f} samples/s, " if task.speed else ""
        self.tell(
            f"{task.description}, {task.percentage:.1f} % of the samples, "
            f"{speed}{task.fields['left']}"
        )


def _follow(workers: Sequence[BaseProcess], sweep: Sweep, display: _Display) -> None:
    """Shows finished runs until no worker is left, and says when one ends before its time."""
    alive = list(workers)
    with display.bar:
        while alive:
            wait([worker.sentinel for worker in alive], timeout=_POLL)
            ended = [worker for worker in alive if not worker.is_alive()]
            alive = [worker for worker in alive if worker not in ended]
            display.show(sweep.missing())
            for worker in ended:
                if worker.exitcode and alive:
                    display.tell(f"A worker process {_ending(worker.exitcode)}; others go on.")


def _ending(exit_code: int) -> str:
    """How a process ended, by its exit code, as the rest of a sentence."""
    if exit_code < 0:
        return f"was killed ({signal.Signals(-exit_code).name})"
    return "failed with the error above"


def _samples(runs: Sequence[tuple[Group, Planned]]) -> int:
    return sum(planned.horizon for _, planned in runs)
