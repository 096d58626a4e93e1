"""The trainings behind the three measures, each one line of a file, and which are wanted next.

For every seed a method first spends one full run of data on finding its peak rate, or its Psi:

    tuned     six peaks over a factor of 64, each trained for a sixth of the horizon; the one with
              the lowest validation loss is trained in full, with other weights and images
    Psi       probes by `PROBES` that cost as much, to which the law is fitted

To know what the best peak would have been, the first seeds are trained in full at eleven peaks of
the same range, and then all seeds at the best of them.

To know whether a Psi carries over, two tasks that differ in one respect are trained by the Psi of
the usual task, and by one from probes of their own.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, cast

import numpy as np

from studies.mnist.training import OptimizerName
from studies.recorded import FOLDER

RUNS = FOLDER / "psi" / "runs.csv"
"""The recorded trainings."""

OPTIMIZERS: tuple[OptimizerName, ...] = ("adam", "sgd")
"""Optimizers, SGD without momentum."""

SEEDS = 20
"""Seeds of each method, counted from 0."""

GRID_SEEDS = 3
"""Seeds that are trained in full at every peak."""

PEAKS: Mapping[OptimizerName, tuple[float, ...]] = {
    "adam": tuple(np.geomspace(2.4e-4, 1.5e-2, 11).tolist()),
    "sgd": tuple(np.geomspace(1.6e-2, 1.0, 11).tolist()),
}
"""Peak rates; the probes of Psi have the same range."""

TRIED = range(0, 11, 2)
"""Places of the peaks from which each tuned method chooses."""

SHORT = len(TRIED)
"""A tuning run has the horizon over this, so that all of them cost one full run."""

TUNED = (
    "constant",
    "cosine",
    "linear",
    "halving",
    "wsd",
    "plateau",
    "greedy",
    "schedule-free",
)
"""Methods that have a peak rate to be tuned."""

OPEN = "psi-open"
CLOSED = "psi-closed"
CARRIED = "psi-carried"
PROBE = "probe"

USUAL = "usual"
"""The task of the comparison."""

OTHER_TASKS = ("narrow", "noisy")
"""Tasks to which a Psi is carried: 32 hidden units, and a fifth of the labels drawn at random."""

Part = Literal["short", "full", "probe"]


class Cell(NamedTuple):
    """A training.

    Attributes:
        optimizer: "adam" or "sgd".
        method: One of `TUNED`, `OPEN`, `CLOSED`, `CARRIED` or `PROBE`.
        part: "short" for tuning, "probe" for a probe of Psi, "full" for a full run.
        seed: Number of the repeat.
        place: Number of the peak rate or of the probe; 0 for a run by Psi.
        task: `USUAL` or one of `OTHER_TASKS`.
    """

    optimizer: OptimizerName
    method: str
    part: Part
    seed: int
    place: int = 0
    task: str = USUAL


class Trained(NamedTuple):
    """How a training went.

    Attributes:
        cell: Which one.
        lr: Its peak rate.
        test: Test loss at the end in nats; NaN if it diverged or is not a full run.
        accuracy: Fraction of the test images recognized.
        losses: Validation loss at each look, in nats; NaN once it diverged.
        rates: Learning rate at each look; empty unless it is a full run.
        formula: Closed form of its Psi: a, b, c, lowest loss, coefficient of determination;
            empty if it is not a run by Psi.
    """

    cell: Cell
    lr: float
    test: float
    accuracy: float
    losses: tuple[float, ...]
    rates: tuple[float, ...] = ()
    formula: tuple[float, ...] = ()

    @property
    def valid(self) -> float:
        """Validation loss at the end; infinite if the training diverged."""
        return self.losses[-1] if math.isfinite(self.losses[-1]) else math.inf


Trainings = Mapping[Cell, Trained]


def wanted(done: Trainings, seeds: Sequence[int], n_probes: int) -> list[Cell]:
    """The trainings of some seeds that can be made now; those that depend on them come later.

    Args:
        done: Trainings that are made.
        seeds: Which seeds.
        n_probes: Probes of a Psi.

    Example:
        >>> {cell.part for cell in wanted({}, [5], n_probes=7)}
        {'short', 'probe'}
    """
    cells = dict.fromkeys(cell for seed in seeds for cell in _of_seed(done, seed, n_probes))
    return [cell for cell in cells if cell not in done]


def _of_seed(done: Trainings, seed: int, n_probes: int) -> Iterator[Cell]:
    for optimizer in OPTIMIZERS:
        probes = probe_cells(optimizer, seed, n_probes)
        yield from probes
        if all(cell in done for cell in probes):
            yield Cell(optimizer, OPEN, "full", seed)
            yield Cell(optimizer, CLOSED, "full", seed)

        for task in OTHER_TASKS:
            own = probe_cells(optimizer, seed, n_probes, task)
            yield from own
            if all(cell in done for cell in own):
                yield Cell(optimizer, OPEN, "full", seed, task=task)
            if all(cell in done for cell in probes):
                yield Cell(optimizer, CARRIED, "full", seed, task=task)

        for method in TUNED:
            yield from (Cell(optimizer, method, "short", seed, place) for place in TRIED)
            if seed < GRID_SEEDS:
                places = range(len(PEAKS[optimizer]))
                yield from (Cell(optimizer, method, "full", seed, place) for place in places)
            for chosen in (tuned(done, optimizer, method, seed), best(done, optimizer, method)):
                if chosen is not None:
                    yield Cell(optimizer, method, "full", seed, chosen)


def probe_cells(
    optimizer: OptimizerName, seed: int, n_probes: int, task: str = USUAL
) -> list[Cell]:
    """The probes of a Psi."""
    return [Cell(optimizer, PROBE, "probe", seed, place, task) for place in range(n_probes)]


def probes_of(cell: Cell, n_probes: int) -> list[Cell]:
    """The probes that a training needs: those of its Psi, or none."""
    if cell.method not in (OPEN, CLOSED, CARRIED):
        return []
    task = USUAL if cell.method == CARRIED else cell.task
    return probe_cells(cell.optimizer, cell.seed, n_probes, task)


def tuned(done: Trainings, optimizer: OptimizerName, method: str, seed: int) -> int | None:
    """Place of the peak that the short runs of a seed choose; None before all are trained."""
    return _lowest(done, {p: [Cell(optimizer, method, "short", seed, p)] for p in TRIED})


def best(done: Trainings, optimizer: OptimizerName, method: str) -> int | None:
    """Place of the best peak of the seeds that are trained at all; None before all are trained."""
    rows = {}
    for place in range(len(PEAKS[optimizer])):
        rows[place] = [Cell(optimizer, method, "full", seed, place) for seed in range(GRID_SEEDS)]
    return _lowest(done, rows)


def _lowest(done: Trainings, cells: Mapping[int, Sequence[Cell]]) -> int | None:
    """The place whose trainings end lowest in the mean; None unless all are made."""
    if not all(cell in done for of_place in cells.values() for cell in of_place):
        return None
    means = {p: np.mean([done[cell].valid for cell in row]) for p, row in cells.items()}
    return min(means, key=lambda place: means[place])


def read(path: Path = RUNS) -> dict[Cell, Trained]:
    """Read the recorded trainings; none if there is no file.

    Args:
        path: File of the trainings.

    Raises:
        ValueError: A line is not a training.
    """
    if not path.exists():
        return {}

    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    try:
        trained = [_parse(line) for line in lines]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} has a line that is not a training ({error}); remove that line and sweep again"
        ) from error
    return {one.cell: one for one in trained}


def add(trained: Trained, path: Path) -> None:
    """Write one line, and the header before the first."""
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow([*Cell._fields, *Trained._fields[1:]])
        numbers = [f"{number:.5g}" for number in (trained.lr, trained.test, trained.accuracy)]
        lists = [_text(trained.losses, 4), _text(trained.rates, 3), _text(trained.formula, 4)]
        writer.writerow([*trained.cell, *numbers, *lists])


def _text(numbers: Sequence[float], digits: int) -> str:
    return " ".join(f"{number:.{digits}g}" for number in numbers)


def _parse(line: dict[str, str]) -> Trained:
    cell = Cell(
        cast(OptimizerName, line["optimizer"]),
        line["method"],
        cast(Part, line["part"]),
        int(line["seed"]),
        int(line["place"]),
        line["task"],
    )
    lr, test, accuracy = (float(line[name]) for name in ("lr", "test", "accuracy"))
    losses, rates, formula = (
        tuple(float(number) for number in line[name].split()) for name in Trained._fields[4:]
    )
    if not losses:
        raise ValueError("it has no losses")
    return Trained(cell, lr, test, accuracy, losses, rates, formula)
