"""Small networks, many of a kind side by side.

M models have weights of shapes (M, ...) and see inputs of shapes (M, B, ...), B samples for each
model. So one call computes all of them, and the gradient of the sum of their losses is each
model's own gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

Weights = Mapping[str, Tensor]
"""Weights by name, each of shape (M, rows, columns)."""


@dataclass(frozen=True)
class Weight:
    """A matrix of weights.

    Attributes:
        rows: Number of rows, the inputs; 1 for a bias.
        columns: Number of columns, the outputs.
        std: Standard deviation of the initial weights; 0 for a bias.
    """

    rows: int
    columns: int
    std: float


@dataclass(frozen=True)
class Network:
    """A network: its weights, and its outputs as a function of weights and inputs."""

    weights: Mapping[str, Weight]
    forward: Callable[[Weights, Tensor], Tensor]


def mlp(*sizes: int, activation: str = "relu") -> Network:
    """Make layers of these sizes; two sizes make a linear model.

    Inputs of shape (M, B, sizes[0]) give outputs of shape (M, B, sizes[-1]).
    """
    last = len(sizes) - 2
    act = torch.tanh if activation == "tanh" else torch.relu

    def forward(weights: Weights, x: Tensor) -> Tensor:
        for layer in range(last + 1):
            x = _linear(weights, str(layer), x)
            if layer < last:
                x = act(x)
        return x

    shapes: dict[str, Weight] = {}
    for layer, (inputs, outputs) in enumerate(pairwise(sizes)):
        gain = 1.0 if layer == last else math.sqrt(2)
        shapes |= _linear_weights(str(layer), inputs, outputs, gain)
    return Network(shapes, forward)


def cnn(channels: tuple[int, int], n_classes: int) -> Network:
    """Make two convolutions for images of 8 by 8 pixels: (M, B, 64) to (M, B, n_classes)."""
    first, second = channels

    def forward(weights: Weights, x: Tensor) -> Tensor:
        n_models, n_samples, _ = x.shape
        x = _patches(x.view(n_models, n_samples, 8, 8, 1), 3)
        x = torch.relu(_linear(weights, "first", x.flatten(1, 3)))
        x = _patches(_pooled(x.view(n_models, n_samples, 6, 6, first)), 2)
        x = torch.relu(_linear(weights, "second", x.flatten(1, 3)))
        x = x.view(n_models, n_samples, 4 * second)
        return _linear(weights, "out", x)

    shapes = _linear_weights("first", 9, first, math.sqrt(2))
    shapes |= _linear_weights("second", 4 * first, second, math.sqrt(2))
    shapes |= _linear_weights("out", 4 * second, n_classes)
    return Network(shapes, forward)


def factors(n_rows: int, n_columns: int, rank: int) -> Network:
    """Make a matrix of low rank: indices (M, B, 2) of row and column to entries (M, B, 1)."""

    def forward(weights: Weights, x: Tensor) -> Tensor:
        rows = _embedded(weights["rows"], x[..., 0])
        columns = _embedded(weights["columns"], x[..., 1])
        return (rows * columns).sum(dim=2, keepdim=True)

    std = 0.6 / rank**0.25
    shapes = {"rows": Weight(n_rows, rank, std), "columns": Weight(n_columns, rank, std)}
    return Network(shapes, forward)


def context_mlp(n_symbols: int, context: int, width: int, hidden: int) -> Network:
    """Make a model of the next symbol: the last ones, (M, B, context), to (M, B, n_symbols)."""

    def forward(weights: Weights, x: Tensor) -> Tensor:
        embedded = _embedded(weights["symbols"], x).flatten(2)
        return _linear(weights, "out", torch.tanh(_linear(weights, "hidden", embedded)))

    shapes = {"symbols": Weight(n_symbols, width, 1.0)}
    shapes |= _linear_weights("hidden", context * width, hidden)
    shapes |= _linear_weights("out", hidden, n_symbols)
    return Network(shapes, forward)


def rnn(n_symbols: int, hidden: int, n_outputs: int, each: bool = True) -> Network:
    """Make a recurrent network with tanh, for sequences of symbols (M, B, T).

    Outputs are of shape (M, B, T, n_outputs) if `each`, and otherwise (M, B, n_outputs), after the
    last symbol.
    """

    def forward(weights: Weights, x: Tensor) -> Tensor:
        inputs = _embedded(weights["symbols"], x) + weights["bias"].unsqueeze(1)
        state = torch.zeros_like(inputs[:, :, 0])
        states = []
        for now in inputs.unbind(2):
            state = torch.tanh(torch.baddbmm(now, state, weights["state"]))
            states.append(state)

        if not each:
            return _linear(weights, "out", state)
        outputs = _linear(weights, "out", torch.stack(states, dim=2).flatten(1, 2))
        return outputs.view(*x.shape, n_outputs)

    shapes = {
        "symbols": Weight(n_symbols, hidden, 0.5),
        "bias": Weight(1, hidden, 0.0),
        "state": Weight(hidden, hidden, 1 / math.sqrt(hidden)),
    }
    return Network(shapes | _linear_weights("out", hidden, n_outputs), forward)


def gru(n_symbols: int, hidden: int) -> Network:
    """Make a gated recurrent model of the next symbol: (M, B, T) to (M, B, T, n_symbols)."""

    def forward(weights: Weights, x: Tensor) -> Tensor:
        inputs = _embedded(weights["symbols"], x)
        state = torch.zeros_like(inputs[:, :, 0, :hidden])
        states = []
        for now in inputs.unbind(2):
            from_state = torch.bmm(state, weights["state"])
            gates = torch.sigmoid(now[..., hidden:] + from_state[..., hidden:])
            keep, reset = gates.chunk(2, dim=2)
            new = torch.tanh(now[..., :hidden] + reset * from_state[..., :hidden])
            state = torch.lerp(new, state, keep)
            states.append(state)

        outputs = _linear(weights, "out", torch.stack(states, dim=2).flatten(1, 2))
        return outputs.view(*x.shape, n_symbols)

    shapes = {
        "symbols": Weight(n_symbols, 3 * hidden, 0.5),
        "state": Weight(hidden, 3 * hidden, 1 / math.sqrt(hidden)),
    }
    return Network(shapes | _linear_weights("out", hidden, n_symbols), forward)


def attention(n_symbols: int, length: int, width: int, n_outputs: int, each: bool) -> Network:
    """Make a transformer of one layer and one head, for sequences of symbols (M, B, T).

    If `each`, a position sees itself and earlier ones, and outputs are of shape
    (M, B, T, n_outputs); otherwise all are seen, and outputs are (M, B, n_outputs), from the mean.
    """
    mask = torch.full((length, length), -math.inf).triu(1) if each else torch.zeros(1)

    def forward(weights: Weights, x: Tensor) -> Tensor:
        shape = (*x.shape, width)
        stream = _embedded(weights["symbols"], x) + weights["places"].unsqueeze(1)
        stream = stream.flatten(1, 2)

        query, key, value = _linear(weights, "in", _normal(stream)).chunk(3, dim=2)
        scores = query.view(shape) @ key.view(shape).transpose(2, 3) / math.sqrt(width)
        seen = torch.softmax(scores + mask, dim=3) @ value.view(shape)
        stream = stream + _linear(weights, "mix", seen.flatten(1, 2))

        hidden = torch.relu(_linear(weights, "up", _normal(stream)))
        stream = _normal(stream + _linear(weights, "down", hidden)).view(shape)
        if not each:
            return _linear(weights, "out", stream.mean(dim=2))
        return _linear(weights, "out", stream.flatten(1, 2)).view(*x.shape, n_outputs)

    shapes = {
        "symbols": Weight(n_symbols, width, 0.5),
        "places": Weight(length, width, 0.5),
    }
    shapes |= _linear_weights("in", width, 3 * width)
    shapes |= _linear_weights("mix", width, width, 0.5)
    shapes |= _linear_weights("up", width, 2 * width, math.sqrt(2))
    shapes |= _linear_weights("down", 2 * width, width, 0.5)
    shapes |= _linear_weights("out", width, n_outputs, 0.5)
    return Network(shapes, forward)


def _linear_weights(name: str, inputs: int, outputs: int, gain: float = 1.0) -> dict[str, Weight]:
    """Weights and bias of a linear layer."""
    matrix = Weight(inputs, outputs, gain / math.sqrt(inputs))
    return {f"{name}.weight": matrix, f"{name}.bias": Weight(1, outputs, 0.0)}


def _linear(weights: Weights, name: str, x: Tensor) -> Tensor:
    """Apply a linear layer to inputs of shape (M, n, inputs)."""
    return torch.baddbmm(weights[f"{name}.bias"], x, weights[f"{name}.weight"])


def _embedded(table: Tensor, index: Tensor) -> Tensor:
    """Rows (M, ..., columns) of each model's own table (M, rows, columns)."""
    n_models, n_rows, n_columns = table.shape
    first = torch.arange(n_models) * n_rows
    index = index + first.view(-1, *[1] * (index.ndim - 1))
    return functional.embedding(index, table.reshape(-1, n_columns))


def _patches(x: Tensor, size: int) -> Tensor:
    """Squares of pixels: (M, B, n, n, channels) to (M, B, n', n', size * size * channels)."""
    n = x.shape[2] - size + 1
    parts = [x[:, :, i : i + n, j : j + n] for i in range(size) for j in range(size)]
    return torch.cat(parts, dim=-1)


def _pooled(x: Tensor) -> Tensor:
    """Means over squares of two by two pixels: (M, B, 2n, 2n, channels) to (M, B, n, n, channels).

    Sums of slices take a quarter of the time of a mean over axes.
    """
    rows = x[:, :, ::2] + x[:, :, 1::2]
    return (rows[:, :, :, ::2] + rows[:, :, :, 1::2]) / 4


def _normal(x: Tensor) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:])
