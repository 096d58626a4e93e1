"""The three measures of every method: time, accuracy and reliability, from recorded trainings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from studies.budgets.results import Spread, spread
from studies.mnist.training import OptimizerName
from studies.psi.cells import (
    CARRIED,
    CLOSED,
    OPEN,
    OTHER_TASKS,
    TUNED,
    Cell,
    Trained,
    Trainings,
    best,
    tuned,
)

PLAIN = ("constant", "cosine", "linear", "halving", "wsd")
"""Tuned methods that are schedules."""

METHODS = (OPEN, CLOSED, *TUNED)
"""All methods that are compared."""


class Measures(NamedTuple):
    """What a method comes to, over seeds.

    Attributes:
        seeds: Number of seeds.
        peak: Median of the peak rates.
        loss: Test loss at the end, in nats.
        accuracy: Fraction of the test images recognized.
        time: Part of the run until the stated loss; infinite for a run that does not reach it.
        reached: Part of the seeds that reach it.
    """

    seeds: int
    peak: float
    loss: Spread
    accuracy: Spread
    time: Spread
    reached: float


class Pair(NamedTuple):
    """A method beside another one, seed by seed.

    Attributes:
        above: Median over seeds of its test loss over that of the other, minus 1.
        better: Part of the seeds in which its loss is lower.
    """

    above: float
    better: float


class Results(NamedTuple):
    """All results of an optimizer.

    Attributes:
        optimizer: "adam" or "sgd".
        target: Stated validation loss.
        tuned: Each method with the peak or the Psi that it found with one full run of data.
        hindsight: Each tuned method at its best peak.
        open_beside: Psi's open loop beside each method as tuned.
        closed_beside: Psi's closed loop beside each.
        best: The best schedule in hindsight, by the mean validation loss.
        open_beside_best: Psi's open loop beside that schedule at its best peak.
        closed_beside_best: Psi's closed loop beside it.
        carried: On each other task, the Psi of the usual task beside one of probes made there.
        peaks: On each other task, the median peak of a Psi made there.
        runs: Full runs of each method as tuned, by seed.
    """

    optimizer: OptimizerName
    target: float
    tuned: dict[str, Measures]
    hindsight: dict[str, Measures]
    open_beside: dict[str, Pair]
    closed_beside: dict[str, Pair]
    best: str
    open_beside_best: Pair
    closed_beside_best: Pair
    carried: dict[str, Pair]
    peaks: dict[str, float]
    runs: dict[str, list[Trained]]


def summarize(done: Trainings, optimizer: OptimizerName) -> Results | None:
    """Summarize the results of an optimizer; None if some method has no seed or no best peak.

    Args:
        done: Recorded trainings.
        optimizer: "adam" or "sgd".
    """
    seeds = [s for s in _seeds(done, optimizer) if _complete(done, optimizer, s)]
    places = {method: best(done, optimizer, method) for method in TUNED}
    if not seeds or None in places.values():
        return None

    runs: dict[str, list[Trained]] = {}
    ideal: dict[str, list[Trained]] = {}
    for method in METHODS:
        runs[method] = [done[_as_tuned(done, optimizer, method, seed)] for seed in seeds]
    for method, place in places.items():
        ideal[method] = [done[Cell(optimizer, method, "full", s, place or 0)] for s in seeds]

    target = float(np.median([run.valid for run in runs["constant"]]))
    finals = {method: float(np.mean([run.valid for run in ideal[method]])) for method in PLAIN}
    lowest = min(finals, key=lambda method: finals[method])
    return Results(
        optimizer=optimizer,
        target=target,
        tuned={method: measure(runs[method], target) for method in METHODS},
        hindsight={method: measure(ideal[method], target) for method in TUNED},
        open_beside={method: pair(runs[OPEN], runs[method]) for method in METHODS},
        closed_beside={method: pair(runs[CLOSED], runs[method]) for method in METHODS},
        best=lowest,
        open_beside_best=pair(runs[OPEN], ideal[lowest]),
        closed_beside_best=pair(runs[CLOSED], ideal[lowest]),
        carried={task: pair(*_on(done, optimizer, task, seeds)) for task in OTHER_TASKS},
        peaks={task: _peak(_on(done, optimizer, task, seeds)[1]) for task in OTHER_TASKS},
        runs=runs,
    )


def measure(runs: Sequence[Trained], target: float) -> Measures:
    """Measures of some runs.

    Args:
        runs: Runs of one method, one a seed.
        target: Stated validation loss.
    """
    times = [time_to(run.losses, target) for run in runs]
    return Measures(
        seeds=len(runs),
        peak=_peak(runs),
        loss=spread([run.test for run in runs]),
        accuracy=spread([run.accuracy for run in runs], worst=0.0),
        time=spread(times),
        reached=float(np.mean(np.isfinite(times))),
    )


def time_to(losses: Sequence[float], target: float) -> float:
    """Part of a run until its loss is at most a target, interpolated between looks.

    Args:
        losses: Losses at evenly spaced looks, the last at the end.
        target: The target.

    Returns:
        A part of the run, or infinity if no look has such a loss.

    Example:
        >>> time_to([3.0, 2.0, 1.0, 2.0], 1.5)
        0.625
    """
    for number, loss in enumerate(losses):
        if loss <= target:
            before = losses[number - 1] if number else math.inf
            part = (before - target) / (before - loss) if math.isfinite(before) else 1.0
            return (number + part) / len(losses)
    return math.inf


def pair(ours: Sequence[Trained], others: Sequence[Trained]) -> Pair:
    """Compare the runs of two methods with the same seeds; one that diverged is worse."""
    mine = np.array([_loss(run) for run in ours])
    other = np.array([_loss(run) for run in others])
    both_diverged = np.isinf(mine) & np.isinf(other)
    ratio = np.divide(mine, other, out=np.ones(len(mine)), where=~both_diverged)
    return Pair(float(np.median(ratio)) - 1, float(np.mean(mine < other)))


def _loss(run: Trained) -> float:
    return math.inf if math.isnan(run.test) else run.test


def _peak(runs: Sequence[Trained]) -> float:
    return float(np.nanmedian([run.lr for run in runs]))


def _on(
    done: Trainings, optimizer: OptimizerName, task: str, seeds: Sequence[int]
) -> tuple[list[Trained], list[Trained]]:
    """Runs on another task by a carried Psi, and by one of probes made there."""
    carried, own = (
        [done[Cell(optimizer, method, "full", seed, task=task)] for seed in seeds]
        for method in (CARRIED, OPEN)
    )
    return carried, own


def _seeds(done: Trainings, optimizer: OptimizerName) -> list[int]:
    return sorted({cell.seed for cell in done if cell.optimizer == optimizer})


def _complete(done: Trainings, optimizer: OptimizerName, seed: int) -> bool:
    """Whether all full runs of a seed are trained."""
    cells = [_as_tuned(done, optimizer, method, seed) for method in METHODS]
    for method in TUNED:
        place = best(done, optimizer, method)
        cells.append(Cell(optimizer, method, "full", seed, -1 if place is None else place))
    for task in OTHER_TASKS:
        cells += [Cell(optimizer, name, "full", seed, task=task) for name in (CARRIED, OPEN)]
    return all(cell in done for cell in cells)


def _as_tuned(done: Trainings, optimizer: OptimizerName, method: str, seed: int) -> Cell:
    if method in (OPEN, CLOSED):
        return Cell(optimizer, method, "full", seed)
    place = tuned(done, optimizer, method, seed)
    return Cell(optimizer, method, "full", seed, -1 if place is None else place)
