"""Runs the trials of a launched study one after the other, and marks what is interrupted."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import optuna
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from optuna_kappa.launch.limits import Limits
from optuna_kappa.launch.objectives import Objective
from optuna_kappa.launch.progress import Progress
from optuna_kappa.launch.settings import Settings, settle
from optuna_kappa.study.interrupted import INTERRUPTED
from optuna_kappa.study.private import set_user_attr
from optuna_kappa.study.pruner import KappaPruner
from optuna_kappa.study.sampler import KappaSampler

Direction = Literal["minimize", "maximize"]

WORKER = "kappa:worker"
"""Trial attribute: host, process and, where it is known, the time at which the process began."""


class ObjectiveError(Exception):
    """The user's objective raised an error, which is the cause of this one."""


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
        for number in forget_dead(self.study):
            self.progress.say(f"trial {number} was left by a process that is gone; it runs again")

        while not self.limits.reached(self.study, self.sampler):
            trial = self.study.ask()
            trial.set_user_attr(WORKER, _here())
            with self.progress.of(trial):
                self._run(trial)

    def _run(self, trial: Trial) -> None:
        try:
            value = self.objective(trial)
        except optuna.TrialPruned:
            self.study.tell(trial, state=TrialState.PRUNED)
        except Exception as error:
            self.study.tell(trial, state=TrialState.FAIL)
            raise ObjectiveError(trial.number) from error
        except BaseException:  # of Ctrl-C
            frozen = self.study.get_trials(deepcopy=False)[trial.number]
            _mark_interrupted(self.study, frozen)
            raise
        else:
            self.study.tell(trial, value)


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
            _mark_interrupted(study, trial)
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


def _mark_interrupted(study: Study, trial: FrozenTrial) -> None:
    set_user_attr(study, trial, INTERRUPTED, True)
    study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
