"""Workers of one study, as threads or as processes that can be killed."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.process import BaseProcess

import optuna

from optuna_kappa.study.storage import open_storage
from studies.scale import task

STUDY = "shared"

_POLL = 0.05  # seconds between two looks at the workers


def join_study(url: str) -> optuna.Study:
    """Open or create the storage, and the study in it."""
    return optuna.create_study(
        study_name=STUDY,
        storage=open_storage(url),
        sampler=task.sampler(),
        pruner=task.pruner(),
        load_if_exists=True,
    )


def work(url: str, n_trials: int, seconds: float) -> None:
    """Run trials until the study has so many that have ended; what a worker process does.

    Args:
        url: URL of the storage.
        n_trials: Finished trials of the study at which the worker stops.
        seconds: How long a full run takes.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = join_study(url)
    study.optimize(task.objective(seconds), callbacks=[_StopAfter(n_trials)])


class _StopAfter:
    """Stops a study once so many trials have ended, of all workers together."""

    def __init__(self, n_trials: int) -> None:
        self._n_trials = n_trials

    def __call__(self, study: optuna.Study, _trial: optuna.trial.FrozenTrial) -> None:
        """Look at the study after a trial of this worker."""
        ended = [trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]
        if len(ended) >= self._n_trials:
            study.stop()


def start_worker(url: str, n_trials: int, seconds: float) -> BaseProcess:
    """Start a worker process. It is forked from a server that has imported all, so it is quick."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["studies.scale.workers"])
    process = context.Process(target=work, args=(url, n_trials, seconds))
    process.start()
    return process


def run_processes(url: str, n_workers: int, n_trials: int, seconds: float) -> list[int | None]:
    """Run a study by several processes; returns their exit codes."""
    processes = [start_worker(url, n_trials, seconds) for _ in range(n_workers)]
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


def run_threads(url: str, n_workers: int, n_trials: int, seconds: float) -> None:
    """Run a study by several threads of this process."""
    study = join_study(url)
    study.optimize(task.objective(seconds), n_trials=n_trials, n_jobs=n_workers)


def wait_for_any(processes: list[BaseProcess], until: float) -> None:
    """Wait until a moment of the monotonic clock, or until all processes have ended."""
    while time.monotonic() < until and any(process.is_alive() for process in processes):
        time.sleep(_POLL)
