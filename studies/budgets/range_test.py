"""The learning rate range test: raise the rate from step to step until the loss explodes.

Smith, "Cyclical learning rates for training neural networks" (arXiv 1506.01186), in the form of
fastai's `lr_find`: 100 steps from 1e-7 to 10, the loss smoothed. The rate suggested is a tenth of
the one at which the smoothed loss is lowest.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from torch import nn
from torch.optim import Optimizer

from studies.budgets.problem import BATCH
from studies.budgets.training import batch_loss, make_step, start
from studies.mnist.data import Dataset

_RATES = np.geomspace(1e-7, 10.0, 100)  # these four: fastai's defaults
_MEMORY = 0.98
_EXPLODED = 4.0  # times the lowest smoothed loss
_BELOW_LOWEST = 10.0


def find(
    data: Dataset, seed: int, optimizer: Callable[[nn.Module], Optimizer]
) -> tuple[float, int]:
    """Run a range test.

    Args:
        data: Images.
        seed: Seed of the run.
        optimizer: Makes the optimizer of a model.

    Returns:
        The learning rate, and the samples that were trained on to find it.
    """
    model, rows = start(data, seed)
    made = optimizer(model)
    average = 0.0
    lowest = math.inf
    best = float(_RATES[0])

    for number, rate in enumerate(_RATES, start=1):
        for group in made.param_groups:
            group["lr"] = float(rate)
        loss = batch_loss(data, model, next(rows))

        average = _MEMORY * average + (1 - _MEMORY) * loss.item()
        smooth = average / (1 - _MEMORY**number)
        if not math.isfinite(smooth) or smooth > _EXPLODED * lowest:
            break
        if smooth < lowest:
            lowest, best = smooth, float(rate)
        make_step(made, loss)

    return best / _BELOW_LOWEST, number * BATCH
