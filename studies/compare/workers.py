"""Runs the searches of a comparison in several processes and reports their progress."""

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
    """Where the data comes from, and where the studies go."""

    source: Source
    storage_url: str


class Runner(NamedTuple):
    """How the searches are run.

    Attributes:
        place: Data and storage.
        n_processes: Number of searches at a time, one thread each.
        deadline: Time, as of `time.time()`, from which no trial is started; may be infinite.
    """

    place: Place
    n_processes: int
    deadline: float


class Progress(NamedTuple):
    """How much a search has spent, in full-run equivalents."""

    job: Job
    spent: float


class _Line(NamedTuple):
    """What connects a worker process with its parent."""

    messages: Queue[Progress]
    stop: Event
    parent: int
    deadline: float  # time.time() from which no trial is started


_line: _Line | None = None  # set in worker processes only


def run_all(
    settings: Settings,
    todo: list[Job],
    runner: Runner,
    on_progress: Callable[[Progress], None],
) -> None:
    """Run the searches; those that borrow probes wait for those that lend them.

    After a failure or an interrupt, the running trials are finished first. The trial of a process
    that is killed is lost; it is run again when the searches are resumed.

    Args:
        settings: The comparison.
        todo: Those of its searches that are not finished.
        runner: How to run them.
        on_progress: Called in this process.

    Raises:
        ValueError: A search cannot be resumed with these settings.
        concurrent.futures.BrokenExecutor: A process was killed.
    """
    context = multiprocessing.get_context("spawn")
    line = _Line(context.Queue(), context.Event(), os.getpid(), runner.deadline)

    def report() -> None:
        _drain(line.messages, on_progress)

    with ProcessPoolExecutor(runner.n_processes, context, _start, (line,)) as pool:
        try:
            _run_in(pool, settings, todo, runner, report)
        except BaseException:
            # The running searches end after their current trial, the others never start.
            line.stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise

        report()


def _run_in(
    pool: ProcessPoolExecutor,
    settings: Settings,
    todo: list[Job],
    runner: Runner,
    report: Callable[[], None],
) -> None:
    """Submit each search when its probes are there, until all have ended."""
    waiting = [job for job in jobs(settings) if job in todo]
    running: dict[Future[None], Job] = {}

    while waiting or running:
        if time.time() >= runner.deadline:
            # Their lenders may have been stopped before all probes were run.
            waiting.clear()

        for job in _ready(settings, waiting, running):
            waiting.remove(job)
            future = pool.submit(_work, settings, job, runner.place)
            running[future] = job

        finished, _ = wait(running, timeout=_POLL, return_when=FIRST_COMPLETED)
        report()
        for future in finished:
            del running[future]
            future.result()  # raises the error of a search that failed


def _ready(settings: Settings, waiting: list[Job], running: dict[Future[None], Job]) -> list[Job]:
    """Return the waiting searches whose lenders have finished."""
    unfinished = {*waiting, *running.values()}
    return [job for job in waiting if lender(settings, job) not in unfinished]


def _drain(messages: Queue[Progress], on_progress: Callable[[Progress], None]) -> None:
    """Pass on all messages that have arrived."""
    while True:
        try:
            on_progress(messages.get_nowait())
        except queue.Empty:
            return


def _start(line: _Line) -> None:
    """Set up a worker process."""
    global _line
    _line = line
    set_up_worker(line.parent)


def _work(settings: Settings, job: Job, place: Place) -> None:
    """Run one search in a worker process."""
    from optuna_kappa.study.storage import open_storage
    from studies.compare.search import Search
    from studies.mnist.data import load

    def go_on(spent: float) -> bool:
        if _line is None:
            return True

        _line.messages.put(Progress(job, spent))
        is_late = time.time() >= _line.deadline
        return not (_line.stop.is_set() or is_late)

    storage = open_storage(place.storage_url)
    search = Search(settings, job, load(place.source), storage)
    search.run(go_on)
