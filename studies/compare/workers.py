"""Runs the searches of a comparison in several processes and tells of their progress."""

from __future__ import annotations

import multiprocessing
import os
import queue
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from typing import NamedTuple

from studies.compare.settings import Job, Settings, jobs, lender
from studies.mnist.data import Source
from studies.processes import set_up_worker

_POLL = 0.2  # seconds between looks at the progress


class Place(NamedTuple):
    """Where the data comes from and the studies go to."""

    source: Source
    storage_url: str


class Runner(NamedTuple):
    """How the searches are run.

    Attributes:
        place: Data and storage.
        n_processes: Searches at a time, one thread each.
        deadline: Time, as of `time.time()`, from which no trial is started; may be infinite.
    """

    place: Place
    n_processes: int
    deadline: float


class Progress(NamedTuple):
    """A search has spent this much, in full-run equivalents."""

    job: Job
    spent: float


class _Line(NamedTuple):
    """What connects a worker process with its parent."""

    messages: Queue[Progress]
    stop: Event
    parent: int
    deadline: float  # time.time() from which no trial is started


_line: _Line | None = None  # of a worker process


def run_all(
    settings: Settings,
    todo: list[Job],
    runner: Runner,
    on_progress: Callable[[Progress], None],
) -> None:
    """Runs the searches; those that borrow probes wait for those that lend them.

    When one fails or the user interrupts, the trials that are running end first. Of a process that
    is killed, the trial that it was at is lost, and run again when the searches are resumed.

    Args:
        settings: The comparison.
        todo: Searches of it that are not finished.
        runner: How to run them.
        on_progress: Called in this process.

    Raises:
        ValueError: A search cannot be resumed with these settings.
        concurrent.futures.BrokenExecutor: A process was killed.
    """
    context = multiprocessing.get_context("spawn")
    line = _Line(context.Queue(), context.Event(), os.getpid(), runner.deadline)
    waiting = [job for job in jobs(settings) if job in todo]
    running: dict[Future[None], Job] = {}
    with ProcessPoolExecutor(runner.n_processes, context, _start, (line,)) as pool:
        try:
            while waiting or running:
                if time.time() >= runner.deadline:
                    waiting.clear()  # what they borrow may be cut short
                unfinished = {*waiting, *running.values()}
                for job in [j for j in waiting if lender(settings, j) not in unfinished]:
                    waiting.remove(job)
                    running[pool.submit(_work, settings, job, runner.place)] = job
                done, _ = wait(running, timeout=_POLL, return_when=FIRST_COMPLETED)
                _drain(line.messages, on_progress)
                for future in done:
                    del running[future]
                    future.result()
        except BaseException:
            line.stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        _drain(line.messages, on_progress)


def _drain(messages: Queue[Progress], on_progress: Callable[[Progress], None]) -> None:
    while True:
        try:
            on_progress(messages.get_nowait())
        except queue.Empty:
            return


def _start(line: _Line) -> None:
    """Sets up a worker process."""
    global _line
    _line = line
    set_up_worker(line.parent)


def _work(settings: Settings, job: Job, place: Place) -> None:
    from optuna_kappa.study.storage import open_storage
    from studies.compare.search import Search
    from studies.mnist.data import load

    def go_on(spent: float) -> bool:
        if _line is None:
            return True
        _line.messages.put(Progress(job, spent))
        return not (_line.stop.is_set() or time.time() >= _line.deadline)

    storage = open_storage(place.storage_url)
    Search(settings, job, load(place.source), storage).run(go_on)
