"""Runs a sweep in several processes and shows its progress.

The processes share nothing but the folder of the studies: a killed process would leave a lock or
a pipe in memory in an undefined state. The parent counts the runs that are in the studies, so it
also counts those that other commands train.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import timedelta
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from studies.mnist.data import load
from studies.paper.plan import Group, Plan, Planned
from studies.paper.sweep import Sweep
from studies.processes import CONTINUE, WorkerError, crew, ending, set_up_worker

# Seconds between looks at the studies; a look takes a hundredth of that.
_POLL = 1.0
_LINE_EVERY = 60.0  # seconds between lines where no terminal can show a bar
_SPEED_PERIOD = 300.0  # seconds over which the speed is measured

Runs = Sequence[tuple[Group, Planned]]


def run_all(plan: Plan, folder: Path, jobs: int, deadline: float, console: Console) -> int:
    """Train what is missing; return how many runs are still missing afterwards.

    An interrupt stops the workers at once, and the runs that they are training are lost. When a
    worker fails, the others take over its runs.

    Args:
        plan: What to train.
        folder: Where the studies are.
        jobs: Number of processes, one thread each.
        deadline: Time, as of `time.time()`, from which no run is started; may be infinite.
        console: Where to show the progress.

    Raises:
        ValueError: The folder or the data cannot be used.
        WorkerError: A worker failed, and there are runs that no other has trained.
    """
    sweep = Sweep(plan, folder)
    planned = list(plan.runs())
    todo = sweep.missing()
    if not todo:
        console.print(f"All {len(planned):,} runs are done.", highlight=False)
        return 0

    # Load or download the data once here, so that an error is reported before workers start.
    dataset = load(plan.source)
    console.print(f"Data: {dataset.source}", soft_wrap=True, markup=False)

    arguments = (plan, folder, os.getpid(), deadline)
    with crew(_work, arguments, jobs) as workers:
        _follow(workers, sweep, _Display(planned, todo, console))
        failed = [worker.exitcode for worker in workers if worker.exitcode]

    n_missing = len(sweep.missing())
    if n_missing and failed:
        raise WorkerError(
            f"a worker process {ending(failed[0])}; runs still to do: {n_missing:,}. {CONTINUE}"
        )
    return n_missing


def _work(plan: Plan, folder: Path, parent: int, deadline: float) -> None:
    set_up_worker(parent)
    Sweep(plan, folder).work(lambda: time.time() < deadline)


class _Display:
    """The progress: a bar on a terminal, a line a minute elsewhere. Both are in samples."""

    def __init__(self, planned: Runs, missing: Runs, console: Console) -> None:
        self._n_runs = len(planned)
        self._total = _samples(planned)
        self._console = console
        self._last_line = time.monotonic()

        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:.1f} %"),
            TextColumn("{task.fields[left]}"),
            console=console,
            speed_estimate_period=_SPEED_PERIOD,
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

    def _runs(self, missing: Runs) -> str:
        return f"{self._n_runs - len(missing):,} of {self._n_runs:,} runs"

    def show(self, missing: Runs) -> None:
        """Update the bar, or print a line if one is due."""
        done = self._total - _samples(missing)
        task = self.bar.tasks[self._task]

        # An update without progress would count as a speed of zero.
        if done > task.completed:
            self.bar.update(self._task, completed=done, description=self._runs(missing))
            seconds = task.time_remaining
            if seconds is not None:
                self.bar.update(self._task, left=f"{timedelta(seconds=round(seconds))} left")

        line_is_due = time.monotonic() >= self._last_line + _LINE_EVERY
        if line_is_due and not self._console.is_terminal:
            self._print_line()

    def tell(self, message: str) -> None:
        """Print a sentence, above the bar if there is one."""
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
    """Show the progress until no worker is left, and report each one that ends too early."""
    running = list(workers)
    with display.bar:
        while running:
            wait([worker.sentinel for worker in running], timeout=_POLL)
            ended = [worker for worker in running if not worker.is_alive()]
            running = [worker for worker in running if worker not in ended]
            display.show(sweep.missing())

            for worker in ended:
                if worker.exitcode and running:
                    display.tell(f"A worker process {ending(worker.exitcode)}; others go on.")


def _samples(runs: Runs) -> int:
    return sum(planned.horizon for _, planned in runs)
