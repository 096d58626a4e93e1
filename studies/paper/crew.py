"""Runs a sweep in several processes and tells how far it is."""

from __future__ import annotations

import multiprocessing
import os
import queue
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from studies.paper.plan import Plan, Planned
from studies.paper.sweep import Sweep
from studies.processes import set_up_worker

_POLL = 0.5  # seconds between looks at the workers
_LINE_EVERY = 60  # seconds between lines where there is no terminal for a bar
_WARM = 300.0  # seconds over which the bar measures the speed


@dataclass(frozen=True)
class _Line:
    """What connects a worker with its parent."""

    finished: Queue[Planned]
    stop: Event
    parent: int
    deadline: float


def run_all(plan: Plan, folder: Path, jobs: int, deadline: float, console: Console) -> int:
    """Trains what is missing; returns how many runs are missing then.

    An interrupt stops the workers at once; the runs that they are at are lost.

    Args:
        plan: What to train.
        folder: Where the studies are.
        jobs: Processes, one thread each.
        deadline: Time, as of `time.time()`, from which no run is started; may be infinite.
        console: Where to show the progress.
    """
    sweep = Sweep(plan, folder)
    todo = sweep.missing()
    if not todo:
        return 0
    context = multiprocessing.get_context("spawn")
    line = _Line(context.Queue(), context.Event(), os.getpid(), deadline)
    workers = [context.Process(target=_work, args=(plan, folder, line)) for _ in range(jobs)]
    for worker in workers:
        worker.start()
    try:
        total = sum(planned.horizon for _, planned in todo)
        _follow(workers, line.finished, _Display(len(todo), total, console))
    finally:
        line.stop.set()
        for worker in workers:
            worker.terminate()
            worker.join()
    return len(sweep.missing())


def _work(plan: Plan, folder: Path, line: _Line) -> None:
    set_up_worker(line.parent)

    def go_on() -> bool:
        return not line.stop.is_set() and time.time() < line.deadline

    Sweep(plan, folder).work(go_on, line.finished.put)


class _Display:
    """A bar on a terminal, a line a minute elsewhere."""

    def __init__(self, n_runs: int, samples: int, console: Console) -> None:
        self._n_runs, self._samples, self._console = n_runs, samples, console
        self._n_done, self._trained = 0, 0
        self._started = self._last_line = time.monotonic()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:.1f} %"),
            TimeRemainingColumn(),
        )
        self.bar = Progress(
            *columns,
            console=console,
            speed_estimate_period=_WARM,
            disable=not console.is_terminal,
        )
        self._task = self.bar.add_task(self._runs, total=samples)

    @property
    def _runs(self) -> str:
        return f"{self._n_done:,} of {self._n_runs:,} runs"

    def add(self, planned: Planned) -> None:
        """Counts a finished run."""
        self._n_done += 1
        self._trained += planned.horizon
        self.bar.update(self._task, completed=self._trained, description=self._runs)

    def tick(self) -> None:
        """Prints a line where one is due."""
        now = time.monotonic()
        if self._console.is_terminal or now < self._last_line + _LINE_EVERY:
            return
        self._last_line = now
        rate = self._trained / (now - self._started)
        left = f"{(self._samples - self._trained) / rate / 60:.0f} min left" if rate else ""
        self._console.print(
            f"{self._runs}, {self._trained / self._samples:.1%} of the samples, "
            f"{rate:,.0f} samples/s, {left}",
            highlight=False,
        )


def _follow(workers: Sequence[BaseProcess], finished: Queue[Planned], display: _Display) -> None:
    """Shows finished runs until no worker is left."""
    with display.bar:
        alive = True
        while alive:
            alive = any(worker.is_alive() for worker in workers)
            try:
                display.add(finished.get(timeout=_POLL))
                alive = True  # there may be more in the queue
            except queue.Empty:
                pass
            display.tick()
