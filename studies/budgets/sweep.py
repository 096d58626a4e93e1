"""Train every method and every rate of the accuracy grid, and record how each run ended.

Each result is one line of `studies/recorded/budgets/runs.csv`. A run that is recorded already is
not repeated, so an interrupted sweep goes on where it stopped.
"""

from __future__ import annotations

import csv
import math
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple, cast

from studies.budgets.problem import OPTIMIZERS, RATES, SCHEDULE
from studies.mnist.training import OptimizerName
from studies.processes import set_up_worker
from studies.recorded import FOLDER

RUNS = FOLDER / "budgets" / "runs.csv"
"""The recorded results."""

GRID = "grid"
"""Name of the runs that show how accuracy depends on the learning rate."""

SEEDS = 10
"""Seeds of each method, counted from 0."""

# Accuracy needs fewer rates and seeds than the losses. From coarse to fine, most of them near the
# best rates, so that a sweep that was stopped early has an idea of the whole range.
_PLACES = (0, 20, 12, 16, 8, 14, 10, 4, 18)
_GRID_SEEDS = 3


class Task(NamedTuple):
    """A run to be made.

    Attributes:
        optimizer: "adam" or "sgd".
        method: Name of a method, or `GRID`.
        seed: Seed of the run.
        place: Number of the learning rate in the grid; 0 for a method.
    """

    optimizer: OptimizerName
    method: str
    seed: int
    place: int = 0


class Recorded(NamedTuple):
    """A run that has been made.

    Attributes:
        task: Which run.
        lr: Learning rate it started from or chose; 1 where the optimizer chooses.
        spent: Full-run equivalents that the method cost.
        valid: Validation loss at the end; NaN if the run diverged.
        test: Test loss.
        accuracy: Fraction of the test images recognized.
    """

    task: Task
    lr: float
    spent: float
    valid: float
    test: float
    accuracy: float


def tasks(seeds: int = SEEDS) -> Iterator[Task]:
    """Yield all runs, seed by seed, so that an interrupted sweep has whole seeds.

    Args:
        seeds: Number of seeds of each method.

    Example:
        >>> len({task.method for task in tasks(seeds=1) if task.optimizer == "adam"})
        10
    """
    from studies.budgets.methods import METHODS  # which needs torch

    for seed in range(seeds):
        for optimizer in OPTIMIZERS:
            for method in METHODS[optimizer]:
                yield Task(optimizer, method, seed)
        if seed < _GRID_SEEDS:
            for place in _PLACES:
                for optimizer in OPTIMIZERS:
                    yield Task(optimizer, GRID, seed, place)


def run(task: Task) -> Recorded:
    """Make one run."""
    from studies.budgets.methods import METHODS, Result, at_rate
    from studies.budgets.problem import dataset
    from studies.budgets.training import train

    if task.method == GRID:
        lr = float(RATES[task.optimizer][task.place])
        outcome = train(dataset(), task.seed, at_rate(task.optimizer, lr, SCHEDULE))
        result = Result(outcome, 1.0, lr)
    else:
        result = METHODS[task.optimizer][task.method](dataset(), task.seed)
    return Recorded(task, result.lr, result.spent, *result.outcome)


def sweep(todo: Sequence[Task], path: Path, jobs: int) -> Iterator[Recorded]:
    """Make runs in several processes, record each as it ends, and yield it.

    Args:
        todo: Runs to make.
        path: File that the results are added to.
        jobs: Number of processes, one thread each.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, set_up_worker, (os.getpid(),)) as pool:
        try:
            for recorded in pool.map(run, todo):
                _add(recorded, path)
                yield recorded
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def read(path: Path = RUNS) -> list[Recorded]:
    """Read the recorded results; none if there is no file.

    Args:
        path: File of the results.

    Raises:
        ValueError: A line is not a result.
    """
    if not path.exists():
        return []

    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    try:
        return [_parse(line) for line in lines]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} has a line that is not a result ({error}); remove that line and sweep again"
        ) from error


def _parse(line: dict[str, str]) -> Recorded:
    optimizer = cast(OptimizerName, line["optimizer"])
    task = Task(optimizer, line["method"], int(line["seed"]), int(line["place"]))
    numbers = [float(line[name] or math.nan) for name in Recorded._fields[1:]]
    return Recorded(task, *numbers)


def _add(recorded: Recorded, path: Path) -> None:
    """Write one line, and the header before the first."""
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow([*Task._fields, *Recorded._fields[1:]])
        numbers = [f"{number:.7g}" for number in recorded[1:]]
        writer.writerow([*recorded.task, *numbers])
