"""The numbers that the paper publishes, in its text and its two tables.

The points of its figures are not published as numbers. A figure is therefore compared by the
numbers that the text reads off it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

TABLE_1: Mapping[int, float] = MappingProxyType(
    {
        5: 0.0011,
        6: 0.001167,
        7: 0.000786,
        8: 0.0008125,
        9: 0.000611,
        10: 0.00045,
        12: 0.000375,
        14: 0.000286,
        16: 0.00025,
        18: 0.000333,
    }
)
"""Best learning rate by epochs, Adam."""
TABLE_2: Mapping[int, float] = MappingProxyType(
    {
        5: 0.14,
        6: 0.1416666667,
        7: 0.1285714286,
        8: 0.10625,
        9: 0.08333333333,
        10: 0.1,
        12: 0.0625,
        14: 0.075,
        16: 0.0625,
        18: 0.0583333333,
    }
)
"""Best learning rate by epochs, SGD."""
TABLES: Mapping[str, Mapping[int, float]] = MappingProxyType({"adam": TABLE_1, "sgd": TABLE_2})
"""Both tables, by optimizer."""

FULL_10 = 1e-3
"""Best rate in figure 1, at 10 epochs of 60,000 images: "right under" this."""
FULL_5 = 1e-3
"""Best rate in figure 2, at 5 epochs of 60,000 images: "about" this."""
FULL_1 = 3e-3
"""Best rate in figure 3, at 1 epoch of 60,000 images: "about" this."""

KAPPA_EPOCHS = 13
"""Epochs at which the paper measures kappa, with Adam at a constant rate."""
KAPPA_LR = 0.000423
"""Best learning rate there."""
KAPPA = 165.0
"""Kappa there."""

HALVING_PREDICTED: Mapping[int, float] = MappingProxyType({13: 0.00275, 5: 0.00284})
"""Initial rate of the halving schedule that the paper predicts from kappa, by epochs, Adam."""
HALVING_FOUND: Mapping[int, float] = MappingProxyType({13: 0.00275, 5: 0.004})
"""Initial rate of the halving schedule that the paper found best, by epochs, Adam."""

LAST_EPOCH = 22
"""Largest number of epochs in figures 10 to 13."""
CV = 0.224
"""Coefficient of variation of figure 10."""

GRIDS: Mapping[str, float] = MappingProxyType({"adam": 0.0005, "sgd": 0.05})
"""Unit of learning rate times epochs in which the published optima are whole, by optimizer."""


def doubling_ratios(table: Mapping[int, float]) -> dict[int, float]:
    """lr(n) / lr(2 n) for each n of a table that has 2 n too; 2 if lr is inverse to n."""
    return {n: lr / table[2 * n] for n, lr in table.items() if 2 * n in table}


def slope(table: Mapping[int, float]) -> float:
    """-d ln lr / d ln epochs, by least squares; 1 if lr is inverse to the epochs."""
    x = np.log(list(table))
    y = np.log(list(table.values()))
    gradient = np.polyfit(x, y, 1)[0]
    return -float(gradient)


def scatter(table: Mapping[int, float]) -> float:
    """Standard deviation of ln lr around its straight line over ln epochs."""
    x = np.log(list(table))
    y = np.log(list(table.values()))
    residuals = y - np.polyval(np.polyfit(x, y, 1), x)
    degrees_of_freedom = len(x) - 2
    return float(np.sqrt(np.sum(residuals**2) / degrees_of_freedom))


def on_grid(table: Mapping[int, float], unit: float) -> int:
    """Count the optima that are whole multiples of `unit` over their epochs.

    The tolerance is 0.2 % of the value: an optimum printed with three digits is known to half a
    unit of the last one.
    """
    multiples = np.array([n * lr / unit for n, lr in table.items()])
    return int(np.sum(np.abs(multiples - multiples.round()) <= 0.002 * multiples))
