"""Runs the trials of a launched study in several processes of this machine.

The parent watches the study and says who may begin a trial: one worker after the other, as long as
no limit is reached. So limits hold for all of them together, and no two plan a trial at once. A
worker that dies (of SIGKILL, or for want of memory) loses one trial, which is planned again, and
another worker takes its place. `optuna_kappa.launch.worker` has the worker's side.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess

from optuna_kappa.launch.printed import pass_on
from optuna_kappa.launch.search import ObjectiveError, Search, forget_dead
from optuna_kappa.launch.signals import ignored
from optuna_kappa.launch.worker import GO, READY, STOP, Task, work

# Workers in a row that die without having ended a trial, after which no more are started.
_MOST_DEATHS = 3

_PATIENCE = 30.0  # seconds in which an interrupted worker has to end
_LAST_WORDS = 1.0  # seconds for what it printed last; a process that it started may go on

# A library for linear algebra takes all cores, in each process.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(eq=False)
class _Worker:
    """A worker as the parent sees it.

    Attributes:
        process: Its process.
        pipe: The parent's end of the pipe.
        printed: Passes on what it prints, if that does not go to the terminal at once.
        trial: The trial that it runs; None between two.
    """

    process: BaseProcess
    pipe: Connection
    printed: threading.Thread | None = None
    trial: int | None = None


@dataclass(eq=False)
class Workers:
    """The workers of a search.

    Args:
        search: The search; its own objective is not run.
        task: What the workers need to know.
        n: How many there are.
    """

    search: Search
    task: Task
    n: int
    _all: list[_Worker] = field(default_factory=list)
    _waiting: list[_Worker] = field(default_factory=list)
    _planning: _Worker | None = None
    _deaths: int = 0

    def run(self) -> None:
        """Run trials until a limit is reached.

        Raises:
            ObjectiveError: The objective raised an error; the other trials are interrupted.
            ChildProcessError: Workers die before they have ended a trial.
        """
        self.search.take_back()
        with self.search.progress.of_search():
            try:
                with _fewer_threads(self.n):
                    self._run()
            finally:
                self._interrupt()

    def _run(self) -> None:
        for _ in range(self.n):
            self._start()
        while self._all:
            pipes = {worker.pipe: worker for worker in self._all}
            for pipe in wait(list(pipes), timeout=1.0):
                self._listen(pipes[pipe])  # type: ignore[index]
            self._give_turn()

    def _start(self) -> None:
        # By spawn, since an objective may have threads, or hold a GPU.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        output, printed = self._output(context)
        process = context.Process(target=work, args=(self.task, theirs, output), daemon=True)
        with ignored(signal.SIGINT):  # Ctrl-C while Python starts would print a traceback
            process.start()
        theirs.close()  # so that the end of the process is the end of the pipe
        if output is not None:
            output.close()
        self._all.append(_Worker(process, ours, printed))

    def _output(self, context: SpawnContext) -> tuple[Connection | None, threading.Thread | None]:
        """Where a worker is to print, and what passes it on; None and None for the terminal."""
        screen = self.search.progress.screen
        if screen is None:
            return None, None
        lines, output = context.Pipe(duplex=False)
        return output, pass_on(lines, screen.say)

    def _listen(self, worker: _Worker) -> None:
        """Take in what a worker says, or that it is no more."""
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            self._bury(worker)
            return

        if message == READY:
            self._waiting.append(worker)
            return

        what, number, *more = message
        if what == "failed":
            worker.trial = None
            self.search.progress.ended(number)
            raise ObjectiveError(number, *more)
        if what == "began":
            self._planning = None
            worker.trial = number
            self.search.progress.began(number)
        else:
            worker.trial = None
            self._deaths = 0
            self.search.progress.ended(number)

    def _give_turn(self) -> None:
        """Let the next worker begin a trial, unless one is about to, or a limit is reached."""
        if self._planning is not None or not self._waiting:
            return

        if not self.search.limits.reached(self.search.study, self.search.sampler):
            self._planning = self._waiting.pop(0)
            _send(self._planning, GO)
        elif all(worker.trial is None for worker in self._all):
            # Trials that still run may cost less than planned, so that others can begin.
            for worker in self._waiting:
                _send(worker, STOP)
            self._waiting.clear()

    def _bury(self, worker: _Worker) -> None:
        """Forget a worker that has ended; replace it unless it was told to stop."""
        worker.process.join()
        if worker.printed is not None:
            worker.printed.join(_LAST_WORDS)
        self._all.remove(worker)
        if worker in self._waiting:
            self._waiting.remove(worker)
        if self._planning is worker:
            self._planning = None
        if worker.process.exitcode == 0:
            if worker.trial is not None:  # interrupted, but not by this process
                self.search.progress.ended(worker.trial)
            return

        how = _how_it_ended(worker.process)
        for number in forget_dead(self.search.study):
            self.search.progress.lost(f"trial {number}: its worker {how}", number)
        self._deaths += 1
        if self._deaths > _MOST_DEATHS:
            raise ChildProcessError(
                f"{self._deaths} workers in a row have died without ending a trial; the last one "
                f"{how}"
            )
        self._start()

    def _interrupt(self) -> None:
        """Interrupt the workers that are left, and wait until they have marked their trials."""
        with ignored(signal.SIGINT):
            for worker in self._all:
                worker.process.terminate()

            until = time.monotonic() + _PATIENCE
            for worker in self._all:
                worker.process.join(max(0.0, until - time.monotonic()))
                if worker.process.is_alive():
                    worker.process.kill()
                    worker.process.join()
                worker.pipe.close()

        forget_dead(self.search.study)
        for worker in self._all:
            if worker.trial is not None:
                self.search.progress.ended(worker.trial)
        self._all.clear()


def _send(worker: _Worker, message: str) -> None:
    try:
        worker.pipe.send(message)
    except OSError:  # it has died, which shows at the next look at its pipe
        pass


def _how_it_ended(process: BaseProcess) -> str:
    code = process.exitcode or 0
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


@contextmanager
def _fewer_threads(n: int) -> Iterator[None]:
    """Share the cores among n processes that are started, unless the user has said how."""
    share = str(max(1, (os.cpu_count() or 1) // n))
    added = [] if any(name in os.environ for name in _THREADS) else list(_THREADS)
    os.environ.update(dict.fromkeys(added, share))
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
