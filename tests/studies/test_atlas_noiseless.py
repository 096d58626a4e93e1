"""Tasks without label noise: classes can be learned from near points, values from a formula."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("torch")

import torch

from studies.atlas import noiseless
from studies.atlas.training import NetworkTask, Samples

pytestmark = pytest.mark.usefixtures("one_thread")


def nearest(task: NetworkTask) -> torch.Tensor:
    """Whether each validation point has the class of its nearest neighbour in training."""
    distances = torch.cdist(task.valid.x, task.train.x)
    return task.train.y[distances.argmin(dim=1)] == task.valid.y


def test_clouds_are_apart() -> None:
    task = noiseless.mixture_classes(2000)
    assert nearest(task).float().mean() > 0.8
    shares = torch.bincount(task.train.y, minlength=12) / len(task.train.y)
    assert len(shares) == 12 and shares.min() > 0.05


def test_all_classes_of_the_teacher_occur() -> None:
    task = noiseless.teacher_classes(2000)
    shares = torch.bincount(task.train.y, minlength=5) / len(task.train.y)
    assert len(shares) == 5 and shares.min() > 0.05
    # Far above chance, and far from solved by memory.
    assert 0.3 < nearest(task).float().mean() < 0.9


def test_friedman_follows_its_formula() -> None:
    """A linear fit to the formula's terms leaves the noise, of a tenth of the deviation."""
    task = noiseless.friedman_values(3000)
    left = residual(task.train)
    assert left == pytest.approx(0.1, rel=0.05)
    assert residual(task.valid) == pytest.approx(left, rel=0.1)
    assert task.train.y.std() == pytest.approx(1, abs=0.05)


def residual(samples: Samples) -> float:
    """Standard deviation of what the terms of the formula leave."""
    x = samples.x / math.sqrt(12) + 0.5
    wave, bow = torch.sin(math.pi * x[:, 0] * x[:, 1]), (x[:, 2] - 0.5).square()
    terms = torch.stack([wave, bow, x[:, 3], x[:, 4], torch.ones(len(x))], dim=1)
    weights = torch.linalg.lstsq(terms, samples.y).solution
    # Their proportions are those of the formula.
    assert weights[:4, 0] / weights[2, 0] == pytest.approx([1, 2, 1, 0.5], abs=0.05)
    return float((terms @ weights - samples.y).std())
