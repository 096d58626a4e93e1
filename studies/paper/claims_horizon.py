"""Figures 5 and 6, tables 1 and 2: how the optimum falls with the epochs at a constant rate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from optuna_kappa._typing import Floats
from studies.charts import CONTRAST, GUIDE, PAPER, Axis, Chart, Series
from studies.paper import published
from studies.paper.charts import EPOCH_TICKS, inverse_line, optima_series
from studies.paper.claims import OPTIMIZERS, Item, best, table_lines
from studies.paper.curves import Archive, Curves
from studies.paper.estimate import Estimate, derive, difference, shifted
from studies.paper.optima import argmins, optimum, slope
from studies.paper.verdicts import Verdict, combine, of_slope
from studies.paper.wording import amount, listed, number, rate, ratio

_EDGES = (0, 1, 4, 8, 24, 40)  # of the ranges of epochs
_PUBLISHED = {"adam": published.TABLE_1, "sgd": published.TABLE_2}
_LIMITS = (
    "One model, one data set, one batch size (64; the paper gives none). Neighbouring horizons "
    "are the same runs, so their errors go together; the interval of a slope takes that into "
    "account, as it is that of the whole fit with a seed left out."
)


def items(archive: Archive) -> list[Item]:
    """Figures 5 and 6, tables 1 and 2."""
    found = []
    for number_, optimizer in enumerate(OPTIMIZERS):
        found.append(_figure(archive, f"figure-{5 + number_}", optimizer))
    for number_, optimizer in enumerate(OPTIMIZERS):
        found.append(_table(archive, f"table-{1 + number_}", optimizer))
    return found


def slopes(curves: Curves) -> dict[tuple[float, float], Estimate]:
    """-d ln lr* / d ln D in each range of epochs; the lowest starts at the first evaluation."""
    epochs = curves.steps / curves.epoch
    found = {}
    for low, high in pairwise(_EDGES):
        steps = curves.steps[(epochs >= low) & (epochs <= high)]
        curves.index(high * curves.epoch)
        optima = [optimum(curves, int(step)) for step in steps]
        found[float(steps[0] / curves.epoch), float(high)] = slope(steps.tolist(), optima)
    return found


def _figure(archive: Archive, key: str, optimizer: str) -> Item:
    name = OPTIMIZERS[optimizer]
    curves = archive.curves(f"{optimizer}-constant")
    found = slopes(curves)
    # The paper has whole epochs only; below one is ours.
    claimed = {span: value for span, value in found.items() if span[0] >= 1}
    verdicts = {span: of_slope(1.0, value) for span, value in claimed.items()}
    ours = "; ".join(f"{_span(span)}: {number(value)}" for span, value in claimed.items())
    return Item(
        key=key,
        title=f"Best learning rate against epochs, {name}",
        paper="lr inverse to the epochs (slope 1), 1 to 80 epochs",
        ours=f"slope by epochs: {ours}",
        verdict=combine(verdicts.values()),
        reading=_reading(verdicts) + " " + _choppiness(curves, optimizer),
        limits=_LIMITS,
        chart=_chart(curves, optimizer),
        details=_slope_table(curves, found),
    )


def _reading(verdicts: Mapping[tuple[float, float], Verdict]) -> str:
    """Where the inverse law holds and where not."""
    parts = []
    for verdict in Verdict:
        spans = [_span(span) for span, value in verdicts.items() if value is verdict]
        if spans:
            parts.append(f"{verdict.value} at {listed(spans)} epochs")
    return f"Inverse proportionality {'; '.join(parts)}."


def _choppiness(curves: Curves, optimizer: str) -> str:
    """How far the paper's own way of finding the optimum would scatter on our runs."""
    table = _PUBLISHED[optimizer]
    errors: list[float] = []
    for n in table:
        step = n * curves.epoch
        errors += (np.log(argmins(curves, step)) - optimum(curves, step).value).tolist()
    typical = math.exp(math.sqrt(float(np.mean(np.square(errors)))))
    own = math.exp(published.scatter(table))
    n_seeds = min(3, len(curves.seeds))
    runs = f"{n_seeds} runs" if n_seeds > 1 else "one run"
    return (
        f"The best rate of a grid by the mean loss of {runs}, the paper's way, misses our "
        f"optimum by a factor of {typical:.2f} (root mean square, at the epochs of the paper's "
        f"table); the paper's table scatters by {own:.2f} about its own line."
    )


def _slope_table(curves: Curves, found: Mapping[tuple[float, float], Estimate]) -> tuple[str, ...]:
    rows = []
    for span, value in found.items():
        start, end = (optimum(curves, round(n * curves.epoch)) for n in span)
        kappas = [
            amount(shifted(estimate, math.log(n * curves.epoch)))
            for n, estimate in zip(span, (start, end), strict=True)
        ]
        verdict = of_slope(1.0, value).value
        rows.append((_span(span), number(value), verdict, rate(start), rate(end), *kappas))
    header = ("epochs", "slope", "1/D", "lr at start", "lr at end", "κ at start", "κ at end")
    return table_lines(header, rows)


