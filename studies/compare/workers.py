"""Runs the trials of a comparison in several processes, one trial at a time in each."""

from __future__ import annotations

import functools
import math
import multiprocessing
import os
import queue
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier, Event
from typing import TYPE_CHECKING, NamedTuple

from studies.compare.settings import Job, Settings
from studies.compare.turns import Standing, longest_trial, next_job
from studies.mnist.data import Source
from studies.processes import set_up_worker

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.storages import BaseStorage

    from studies.mnist.data import Dataset

_POLL = 0.2  # seconds between looks at the progress
_START = 300.0  # seconds in which a worker has started, even on a machine that is very busy
_NEW = 0.3  # weight of the last trial in the mean of the speed


class Place(NamedTuple):
    """Where the data comes from, and where the studies go."""

    source: Source
    storage_url: str


class Running(NamedTuple):
    """A trial that runs.

    Attributes:
        job: Its search.
        is_probe: Whether it is a probe.
        lr: Its learning rate; NaN until it has reported.
        epochs: Epochs that it is planned for.
        done: Epochs so far.
    """

    job: Job
    is_probe: bool
    lr: float
    epochs: float
    done: float


class Turn(NamedTuple):
    """A trial that has ended.

    Attributes:
        job: Its search.
        standing: How far the search has come with it.
        epochs: Epochs that it trained.
        seconds: Time that it took.
    """

    job: Job
    standing: Standing
    epochs: float
    seconds: float


class Limit(NamedTuple):
    """When to stop.

    Attributes:
        deadline: Time, as of `time.monotonic()`, by which all trials have to end; may be infinite.
        epoch_seconds: Seconds that an epoch takes. A trial that would not end in time is not
            started.
    """

    deadline: float = math.inf
    epoch_seconds: float = 0.0


class _Line(NamedTuple):
    """What connects a worker process with its parent."""

    messages: Queue[Running]
    stop: Event
    together: Barrier
    parent: int


_line: _Line | None = None  # set in worker processes only


class Crew:
    """Worker processes that run trials.

    Attributes:
        n_processes: Their number, one thread each.
    """

    def __init__(self, pool: ProcessPoolExecutor, line: _Line, place: Place, n: int) -> None:
        """Take over the processes of a pool; use `crew`."""
        self.n_processes = n
        self._pool = pool
        self._line = line
        self._place = place

    def epoch_seconds(self, settings: Settings) -> float:
        """Train for a moment in all processes at once; return the seconds that an epoch takes."""
        futures = []
        for _ in range(self.n_processes):
            futures.append(self._pool.submit(_measure, settings, self._place))

        return sum(future.result() for future in futures) / len(futures)

    def run(
        self,
        settings: Settings,
        standings: dict[Job, Standing],
        limit: Limit,
        on_progress: Callable[[Running | Turn | None], None],
    ) -> None:
        """Run trials until all budgets are spent, or the time is.

        Args:
            settings: The comparison.
            standings: How far each search has come; kept up to date.
            limit: When to stop.
            on_progress: Called in this process with each report and each trial that has ended, and
                several times a second with None.

        Raises:
            ValueError: A search cannot be resumed with these settings.
            concurrent.futures.BrokenExecutor: A process was killed.
        """
        running: dict[Future[Turn | None], Job] = {}
        epoch_seconds = limit.epoch_seconds

        def fits(job: Job) -> bool:
            longest = longest_trial(job, standings[job]) * epoch_seconds
            return time.monotonic() + longest <= limit.deadline

        while True:
            while len(running) < self.n_processes:
                job = next_job(settings, standings, running.values(), fits)
                if job is None:
                    break
                running[self._pool.submit(_work, settings, job, self._place)] = job
                on_progress(Running(job, False, math.nan, job.part.epochs, 0.0))

            if not running:
                return

            ended, _ = wait(running, timeout=_POLL, return_when=FIRST_COMPLETED)
            for message in self._messages():
                on_progress(message)
            on_progress(None)
            if time.monotonic() >= limit.deadline:
                self._line.stop.set()  # what takes longer than expected is given up

            for future in ended:
                del running[future]
                turn = future.result()  # raises the error of a search that failed
                if turn is not None:
                    standings[turn.job] = turn.standing
                    epoch_seconds = _mean(epoch_seconds, turn)
                    on_progress(turn)

    def _messages(self) -> Iterator[Running]:
        """All messages that have arrived."""
        while True:
            try:
                yield self._line.messages.get_nowait()
            except queue.Empty:
                return


@contextmanager
def crew(place: Place, n_processes: int) -> Iterator[Crew]:
    """Start worker processes, and end them.

    After a failure or an interrupt, running trials are given up, and run again when the comparison
    is resumed.

    Args:
        place: Data and storage.
        n_processes: Number of processes.
    """
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(n_processes)
    line = _Line(context.Queue(), context.Event(), together, os.getpid())

    with ProcessPoolExecutor(n_processes, context, _start, (line,)) as pool:
        try:
            yield Crew(pool, line, place, n_processes)
        finally:
            line.stop.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _mean(epoch_seconds: float, turn: Turn) -> float:
    """Seconds of an epoch: mean of what was known, and of the trial that has ended."""
    if not turn.epochs:
        return epoch_seconds
    return (1 - _NEW) * epoch_seconds + _NEW * turn.seconds / turn.epochs


def _start(line: _Line) -> None:
    """Set up a worker process."""
    global _line
    _line = line
    line.messages.cancel_join_thread()  # what nobody reads must not keep this process from ending
    set_up_worker(line.parent)


@functools.cache
def _data(source: Source) -> Dataset:
    from studies.mnist.data import load

    return load(source)


@functools.cache
def _storage(url: str) -> BaseStorage:
    from optuna_kappa.study.storage import open_storage

    return open_storage(url)


def _measure(settings: Settings, place: Place) -> float:
    """Return the seconds that an epoch takes while all processes train."""
    from studies.compare.speed import measure

    dataset = _data(place.source)
    if _line is not None:
        _line.together.wait(_START)
    return measure(dataset, settings.optimizer)


def _work(settings: Settings, job: Job, place: Place) -> Turn | None:
    """Run a trial in a worker process; return None if it was given up."""
    from optuna_kappa import horizon
    from optuna_kappa.study.plans import kind_of
    from studies.compare.search import Abandoned, Search

    dataset = _data(place.source)
    last = 0

    def report(trial: Trial, step: int) -> None:
        nonlocal last
        last = step
        if _line is None:
            return

        if _line.stop.is_set():
            raise Abandoned
        planned = horizon(trial, default=search.horizon) / dataset.n_train
        frozen = search.study.get_trials(deepcopy=False)[trial.number]
        is_probe = kind_of(frozen) == "probe"
        lr, done = trial.params["lr"], step / dataset.n_train
        _line.messages.put(Running(job, is_probe, lr, planned, done))

    search = Search(settings, job, dataset, _storage(place.storage_url), report)
    started = time.monotonic()
    try:
        search.run_trial()
    except Abandoned:
        return None

    seconds = time.monotonic() - started
    return Turn(job, search.standing, last / dataset.n_train, seconds)
