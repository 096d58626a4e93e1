"""Train MNIST along a schedule or by a rule, and look at the validation loss on the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import nn
from torch.optim import Optimizer

from studies.budgets.training import batch_loss, evaluate, make_step, nothing, start
from studies.mnist.data import Dataset

N_SEEN = 2500
"""Validation images of a look: enough to follow a run, and a look costs less than a step of it."""


@dataclass(frozen=True)
class Lead:
    """What sets the rates of a training.

    Attributes:
        optimizer: Optimizer of the model's parameters.
        factors: Factor of the optimizer's first rate at each step; empty if the rule or the
            optimizer sets it.
        after_step: Called with the loss of each batch, after the step.
        at_look: Called with the validation loss at each look.
        before_look: Called before each look, to bring out the model that is to be judged.
        after_look: Called after each look, to go on.
    """

    optimizer: Optimizer
    factors: Sequence[float] = ()
    after_step: Callable[[float], None] = nothing
    at_look: Callable[[float], None] = nothing
    before_look: Callable[[], None] = lambda: None
    after_look: Callable[[], None] = lambda: None


class Followed(NamedTuple):
    """A training, followed.

    Attributes:
        losses: Validation loss at each look; NaN from where it diverged.
        rates: Learning rate at each look.
        test: Test loss at the end; NaN if it diverged.
        accuracy: Fraction of the test images recognized at the end.
    """

    losses: tuple[float, ...]
    rates: tuple[float, ...]
    test: float
    accuracy: float


def follow(
    data: Dataset,
    seed: int,
    lead: Callable[[nn.Module], Lead],
    n_steps: int,
    n_looks: int,
    judge: bool = True,
    hidden: int = 256,
) -> Followed:
    """Train, look, and judge the last model by the test images.

    Args:
        data: Images.
        seed: Seed of the initial weights and of the order of the images.
        lead: Called with the new model.
        n_steps: Steps in all.
        n_looks: Looks, evenly spaced, the last at the end; at most one a step.
        judge: Whether the test images are wanted.
        hidden: Hidden units of the model.
    """
    model, rows = start(data, seed, hidden)
    led = lead(model)
    groups = led.optimizer.param_groups
    first_rates = [float(group["lr"]) for group in groups]
    seen = data.valid_x[:N_SEEN], data.valid_y[:N_SEEN]
    n_looks = min(n_looks, n_steps)
    losses: list[float] = []
    rates: list[float] = []

    for step in range(n_steps):
        if len(led.factors):
            for group, rate in zip(groups, first_rates, strict=True):
                group["lr"] = rate * led.factors[step]

        loss = batch_loss(data, model, next(rows))
        if not math.isfinite(value := loss.item()):
            break
        make_step(led.optimizer, loss)
        rate_now = float(groups[0]["lr"])
        led.after_step(value)

        if (step + 1) * n_looks // n_steps > step * n_looks // n_steps:
            rates.append(rate_now)
            led.before_look()
            losses.append(evaluate(model, *seen)[0])
            if step + 1 < n_steps:
                led.after_look()
            led.at_look(losses[-1])

    if len(losses) < n_looks or not math.isfinite(losses[-1]):
        return Followed(_filled(losses, n_looks), _filled(rates, n_looks), math.nan, 0.0)
    test, accuracy = evaluate(model, data.test_x, data.test_y) if judge else (math.nan, math.nan)
    return Followed(tuple(losses), tuple(rates), test, accuracy)


def _filled(values: Sequence[float], n: int) -> tuple[float, ...]:
    """Values of a training that diverged, NaN from there."""
    return (*values, *[math.nan] * (n - len(values)))
