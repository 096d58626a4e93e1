"""Training of the model at one learning rate, schedule and horizon.

The training images are read as one endless stream: a fresh permutation each epoch, one after
the other. Step k, counted from 0, takes samples k * batch_size to (k + 1) * batch_size of it, so
that every step sees a whole batch, one that straddles two epochs included, and no image is
skipped. A run of horizon D has

    n_steps = ceil(D / batch_size)

steps at rates lr * m((k + 0.5) / n_steps), and so trains on D rounded up to whole batches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
    """What a run is; together with the data it determines every loss.

    Attributes:
        lr: Base learning rate, > 0; the schedule multiplies it.
        horizon: Data the run is planned to see, in samples, at least 1.
        schedule: Shape of the learning rate; one with a period counts it in samples.
        optimizer: "adam" (PyTorch's defaults) or "sgd" (without momentum).
        seed: Seed of the initial weights and of the order of the images, at least 0.
        batch_size: Samples a step, at least 1; the paper's is not given, 64 is ours.
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
        for name, least in (("horizon", 1), ("seed", 0), ("batch_size", 1), ("hidden", 1)):
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
        """Optimizer steps of the whole run."""
        return math.ceil(self.horizon / self.batch_size)


@dataclass(frozen=True)
class Evaluation:
    """Validation of the model during a run.

    Attributes:
        step: The checkpoint, in samples; the model has seen these, up to a batch more.
        loss: Mean cross-entropy over the validation images, in nats; NaN if the run diverged.
        accuracy: Fraction of validation images recognised, in [0, 1]; NaN if it diverged.
    """

    step: int
    loss: float
    accuracy: float


class Run:
    """One training run, advanced by whoever asks for its evaluations.

    The same configuration and data give the same losses, bit for bit, on one machine with one
    number of threads. The global random state is neither used nor changed.

    A run whose training or validation loss is NaN or infinite has diverged: no weight is changed
    from then on, the evaluation that was due has loss NaN, and it is the last.
    """

    def __init__(
        self,
        config: RunConfig,
        dataset: Dataset,
        checkpoints: Sequence[int],
        device: str | torch.device = "cpu",
    ) -> None:
        """Prepares a run; nothing is trained yet.

        Args:
            config: What to run.
            dataset: Data, moved to the device if it is not there.
            checkpoints: When to evaluate, in samples: ascending, 1 to the horizon. Each is
                evaluated at the first step that completes it.
            device: Where to train.

        Raises:
            ValueError: If the checkpoints do not ascend strictly from 1 or more to the horizon
                or less.
        """
        self.config = config
        self.checkpoints = _checked(checkpoints, config.horizon)
        self.diverged = False
        self._data = dataset.to(device)
        model_seed, order_seed = np.random.SeedSequence(config.seed).generate_state(2, np.uint64)
        self.model = mlp(dataset.n_inputs, config.hidden, seed=int(model_seed)).to(device)
        self._optimizer = _optimizer(config, self.model)
        self._group = self._optimizer.param_groups[0]
        factors = config.schedule.resolve(config.horizon).factors(config.n_steps)
        self._rates: list[float] = (config.lr * factors).tolist()
        self._batches = _batches(self._data.train_x, config.batch_size, int(order_seed))
        self._step = 0

    @property
    def samples(self) -> int:
        """Samples trained on so far, always whole batches; what the run has cost."""
        return self._step * self.config.batch_size

    def evaluations(self) -> Iterator[Evaluation]:
        """Trains up to each checkpoint in turn and yields its evaluation, then to the horizon.

        A caller ends the run early by asking for no more. Call it once: training goes on from
        where it is, never from the start.
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
        """Trains until this many samples have been seen, the horizon is reached, or it diverges.

        Args:
            samples: Samples since the start of the run.
        """
        end = min(math.ceil(samples / self.config.batch_size), self.config.n_steps)
        while self._step < end and not self.diverged:
            self._train_step()

    def test(self) -> tuple[float, float]:
        """Evaluates the model as it is on the test images.

        Returns:
            The mean cross-entropy in nats and the fraction recognised, in [0, 1].
        """
        return self._evaluate(self._data.test_x, self._data.test_y)

    def _train_step(self) -> None:
        """Takes the next batch, and a step unless its loss is not finite."""
        rows = next(self._batches)
        # What LambdaLR would set, without its bookkeeping.
        self._group["lr"] = self._rates[self._step]
        # Copies whole rows, at half the time of indexing.
        x, y = (part.index_select(0, rows) for part in (self._data.train_x, self._data.train_y))
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
        accuracy = (logits.argmax(dim=1) == y).to(torch.float32).mean().item()
        return functional.cross_entropy(logits, y).item(), accuracy


def checkpoints(horizon: int, epoch: int, first: int = 8) -> tuple[int, ...]:
    """Chooses when to evaluate: at 1/first, ..., 1/4, 1/2 of the first epoch, each epoch, the end.

    Args:
        horizon: Data the run is planned to see, in samples, at least 1.
        epoch: Samples an epoch, at least 1.
        first: The earliest checkpoint is this part of an epoch, the next ones twice as late.

    Returns:
        Ascending steps in samples, the last of them the horizon.

    Raises:
        ValueError: If an argument is below 1.
    """
    for name, value in (("horizon", horizon), ("epoch", epoch), ("first", first)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}.")
    early = {epoch * 2**i // first for i in range(first.bit_length() - 1)}
    steps = early | set(range(epoch, horizon, epoch)) | {horizon}
    return tuple(sorted(step for step in steps if 1 <= step <= horizon))


def _checked(checkpoints: Sequence[int], horizon: int) -> tuple[int, ...]:
    """The checkpoints as a tuple, or a ValueError if they are not in order or in range."""
    steps = tuple(checkpoints)
    rising = all(a < b for a, b in zip((0, *steps), steps, strict=False))
    if not rising or (steps and steps[-1] > horizon):
        raise ValueError(
            f"checkpoints must ascend strictly within 1 to the horizon ({horizon}), got "
            f"{steps}: use studies.mnist.training.checkpoints(horizon, epoch)."
        )
    return steps


def _optimizer(config: RunConfig, model: torch.nn.Module) -> torch.optim.Optimizer:
    """The optimizer in its fused form: one call a step for all parameters."""
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.SGD
    return kind(model.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True)


def _batches(train_x: Tensor, batch_size: int, seed: int) -> Iterator[Tensor]:
    """Yields the rows of each batch, int64 of shape (batch_size,), on the images' device."""
    generator = torch.Generator().manual_seed(seed)
    stream = torch.empty(0, dtype=torch.int64)
    while True:
        while len(stream) < batch_size:
            stream = torch.cat([stream, torch.randperm(len(train_x), generator=generator)])
        whole = len(stream) // batch_size * batch_size
        yield from stream[:whole].to(train_x.device).view(-1, batch_size)
        stream = stream[whole:]
