"""Trains one network at all learning rates and seeds of a grid at once.

The training samples are read as an endless stream with a new permutation for each pass, as in
`studies.mnist.training`. A seed gives the initial weights and the order, which are the same at all
learning rates. The data are the same for all seeds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from optuna_kappa._typing import Bools, Floats
from optuna_kappa.schedules import as_schedule
from studies.atlas.networks import Network
from studies.atlas.optimizers import make_optimizer

# Seeds of the initial weights and of the orders; a seed of a run is added.
_MODEL = 1_000
_ORDER = 2_000


@dataclass(frozen=True)
class Samples:
    """Inputs and targets, the first axis of both counting samples."""

    x: Tensor
    y: Tensor


@dataclass(frozen=True)
class Grid:
    """The runs that are trained together.

    Attributes:
        optimizer: Name of the optimizer.
        schedule: Name of the schedule.
        lrs: Learning rates, ascending.
        n_seeds: Number of seeds, from 0.
        horizon: Data of each run, in samples.
        steps: When to evaluate, in samples, ascending; the last is the horizon.
        batch: Samples in a step of the optimizer.
    """

    optimizer: str
    schedule: str
    lrs: tuple[float, ...]
    n_seeds: int
    horizon: int
    steps: tuple[int, ...]
    batch: int


@dataclass(frozen=True)
class NetworkTask:
    """A network to be trained on data.

    Attributes:
        network: The network.
        train: Training samples.
        valid: Validation samples.
        loss: "cross-entropy" of classes or symbols, or "squares", the mean squared error.
    """

    network: Network
    train: Samples
    valid: Samples
    loss: str

    @property
    def n_train(self) -> int:
        """Number of training samples."""
        return len(self.train.x)

    def losses(self, grid: Grid) -> Floats:
        """Train the grid.

        Returns:
            Validation losses, shape (seeds, learning rates, steps); NaN once a run has diverged.
        """
        crowd = _Crowd(self, grid)
        losses = np.full((grid.n_seeds * len(grid.lrs), len(grid.steps)), math.nan)
        for column, step in enumerate(grid.steps):
            crowd.advance(step)
            values = crowd.evaluate()
            losses[crowd.alive, column] = values
            crowd.keep(np.isfinite(values))

        return losses.reshape(grid.n_seeds, len(grid.lrs), len(grid.steps))


class _Crowd:
    """Models in training.

    Attributes:
        alive: Numbers of the models that have not diverged, seed by seed, shape (M,).
    """

    def __init__(self, task: NetworkTask, grid: Grid) -> None:
        self._task = task
        self._grid = grid
        self._step = 0

        n_lrs = len(grid.lrs)
        self.alive = np.arange(grid.n_seeds * n_lrs)
        self._seed = torch.arange(grid.n_seeds).repeat_interleave(n_lrs)
        self._lr = torch.tensor(grid.lrs * grid.n_seeds).unsqueeze(1)
        flat = torch.stack([_initial(task.network, seed) for seed in range(grid.n_seeds)])
        self._flat = flat.repeat_interleave(n_lrs, dim=0)
        self._leaves = _views(task.network, self._flat)

        self._optimizer = make_optimizer(grid.optimizer)
        n_steps = math.ceil(grid.horizon / grid.batch)
        schedule = as_schedule(grid.schedule).resolve(grid.horizon)
        self._factors: list[float] = schedule.factors(n_steps).tolist()
        self._orders = [_batches(task.n_train, grid.batch, seed) for seed in range(grid.n_seeds)]

    def advance(self, samples: int) -> None:
        """Train until this many samples."""
        end = min(math.ceil(samples / self._grid.batch), len(self._factors))
        while self._step < end and len(self.alive):
            self._train_step()

    @torch.no_grad()
    def evaluate(self) -> Floats:
        """Validation loss of each model that is left; NaN if it is not finite."""
        n_models = len(self.alive)
        x = self._task.valid.x.expand(n_models, *self._task.valid.x.shape)
        y = self._task.valid.y.expand(n_models, *self._task.valid.y.shape)
        losses = self._losses(x, y)
        return np.where(losses.isfinite(), losses, math.nan)

    def keep(self, is_kept: Bools) -> None:
        """Go on with these models only."""
        if is_kept.all():
            return

        rows = torch.from_numpy(np.flatnonzero(is_kept))
        self.alive = self.alive[is_kept]
        self._seed = self._seed[rows]
        self._lr = self._lr[rows]
        self._flat = self._flat[rows]
        self._leaves = _views(self._task.network, self._flat)
        self._optimizer.keep(rows)

    def _train_step(self) -> None:
        rows = torch.stack([next(order) for order in self._orders])[self._seed]
        losses = self._losses(self._task.train.x[rows], self._task.train.y[rows])
        leaves = list(self._leaves.values())
        gradients = torch.autograd.grad(losses.sum(), leaves)
        gradient = torch.cat([part.flatten(1) for part in gradients], dim=1)

        factor = self._factors[self._step]
        self._optimizer.step(self._flat, gradient, self._lr * factor)
        self._step += 1

    def _losses(self, x: Tensor, y: Tensor) -> Tensor:
        """Mean loss of each model, shape (M,)."""
        outputs = self._task.network.forward(self._leaves, x)
        if self._task.loss == "squares":
            return (outputs - y).square().flatten(1).mean(dim=1)

        n_classes = outputs.shape[-1]
        losses = functional.cross_entropy(
            outputs.reshape(-1, n_classes), y.reshape(-1), reduction="none"
        )
        return losses.view(len(outputs), -1).mean(dim=1)


def _initial(network: Network, seed: int) -> Tensor:
    """Initial weights of a seed, shape (P,)."""
    generator = torch.Generator().manual_seed(_MODEL + seed)
    parts = []
    for weight in network.weights.values():
        part = torch.randn(weight.rows, weight.columns, generator=generator)
        parts.append(weight.std * part.flatten())

    return torch.cat(parts)


def _views(network: Network, flat: Tensor) -> Mapping[str, Tensor]:
    """The matrices of a network, which share their memory with the rows of `flat`."""
    leaves = {}
    first = 0
    for name, weight in network.weights.items():
        last = first + weight.rows * weight.columns
        part = flat[:, first:last].view(-1, weight.rows, weight.columns)
        leaves[name] = part.detach().requires_grad_()
        first = last

    return leaves


def _batches(n_train: int, batch: int, seed: int) -> Iterator[Tensor]:
    """Yield the rows of each batch, int64 of shape (batch,)."""
    generator = torch.Generator().manual_seed(_ORDER + seed)
    stream = torch.empty(0, dtype=torch.int64)
    while True:
        while len(stream) < batch:
            stream = torch.cat([stream, torch.randperm(n_train, generator=generator)])

        n_whole = len(stream) // batch * batch
        yield from stream[:n_whole].view(-1, batch)
        stream = stream[n_whole:]
