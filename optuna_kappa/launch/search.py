"""Runs the trials of a launched study one after the other, and marks what is interrupted."""

from __future__ import annotations

import os
import signal
import socket
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage, get_storage
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from optuna_kappa.launch.heartbeats import asking, beating
from optuna_kappa.launch.limits import Limits
from optuna_kappa.launch.objectives import Objective
from optuna_kappa.launch.progress import Progress
from optuna_kappa.launch.settings import Settings, settle
from optuna_kappa.launch.signals import held_back
from optuna_kappa.study.interrupted import mark_interrupted
from optuna_kappa.study.opening import open_any
from optuna_kappa.study.private import ask_with
from optuna_kappa.study.pruner import KappaPruner
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.study.storage import open_storage
from optuna_kappa.study.troubles import StorageError

Direction = Literal["minimize", "maximize"]

WORKER = "kappa:worker"
"""Trial attribute: host, process and, where it is known, the time at which the process began."""


class ObjectiveError(Exception):
    """The user's objective raised an error.

    Attributes:
        trial: Number of the trial.
        text: The traceback of the error.

    Example:
        >>> ObjectiveError(3, "MemoryError").trial
        3
    """

    def __init__(self, trial: int, text: str) -> None:
        """Keep the traceback as text, which other processes can be sent."""
        super().__init__(f"trial {trial}: {text}")
        self.trial = trial
        self.text = text


@dataclass(frozen=True, eq=False)
class Search:
    """A study that is being searched.

    Attributes:
        study: The study, with its sampler and pruner.
        sampler: The sampler.
        objective: What its trials run.
        limits: When it ends.
        progress: What is told of it.
    """

    study: Study
    sampler: KappaSampler
    objective: Objective
    limits: Limits
    progress: Progress

    def run(self) -> None:
        """Run trials until a limit is reached.

        A trial that is interrupted is marked, uses up no probe, and is planned again.

        Raises:
            ObjectiveError: The objective raised an error.
        """
        self.take_back()
        with self.progress.of_search():
            while not self.limits.reached(self.study, self.sampler):
                trial = begin_trial(self.study)
                self.progress.began(trial.number)
                answers = True
                try:
                    run_trial(self.study, trial, self.objective)
                except StorageError:  # what came of the trial cannot be read either
                    answers = False
                    raise
                finally:
                    if answers:
                        self.progress.ended(trial.number)

    def take_back(self) -> None:
        """Mark what an earlier process of this machine left RUNNING, so that it runs again."""
        for number in forget_dead(self.study):
            self.progress.lost(f"trial {number} was left by a process that is gone", number)


def begin_trial(study: Study) -> Trial:
    """Ask for a trial, which belongs to this process.

    An interrupt meanwhile is held back until the trial can be marked as interrupted. A signal
    that does not end the process leaves the trial as it is.

    Example:
        >>> study = optuna.create_study(sampler=KappaSampler(24))
        >>> begin_trial(study).number
        0
    """
    with held_back() as held, asking(study):
        trial = ask_with(study, {WORKER: _here()})
    try:
        for number in held:
            signal.raise_signal(number)
    except BaseException:
        mark_interrupted(study, study.get_trials(deepcopy=False)[trial.number])
        raise
    return trial


def run_trial(study: Study, trial: Trial, objective: Objective) -> None:
    """Run a trial and tell what came of it; mark it if it is interrupted.

    Raises:
        ObjectiveError: The objective raised an error.
        StorageError: The storage failed for good. The trial stays RUNNING, until somebody notices
            that its process is gone.

    Example:
        >>> study = optuna.create_study(sampler=KappaSampler(24))
        >>> run_trial(study, begin_trial(study), lambda trial: 0.5)
        >>> study.best_value
        0.5
    """
    try:
        with beating(study, trial):
            value = objective(trial)
    except optuna.TrialPruned:
        study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
    except UpdateFinishedTrialError:
        return  # without a sign of life for long, it was taken for dead, and runs elsewhere
    except StorageError:  # of a suggestion or a report, so nothing can be told either
        raise
    except Exception as error:
        study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
        text = "".join(traceback.format_exception(error))
        raise ObjectiveError(trial.number, text) from None
    except BaseException:  # of Ctrl-C
        frozen = study.get_trials(deepcopy=False)[trial.number]
        mark_interrupted(study, frozen)
        raise
    else:
        study.tell(trial, value, skip_if_finished=True)


def open_place(url: str) -> BaseStorage:
    """Open the storage of a launched study; it is created where there is none.

    Raises:
        ValueError: It cannot be opened.

    Example:
        >>> open_place("runs.log")
        Traceback (most recent call last):
        ValueError: there is no storage 'runs.log'; give a URL, such as sqlite:///kappa.db, or ...
    """
    if "://" not in url:
        return open_any(url)
    return get_storage(open_storage(url))


def open_study(
    storage: optuna.storages.BaseStorage,
    name: str,
    wanted: Settings,
    direction: Direction | None = None,
) -> tuple[Study, Settings]:
    """Open a study, or create it, and give it the sampler and the pruner of its settings.

    Args:
        storage: Where it is kept.
        name: Its name.
        wanted: Settings that are asked for.
        direction: Direction that is asked for. By default, that of the study; a new one minimizes.

    Raises:
        ValueError: The study was begun with other settings or another direction, or a setting
            is not allowed.

    Example:
        >>> storage = optuna.storages.InMemoryStorage()
        >>> study, settings = open_study(storage, "mine", Settings(24, seed=0))
        >>> study.sampler.rungs
        [(1, 6), (8, 4)]
    """
    if name not in [study.study_name for study in storage.get_all_studies()]:
        wanted.sampler()  # what is wrong shows before a study is made
    study = optuna.create_study(
        storage=storage, study_name=name, direction=direction, load_if_exists=True
    )
    if direction is not None and [one.name.lower() for one in study.directions] != [direction]:
        raise ValueError(
            f"the study {name!r} was not begun to {direction}: leave out --{direction} to go on "
            "with the study, or choose another --study for a new one"
        )
    settings = settle(study, wanted)

    study.sampler = settings.sampler()
    study.pruner = KappaPruner(lr=settings.lr or "lr")
    return study, settings


def forget_dead(study: Study) -> list[int]:
    """Mark the RUNNING trials of processes of this machine that are gone as interrupted.

    Returns:
        Their numbers.

    Example:
        >>> study = optuna.create_study()
        >>> trial = study.ask()
        >>> trial.set_user_attr(WORKER, f"{socket.gethostname()} 999999999")
        >>> forget_dead(study)
        [0]
    """
    marked = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if _is_dead(trial):
            mark_interrupted(study, trial)
            marked.append(trial.number)
    return marked


def _is_dead(trial: FrozenTrial) -> bool:
    """Whether the process of a trial ran on this machine, and is gone."""
    host, _, process = str(trial.user_attrs.get(WORKER, "")).partition(" ")
    pid, _, began = process.partition(" ")
    if host != socket.gethostname() or not pid.isdigit():
        return False

    # Another process may have the number by now, as after a restart of the machine.
    began_now = _began(pid)
    if began and began_now:
        return began != began_now

    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:  # of another user's process
        return False
    return False


def _here() -> str:
    pid = str(os.getpid())
    return f"{socket.gethostname()} {pid} {_began(pid)}".rstrip()


def _began(pid: str) -> str:
    """When a process began, in clock ticks since the machine did; empty where that is unknown."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # there is no such process, or the system is not Linux
        return ""

    # The name of the program, in parentheses, may hold spaces; see proc_pid_stat(5), field 22.
    after_name = status.rpartition(")")[2].split()
    return after_name[19]
