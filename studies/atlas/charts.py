"""The charts of the atlas's page, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optuna_kappa.visualization.theme import BLUE, GREEN, INK, ORANGE, OTHERS
from studies.charts import GUIDE, Axis, Chart, Series

_COLOURS = {
    "adam": BLUE,
    "adamw": OTHERS[2],
    "rmsprop": GREEN,
    "momentum": ORANGE,
    "sgd": OTHERS[1],
    "boosting": INK,
}
_PARTS = 64  # of the longest horizon, in which horizons are counted
_MIDDLE = 8  # all lines go through 1 at this horizon
_SLOPES = (0.0, 0.32, 1.0)  # of the guides
_TICKS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class BestRates:
    """How the best rate of a table moves.

    Attributes:
        optimizer: Name of the optimizer.
        fractions: Horizons as fractions of the longest, ascending, shape (n,).
        lrs: The best learning rates, shape (n,).
    """

    optimizer: str
    fractions: Sequence[float]
    lrs: Sequence[float]


def best_rates_chart(title: str, tables: Sequence[BestRates]) -> Chart:
    """Chart of the best rates against the horizon, each in multiples of its rate at D/8.

    Args:
        title: Title.
        tables: A line for each table, in the colour of its optimizer.
    """
    series = []
    for slope in _SLOPES:
        ends = (1.0, float(_PARTS))
        heights = [(end / _MIDDLE) ** -slope for end in ends]
        series.append(Series(f"slope {slope:g}", ends, heights, "guide", GUIDE))

    named: set[str] = set()
    for table in tables:
        horizons = _PARTS * np.array(table.fractions)
        middle = np.interp(np.log(_MIDDLE), np.log(horizons), np.log(table.lrs))
        ratios = np.exp(np.log(table.lrs) - middle)
        # Each optimizer is named once; every second horizon is enough to see a line.
        label = "" if table.optimizer in named else table.optimizer
        named.add(table.optimizer)
        colour = _COLOURS[table.optimizer]
        series.append(Series(label, horizons[::2].tolist(), ratios[::2].tolist(), "line", colour))

    return Chart(
        title,
        Axis(f"horizon, in parts of which the longest has {_PARTS}", ticks=_TICKS),
        Axis("best rate, in multiples of that at 1/8"),
        tuple(series),
    )
