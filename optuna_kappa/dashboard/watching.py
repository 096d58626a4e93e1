"""Keeps what is shown of each study up to date, without slowing the studies.

A thread reads the storage at intervals. It draws a study again when trials have finished since,
one study at a time, and then rests for many times as long as that took. Whoever writes to the
storage is not waited for: what cannot be read now is read later, at growing intervals.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Hashable, Sequence
from threading import Event, Thread
from typing import Any

import optuna
from optuna.storages import BaseStorage

from optuna_kappa._validation import one_line
from optuna_kappa.dashboard.content import Content, content_of
from optuna_kappa.dashboard.showing import Shown

_logger = logging.getLogger(__name__)

# The page asks for a study every 10 seconds by default (optuna-dashboard 0.21).
INTERVAL = 2.0  # seconds between two looks at the storage, at least
_SHARE = 0.05  # of one core that drawing may take; trials may lose 10 % of their speed
_LONGEST_REST = 300.0  # seconds
_FIRST = 1.0  # seconds of rest after a study that is shown for the first time


class Watcher:
    """Draws the studies of a storage as they get new trials.

    Example:
        >>> from optuna.storages import InMemoryStorage
        >>> from optuna_kappa.study.example import example_study
        >>> storage, shown = InMemoryStorage(), Shown()
        >>> study = example_study(storage)
        >>> watcher = Watcher(storage, shown)
        >>> watcher.look() is not None  # there is something new
        True
        >>> watcher.look() is None
        True
    """

    def __init__(self, storage: BaseStorage, shown: Shown) -> None:
        """Watch a storage.

        Args:
            storage: The storage, as it is.
            shown: Where to put what is to be shown.
        """
        self._storage = storage
        self._shown = shown
        self._drawn: dict[int, Hashable] = {}
        self._stop = Event()
        self._thread = Thread(target=self._run, name="optuna-kappa dashboard", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float = 2.0) -> None:
        """Ask the thread to end, and wait for it for some seconds."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def look(self) -> float | None:
        """Draw the study that has waited longest for it, those that are looked at first.

        Returns:
            Seconds to rest; None if nothing is new.
        """
        studies = self._storage.get_all_studies()
        numbers = {study._study_id for study in studies}
        self._shown.keep(numbers)
        self._drawn = {number: state for number, state in self._drawn.items() if number in numbers}

        for study in sorted(studies, key=self._rank):
            state = self._state(study._study_id, study.user_attrs)
            is_first = study._study_id not in self._drawn
            if not is_first and self._drawn[study._study_id] == state:
                continue

            began = time.process_time()
            self._draw(study._study_id, study.study_name)
            self._drawn[study._study_id] = state
            spent = time.process_time() - began
            return _FIRST if is_first else min(max(spent / _SHARE, INTERVAL), _LONGEST_REST)
        return None

    def _rank(self, study: Any) -> tuple[float, bool, int]:
        """Studies come first that are looked at, then those not drawn yet, the newest first."""
        number = study._study_id
        return -self._shown.looked_at(number), number in self._drawn, -number

    def _state(self, number: int, user_attrs: dict[str, Any]) -> Hashable:
        """What changes when there is something new to draw: finished trials, and settings."""
        trials = self._storage.get_all_trials(number, deepcopy=False)
        finished = [trial for trial in trials if trial.state.is_finished()]
        last = max((str(trial.datetime_complete) for trial in finished), default="")
        return len(finished), len(trials) > 0, last, repr(sorted(user_attrs.items(), key=str))

    def _draw(self, number: int, name: str) -> None:
        try:
            content = content_of(optuna.load_study(study_name=name, storage=self._storage))
        except Exception as error:  # whatever a study of other programs and versions may raise
            _logger.warning("The study %r cannot be drawn: %s", one_line(name), first_line(error))
            content = Content()
        self._shown.put(number, content)

    def _run(self) -> None:
        rest = 0.0  # the first study is shown at once
        n_failed = 0
        while not self._stop.wait(rest):
            try:
                found = self.look()
                rest = INTERVAL if found is None else found
                n_failed = 0
            except Exception as error:  # of a database that is locked, gone or another's by now
                if not n_failed:
                    _logger.warning("The storage cannot be read now: %s", first_line(error))
                n_failed += 1
                rest = min(INTERVAL * 2**n_failed, _LONGEST_REST)


def first_line(error: Exception) -> str:
    """What an error says, in one line.

    Example:
        >>> first_line(ValueError("no such table: studies"))
        'no such table: studies'
    """
    cause = error.__cause__ or error
    lines: Sequence[str] = str(cause).splitlines()
    return one_line(lines[0]) if lines else type(cause).__name__
