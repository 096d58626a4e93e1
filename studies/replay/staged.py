"""Simulated runs that sit on a plateau first and leave it at one cumulative learning.

`python -m studies.replay.staged 0.0018 FILE` writes a run table, for `studies.replay search`. The
loss of a run at lr after d of D steps, with kappa = lr * d, is

    floor + (plateau - floor) / (1 + (kappa / (lowest * D))^8)
    plateau = 1 + 0.1 lr / TOO_HIGH + (lr / TOO_HIGH)^4 - 0.02 exp(-ln(lr / DECOY)^2 / 4)
    floor = 30 lr + (lr / TOO_HIGH)^4

So the best rate is the lowest that has well left the plateau, and it falls as 1 / d. On the
plateau losses differ by 2 %, and the best rate is DECOY. Above WALL runs diverge. Seeds differ in
when they leave the plateau, by 10 %, and in the loss that they come to, by 3 %.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from optuna_kappa import RunTable
from optuna_kappa._typing import Floats

DECOY = 9e-4
TOO_HIGH = 2e-2
WALL = 4e-2
TARGET = 240  # steps of a full run, D
_DIVERGED_AFTER = 3  # steps
_RATES = np.geomspace(1e-5, 1e-1, 25)
_SEEDS = 5


@dataclass(frozen=True)
class Staged:
    """A problem with a plateau.

    Attributes:
        lowest: The lowest rate that has left the plateau by the end of a full run.

    Example:
        >>> problem = Staged(lowest=1.8e-3)
        >>> losses = problem.losses(np.array([1e-3, 4e-3]), 240)
        >>> losses.round(2).tolist()
        [0.98, 0.12]
    """

    lowest: float

    def losses(self, lr: Floats, step: Floats | float, late: float = 1.0) -> Floats:
        """Losses without noise, of runs that leave the plateau late by a factor."""
        height = 0.1 * lr / TOO_HIGH - 0.02 * np.exp(-(np.log(lr / DECOY) ** 2) / 4)
        unstable = (lr / TOO_HIGH) ** 4
        floor = 30 * lr + unstable
        kappa = lr * step / (self.lowest * TARGET * late)
        losses: Floats = floor + (1 + height + unstable - floor) / (1 + kappa**8)
        return losses

    def loss(self, lr: float, step: int) -> float:
        """Loss of one run without noise; NaN if it diverged."""
        return float(self.losses(np.array(lr), step)) if lr <= WALL else np.nan

    @property
    def best(self) -> float:
        """The lowest loss of a full run."""
        return float(self.losses(np.geomspace(1e-5, WALL, 400), TARGET).min())

    def runs(self) -> RunTable:
        """Runs of a grid of learning rates, five of each, with a report at each step."""
        rng = np.random.default_rng(0)
        steps = np.arange(1.0, TARGET + 1)
        curves = []
        for lr in _RATES:
            for _ in range(_SEEDS):
                noise = rng.normal(0, 0.03) + rng.normal(0, 0.01, TARGET)
                losses = self.losses(lr, steps, late=np.exp(rng.normal(0, 0.1)))
                losses *= np.exp(noise * np.clip(1.15 - losses, 0.15, 1))  # less on the plateau
                if lr > WALL:
                    losses[_DIVERGED_AFTER:] = np.nan
                curves.append(losses)

        n = len(curves)
        return RunTable.from_columns(
            {
                "run": np.repeat(np.arange(n), TARGET),
                "lr": np.repeat(np.repeat(_RATES, _SEEDS), TARGET),
                "schedule": np.full(n * TARGET, "constant"),
                "horizon": np.full(n * TARGET, float(TARGET)),
                "step": np.tile(steps, n),
                "loss": np.concatenate(curves),
                "seed": np.repeat(np.tile(np.arange(_SEEDS), len(_RATES)), TARGET).astype(str),
            }
        )


if __name__ == "__main__":
    lowest, path = sys.argv[1:]
    Staged(float(lowest)).runs().to_csv(path)
