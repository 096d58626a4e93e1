"""A worker of a launched study: runs trials in a process of its own, when it is its turn.

What it says to its parent (`optuna_kappa.launch.workers`) and is told by it, over a pipe:

    to the parent     READY, waiting for its turn
                      ("began", number), the turn is the next one's
                      ("ended", number)
                      ("failed", number, traceback) of the objective; the worker ends
    from the parent   GO, or STOP
"""

from __future__ import annotations

import multiprocessing
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

import optuna

from optuna_kappa.launch.objectives import Objective, load_objective
from optuna_kappa.launch.printed import print_to
from optuna_kappa.launch.search import (
    ObjectiveError,
    begin_trial,
    open_place,
    open_study,
    run_trial,
)
from optuna_kappa.launch.settings import Settings
from optuna_kappa.study.troubles import StorageError

READY, GO, STOP = "ready", "go", "stop"
"""What is said of turns."""

_DYING = 1.0  # seconds that a process takes, at most, from closing its pipes to its end
_FAILED = 1  # exit code


@dataclass(frozen=True)
class Task:
    """What a worker needs to know.

    Attributes:
        url: URL of the storage.
        study: Name of the study.
        objective: Name of the objective, see `optuna_kappa.launch.objectives`.

    Example:
        >>> Task("sqlite:///kappa.db", "mine", "train.py:objective").study
        'mine'
    """

    url: str
    study: str
    objective: str


def work(task: Task, pipe: Connection, output: Connection | None = None) -> None:
    """Run trials until the parent says STOP, or is gone.

    Args:
        task: What is to be run.
        pipe: The worker's end of the pipe.
        output: A pipe to print to; None for the streams that it has.
    """
    if output is not None:
        print_to(output)
    # The parent hears Ctrl-C, too, and says what it means. Not SIG_IGN, which programs that the
    # objective starts would inherit.
    signal.signal(signal.SIGINT, _take_no_notice)
    signal.signal(signal.SIGTERM, _interrupted)
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # the parent tells what is new
    try:
        objective = load_objective(task.objective)
        study, _ = open_study(open_place(task.url), task.study, Settings())
        pipe.send(READY)
        while pipe.recv() == GO:
            trial = begin_trial(study)
            pipe.send(("began", trial.number))
            run_trial(study, trial, lambda trial: _run(objective, trial))
            pipe.send(("ended", trial.number))
            pipe.send(READY)
    except ObjectiveError as error:
        pipe.send(("failed", error.trial, error.text))
    except StorageError:
        raise SystemExit(_FAILED) from None  # the parent finds the same, and says so
    except (KeyboardInterrupt, EOFError, BrokenPipeError):
        pass  # interrupted, or the parent is gone


def _run(objective: Objective, trial: optuna.Trial) -> Any:
    """Run an objective. If it cannot print since the parent is gone, that is an interrupt."""
    try:
        return objective(trial)
    except BrokenPipeError:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join(_DYING)
        if parent is None or parent.is_alive():
            raise
        raise KeyboardInterrupt from None


def _interrupted(_number: int, _frame: FrameType | None) -> Any:
    """Interrupt the trial, once: a second signal must not keep it from being marked."""
    # Not SIG_IGN: Python would print an error about a signal that is just arriving.
    signal.signal(signal.SIGTERM, _take_no_notice)
    raise KeyboardInterrupt


def _take_no_notice(_number: int, _frame: FrameType | None) -> None:
    """Do nothing about a signal."""
