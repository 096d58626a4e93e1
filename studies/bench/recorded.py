"""Losses to time things with: recorded runs of Adam on MNIST at a constant rate."""

from __future__ import annotations

from functools import cache

import numpy as np
from optuna.distributions import FloatDistribution

from optuna_kappa import read_csv
from optuna_kappa.runs.selection import samples_an_epoch
from studies.recorded import FOLDER
from studies.replay.objective import LR, Objective
from studies.replay.table import prepare


@cache
def adam(epochs: int) -> Objective:
    """Make an objective from the recorded runs. It counts epochs and reports after each.

    Args:
        epochs: Target horizon.
    """
    runs = read_csv(FOLDER / "adam-constant.csv.gz")
    epoch = samples_an_epoch(runs)
    whole_epochs = runs.where(runs.step % epoch == 0)

    prepared = prepare(
        whole_epochs,
        schedule="constant",
        horizon=epochs * epoch,
        per_unit=1 / epoch,
    )
    return prepared.objective


def lr_range(objective: Objective) -> FloatDistribution:
    """Return the recorded range of learning rates."""
    distribution = objective.space[LR]
    assert isinstance(distribution, FloatDistribution)
    return distribution


def rates(objective: Objective, n: int) -> list[float]:
    """Return n learning rates over the recorded range, at equal distances in ln lr."""
    recorded = lr_range(objective)
    return [float(lr) for lr in np.geomspace(recorded.low, recorded.high, n)]
