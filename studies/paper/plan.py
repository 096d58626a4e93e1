"""Which runs the paper's claims need: groups of one optimizer and schedule, over grids of lr."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from studies.mnist.data import Source
from studies.mnist.training import OptimizerName


class Planned(NamedTuple):
    """One run of a group.

    Attributes:
        lr: Base learning rate.
        seed: Seed of the initial weights and of the order of the images. It is the same for all
            learning rates, so that the losses of a seed make a smooth curve over lr.
        n_train: Number of training images, which is the samples in an epoch.
        horizon: Samples the run is planned to see.
    """

    lr: float
    seed: int
    n_train: int
    horizon: int


@dataclass(frozen=True)
class Group:
    """Runs of one optimizer and schedule, kept in one study and exported as one table.

    Attributes:
        name: Name of the study and of the table.
        optimizer: "adam" or "sgd".
        schedule: Name of the schedule; a period is in samples.
        sizes: Pairs of training images and horizon in samples.
        lrs: Base learning rates, ascending.
    """

    name: str
    optimizer: OptimizerName
    schedule: str
    sizes: tuple[tuple[int, int], ...]
    lrs: tuple[float, ...]

    def runs(self, seed: int) -> Iterator[Planned]:
        """Yield the runs of one seed."""
        for (n_train, horizon), lr in itertools.product(self.sizes, self.lrs):
            yield Planned(lr, seed, n_train, horizon)


@dataclass(frozen=True)
class Plan:
    """A whole sweep.

    Attributes:
        source: Data to train on.
        epoch: The paper's epoch in samples, the unit of its figures and of the checkpoints.
        seeds: Number of seeds, counted from 0.
        groups: Groups of runs.
    """

    source: Source
    epoch: int
    seeds: int
    groups: tuple[Group, ...]

    def runs(self) -> Iterator[tuple[Group, Planned]]:
        """Yield all runs, seed by seed, so that an interrupted sweep has complete seeds."""
        for seed in range(self.seeds):
            for group in self.groups:
                for planned in group.runs(seed):
                    yield group, planned


# Three decades around the optima of all horizons and schedules, as measured before the sweep.
_LRS = {"adam": (3e-5, 3e-2), "sgd": (2e-3, 2.0)}
_N_LRS = 21
_ALL_IMAGES = 60_000


def full_plan(seeds: int = 5) -> Plan:
    """Return the paper's experiments, on MNIST."""
    epoch = 30_000
    halving = f"halving(period={epoch})"
    cyclic = f"cyclic(period={epoch})"
    # Figures 1 to 3. Figure 4, with half of the images, is in adam-constant.
    all_images = ((_ALL_IMAGES, 10 * _ALL_IMAGES),)

    groups = [
        *_of_both("constant", "constant", [40], epoch),
        *_of_both("halving", halving, [22], epoch),
        *_of_both("cyclic", cyclic, [22], epoch),
        # Runs below one epoch serve to replay the probes of a search for 8 or 16 epochs.
        *_of_both("cosine", "cosine", [0.25, 0.5, 1, 2, 4, 8, 16, 32], epoch),
        _adam_constant("adam-full", all_images),
        _adam_constant("adam-data", _fixed_total(epoch)),
    ]
    return Plan("mnist", epoch, seeds, tuple(groups))


def quick_plan(seeds: int = 2) -> Plan:
    """Return the same groups in miniature, on scikit-learn's digits, to see that all works."""
    epoch = 480
    halving = f"halving(period={epoch})"
    cyclic = f"cyclic(period={epoch})"
    all_images = ((2 * epoch, 4 * epoch),)
    fixed_total = ((epoch // 2, epoch),)

    groups = [
        *_of_both("constant", "constant", [4], epoch, n_lrs=4),
        *_of_both("halving", halving, [4], epoch, n_lrs=4),
        *_of_both("cyclic", cyclic, [4], epoch, n_lrs=4),
        *_of_both("cosine", "cosine", [1, 2], epoch, n_lrs=4),
        _adam_constant("adam-full", all_images, n_lrs=4),
        _adam_constant("adam-data", fixed_total, n_lrs=4),
    ]
    return Plan("digits", epoch, seeds, tuple(groups))


def _of_both(
    name: str, schedule: str, epochs: Sequence[float], epoch: int, n_lrs: int = _N_LRS
) -> list[Group]:
    """Return the groups of both optimizers under one schedule."""
    sizes = tuple((epoch, round(n_epochs * epoch)) for n_epochs in epochs)
    optimizers: tuple[OptimizerName, ...] = ("adam", "sgd")
    groups = []
    for optimizer in optimizers:
        group = Group(
            name=f"{optimizer}-{name}",
            optimizer=optimizer,
            schedule=schedule,
            sizes=sizes,
            lrs=_grid(optimizer, n_lrs),
        )
        groups.append(group)

    return groups


def _adam_constant(name: str, sizes: tuple[tuple[int, int], ...], n_lrs: int = _N_LRS) -> Group:
    """Return a group of Adam at a constant rate."""
    return Group(
        name=name,
        optimizer="adam",
        schedule="constant",
        sizes=sizes,
        lrs=_grid("adam", n_lrs),
    )


def _fixed_total(epoch: int) -> tuple[tuple[int, int], ...]:
    """Return the sizes of figure 7: ever more epochs of ever fewer images, at the same total.

    The first total is the paper's. At the second one the optimum does move with the data.
    """
    small = [(epoch // n, epoch) for n in (1, 2, 3, 4, 5, 6, 8, 10, 12, 16)]
    large = [(8 * epoch // n, 8 * epoch) for n in (5, 12, 16)]
    return tuple(small + large)


def _grid(optimizer: OptimizerName, n: int = _N_LRS) -> tuple[float, ...]:
    """Return n learning rates at equal ratios, to four digits, which keeps tables small."""
    low, high = _LRS[optimizer]
    return tuple(float(f"{lr:.4g}") for lr in np.geomspace(low, high, n))
