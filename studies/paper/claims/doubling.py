"""Tables 1 and 2: what happens to the best constant rate when the epochs double."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from optuna_kappa._typing import Floats
from studies.charts import CONTRAST, GUIDE, Axis, Chart, Series
from studies.paper import published
from studies.paper.charts import optima_series, paper_series
from studies.paper.claims.inverse_law import LIMITS
from studies.paper.claims.item import OPTIMIZERS, Item, table_lines
from studies.paper.claims.rates import best
from studies.paper.curves import Archive
from studies.paper.estimate import Estimate, derive, difference
from studies.paper.verdicts import of_slope
from studies.paper.wording import listed, rate, ratio

Pair = tuple[Estimate, Estimate]
"""Logarithms of the best rates at n and at 2 n epochs."""


def items(archive: Archive) -> list[Item]:
    """Check tables 1 and 2."""
    return [
        _item(archive, "table-1", "adam"),
        _item(archive, "table-2", "sgd"),
    ]


def _item(archive: Archive, key: str, optimizer: str) -> Item:
    table = published.TABLES[optimizer]
    their_ratios = published.doubling_ratios(table)
    pairs = _pairs(archive, optimizer, list(their_ratios))
    ratios = {n: difference(*pair) for n, pair in pairs.items()}

    mean_ratio = derive(_mean, list(ratios.values()))
    # The logarithm to base 2 of a ratio on doubling is the slope.
    slope = derive(lambda values: _mean(values) / math.log(2), list(ratios.values()))
    their_mean = math.exp(_mean(np.log(list(their_ratios.values()))))
    their_list = listed([f"{value:.2f}" for value in their_ratios.values()])

    return Item(
        key=key,
        title=f"Best learning rate when the epochs double, {OPTIMIZERS[optimizer]}",
        paper="lr halves when the epochs double: ratio 2; the paper's own ratios are "
        f"{their_list}, their geometric mean {their_mean:.2f}",
        ours=f"geometric mean of the ratios {ratio(mean_ratio)}",
        verdict=of_slope(1.0, slope),
        reading=f"Going from n to 2n epochs, for n from {min(their_ratios)} to "
        f"{max(their_ratios)}, divides our optimum by {ratio(mean_ratio)}. "
        f"{_grid_note(optimizer)}",
        limits=LIMITS,
        chart=_ratio_chart(optimizer, their_ratios, ratios),
        details=_ratio_table(table, pairs, ratios),
    )


def _pairs(archive: Archive, optimizer: str, epochs: list[int]) -> dict[int, Pair]:
    """Return the best rates at n and at 2 n epochs, for each n."""
    table = f"{optimizer}-constant"
    pairs = {}
    for n in epochs:
        pairs[n] = best(archive, table, n), best(archive, table, 2 * n)

    return pairs


def _mean(values: Floats) -> float:
    return float(np.mean(values))


def _grid_note(optimizer: str) -> str:
    """Say what the paper's optima have in common: all are multiples of a unit over epochs."""
    table = published.TABLES[optimizer]
    unit = published.GRIDS[optimizer]
    n_on_grid = published.on_grid(table, unit)
    products = [n_epochs * lr for n_epochs, lr in table.items()]
    return (
        f"A straight line through the logarithms of the paper's table has a slope of "
        f"{published.slope(table):.2f}. To the digits printed, {n_on_grid} of its {len(table)} "
        f"optima are whole multiples of {unit:g} / epochs, between {min(products):.3g} / epochs "
        f"and {max(products):.3g} / epochs. This suggests that the paper's grid of rates was "
        "itself inversely proportional to the epochs. On such a grid, unless it is wide, an "
        "optimum that moves little looks like one that follows 1/D. The paper does not say how "
        "its grid was chosen."
    )


def _ratio_table(
    table: Mapping[int, float],
    pairs: Mapping[int, Pair],
    ratios: Mapping[int, Estimate],
) -> tuple[str, ...]:
    rows = []
    for n, (ln_first, ln_second) in pairs.items():
        row = (
            f"{n} and {2 * n}",
            f"{table[n]:.3g} and {table[2 * n]:.3g}",
            f"{table[n] / table[2 * n]:.2f}",
            f"{rate(ln_first)} and {rate(ln_second)}",
            ratio(ratios[n]),
        )
        rows.append(row)

    header = ("epochs", "paper's lr", "paper's ratio", "our lr", "our ratio")
    return table_lines(header, rows)


def _ratio_chart(
    optimizer: str, their_ratios: Mapping[int, float], ratios: Mapping[int, Estimate]
) -> Chart:
    epochs = list(ratios)
    ends = [min(epochs), max(epochs)]
    series = (
        Series("halving on doubling", ends, [2, 2], "guide", GUIDE),
        optima_series("ours", epochs, list(ratios.values()), "points"),
        paper_series("the paper's table", their_ratios),
        Series("no change", ends, [1, 1], "guide", CONTRAST),
    )
    return Chart(
        title=f"{OPTIMIZERS[optimizer]}: what doubling the epochs divides the optimum by",
        x=Axis("epochs n", log=False, ticks=epochs),
        y=Axis("best lr at n over best lr at 2n", log=False),
        series=series,
    )
