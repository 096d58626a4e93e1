"""Workers of one study, as threads or as processes that can be killed."""

from __future__ import annotations

import json
import multiprocessing
import os
from multiprocessing.process import BaseProcess
from pathlib import Path

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial

from optuna_kappa.study.storage import open_storage
from studies.scale import task

STUDY = "shared"
"""Name of the study that all workers join."""

# What a worker imports in any case, much of it when it is first used: a worker that is started
# again is then at work at once.
_IMPORTED = [
    "alembic.command",
    "optuna.storages._rdb.storage",
    "optuna.storages._rdb.models",
    "scipy.special",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.postgresql",
    "studies.scale.workers",
]


def join_study(url: str, heartbeat: int | None = None) -> optuna.Study:
    """Open or create the storage, and the study in it.

    Args:
        url: URL of the storage.
        heartbeat: Seconds between two signs of life of a trial; None for none.
    """
    return optuna.create_study(
        study_name=STUDY,
        storage=open_storage(url, heartbeat=heartbeat),
        sampler=task.sampler(),
        pruner=task.pruner(),
        load_if_exists=True,
    )


def work(
    url: str,
    n_trials: int,
    full_run: float,
    folder: str | None = None,
    heartbeat: int | None = None,
) -> None:
    """Run trials until so many of the study have ended; what a worker process does.

    Args:
        url: URL of the storage.
        n_trials: Finished trials of the study at which the worker stops.
        full_run: Seconds that a full run takes.
        folder: Where to write what was told; None for nowhere.
        heartbeat: Seconds between two signs of life of a trial; None for none.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = join_study(url, heartbeat)
    callbacks = [_StopAfter(n_trials)]
    if folder is not None:
        callbacks.append(_Diary(Path(folder)))
    while True:
        try:
            study.optimize(task.objective(full_run), callbacks=callbacks)
            return
        except UpdateFinishedTrialError:
            # A busy machine sent no sign of life for long: the trial was taken for dead, and
            # runs elsewhere.
            continue


class _StopAfter:
    """Stops a study once so many trials have ended, of all workers together."""

    def __init__(self, n_trials: int) -> None:
        self._n_trials = n_trials

    def __call__(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Look at the study after a trial of this worker."""
        if trial.number + 1 < self._n_trials:
            return
        ended = [trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]
        if len(ended) >= self._n_trials:
            study.stop()


class _Diary(_StopAfter):
    """Writes down what was told, where no storage can lose it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"told-{os.getpid()}"

    def __call__(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Write a line for a trial that was told."""
        said = {
            "number": trial.number,
            "state": trial.state.name,
            "value": trial.value,
            "params": trial.params,
            "reports": trial.intermediate_values,
        }
        with self._path.open("a") as file:
            file.write(json.dumps(said) + "\n")


def start_worker(
    url: str,
    n_trials: int,
    full_run: float,
    folder: str | None = None,
    heartbeat: int | None = None,
) -> BaseProcess:
    """Start a worker process. It is forked from a server that has imported all, so it is quick."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    arguments = (url, n_trials, full_run, folder, heartbeat)
    process = context.Process(target=work, args=arguments, daemon=True)
    process.start()
    return process


def run_processes(url: str, n_workers: int, n_trials: int, full_run: float) -> list[int | None]:
    """Run a study by several processes; returns their exit codes."""
    processes = [start_worker(url, n_trials, full_run) for _ in range(n_workers)]
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


def run_threads(url: str, n_workers: int, n_trials: int, full_run: float) -> None:
    """Run a study by several threads of this process."""
    study = join_study(url)
    study.optimize(task.objective(full_run), n_trials=n_trials, n_jobs=n_workers)
