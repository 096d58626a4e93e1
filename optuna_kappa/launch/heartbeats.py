"""Signs of life of running trials, for storages that keep them: databases.

Optuna's `study.optimize` sends them. A launched study asks and tells by itself, so it sends them
here. A trial without a sign of life for twice the interval is failed and queued again by Optuna,
with its plan and its learning rate, and whoever asks next runs it.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.study import Study
from optuna.trial import Trial

from optuna_kappa.study.private import heartbeat_of
from optuna_kappa.study.troubles import StorageError

_ADVICE = "Heartbeat of storage is supposed to be used with Study.optimize"


@contextmanager
def asking(study: Study) -> Iterator[None]:
    """Queue the trials of workers that are gone again, before a trial is asked for.

    Example:
        >>> study = optuna.create_study()
        >>> with asking(study):
        ...     study.ask().number
        0
    """
    if heartbeat_of(study) is None:
        yield
        return

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        warnings.filterwarnings("ignore", _ADVICE)
        optuna.storages.fail_stale_trials(study)
        yield


@contextmanager
def beating(study: Study, trial: Trial) -> Iterator[None]:
    """Send signs of life of a trial while it runs.

    Example:
        >>> study = optuna.create_study()
        >>> with beating(study, study.ask()):
        ...     pass
    """
    beat = heartbeat_of(study)
    if beat is None:
        yield
        return

    done = threading.Event()

    def go_on() -> None:
        while not done.wait(beat.interval):
            # The trial itself finds that the storage is gone; this goes on if it comes back.
            with suppress(StorageError):
                beat.record(trial)

    beat.record(trial)  # at once: without any, a trial of a worker that is gone is not noticed
    threading.Thread(target=go_on, daemon=True).start()
    try:
        yield
    finally:
        done.set()
