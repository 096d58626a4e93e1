"""Optimizers of many models at once, each model at its own learning rate.

The weights of all M models are the rows of one matrix, shape (M, P), so that a step of all of them
costs few calls. Each rule is that of `torch.optim` with PyTorch's defaults, except that momentum
is 0.9 and that AdamW's weight decay is 0.1, as is usual for language models.
"""

from __future__ import annotations

from typing import Literal, Protocol

import torch
from torch import Tensor

OptimizerName = Literal["adam", "adamw", "sgd", "momentum", "rmsprop"]

MOMENTUM = 0.9
WEIGHT_DECAY = 0.1

_MEAN = 0.9  # Adam's first beta
_SQUARE = 0.999  # Adam's second beta
_SMOOTHING = 0.99  # RMSprop's alpha
_EPS = 1e-8


class Optimizer(Protocol):
    """Changes the weights of all models in place."""

    def step(self, weights: Tensor, gradient: Tensor, lr: Tensor) -> None:
        """Make a step.

        Args:
            weights: Weights, shape (M, P).
            gradient: Gradient of each model's own loss, shape (M, P).
            lr: Learning rates of this step, shape (M, 1).
        """

    def keep(self, rows: Tensor) -> None:
        """Forget all models but these, int64 of shape (m,)."""


class Sgd:
    """Stochastic gradient descent, with momentum unless that is 0."""

    def __init__(self, momentum: float = 0.0) -> None:
        self._momentum = momentum
        self._velocity: Tensor | None = None

    def step(self, weights: Tensor, gradient: Tensor, lr: Tensor) -> None:
        """See `Optimizer`."""
        if self._momentum:
            if self._velocity is None:
                self._velocity = torch.zeros_like(weights)
            gradient = self._velocity.mul_(self._momentum).add_(gradient)

        weights.addcmul_(gradient, lr, value=-1)

    def keep(self, rows: Tensor) -> None:
        """See `Optimizer`."""
        if self._velocity is not None:
            self._velocity = self._velocity[rows]


class Adam:
    """Adam; with weight decay, AdamW."""

    def __init__(self, weight_decay: float = 0.0) -> None:
        self._decay = weight_decay
        self._n_steps = 0
        self._mean = torch.zeros(0)
        self._square = torch.zeros(0)

    def step(self, weights: Tensor, gradient: Tensor, lr: Tensor) -> None:
        """See `Optimizer`."""
        if self._n_steps == 0:
            self._mean = torch.zeros_like(weights)
            self._square = torch.zeros_like(weights)
        self._n_steps += 1

        if self._decay:
            weights.mul_(1 - lr * self._decay)

        self._mean.lerp_(gradient, 1 - _MEAN)
        self._square.mul_(_SQUARE).addcmul_(gradient, gradient, value=1 - _SQUARE)

        # Both means start at 0; the corrections undo that.
        mean_part: float = 1 - _MEAN**self._n_steps
        square_part: float = 1 - _SQUARE**self._n_steps
        scale = self._square.sqrt().div_(square_part**0.5).add_(_EPS)
        weights.addcmul_(self._mean / scale, lr / mean_part, value=-1)

    def keep(self, rows: Tensor) -> None:
        """See `Optimizer`."""
        if self._n_steps:
            self._mean = self._mean[rows]
            self._square = self._square[rows]


class RmsProp:
    """RMSprop."""

    def __init__(self) -> None:
        self._square: Tensor | None = None

    def step(self, weights: Tensor, gradient: Tensor, lr: Tensor) -> None:
        """See `Optimizer`."""
        if self._square is None:
            self._square = torch.zeros_like(weights)

        self._square.mul_(_SMOOTHING).addcmul_(gradient, gradient, value=1 - _SMOOTHING)
        scale = self._square.sqrt().add_(_EPS)
        weights.addcmul_(gradient / scale, lr, value=-1)

    def keep(self, rows: Tensor) -> None:
        """See `Optimizer`."""
        if self._square is not None:
            self._square = self._square[rows]


def make_optimizer(name: str) -> Optimizer:
    """Make an optimizer by its name.

    Raises:
        ValueError: There is none of this name.

    Example:
        >>> weights = torch.ones(2, 3)
        >>> make_optimizer("sgd").step(weights, torch.ones(2, 3), torch.tensor([[0.1], [1.0]]))
        >>> weights[:, 0].tolist()
        [0.8999999761581421, 0.0]
    """
    if name == "adam":
        return Adam()
    if name == "adamw":
        return Adam(WEIGHT_DECAY)
    if name == "sgd":
        return Sgd()
    if name == "momentum":
        return Sgd(MOMENTUM)
    if name == "rmsprop":
        return RmsProp()
    raise ValueError(
        f"optimizer must be one of adam, adamw, sgd, momentum and rmsprop, got {name!r}."
    )
