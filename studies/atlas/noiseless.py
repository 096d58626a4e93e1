"""Tasks whose targets follow from the inputs: no label is random, and noise is low at most."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from studies.atlas.networks import Network, mlp
from studies.atlas.training import NetworkTask, Samples

_N_VALID = 800


def teacher_classes(n_train: int) -> NetworkTask:
    """Which of five outputs of a random network is the highest, of inputs in 20 dimensions."""
    generator = torch.Generator().manual_seed(31)
    x = torch.randn(n_train + _N_VALID, 20, generator=generator)
    first = torch.randn(20, 40, generator=generator)
    outputs = torch.relu(x @ first) @ torch.randn(40, 5, generator=generator)
    # Otherwise one class would have most samples.
    y = (outputs - outputs.mean(dim=0)).argmax(dim=1)
    return _task(mlp(20, 40, 5), x, y, "cross-entropy")


def mixture_classes(n_train: int) -> NetworkTask:
    """Which of twelve classes a point is of, each class two clouds in ten dimensions."""
    generator = torch.Generator().manual_seed(32)
    n_classes, n_clouds = 12, 24
    # Clouds of width 1 whose centres are this far apart touch, but seldom overlap.
    centres = 1.6 * torch.randn(n_clouds, 10, generator=generator)
    cloud = torch.randint(n_clouds, (n_train + _N_VALID,), generator=generator)
    x = centres[cloud] + torch.randn(len(cloud), 10, generator=generator)
    x = (x - x.mean(dim=0)) / x.std(dim=0)
    return _task(mlp(10, 32, n_classes), x, cloud % n_classes, "cross-entropy")


def friedman_values(n_train: int) -> NetworkTask:
    """Friedman's function of five of ten inputs, with noise of a tenth of its deviation."""
    generator = torch.Generator().manual_seed(33)
    x = torch.rand(n_train + _N_VALID, 10, generator=generator)
    waves = 10 * torch.sin(math.pi * x[:, 0] * x[:, 1])
    y = waves + 20 * (x[:, 2] - 0.5).square() + 10 * x[:, 3] + 5 * x[:, 4]
    y = (y - y.mean()) / y.std()
    y = y + 0.1 * torch.randn(y.shape, generator=generator)
    # Inputs of mean 0 and variance 1.
    x = (x - 0.5) * math.sqrt(12)
    return _task(mlp(10, 40, 1), x, y.unsqueeze(1), "squares")


def _task(network: Network, x: Tensor, y: Tensor, loss: str) -> NetworkTask:
    """The first samples are for validation, the others for training."""
    valid = Samples(x[:_N_VALID], y[:_N_VALID])
    return NetworkTask(network, Samples(x[_N_VALID:], y[_N_VALID:]), valid, loss)