def _chart(curves: Curves, optimizer: str) -> Chart:
    steps = [int(step) for step in curves.steps]
    epochs = [step / curves.epoch for step in steps]
    whole = [n for n in epochs if n >= 1]
    optima = [optimum(curves, step) for step in steps]
    table = _PUBLISHED[optimizer]
    tried = [(n, lr) for n in whole for lr in np.unique(argmins(curves, round(n * curves.epoch)))]
    middle = dict(zip(epochs, optima, strict=True))[13.0]
    triples = "three seeds" if len(curves.seeds) > 2 else "all seeds"
    series = (
        Series(f"best rate tried, mean of {triples}", *_unzipped(tried), "faint", GUIDE),
        optima_series("our optimum", epochs, optima),
        inverse_line("1/D through 13 epochs", whole, 13, math.exp(middle.value)),
        Series("the paper's table", list(table), list(table.values()), "paper", PAPER),
    )
    ticks = (0.03, 0.1, 0.3, *(n for n in EPOCH_TICKS if n not in (3, 5, 6, 10, 16, 30)))
    x = Axis(f"epochs of {curves.epoch:,} images", ticks=ticks)
    title = f"{OPTIMIZERS[optimizer]}, constant rate: best learning rate against epochs"
    return Chart(title, x, Axis("best learning rate"), series)


def _table(archive: Archive, key: str, optimizer: str) -> Item:
    table = _PUBLISHED[optimizer]
    theirs = published.doubling_ratios(table)
    pairs = {
        n: (
            best(archive, f"{optimizer}-constant", n),
            best(archive, f"{optimizer}-constant", 2 * n),
        )
        for n in theirs
    }
    ratios = {n: difference(*pair) for n, pair in pairs.items()}
    mean = derive(_mean, list(ratios.values()))
    # The logarithm to base 2 of a ratio on doubling is the slope.
    as_slope = derive(lambda values: _mean(values) / math.log(2), list(ratios.values()))
    own = math.exp(_mean(np.log(list(theirs.values()))))
    listing = listed([f"{value:.2f}" for value in theirs.values()])
    verdict = of_slope(1.0, as_slope)
    return Item(
        key=key,
        title=f"Halving on doubling, {OPTIMIZERS[optimizer]}",
        paper=f"lr halves when the epochs double: ratio 2; its own ratios are {listing}, "
        f"{own:.2f} in the geometric mean",
        ours=f"ratio {ratio(mean)} in the geometric mean",
        verdict=verdict,
        reading=f"Twice the epochs, from {min(theirs)} to {max(theirs)} on, divide our optimum by "
        f"{ratio(mean)}. "
        f"{_grid_note(optimizer)}",
        limits=_LIMITS,
        chart=_ratio_chart(optimizer, theirs, ratios),
        details=_ratio_table(table, pairs, ratios),
    )


def _grid_note(optimizer: str) -> str:
    """What the paper's optima have in common: they are whole multiples of a unit over epochs."""
    table, unit = _PUBLISHED[optimizer], published.GRIDS[optimizer]
    n = published.on_grid(table, unit)
    fitted = published.slope(table)
    products = [epochs * lr for epochs, lr in table.items()]
    return (
        f"A straight line through the paper's table has a slope of {fitted:.2f}. Of its "
        f"{len(table)} optima, {n} are whole multiples of {unit:g} / epochs, from "
        f"{min(products):.3g} to {max(products):.3g} over the epochs, to the digits printed: it "
        "looks as if its grid of rates was itself laid out inverse to the epochs, in which case "
        "an optimum that moves little could not have been told from one that follows 1/D unless "
        "the grid was wide. The paper does not say."
    )


def _ratio_table(
    table: Mapping[int, float],
    pairs: Mapping[int, tuple[Estimate, Estimate]],
    ratios: Mapping[int, Estimate],
) -> tuple[str, ...]:
    rows = [
        (
            f"{n} and {2 * n}",
            f"{table[n]:.3g} and {table[2 * n]:.3g}",
            f"{table[n] / table[2 * n]:.2f}",
            f"{rate(first)} and {rate(second)}",
            ratio(ratios[n]),
        )
        for n, (first, second) in pairs.items()
    ]
    header = ("epochs", "paper's lr", "paper's ratio", "our lr", "our ratio")
    return table_lines(header, rows)


def _ratio_chart(
    optimizer: str, theirs: Mapping[int, float], ratios: Mapping[int, Estimate]
) -> Chart:
    epochs = list(ratios)
    series = (
        Series("halving on doubling", [min(epochs), max(epochs)], [2, 2], "guide", GUIDE),
        optima_series("ours", epochs, list(ratios.values()), "points"),
        Series("the paper's table", list(theirs), list(theirs.values()), "paper", PAPER),
        Series("no change", [min(epochs), max(epochs)], [1, 1], "guide", CONTRAST),
    )
    title = f"{OPTIMIZERS[optimizer]}: what doubling the epochs divides the optimum by"
    x = Axis("epochs n", log=False, ticks=epochs)
    return Chart(title, x, Axis("best lr at n over best lr at 2n", log=False), series)


def _span(span: tuple[float, float]) -> str:
    low, high = span
    return f"{low:.2g} to {high:g}"


def _mean(values: Floats) -> float:
    return float(np.mean(values))


def _unzipped(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [float(x) for x, _ in points], [float(y) for _, y in points]
