"""Tasks whose data are drawn from known rules: teachers, sequences, matrices."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from studies.atlas.networks import Network, attention, factors, mlp, rnn
from studies.atlas.training import NetworkTask, Samples

_N_VALID = 800
_N_SEQUENCES = 300  # sequences for validation


def teacher_classes(n_train: int) -> NetworkTask:
    """Classes that a wider random network gives to random inputs, with 5 % at random."""
    generator = torch.Generator().manual_seed(11)
    x = torch.randn(n_train + _N_VALID, 16, generator=generator)
    y = _teacher(x, 64, 4, generator).argmax(dim=1)
    y = _flipped(y, 4, 0.05, generator)
    return _task(mlp(16, 32, 4), x, y, "cross-entropy")


def teacher_values(n_train: int, noise: float) -> NetworkTask:
    """Values that a random network gives to random inputs, with noise."""
    generator = torch.Generator().manual_seed(12)
    x = torch.randn(n_train + _N_VALID, 12, generator=generator)
    y = _teacher(x, 32, 1, generator)
    y = y + noise * torch.randn(y.shape, generator=generator)
    return _task(mlp(12, 48, 1), x, y, "squares")


def waves(n_train: int) -> NetworkTask:
    """Height of a sum of waves at points of a square, with noise."""
    generator = torch.Generator().manual_seed(13)
    x = 2 * torch.rand(n_train + _N_VALID, 2, generator=generator) - 1
    frequencies = 3 * torch.randn(2, 6, generator=generator)
    phases = 2 * math.pi * torch.rand(6, generator=generator)
    y = torch.sin(x @ frequencies + phases).mean(dim=1, keepdim=True)
    y = y + 0.1 * torch.randn(y.shape, generator=generator)
    return _task(mlp(2, 32, 32, 1, activation="tanh"), x, y, "squares")


def linear_values(n_train: int) -> NetworkTask:
    """Linear function of 40 inputs whose variances fall as a power law, with noise."""
    generator = torch.Generator().manual_seed(14)
    scales = torch.arange(1, 41) ** -0.75
    x = scales * torch.randn(n_train + _N_VALID, 40, generator=generator)
    y = x @ torch.randn(40, 1, generator=generator)
    y = y + 0.3 * torch.randn(y.shape, generator=generator)
    return _task(mlp(40, 1), x, y, "squares")


def linear_classes(n_train: int, n_inputs: int, flipped: float) -> NetworkTask:
    """Sides of a random plane, a fraction of them at random."""
    generator = torch.Generator().manual_seed(15)
    x = torch.randn(n_train + _N_VALID, n_inputs, generator=generator)
    y = (x @ torch.randn(n_inputs, generator=generator) > 0).long()
    y = _flipped(y, 2, flipped, generator)
    return _task(mlp(n_inputs, 2), x, y, "cross-entropy")


def spirals(n_train: int) -> NetworkTask:
    """Two spirals, with noise on the points and a tenth of the classes at random."""
    generator = torch.Generator().manual_seed(16)
    n = n_train + _N_VALID
    y = torch.randint(2, (n,), generator=generator)
    radius = torch.rand(n, generator=generator).sqrt()
    angle = 2.5 * math.pi * radius + math.pi * y
    x = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
    x = 2 * (x + 0.04 * torch.randn(n, 2, generator=generator))
    y = _flipped(y, 2, 0.1, generator)
    return _task(mlp(2, 32, 32, 2), x, y, "cross-entropy")


def entries(n_train: int, noise: float) -> NetworkTask:
    """Entries of a matrix of rank 3, with noise, by two factors of rank 6."""
    generator = torch.Generator().manual_seed(17)
    n_rows, n_columns = 60, 50
    left = torch.randn(n_rows, 3, generator=generator)
    right = torch.randn(n_columns, 3, generator=generator)
    n = n_train + _N_VALID
    row = torch.randint(n_rows, (n,), generator=generator)
    column = torch.randint(n_columns, (n,), generator=generator)
    y = (left[row] * right[column]).sum(dim=1, keepdim=True) / math.sqrt(3)
    y = y + noise * torch.randn(n, 1, generator=generator)
    return _task(factors(n_rows, n_columns, 6), torch.stack([row, column], 1), y, "squares")


def most_frequent(n_train: int, length: int) -> NetworkTask:
    """Which of four symbols a sequence has most often, by a transformer of one layer."""
    generator = torch.Generator().manual_seed(18)
    x = torch.randint(4, (n_train + _N_SEQUENCES, length), generator=generator)
    counts = torch.stack([(x == symbol).sum(dim=1) for symbol in range(4)], dim=1)
    y = _flipped(counts.argmax(dim=1), 4, 0.1, generator)
    network = attention(4, length, 16, 4, each=False)
    return _task(network, x, y, "cross-entropy", _N_SEQUENCES)


def automaton(n_train: int, length: int) -> NetworkTask:
    """State in which symbols leave a random automaton of five states, by a recurrent network."""
    generator = torch.Generator().manual_seed(19)
    # A permutation for each symbol, so that no state is forgotten.
    moves = torch.stack([torch.randperm(5, generator=generator) for _ in range(3)])
    x = torch.randint(3, (n_train + _N_SEQUENCES, length), generator=generator)
    state = torch.zeros(len(x), dtype=torch.int64)
    states = []
    for symbols in x.unbind(1):
        state = moves[symbols, state]
        states.append(state)

    y = _flipped(torch.stack(states, dim=1), 5, 0.1, generator)
    return _task(rnn(3, 24, 5), x, y, "cross-entropy", _N_SEQUENCES)


def _teacher(x: Tensor, hidden: int, n_outputs: int, generator: torch.Generator) -> Tensor:
    """Outputs of a random network of one hidden layer, of variance 1."""
    first = torch.randn(x.shape[1], hidden, generator=generator)
    second = torch.randn(hidden, n_outputs, generator=generator)
    outputs = torch.relu(x @ first) @ second
    outputs = outputs - outputs.mean(dim=0)
    return outputs / outputs.std(dim=0)


def _flipped(y: Tensor, n_classes: int, fraction: float, generator: torch.Generator) -> Tensor:
    """Classes of which a fraction are drawn at random."""
    is_flipped = torch.rand(y.shape, generator=generator) < fraction
    others = torch.randint(n_classes, y.shape, generator=generator)
    return torch.where(is_flipped, others, y)


def _task(
    network: Network, x: Tensor, y: Tensor, loss: str, n_valid: int = _N_VALID
) -> NetworkTask:
    """The first samples are for validation, the others for training."""
    valid = Samples(x[:n_valid], y[:n_valid])
    return NetworkTask(network, Samples(x[n_valid:], y[n_valid:]), valid, loss)
