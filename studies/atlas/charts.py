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
_MIDDLE = 1 / 8  # all lines go through 1 at this fraction of the horizon
_SLOPES = (0.0, 0.32, 1.0)  # of the guides
_TICKS = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)


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
        ends = (_TICKS[0], 1.0)
        heights = [(end / _MIDDLE) ** -slope for end in ends]
        series.append(Series(f"slope {slope:g}", ends, heights, "guide", GUIDE))

    named: set[str] = set()
    for table in tables:
        middle = np.interp(np.log(_MIDDLE), np.log(table.fractions), np.log(table.lrs))
        ratios = np.exp(np.log(table.lrs) - middle)
        # Each optimizer is named once; every second horizon is enough to see a line.
        label = "" if table.optimizer in named else table.optimizer
        named.add(table.optimizer)
        colour = _COLOURS[table.optimizer]
        series.append(Series(label, table.fractions[::2], ratios.tolist()[::2], "line", colour))

    return Chart(
        title,
        Axis("horizon, as a fraction of the longest", ticks=_TICKS),
        Axis("best rate, in multiples of that at 1/8"),
        tuple(series),
    )
