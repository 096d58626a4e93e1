"""Train one full run with any optimizer and any rule for its learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from studies.budgets.problem import BATCH, HORIZON
from studies.mnist.data import Dataset
from studies.mnist.model import mlp
from studies.mnist.training import batches, seeds

N_STEPS = math.ceil(HORIZON / BATCH)
"""Steps in a full run."""

N_LOOKS = 16
"""Times that a rule which looks at the validation loss does so in a full run."""


class Outcome(NamedTuple):
    """How a run ended.

    Attributes:
        valid: Cross-entropy over the validation images, in nats; NaN if the run diverged.
        test: The same over the test images.
        accuracy: Fraction of the test images recognized.
    """

    valid: float
    test: float
    accuracy: float


def nothing(loss: float) -> None:
    """Ignore a loss: what a run without a rule does with it."""


@dataclass(frozen=True)
class Plan:
    """How a model is trained.

    Attributes:
        optimizer: Optimizer of the model's parameters.
        factors: Factor of the optimizer's first rate at each step; empty if the schedule is left
            to the rule or to the optimizer.
        after_step: Called with the loss of each batch, after the step.
        at_look: Called with the validation loss, `N_LOOKS` times; None for no looks.
        finish: Called at the end; returns the model to be judged, None for the trained one.
    """

    optimizer: Optimizer
    factors: Sequence[float] = ()
    after_step: Callable[[float], None] = nothing
    at_look: Callable[[float], None] | None = None
    finish: Callable[[], nn.Module | None] = lambda: None


def train(data: Dataset, seed: int, plan: Callable[[nn.Module], Plan]) -> Outcome:
    """Train one full run and judge its last model.

    The initial weights and the order of the images are those of a `Run` with the same seed.

    Args:
        data: Images.
        seed: Seed of the run.
        plan: Called with the new model.
    """
    model, rows = start(data, seed)
    chosen = plan(model)
    if not _steps(data, model, rows, chosen):
        return Outcome(math.nan, math.nan, math.nan)

    judged = chosen.finish() or model
    valid, _ = evaluate(judged, data.valid_x, data.valid_y)
    test, accuracy = evaluate(judged, data.test_x, data.test_y)
    return Outcome(valid, test, accuracy)


def start(data: Dataset, seed: int, hidden: int = 256) -> tuple[nn.Module, Iterator[Tensor]]:
    """Return a new model and the rows of its batches.

    Args:
        data: Images.
        seed: Seed of the run.
        hidden: Hidden units of the model.
    """
    weights, order = seeds(seed)
    return mlp(data.n_inputs, hidden, seed=weights), batches(data.train_x, BATCH, order)


def batch_loss(data: Dataset, model: nn.Module, rows: Tensor) -> Tensor:
    """Return the loss of a batch, to be differentiated."""
    x = data.train_x.index_select(0, rows)
    y = data.train_y.index_select(0, rows)
    return functional.cross_entropy(model(x), y)


def make_step(optimizer: Optimizer, loss: Tensor) -> None:
    """Make one step of an optimizer down the gradient of a loss."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


@torch.no_grad()
def evaluate(model: nn.Module, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Return the mean cross-entropy over images, and the fraction recognized."""
    logits = model(x)
    loss = functional.cross_entropy(logits, y).item()
    accuracy = (logits.argmax(dim=1) == y).to(torch.float32).mean().item()
    return loss, accuracy


def _steps(data: Dataset, model: nn.Module, rows: Iterator[Tensor], plan: Plan) -> bool:
    """Make all steps; return whether every loss was finite."""
    first_rates = [float(group["lr"]) for group in plan.optimizer.param_groups]
    for step in range(N_STEPS):
        if len(plan.factors):
            for group, rate in zip(plan.optimizer.param_groups, first_rates, strict=True):
                group["lr"] = rate * plan.factors[step]

        loss = batch_loss(data, model, next(rows))
        if not math.isfinite(value := loss.item()):
            return False
        make_step(plan.optimizer, loss)
        plan.after_step(value)

        looks_before = step * N_LOOKS // N_STEPS
        looks_now = (step + 1) * N_LOOKS // N_STEPS
        if plan.at_look is not None and looks_now > looks_before:
            valid, _ = evaluate(model, data.valid_x, data.valid_y)
            plan.at_look(valid)

    return True
