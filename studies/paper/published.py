"""What the paper says in numbers: its text and its two tables.

The points of its figures are not published as numbers, so a figure is compared by what the text
reads off it.
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

FULL_10, FULL_5, FULL_1 = 1e-3, 1e-3, 3e-3
"""Read off figures 1 to 3, at 10, 5 and 1 epochs of 60,000: "right under", then "about"."""
KAPPA, KAPPA_EPOCHS, KAPPA_LR = 165.0, 13, 0.000423
HALVING_PREDICTED: Mapping[int, float] = MappingProxyType({13: 0.00275, 5: 0.00284})
HALVING_FOUND: Mapping[int, float] = MappingProxyType({13: 0.00275, 5: 0.004})
"""Initial rate of the halving schedule by epochs, Adam."""
LAST_EPOCH = 22  # of figures 10 to 13
CV = 0.224  # of figure 10
# Units of learning rate times epochs in which the published optima are whole numbers.
GRIDS: Mapping[str, float] = MappingProxyType({"adam": 0.0005, "sgd": 0.05})


def doubling_ratios(table: Mapping[int, float]) -> dict[int, float]:
    """lr(n) / lr(2 n) for each n of a table that has 2 n too; 2 if lr is inverse to n."""
    return {n: lr / table[2 * n] for n, lr in table.items() if 2 * n in table}


def slope(table: Mapping[int, float]) -> float:
    """-d ln lr / d ln epochs, by least squares; 1 if lr is inverse to the epochs."""
    return -float(np.polyfit(np.log(list(table)), np.log(list(table.values())), 1)[0])


def scatter(table: Mapping[int, float]) -> float:
    """Standard deviation of ln lr about its straight line over ln epochs."""
    x, y = np.log(list(table)), np.log(list(table.values()))
    residuals = y - np.polyval(np.polyfit(x, y, 1), x)
    return float(np.sqrt(np.sum(residuals**2) / (len(x) - 2)))


def on_grid(table: Mapping[int, float], unit: float) -> int:
    """How many optima times their epochs are whole multiples of `unit`, up to printed digits.

    An optimum of three printed digits is known to half a unit of the last, relative to which the
    tolerance is wide enough: 0.2 % of the value.
    """
    multiples = np.array([n * lr / unit for n, lr in table.items()])
    return int(np.sum(np.abs(multiples - multiples.round()) <= 0.002 * multiples))
