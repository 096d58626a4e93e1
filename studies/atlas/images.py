"""Tasks of images: scikit-learn's handwritten digits, 8 by 8 pixels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from studies.atlas.networks import Network, cnn, mlp
from studies.atlas.training import NetworkTask, Samples

_N_VALID = 500
_NOISE = 0.4  # standard deviation of the noise on pixels, which are in [-1, 1]


def digits_mlp(n_train: int, hidden: int, flipped: float) -> NetworkTask:
    """Classes of digits by one hidden layer; a fraction of all labels is random."""
    x, y = _digits(flipped)
    return _task(mlp(64, hidden, 10), x, y, n_train, "cross-entropy")


def digits_cnn(n_train: int, flipped: float) -> NetworkTask:
    """Classes of digits by two convolutions; a fraction of all labels is random."""
    x, y = _digits(flipped)
    return _task(cnn((8, 16), 10), x, y, n_train, "cross-entropy")


def autoencoder(n_train: int, code: int) -> NetworkTask:
    """Digits rebuilt from a short code."""
    x, _ = _digits(0.0)
    return _task(mlp(64, code, 64, activation="tanh"), x, x, n_train, "squares")


def shifted_cnn(n_train: int) -> NetworkTask:
    """Classes of digits that are moved by up to a pixel, each time anew, with noise on top."""
    images, classes = _digits(0.0)
    generator = torch.Generator().manual_seed(1)
    train_x, train_y = _shifted(images[_N_VALID:], classes[_N_VALID:], n_train, generator)
    valid_x, valid_y = _shifted(images[:_N_VALID], classes[:_N_VALID], _N_VALID, generator)
    return NetworkTask(
        cnn((8, 16), 10), Samples(train_x, train_y), Samples(valid_x, valid_y), "cross-entropy"
    )


def _digits(flipped: float) -> tuple[Tensor, Tensor]:
    """Images in [-1, 1], shape (n, 64), and classes, shape (n,), in random order."""
    from sklearn.datasets import load_digits

    data = load_digits()
    random = np.random.default_rng(0)
    order = random.permutation(len(data.target))
    x = torch.tensor(data.data[order] / 8 - 1, dtype=torch.float32)
    y = torch.tensor(data.target[order])

    is_flipped = torch.tensor(random.random(len(y)) < flipped)
    others = torch.tensor(random.integers(10, size=len(y)))
    return x, torch.where(is_flipped, others, y)


def _shifted(
    images: Tensor, classes: Tensor, n: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    rows = torch.randint(len(images), (n,), generator=generator)
    squares = images[rows].view(n, 8, 8)
    dx, dy = torch.randint(-1, 2, (2, n, 1, 1), generator=generator)
    places = torch.arange(8)
    columns = (places.view(1, 1, 8) + dx).clamp(0, 7).expand(n, 8, 8)
    lines = (places.view(1, 8, 1) + dy).clamp(0, 7).expand(n, 8, 8)
    moved = squares.gather(2, columns).gather(1, lines)

    noise = _NOISE * torch.randn(n, 64, generator=generator)
    return moved.flatten(1) + noise, classes[rows]


def _task(network: Network, x: Tensor, y: Tensor, n_train: int, loss: str) -> NetworkTask:
    """The first images are for validation, those after them for training."""
    train = Samples(x[_N_VALID : _N_VALID + n_train], y[_N_VALID : _N_VALID + n_train])
    return NetworkTask(network, train, Samples(x[:_N_VALID], y[:_N_VALID]), loss)
