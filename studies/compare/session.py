"""One session of a comparison: its size is settled, then it runs and shows how far it has come."""

from __future__ import annotations

import argparse
import math
import time

from optuna.storages import BaseStorage
from rich.console import Console

from optuna_kappa.launch.overview import duration
from studies.compare.options import settings_of
from studies.compare.results import read_standings
from studies.compare.settings import Job, Settings, times
from studies.compare.shown import Shown
from studies.compare.sizes import SIZES, UNLIMITED, Size, seconds_of, with_wishes
from studies.compare.store import delete, stored_size
from studies.compare.turns import Standing
from studies.compare.view import View
from studies.compare.workers import Crew, Limit, Running, Turn
from studies.mnist.data import Dataset

# Of the time of a session, the parts that searches may take, and that a size is chosen for: the
# rest is for the report, and for a machine that gets busier.
_RUNNING = 0.95
_CHOSEN = 0.85
_GENEROUS = SIZES.index(Size(12, 10, 6, 6, 3))  # smaller sizes are for slow machines


class Session:
    """Settles and runs a comparison."""

    def __init__(
        self,
        options: argparse.Namespace,
        dataset: Dataset,
        storage: BaseStorage,
        workers: Crew,
        console: Console,
        started: float,
    ) -> None:
        """Prepare the session.

        Args:
            options: Options of the command line.
            dataset: The data.
            storage: Where the studies are.
            workers: Processes that run trials.
            console: Where to show how far it has come.
            started: When the session began, of `time.monotonic()`.
        """
        self._options = options
        self._dataset = dataset
        self._storage = storage
        self._workers = workers
        self._console = console
        self._limit = Limit()
        self._seconds = 60 * options.minutes or math.inf
        self._started = started

    def settle(self) -> Settings:
        """Return the comparison that is run: as begun before, or as large as there is time for.

        Raises:
            ValueError: It was begun with other settings.
        """
        any_size = settings_of(self._options, UNLIMITED)
        stored = stored_size(any_size, self._dataset.name, self._storage)
        size = with_wishes(UNLIMITED, stored)
        self.settings = settings_of(self._options, size)
        if self._options.fresh:
            delete(self.settings, self._dataset.name, self._storage)
        elif stored and self._is_finished():
            return self.settings

        epoch_seconds = self._measured(any_size)
        if not stored or self._options.fresh:
            self.settings = settings_of(self._options, self._chosen(epoch_seconds))
            if self._options.fresh:
                delete(self.settings, self._dataset.name, self._storage)
            self._say(self._choice(epoch_seconds))
        else:
            self._say(f"Goes on with {_told(self.settings)}.")

        return self.settings

    def run(self) -> None:
        """Run what is left, and show how far it has come.

        Raises:
            KeyboardInterrupt: It was interrupted.
            concurrent.futures.BrokenExecutor: A process was killed.
        """
        standings = self._standings()
        if all(standing.is_done for standing in standings.values()):
            more = f"--repeats {2 * self.settings.repeats} adds some"
            self._say(f"All searches are finished. Use --fresh to start again; {more}.")
            return

        view = View(self.settings, standings, self._limit, self._workers.n_processes)
        shown = Shown(view, self._console)
        with shown.open():

            def show(message: Running | Turn | None) -> None:
                if message is not None:
                    view.note(message)
                shown.refresh()

            self._workers.run(self.settings, standings, self._limit, show)

    def _measured(self, settings: Settings) -> float:
        """Seconds that an epoch takes; not measured, and 0, if there is no limit on the time."""
        if math.isinf(self._seconds):
            return 0.0

        self._say("Measuring how fast this machine trains ...")
        epoch_seconds = self._workers.epoch_seconds(settings)
        deadline = self._started + _RUNNING * self._seconds
        self._limit = Limit(deadline, epoch_seconds)
        return epoch_seconds

    def _chosen(self, epoch_seconds: float) -> Size:
        """The largest size for which there is time."""
        if math.isinf(self._seconds):
            return UNLIMITED

        left = self._started + _CHOSEN * self._seconds - time.monotonic()
        for size in SIZES:
            settings = settings_of(self._options, size)
            if seconds_of(settings, epoch_seconds, self._workers.n_processes) <= left:
                return size

        return SIZES[-1]

    def _choice(self, epoch_seconds: float) -> str:
        """Say what is run, and why no more."""
        told = _told(self.settings)
        if not epoch_seconds:
            return f"Runs {told}."

        n = self._workers.n_processes
        text = f"An epoch takes {epoch_seconds:.2g} s in each of {n} processes. "
        generous = settings_of(self._options, SIZES[_GENEROUS])
        needed = seconds_of(generous, epoch_seconds, n)
        if seconds_of(self.settings, epoch_seconds, n) >= needed:
            return f"{text}Runs {told}."

        whole = " and ".join(
            f"{part.length} ({part.budget:g} full runs)" for part in generous.parts
        )
        begun = time.monotonic() - self._started  # the next command starts its processes too
        return (
            f"{text}What is left of --minutes {self._options.minutes:g} is time for {told}. With "
            f"{whole} it would take about {duration(needed)} more here: --fresh --minutes "
            f"{math.ceil((begun + 1.3 * needed) / 60)}."
        )

    def _standings(self) -> dict[Job, Standing]:
        return read_standings(
            self.settings, self._dataset.name, self._dataset.n_train, self._storage
        )

    def _is_finished(self) -> bool:
        return all(standing.is_done for standing in self._standings().values())

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)


def _told(settings: Settings) -> str:
    """A comparison in words."""
    parts = []
    for part in settings.parts:
        parts.append(f"{part.schedule} rate at {part.length} ({part.budget:g} full runs)")

    return f"{times(settings.repeats)} of {' and '.join(settings.samplers)}: {', '.join(parts)}"
