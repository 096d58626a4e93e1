"""Losses to time things with: those recorded of Adam on MNIST, at a constant rate."""

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
    """The recorded runs as an objective that counts epochs and reports after each."""
    runs = read_csv(FOLDER / "adam-constant.csv.gz")
    epoch = samples_an_epoch(runs)
    whole = runs.where(runs.step % epoch == 0)
    return prepare(whole, "constant", epochs * epoch, 1 / epoch).objective


def lr_range(objective: Objective) -> FloatDistribution:
    """The recorded range of learning rates."""
    found = objective.space[LR]
    assert isinstance(found, FloatDistribution)
    return found


def rates(objective: Objective, n: int) -> list[float]:
    """Learning rates, n of them, over the recorded range, at equal distances in ln lr."""
    found = lr_range(objective)
    return [float(lr) for lr in np.geomspace(found.low, found.high, n)]
