"""The paper's model: one hidden layer of rectified linear units.

Source: N. Faraj, "Tuning Learning Rates with the Cumulative-Learning Constant", section 3.
"""

from __future__ import annotations

import math

import torch
from torch import nn

N_CLASSES = 10


def mlp(n_inputs: int, hidden: int = 256, *, seed: int) -> nn.Sequential:
    """Build the network with logits = W2 relu(W1 x + b1) + b2, to be trained by cross-entropy.

    The paper also names a ReLU after the input layer. We leave it out: the pixels lie in [-1, 1],
    so it would discard every pixel darker than medium gray.

    Weights and biases are drawn from U(-1/sqrt(fan_in), 1/sqrt(fan_in)), the default of
    `torch.nn.Linear`. They come from a generator of their own, so the global one is neither used
    nor changed.

    Args:
        n_inputs: Pixels in an image, 784 for MNIST, at least 1.
        hidden: Hidden units, at least 1; the paper's 256 by default.
        seed: Seed of the initial weights, 0 to 2^64 - 1.

    Returns:
        The model, from shape (n, n_inputs) to logits of shape (n, 10), float32, on the CPU.

    Raises:
        ValueError: If `n_inputs` or `hidden` is below 1.
    """
    for name, value in (("n_inputs", n_inputs), ("hidden", hidden)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}: it is a number of units.")

    generator = torch.Generator().manual_seed(seed)
    first = _linear(n_inputs, hidden, generator)
    second = _linear(hidden, N_CLASSES, generator)
    return nn.Sequential(first, nn.ReLU(), second)


def _linear(n_in: int, n_out: int, generator: torch.Generator) -> nn.Linear:
    """Make a linear layer with PyTorch's default distribution, from the given generator."""
    # Made on "meta", without values: PyTorch would draw them from the global generator.
    layer = nn.Linear(n_in, n_out, device="meta").to_empty(device="cpu")
    bound = 1 / math.sqrt(n_in)
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return layer
