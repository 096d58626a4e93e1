"""Learning curves with a known shape, to try things on; the examples of this folder use them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.pruning.history import History, learn
from optuna_kappa.pruning.run import Place, Run

_HORIZON = 100.0
_STEPS = np.arange(5.0, _HORIZON + 1, 5.0)
_LRS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)


def example_curve(lr: float) -> tuple[Floats, Floats]:
    """Steps and losses of a run of horizon 100, a report every 5 steps, shape `(20,)` each.

    A low learning rate learns slowly. A high one learns fast, but its loss stays higher in the
    end. The best rate at the horizon is near 6e-4. With s the step, without noise:

        loss = 0.1 + 2 exp(-300 lr s / (1 + s / 50)) + 20 lr (1 + s / 100)

    Args:
        lr: Learning rate of the run.

    Example:
        >>> step, loss = example_curve(lr=1e-3)
        >>> float(step[-1]), float(loss[-1].round(3))
        (100.0, 0.14)
    """
    slowing = 1 + _STEPS / 50
    unlearned = 2.0 * np.exp(-300 * lr * _STEPS / slowing)
    floor = 20 * lr * (1 + _STEPS / _HORIZON)
    return _STEPS.copy(), 0.1 + unlearned + floor


def example_history(lrs: Sequence[float] = _LRS) -> History:
    """A history of finished runs, one for each learning rate, with the curves of `example_curve`.

    Args:
        lrs: Learning rates of the runs, at least one.

    Example:
        >>> history = example_history()
        >>> len(history.runs), round(history.best, 3)
        (5, 0.14)
    """
    runs = []
    for lr in lrs:
        step, loss = example_curve(lr)
        place = Place(ln_lr=math.log(lr), others=np.empty(0))
        run = Run(step, loss, place, final=float(loss[-1]))
        runs.append(run)

    history = learn(runs, _HORIZON)
    if history is None:
        raise ValueError("lrs must name at least one learning rate, but is empty")
    return history
