"""Boosted trees: the loss after each round is that of a shorter training, and may diverge."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from studies.atlas.measurements import friedman_trees, tumours_trees
from studies.atlas.training import Grid


def grid(lrs: tuple[float, ...], rounds: int, n_train: int) -> Grid:
    steps = tuple(n_train * r for r in range(1, rounds + 1))
    return Grid("boosting", "constant", lrs, 2, steps[-1], steps, n_train)


def test_rounds_help_until_the_noise_is_learned() -> None:
    task = friedman_trees(60)
    losses = task.losses(grid((0.03, 0.3), 40, 60))
    assert losses.shape == (2, 2, 40)
    assert (losses[..., -1] < losses[..., 0]).all()
    # The high rate is ahead early.
    assert (losses[:, 1, 3] < losses[:, 0, 3]).all()
    longer_is_the_same = task.losses(grid((0.03, 0.3), 10, 60))
    assert np.array_equal(longer_is_the_same, losses[..., :10])
    assert not np.array_equal(losses[0], losses[1])


def test_classes_start_at_the_entropy_of_two() -> None:
    losses = tumours_trees(60, 0.1).losses(grid((1e-6, 1.0), 10, 60))
    assert losses[:, 0] == pytest.approx(np.full((2, 10), np.log(2)), abs=1e-4)
    assert (losses[:, 1, -1] < 0.5).all()


def test_high_rates_diverge() -> None:
    losses = friedman_trees(60).losses(grid((0.1, 30.0), 60, 60))
    assert np.isfinite(losses[:, 0]).all()
    for curve in losses[:, 1]:
        first = int(np.argmax(np.isnan(curve)))
        assert first > 0 and np.isnan(curve[first:]).all()
