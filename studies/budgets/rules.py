"""Rules that set the learning rate while a run goes on.

Each rule changes the rate of a torch optimizer and is told losses by `step`, as
`torch.optim.lr_scheduler.ReduceLROnPlateau` is.
"""

from __future__ import annotations

import math
from collections import deque

from torch.optim import Optimizer

_RAISE = 1.1
_CUT = 0.5  # both factors: Battiti, Complex Systems 3 (1989), 331
_FACTOR = 0.95
_PATIENCE = 10
_WINDOW = 50
_THRESHOLD = 1e-6  # these four: defaults of `GreedyLR` in transformers 5.4
_REACH = 100.0  # the rate stays within this factor of its start


class RaiseOrCut:
    """Raise the rate while the loss improves, and cut it when it does not.

    Example:
        >>> import torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
        >>> rule = RaiseOrCut(optimizer)
        >>> for loss in (2.0, 1.0, 1.5):
        ...     rule.step(loss)
        >>> round(optimizer.param_groups[0]["lr"], 4)
        0.0605
    """

    def __init__(self, optimizer: Optimizer) -> None:
        """Create the rule for an optimizer at its initial rate."""
        self._optimizer = optimizer
        self._last = math.inf

    def step(self, loss: float) -> None:
        """Compare a loss with the one before, and change the rate."""
        _multiply(self._optimizer, _RAISE if loss < self._last else _CUT)
        self._last = loss


class GreedyLR:
    """Raise the rate after many improvements in a row, and cut it after many failures.

    The loss of each step is averaged over the last 50. An average below the best so far is an
    improvement. After more than `_PATIENCE` improvements in a row the rate is divided by
    `_FACTOR`, after as many failures it is multiplied by it (arXiv 2512.14527). The rate stays
    within a factor of 100 of its start; the restart after a long time at the lowest rate is left
    out.

    Example:
        >>> import torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
        >>> rule = GreedyLR(optimizer)
        >>> for step in range(11):
        ...     rule.step(1.0 - step / 100)
        >>> round(optimizer.param_groups[0]["lr"], 4)
        0.1053
    """

    def __init__(self, optimizer: Optimizer) -> None:
        """Create the rule for an optimizer at its initial rate."""
        self._optimizer = optimizer
        self._start = float(optimizer.param_groups[0]["lr"])
        self._recent: deque[float] = deque(maxlen=_WINDOW)
        self._best = math.inf
        self._good = 0
        self._bad = 0

    def step(self, loss: float) -> None:
        """Take the loss of a batch, and change the rate if it is time to."""
        self._recent.append(loss)
        average = sum(self._recent) / len(self._recent)
        if average < self._best - _THRESHOLD:
            self._best = average
            self._good, self._bad = self._good + 1, 0
        else:
            self._good, self._bad = 0, self._bad + 1

        if self._good > _PATIENCE:
            self._change(1 / _FACTOR)
        elif self._bad > _PATIENCE:
            self._change(_FACTOR)

    def _change(self, factor: float) -> None:
        self._good = self._bad = 0
        rate = float(self._optimizer.param_groups[0]["lr"])
        if self._start / _REACH <= rate * factor <= self._start * _REACH:
            _multiply(self._optimizer, factor)


def _multiply(optimizer: Optimizer, factor: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] *= factor
