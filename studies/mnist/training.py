"""Training of the model at one learning rate, schedule and horizon.

The training images are read as one endless stream, with a new permutation for each epoch. Step k,
counted from 0, takes the samples k * batch_size to (k + 1) * batch_size of the stream. So every
step sees a whole batch, which may reach from one epoch into the next, and no image is skipped. A
run of horizon D has

    n_steps = ceil(D / batch_size)

steps at rates lr * m((k + 0.5) / n_steps). It trains on D samples, rounded up to whole batches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from optuna_kappa.schedules import AnySchedule
from studies.mnist.data import Dataset
from studies.mnist.model import mlp

OptimizerName = Literal["adam", "sgd"]


@dataclass(frozen=True)
class RunConfig:
    """The settings of a run. Together with the data they determine every loss.

    Attributes:
        lr: Base learning rate, > 0; the schedule multiplies it.
        horizon: Data the run is planned to see, in samples, at least 1.
        schedule: Shape of the learning rate. A period is in samples.
        optimizer: "adam" (PyTorch's defaults) or "sgd" (without momentum).
        seed: Seed of the initial weights and of the order of the images, at least 0.
        batch_size: Samples in a step, at least 1. The paper does not give one; 64 is ours.
        hidden: Hidden units, at least 1.
        weight_decay: L2 penalty added to the gradient by the optimizer, at least 0.

    Raises:
        ValueError: If a value is outside its range.
    """

    lr: float
    horizon: int
    schedule: AnySchedule
    optimizer: OptimizerName
    seed: int
    batch_size: int = 64
    hidden: int = 256
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.lr < math.inf:
            raise ValueError(f"lr must be a positive number, got {self.lr!r}: try 1e-3.")

        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(
                f"weight_decay must be a finite number of at least 0, got {self.weight_decay!r}: "
                "give 0 for none."
            )

        least_values = {"horizon": 1, "seed": 0, "batch_size": 1, "hidden": 1}
        for name, least in least_values.items():
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ValueError(
                    f"{name} must be an int of at least {least}, got {value!r}: horizon and "
                    "batch_size count samples, hidden counts units."
                )

        if self.optimizer not in get_args(OptimizerName):
            raise ValueError(
                f"optimizer must be 'adam' or 'sgd', got {self.optimizer!r}: choose one of them."
            )

    @property
    def n_steps(self) -> int:
        """Number of optimizer steps in the whole run."""
        return math.ceil(self.horizon / self.batch_size)


@dataclass(frozen=True)
class Evaluation:
    """Validation of the model during a run.

    Attributes:
        step: The checkpoint, in samples. The model has seen these, and at most one batch more.
        loss: Mean cross-entropy over the validation images, in nats; NaN if the run diverged.
        accuracy: Fraction of validation images recognized, in [0, 1]; NaN if the run diverged.
    """

    step: int
    loss: float
    accuracy: float


class Run:
    """One training run, which trains as its evaluations are asked for.

    The same configuration and data give the same losses, bit for bit, on the same machine with the
    same number of threads. The global random state is neither used nor changed.

    A run whose training or validation loss is NaN or infinite has diverged. No weight changes from
    then on. The next evaluation has the loss NaN, and it is the last one.

    Attributes:
        config: The settings.
        checkpoints: When the run is evaluated, in samples.
        diverged: Whether the run has diverged.
        model: The model as trained so far.
    """

    def __init__(
        self,
        config: RunConfig,
        dataset: Dataset,
        checkpoints: Sequence[int],
        device: str | torch.device = "cpu",
    ) -> None:
        """Prepare a run without training.

        Args:
            config: What to run.
            dataset: Data; it is moved to the device if necessary.
            checkpoints: When to evaluate, in samples: ascending, from 1 to the horizon. Each
                evaluation is after the first step that reaches the checkpoint.
            device: Where to train.

        Raises:
            ValueError: If the checkpoints are not strictly ascending between 1 and the horizon.
        """
        self.config = config
        self.checkpoints = _checked(checkpoints, config.horizon)
        self.diverged = False
        self._data = dataset.to(device)

        model_seed, order_seed = seeds(config.seed)
        self.model = mlp(dataset.n_inputs, config.hidden, seed=model_seed).to(device)
        self._optimizer = _optimizer(config, self.model)
        self._group = self._optimizer.param_groups[0]

        schedule = config.schedule.resolve(config.horizon)
        factors = schedule.factors(config.n_steps)
        self._rates: list[float] = (config.lr * factors).tolist()
        self._batches = batches(self._data.train_x, config.batch_size, order_seed)
        self._step = 0

    @property
    def samples(self) -> int:
        """Samples trained on so far, in whole batches: the cost of the run."""
        return self._step * self.config.batch_size

    def evaluations(self) -> Iterator[Evaluation]:
        """Train to each checkpoint in turn and yield its evaluation, then train to the horizon.

        To end the run early, stop iterating. Call this once only: training continues from the
        current step, never from the start.
        """
        for checkpoint in self.checkpoints:
            self.advance(checkpoint)
            loss, accuracy = self._evaluate(self._data.valid_x, self._data.valid_y)
            self.diverged = self.diverged or not math.isfinite(loss)
            if self.diverged:
                yield Evaluation(checkpoint, math.nan, math.nan)
                return
            yield Evaluation(checkpoint, loss, accuracy)

        self.advance(self.config.horizon)

    def advance(self, samples: int) -> None:
        """Train until this many samples, the horizon or a divergence is reached.

        Args:
            samples: Samples since the start of the run.
        """
        end = min(math.ceil(samples / self.config.batch_size), self.config.n_steps)
        while self._step < end and not self.diverged:
            self._train_step()

    def test(self) -> tuple[float, float]:
        """Evaluate the current model on the test images.

        Returns:
            The mean cross-entropy in nats and the fraction recognized, in [0, 1].
        """
        return self._evaluate(self._data.test_x, self._data.test_y)

    def _train_step(self) -> None:
        """Take the next batch, and make a step if its loss is finite."""
        rows = next(self._batches)
        # `index_select` copies whole rows, in half the time of indexing.
        x = self._data.train_x.index_select(0, rows)
        y = self._data.train_y.index_select(0, rows)

        # LambdaLR would set the same rate, but its bookkeeping takes time.
        self._group["lr"] = self._rates[self._step]
        loss = functional.cross_entropy(self.model(x), y)
        self._step += 1
        if not math.isfinite(loss.item()):
            self.diverged = True
            return

        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()

    @torch.no_grad()
    def _evaluate(self, x: Tensor, y: Tensor) -> tuple[float, float]:
        """Mean cross-entropy and accuracy over images, shapes (n, n_inputs) and (n,)."""
        logits = self.model(x)
        loss = functional.cross_entropy(logits, y).item()
        is_correct = logits.argmax(dim=1) == y
        accuracy = is_correct.to(torch.float32).mean().item()
        return loss, accuracy


def checkpoints(horizon: int, epoch: int, first: int = 8) -> tuple[int, ...]:
    """Choose when to evaluate: at 1/first, ..., 1/4, 1/2 of the first epoch, each epoch, the end.

    Args:
        horizon: Data the run is planned to see, in samples, at least 1.
        epoch: Samples in an epoch, at least 1.
        first: The earliest checkpoint is at 1/first of an epoch, the following ones each twice as
            late.

    Returns:
        Ascending steps in samples, the last of them the horizon.

    Raises:
        ValueError: If an argument is below 1.
    """
    for name, value in (("horizon", horizon), ("epoch", epoch), ("first", first)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}.")

    early = {epoch * 2**i // first for i in range(first.bit_length() - 1)}
    whole_epochs = set(range(epoch, horizon, epoch))
    steps = early | whole_epochs | {horizon}
    return tuple(sorted(step for step in steps if 1 <= step <= horizon))


def _checked(checkpoints: Sequence[int], horizon: int) -> tuple[int, ...]:
    """Return the checkpoints as a tuple; raise ValueError if they are out of order or range."""
    steps = tuple(checkpoints)
    is_rising = all(before < after for before, after in pairwise((0, *steps)))
    if not is_rising or (steps and steps[-1] > horizon):
        raise ValueError(
            f"checkpoints must ascend strictly between 1 and the horizon ({horizon}), got "
            f"{steps}: use studies.mnist.training.checkpoints(horizon, epoch)."
        )
    return steps


def _optimizer(config: RunConfig, model: torch.nn.Module) -> torch.optim.Optimizer:
    """Make the optimizer in its fused form: one call for all parameters in each step."""
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.SGD
    return kind(model.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True)


def seeds(seed: int) -> tuple[int, int]:
    """Return the seeds of the initial weights and of the order of the images of a run.

    Args:
        seed: Seed of the run, at least 0.
    """
    weights, order = np.random.SeedSequence(seed).generate_state(2, np.uint64)
    return int(weights), int(order)


def batches(train_x: Tensor, batch_size: int, seed: int) -> Iterator[Tensor]:
    """Yield the rows of each batch, int64 of shape (batch_size,), on the device of the images."""
    generator = torch.Generator().manual_seed(seed)
    stream = torch.empty(0, dtype=torch.int64)
    while True:
        while len(stream) < batch_size:
            epoch = torch.randperm(len(train_x), generator=generator)
            stream = torch.cat([stream, epoch])

        # All whole batches go to the device at once; the rest is the beginning of the next batch.
        n_whole = len(stream) // batch_size * batch_size
        yield from stream[:n_whole].to(train_x.device).view(-1, batch_size)
        stream = stream[n_whole:]
