"""Tasks of small tables: measurements that scikit-learn ships, and its rule by Friedman."""

from __future__ import annotations

import numpy as np
import torch

from optuna_kappa._typing import Floats
from studies.atlas.boosting import BoostingTask
from studies.atlas.networks import mlp
from studies.atlas.training import NetworkTask, Samples


def tumours_mlp(n_train: int, flipped: float) -> NetworkTask:
    """Which tumours are malign, by one hidden layer; a fraction of the labels is random."""
    x, y = _tumours(flipped)
    train = Samples(_tensor(x[:n_train]), torch.tensor(y[:n_train], dtype=torch.int64))
    valid = Samples(_tensor(x[n_train:]), torch.tensor(y[n_train:], dtype=torch.int64))
    return NetworkTask(mlp(30, 24, 2), train, valid, "cross-entropy")


def diabetes_mlp(n_train: int) -> NetworkTask:
    """Course of diabetes after a year, by one hidden layer."""
    from sklearn.datasets import load_diabetes

    data = load_diabetes()
    x, y = _shuffled(data.data, data.target)
    y = ((y - y.mean()) / y.std())[:, None]
    train = Samples(_tensor(x[:n_train]), _tensor(y[:n_train]))
    valid = Samples(_tensor(x[n_train:]), _tensor(y[n_train:]))
    return NetworkTask(mlp(10, 32, 1), train, valid, "squares")


def friedman_trees(n_train: int) -> BoostingTask:
    """Friedman's function of five of ten inputs, with noise, by boosted trees."""
    from sklearn.datasets import make_friedman1

    x, y = make_friedman1(n_train + 1000, noise=2.0, random_state=0)
    y = (y - y.mean()) / y.std()
    return BoostingTask(x[:n_train], y[:n_train], x[n_train:], y[n_train:], classes=False)


def tumours_trees(n_train: int, flipped: float) -> BoostingTask:
    """Which tumours are malign, by boosted trees; a fraction of the labels is random."""
    x, y = _tumours(flipped)
    return BoostingTask(x[:n_train], y[:n_train], x[n_train:], y[n_train:], classes=True)


def _tumours(flipped: float) -> tuple[Floats, Floats]:
    """Standardized inputs, shape (569, 30), and classes 0 and 1."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    x, y = _shuffled(data.data, data.target.astype(float))
    random = np.random.default_rng(1)
    is_flipped = random.random(len(y)) < flipped
    return x, np.where(is_flipped, random.integers(2, size=len(y)), y)


def _shuffled(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Standardized inputs and their targets, in random order."""
    order = np.random.default_rng(0).permutation(len(y))
    return ((x - x.mean(axis=0)) / x.std(axis=0))[order], y[order]


def _tensor(values: Floats) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)
