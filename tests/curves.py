"""Learning curves made up for tests of pruning: the best lr falls with the data seen."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.pruning import History, Place, Run, learn

HORIZON = 100
STEPS = np.arange(1.0, HORIZON + 1)


def curve(lr: float, seed: int = 0, noise: float = 0.01) -> Floats:
    """Losses at `STEPS`: a low rate is slow, a high one stays above what it could reach."""
    rng = np.random.default_rng([seed, round(1e6 * math.log(lr)) % 2**31])
    slow = 2.0 * np.exp(-3e2 * lr * STEPS / (1 + 0.02 * STEPS))
    loss = 0.1 + slow + 20 * lr * (1 + STEPS / HORIZON)
    return np.asarray(loss * np.exp(noise * rng.standard_normal(HORIZON)))


def finished(lr: float, ended: int = HORIZON, seed: int = 0, factor: float = 1.0) -> Run:
    """A run that came to its end, or was ended at a step."""
    loss = factor * curve(lr, seed)
    final = float(loss[-1]) if ended == HORIZON else math.nan
    return Run(STEPS[:ended], loss[:ended], Place(math.log(lr), np.empty(0)), final)


def history(lrs: Sequence[float], factor: float = 1.0) -> History:
    """What whole runs of some learning rates say."""
    known = learn([finished(lr, seed=i, factor=factor) for i, lr in enumerate(lrs)], HORIZON)
    assert known is not None
    return known
