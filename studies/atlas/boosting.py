"""Boosted trees: learning rate against rounds.

A round fits a small tree to the gradient on all training samples and adds it, times the learning
rate. So a round is a pass over the data. Trees see a random half of the samples, drawn by the
seed of the run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from optuna_kappa._typing import Floats
from studies.atlas.training import Grid

OPTIMIZER = "boosting"

_DEPTH = 3
_SUBSAMPLE = 0.5
# Scikit-learn's trees are fitted to 32-bit numbers; a loss beyond this has diverged.
_DIVERGED = 1e30


@dataclass(frozen=True)
class BoostingTask:
    """Data for boosted trees.

    Attributes:
        train_x: Training inputs, shape (n, inputs).
        train_y: Training targets, shape (n,): numbers, or the classes 0 and 1.
        valid_x: Validation inputs.
        valid_y: Validation targets.
        classes: Whether the targets are classes.
    """

    train_x: Floats
    train_y: Floats
    valid_x: Floats
    valid_y: Floats
    classes: bool

    @property
    def n_train(self) -> int:
        """Number of training samples."""
        return len(self.train_x)

    def losses(self, grid: Grid) -> Floats:
        """Train the grid, whose batch is a pass; see `NetworkTask.losses`."""
        n_rounds = math.ceil(grid.horizon / grid.batch)
        rounds = [math.ceil(step / grid.batch) for step in grid.steps]
        losses = np.empty((grid.n_seeds, len(grid.lrs), len(rounds)))
        for seed in range(grid.n_seeds):
            for column, lr in enumerate(grid.lrs):
                curve = self._curve(lr, seed, n_rounds)
                losses[seed, column] = curve[np.array(rounds) - 1]

        return losses

    def _curve(self, lr: float, seed: int, n_rounds: int) -> Floats:
        """Validation loss after each round, shape (n_rounds,); NaN once it has diverged."""
        from sklearn.tree import DecisionTreeRegressor

        random = np.random.RandomState(seed)
        n_drawn = round(_SUBSAMPLE * self.n_train)
        trained = np.zeros(self.n_train)
        valid = np.zeros(len(self.valid_x))
        curve = np.full(n_rounds, math.nan)

        for number in range(n_rounds):
            residuals = self.train_y - self._expected(trained)
            drawn = random.permutation(self.n_train)[:n_drawn]
            tree = DecisionTreeRegressor(max_depth=_DEPTH, random_state=random)
            tree.fit(self.train_x[drawn], residuals[drawn])

            trained += lr * tree.predict(self.train_x)
            valid += lr * tree.predict(self.valid_x)
            loss = self._loss(valid)
            if not loss < _DIVERGED or not np.abs(trained).max() < _DIVERGED:
                break
            curve[number] = loss

        return curve

    def _expected(self, outputs: Floats) -> Floats:
        """The targets that the outputs stand for."""
        if not self.classes:
            return outputs
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * outputs))

    def _loss(self, outputs: Floats) -> float:
        """Mean squared error, or mean cross-entropy of two classes, on validation samples."""
        if not self.classes:
            return float(np.mean((outputs - self.valid_y) ** 2))

        signs = 2 * self.valid_y - 1
        return float(np.mean(np.logaddexp(0.0, -signs * outputs)))
