"""Time the asks of one sampler at one study, in a process of its own that can be given up on."""

from __future__ import annotations

import multiprocessing
import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, GPSampler, TPESampler
from optuna.storages import get_storage

from optuna_kappa import KappaSampler, horizon
from optuna_kappa.study.storage import open_database
from studies.bench import history
from studies.bench.clock import Clock, Spent
from studies.bench.recorded import adam, lr_range
from studies.replay.objective import LR
from studies.replay.search import follow

_STUDY = "bench"
_SEED = 0
_THREADS = "OMP_NUM_THREADS"


class Case(NamedTuple):
    """Something to be timed.

    Attributes:
        name: Name in the table.
        sampler: "kappa", "tpe" or "gp".
        distinct: As in `history.trials`.
    """

    name: str
    sampler: str
    distinct: bool = False


class Asker:
    """A study with a history, at which a sampler is asked for trials.

    Attributes:
        study: The study.
    """

    def __init__(self, case: Case, n_trials: int, folder: Path) -> None:
        """Create the study in a new database, then open that as a later process would.

        Args:
            case: The sampler.
            n_trials: Number of finished trials.
            folder: Folder of the database.
        """
        url = f"sqlite:///{folder / f'{case.name} {n_trials}.db'}"
        new = open_database(url)
        history.fill(new, _STUDY, history.trials(n_trials, distinct=case.distinct))
        new.engine.dispose()

        self._clock = Clock()
        self._opened = open_database(url)
        storage = get_storage(self._opened)  # adds the cache that every study has
        self._clock.watch_storage(storage)

        self.study = optuna.load_study(study_name=_STUDY, storage=storage)
        self.study.sampler = self._sampler(case.sampler)
        self._objective = adam(history.EPOCHS)

    def ask(self) -> Spent:
        """Time an ask, and finish its trial, so that the next ask finds another history."""
        lr = lr_range(self._objective)
        self._clock.restart()
        trial = self.study.ask()
        trial.suggest_float(LR, lr.low, lr.high, log=True)
        spent = self._clock.read()

        planned = horizon(trial, default=history.EPOCHS)
        rng = np.random.default_rng([_SEED, trial.number])
        curve = self._objective.curve(trial.params, planned, rng)
        follow(trial, curve, prune=False)
        self.study.tell(trial, float(curve.losses[-1]))
        return spent

    def close(self) -> None:
        """Close the database."""
        self._opened.engine.dispose()

    def _sampler(self, name: str) -> BaseSampler:
        if name == "gp":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)
                return GPSampler(seed=_SEED)

        tpe = TPESampler(seed=_SEED)
        if name == "tpe":
            return tpe

        self._clock.watch_base(tpe)
        return KappaSampler(history.EPOCHS, base_sampler=tpe, seed=_SEED)


@contextmanager
def one_thread() -> Iterator[None]:
    """Make processes that are started inside calculate in one thread.

    With two threads, each waits for the other where the cores are shared: on a busy machine, they
    took six times as long as one alone. NumPy and torch read the variable when they are first
    imported.
    """
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = before


class Ended(Exception):
    """The process of a worker ended by itself, for example because memory ran out."""


class Worker:
    """An asker in another process."""

    def __init__(self, case: Case, n_trials: int, folder: Path) -> None:
        """Start the process. It creates its study first.

        Args:
            case: The sampler.
            n_trials: Number of finished trials.
            folder: Folder of the database.
        """
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(
            target=_work,
            args=(theirs, case, n_trials, folder),
            daemon=True,
        )
        with one_thread():
            self._process.start()
        theirs.close()

    def wait(self) -> None:
        """Wait until the study is created.

        Raises:
            Ended: The process ended before that.
        """
        self._receive()

    def ask(self, limit: float) -> Spent | None:
        """Ask once; return None if that takes longer than the limit.

        Args:
            limit: Seconds to wait.

        Raises:
            Ended: The process ended without an answer.
        """
        try:
            self._line.send(None)
        except BrokenPipeError:
            raise self._ended() from None

        return self._receive() if self._line.poll(limit) else None

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self._line.close()
        self._process.kill()
        self._process.join()

    def _receive(self) -> Spent | None:
        try:
            answer: Spent | None = self._line.recv()
        except (EOFError, ConnectionResetError):
            raise self._ended() from None

        return answer

    def _ended(self) -> Ended:
        self._process.join()
        return Ended(f"its process ended with exit code {self._process.exitcode}")


def _work(
    line: Connection[Spent | None, None],
    case: Case,
    n_trials: int,
    folder: Path,
) -> None:
    """Create a study, then answer each question with an ask, until the line is closed."""
    # Ctrl-C reaches all processes. Only the parent reacts to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    asker = Asker(case, n_trials, folder)
    line.send(None)
    while True:
        try:
            line.recv()
        except EOFError:
            break
        line.send(asker.ask())

    asker.close()
