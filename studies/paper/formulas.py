r"""The paper's formulas: cumulative learning of its three schedules, and their inverses.

With lr the base learning rate, epoch the number of images in an epoch and n the number of whole
epochs of a run, section 5 of the paper has

    constant    kappa = lr * epoch * n
    halving     kappa = lr * epoch * sum_{k=1}^{n} 2^-(k-1)        half of the rate each epoch
    cyclic      kappa = lr * epoch * sum_{k=1}^{n} (1 or 3)        tripled at every even epoch

`optuna_kappa.schedules` computes the same as exact means over any horizon. The formulas here are
written as in the paper, and tested against those means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType


def constant_sum(n_epochs: int) -> float:
    """Number of epochs of a run at a constant rate."""
    return float(_checked(n_epochs))


def geometric_sum(n_epochs: int) -> float:
    """The paper's geometric series, sum_{k=1}^{n} 2^-(k-1): 1, 1.5, 1.75, ... below 2."""
    return sum(2.0 ** -(k - 1) for k in range(1, _checked(n_epochs) + 1))


def cyclic_sum(n_epochs: int) -> float:
    """The paper's cyclic sum, 1 for odd epochs and 3 for even ones: 1, 4, 5, 8, ..."""
    return float(sum(3 if k % 2 == 0 else 1 for k in range(1, _checked(n_epochs) + 1)))


SUMS: Mapping[str, Callable[[int], float]] = MappingProxyType(
    {"constant": constant_sum, "halving": geometric_sum, "cyclic": cyclic_sum}
)
"""By schedule: how many epochs at the base rate a run of n epochs counts as."""


def kappa(lr: float, n_epochs: int, epoch: int, schedule: str = "constant") -> float:
    """Cumulative learning of a run, in learning rate times images.

    Args:
        lr: Base learning rate.
        n_epochs: Number of whole epochs, at least 1.
        epoch: Number of images in an epoch; 30,000 in the paper.
        schedule: "constant", "halving" or "cyclic".
    """
    return lr * epoch * SUMS[schedule](n_epochs)


def lr(kappa: float, n_epochs: int, epoch: int, schedule: str = "constant") -> float:
    """Base learning rate of a given cumulative learning; the inverse of `kappa`."""
    return kappa / (epoch * SUMS[schedule](n_epochs))


def _checked(n_epochs: int) -> int:
    if n_epochs < 1:
        raise ValueError(f"n_epochs must be at least 1, but is {n_epochs}")
    return n_epochs
