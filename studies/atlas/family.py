"""What a family of tasks is, and the tables that are recorded of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.schedules import as_schedule
from studies.atlas.training import Grid

CONSTANT = "constant"

# A scheduled run is trained for each of these fractions of the horizon.
_FRACTIONS = (1 / 48, 1 / 24, 1 / 12, 1 / 6, 1 / 3, 1)
_EARLIEST = 1 / 64  # of the horizon: the first evaluation of a constant rate
_N_CONSTANT = 25  # evaluations of a run at a constant rate, four to a factor of two
_N_SCHEDULED = 5  # evaluations of a scheduled run, from a sixteenth of it on


class Task(Protocol):
    """Data, and what is trained on them."""

    @property
    def n_train(self) -> int:
        """Number of training samples."""

    def losses(self, grid: Grid) -> Floats:
        """Validation losses, shape (seeds, learning rates, steps); NaN once diverged."""


@dataclass(frozen=True)
class Trained:
    """How a family is trained: one table for each schedule.

    Attributes:
        optimizer: Name of the optimizer.
        low: Lowest learning rate.
        high: Highest learning rate.
        schedules: Names of the schedules.
    """

    optimizer: str
    low: float
    high: float
    schedules: tuple[str, ...] = (CONSTANT,)


@dataclass(frozen=True)
class Family:
    """A family of runs of one task.

    Attributes:
        name: Name, a word or several with hyphens.
        title: What is learned, from what, by which model; the loss is cross-entropy unless it
            says otherwise.
        make: Makes the task.
        n_train: Number of training samples that the task has.
        horizon: Data of the longest runs, in samples.
        batch: Samples in a step.
        trained: Optimizers, learning rates and schedules.
        n_lrs: Number of learning rates, from `low` to `high` in equal ratios.
        n_seeds: Number of seeds.
    """

    name: str
    title: str
    make: Callable[[], Task]
    n_train: int
    horizon: int
    batch: int
    trained: tuple[Trained, ...]
    n_lrs: int = 16
    n_seeds: int = 5

    @property
    def passes(self) -> float:
        """Passes over the data in the longest runs; at most 1 if all data are fresh."""
        return self.horizon / self.n_train

    @property
    def repeats(self) -> bool:
        """Whether the longest runs see data repeatedly."""
        return self.passes > 1

    def tables(self) -> Iterator[TableOf]:
        """Yield the tables in the order in which they are trained."""
        for trained in self.trained:
            for schedule in trained.schedules:
                yield TableOf(self, trained, schedule)


@dataclass(frozen=True)
class TableOf:
    """A table: a family with one of its optimizers and schedules."""

    family: Family
    trained: Trained
    schedule: str

    @property
    def name(self) -> str:
        """Name of the file, without its ending."""
        word = self.schedule.partition("(")[0]
        return f"{self.family.name}-{self.trained.optimizer}-{word}"

    @property
    def lrs(self) -> tuple[float, ...]:
        """Learning rates, ascending, with three digits."""
        exact = np.geomspace(self.trained.low, self.trained.high, self.family.n_lrs)
        return tuple(float(f"{lr:.3g}") for lr in exact)

    @property
    def horizons(self) -> tuple[int, ...]:
        """Horizons that are trained, in samples, ascending.

        A run at a constant rate is the beginning of a longer one, so there is one horizon only.
        """
        if as_schedule(self.schedule).beginning_is_shorter_run:
            return (self.family.horizon,)
        return _whole_batches(self.family, np.array(_FRACTIONS) * self.family.horizon)

    def grid(self, horizon: int) -> Grid:
        """Return the runs of a horizon."""
        is_prefix = as_schedule(self.schedule).beginning_is_shorter_run
        if is_prefix:
            fractions = np.geomspace(_EARLIEST, 1, _N_CONSTANT)
        else:
            fractions = np.geomspace(1 / 16, 1, _N_SCHEDULED)

        return Grid(
            optimizer=self.trained.optimizer,
            schedule=self.schedule,
            lrs=self.lrs,
            n_seeds=self.family.n_seeds,
            horizon=horizon,
            steps=_whole_batches(self.family, fractions * horizon),
            batch=self.family.batch,
        )


def _whole_batches(family: Family, samples: Floats) -> tuple[int, ...]:
    """Round to whole batches, at least one, and leave out what comes twice."""
    batches = np.maximum(np.round(samples / family.batch), 1).astype(int)
    return tuple(int(n) * family.batch for n in np.unique(batches))
