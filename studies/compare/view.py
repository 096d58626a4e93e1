"""What a comparison shows while it runs: as a block that is updated in place, and as one line."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from optuna_kappa.launch.overview import duration
from studies.compare.settings import Job, Part, Settings, jobs, times
from studies.compare.sizes import epochs_of
from studies.compare.turns import Standing
from studies.compare.workers import Limit, Running, Turn

_SURE = 20.0  # seconds after which the speed is that of the trials so far
_NARROW = 60  # columns; with fewer, lines are shorter


class _Row(NamedTuple):
    """A sampler at a target.

    Attributes:
        sampler: Its name.
        spent: Full-run equivalents that each of its repeats has spent.
        best: Median over repeats of the lowest loss; infinite while most have none.
    """

    sampler: str
    spent: float
    best: float


class View:
    """Keeps what is known of a running comparison, and puts it into words."""

    def __init__(
        self,
        settings: Settings,
        standings: Mapping[Job, Standing],
        limit: Limit,
        n_processes: int,
    ) -> None:
        """Begin to measure time.

        Args:
            settings: The comparison.
            standings: How far each search has come; others keep it up to date.
            limit: When to stop, and what an epoch takes.
            n_processes: Number of processes.
        """
        self._settings = settings
        self._standings = standings
        self._limit = limit
        self._n_processes = n_processes
        self._running: dict[Job, Running] = {}
        self._began = time.monotonic()
        self._left_before = self._epochs_left()
        self._total = sum(epochs_of(settings, job) for job in jobs(settings))

    def note(self, message: Running | Turn) -> None:
        """Take in what has been reported."""
        if isinstance(message, Running):
            self._running[message.job] = message
        else:
            self._running.pop(message.job, None)

    def block(self, width: int) -> list[str]:
        """The state in several lines of at most `width` characters."""
        lines = []
        for part in self._settings.parts:
            lines.append(self._target(part, width))
            lines += [f"  {_told(row, part, width)}" for row in self._rows(part)]

        for i, running in enumerate(self._running.values()):
            start = "  now " if i == 0 else "      "
            lines.append(start + _now(running, width))

        lines.append(self._progress(width))
        return [line[:width] for line in lines]

    def line(self) -> str:
        """The state in one line, for a log: what each repeat has spent, and the median loss."""
        targets = []
        for part in self._settings.parts:
            told = [
                f"{row.sampler} {row.spent:.1f} ({_loss(row.best)})" for row in self._rows(part)
            ]
            targets.append(f"{part.schedule}, {part.budget:g} full runs: {', '.join(told)}")

        return f"{self._progress(200)}; {'; '.join(targets)}"

    def _target(self, part: Part, width: int) -> str:
        repeats = times(self._settings.repeats)
        if width < _NARROW:
            return f"{part.schedule}, {part.length}, {repeats}"

        target = f"{part.schedule} rate, {part.length}"
        return f"{target}: {repeats} of {part.budget:g} full runs each"

    def _rows(self, part: Part) -> list[_Row]:
        rows = []
        for sampler in self._settings.samplers:
            of_sampler = []
            for repeat in range(self._settings.repeats):
                of_sampler.append(self._standings[Job(part, sampler, repeat)])

            spent = min(standing.spent for standing in of_sampler)
            best = float(np.median([standing.best for standing in of_sampler]))
            rows.append(_Row(sampler, spent, best))

        return rows

    def _progress(self, width: int) -> str:
        left = self._epochs_left()
        share = 1 - left / self._total if self._total else 1.0
        elapsed = time.monotonic() - self._began
        text = f"{100 * share:.0f} % done in {duration(elapsed)}"
        seconds = self._seconds_left(left, elapsed)
        if math.isfinite(seconds):
            text += f", about {duration(seconds)} left"
        if width >= _NARROW:
            text += self._stops(seconds)
        return text

    def _stops(self, seconds: float) -> str:
        """What ends the comparison before its budgets are spent, if anything does."""
        until = self._limit.deadline - time.monotonic()
        if math.isinf(until) or seconds < until - 1:
            return ""
        return " (then the time is up)"

    def _seconds_left(self, epochs: float, elapsed: float) -> float:
        until = max(0.0, self._limit.deadline - time.monotonic())
        done = self._left_before - epochs
        if elapsed > _SURE and done > 0:
            return min(until, elapsed / done * epochs)
        if self._limit.epoch_seconds:
            return min(until, self._limit.epoch_seconds * epochs / self._n_processes)
        return until

    def _epochs_left(self) -> float:
        """Epochs that are still to be trained, those of running trials not counted as trained."""
        epochs = 0.0
        for job in jobs(self._settings):
            standing = self._standings[job]
            if not standing.is_done:
                unspent = (job.part.budget - standing.spent) * job.part.epochs
                epochs += min(unspent, epochs_of(self._settings, job))

        return max(0.0, epochs - sum(running.done for running in self._running.values()))


def _told(row: _Row, part: Part, width: int) -> str:
    if width < _NARROW:
        return f"{row.sampler:<6} {row.spent:.1f}/{part.budget:g} spent, {_loss(row.best)}"
    return (
        f"{row.sampler:<8} {row.spent:.1f} of {part.budget:g} spent   best loss {_loss(row.best)}"
    )


def _loss(loss: float) -> str:
    return f"{loss:.4f}" if math.isfinite(loss) else "none yet"


def _now(running: Running, width: int) -> str:
    job = running.job
    kind = "probe" if running.is_probe else "full run"
    done, epochs = f"{running.done:.2g}", f"{running.epochs:.2g}"
    begun = math.isfinite(running.lr)
    if width < _NARROW:
        return f"{job.sampler}: " + (f"{kind}, lr {running.lr:.1e}" if begun else "begins")

    search = f"{job.sampler}, {job.part.schedule}, repeat {job.repeat + 1}"
    if not begun:
        return f"{search}: begins a trial"
    return f"{search}: {kind} at lr {running.lr:.1e}, epoch {done} of {epochs}"
