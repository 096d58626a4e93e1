"""Figures 5 and 6: how the best constant rate falls as the epochs grow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from studies.charts import GUIDE, Axis, Chart, Series
from studies.paper import published
from studies.paper.charts import EPOCH_TICKS, inverse_line, optima_series, paper_series
from studies.paper.claims.item import OPTIMIZERS, Item, table_lines
from studies.paper.curves import Archive, Curves
from studies.paper.estimate import Estimate, shifted
from studies.paper.optima import argmins, optimum, slope
from studies.paper.verdicts import Verdict, combine, of_slope
from studies.paper.wording import amount, listed, number, rate

Span = tuple[float, float]
"""A range of epochs: the first and the last."""

LIMITS = (
    "One model, one data set and one batch size (64; the paper gives none). Neighboring horizons "
    "share the same runs, so their errors are correlated. The interval of a slope accounts for "
    "this: it comes from repeating the whole fit without each seed."
)
_EDGES = (0, 1, 4, 8, 24, 40)  # of the ranges of epochs
_HIDDEN_TICKS = (3, 5, 6, 10, 16, 30)  # no room for these: the axis begins below one epoch


def items(archive: Archive) -> list[Item]:
    """Check figures 5 and 6."""
    return [
        _item(archive, "figure-5", "adam"),
        _item(archive, "figure-6", "sgd"),
    ]


def slopes(curves: Curves) -> dict[Span, Estimate]:
    """-d ln lr* / d ln D in each range of epochs; the lowest starts at the first evaluation.

    Raises:
        ValueError: The runs have no loss at the end of a range.
    """
    epochs = curves.steps / curves.epoch
    slope_by_span: dict[Span, Estimate] = {}

    for low, high in pairwise(_EDGES):
        curves.index(high * curves.epoch)  # raises where the runs are too short
        steps = curves.steps[(epochs >= low) & (epochs <= high)]
        optima = [optimum(curves, int(step)) for step in steps]

        span = float(steps[0] / curves.epoch), float(high)
        slope_by_span[span] = slope(steps.tolist(), optima)

    return slope_by_span


def _item(archive: Archive, key: str, optimizer: str) -> Item:
    curves = archive.curves(f"{optimizer}-constant")
    slope_by_span = slopes(curves)

    verdicts: dict[Span, Verdict] = {}
    parts: list[str] = []
    for span, estimate in slope_by_span.items():
        # The paper trains whole epochs only; what lies below one epoch is not its claim.
        if span[0] >= 1:
            verdicts[span] = of_slope(1.0, estimate)
            parts.append(f"{_span_text(span)}: {number(estimate)}")

    return Item(
        key=key,
        title=f"Best learning rate against epochs, {OPTIMIZERS[optimizer]}",
        paper="lr inversely proportional to the epochs (slope 1), 1 to 80 epochs",
        ours=f"slope by epochs: {'; '.join(parts)}",
        verdict=combine(verdicts.values()),
        reading=f"{_reading(verdicts)} {_grid_error(curves, optimizer)}",
        limits=LIMITS,
        chart=_chart(curves, optimizer),
        details=_slope_table(curves, slope_by_span),
    )


def _reading(verdicts: Mapping[Span, Verdict]) -> str:
    """Say at which epochs the inverse law holds and at which it does not."""
    parts = []
    for verdict in Verdict:
        spans = [_span_text(span) for span, value in verdicts.items() if value is verdict]
        if spans:
            parts.append(f"{verdict.value} at {listed(spans)} epochs")

    return f"Inverse proportionality {'; '.join(parts)}."


def _grid_error(curves: Curves, optimizer: str) -> str:
    """Say how far the paper's own way of finding the optimum scatters on our runs."""
    table = published.TABLES[optimizer]
    errors: list[float] = []
    for n_epochs in table:
        step = n_epochs * curves.epoch
        ln_tried = np.log(argmins(curves, step))
        errors += (ln_tried - optimum(curves, step).value).tolist()

    typical_error = math.exp(math.sqrt(float(np.mean(np.square(errors)))))
    their_scatter = math.exp(published.scatter(table))
    n_seeds = min(3, len(curves.seeds))
    runs = f"{n_seeds} runs" if n_seeds > 1 else "one run"
    return (
        f"Choosing the best rate of a grid by the mean loss of {runs}, as the paper does, misses "
        f"our optimum by a factor of {typical_error:.2f} (root mean square, at the epochs of the "
        f"paper's table). The paper's table scatters by a factor of {their_scatter:.2f} around "
        "its own line."
    )


def _slope_table(curves: Curves, slope_by_span: Mapping[Span, Estimate]) -> tuple[str, ...]:
    rows = []
    for span, estimate in slope_by_span.items():
        first_samples = span[0] * curves.epoch
        last_samples = span[1] * curves.epoch
        ln_first = optimum(curves, round(first_samples))
        ln_last = optimum(curves, round(last_samples))

        row = (
            _span_text(span),
            number(estimate),
            of_slope(1.0, estimate).value,
            rate(ln_first),
            rate(ln_last),
            amount(shifted(ln_first, math.log(first_samples))),
            amount(shifted(ln_last, math.log(last_samples))),
        )
        rows.append(row)

    header = ("epochs", "slope", "1/D", "lr at start", "lr at end", "κ at start", "κ at end")
    return table_lines(header, rows)


def _chart(curves: Curves, optimizer: str) -> Chart:
    steps = [int(step) for step in curves.steps]
    epochs = [step / curves.epoch for step in steps]
    whole_epochs = [n_epochs for n_epochs in epochs if n_epochs >= 1]
    optima = [optimum(curves, step) for step in steps]

    optimum_at_13 = optima[epochs.index(13.0)]
    lr_at_13 = math.exp(optimum_at_13.value)
    series = (
        _tried_series(curves, whole_epochs),
        optima_series("our optimum", epochs, optima),
        inverse_line("1/D through 13 epochs", whole_epochs, 13, lr_at_13),
        paper_series("the paper's table", published.TABLES[optimizer]),
    )

    late_ticks = [tick for tick in EPOCH_TICKS if tick not in _HIDDEN_TICKS]
    return Chart(
        title=f"{OPTIMIZERS[optimizer]}, constant rate: best learning rate against epochs",
        x=Axis(f"epochs of {curves.epoch:,} images", ticks=(0.03, 0.1, 0.3, *late_ticks)),
        y=Axis("best learning rate"),
        series=series,
    )


def _tried_series(curves: Curves, epochs: list[float]) -> Series:
    """Return the best rates of the grid for every choice of three seeds, as small dots."""
    x: list[float] = []
    y: list[float] = []
    for n_epochs in epochs:
        for lr in np.unique(argmins(curves, round(n_epochs * curves.epoch))):
            x.append(float(n_epochs))
            y.append(float(lr))

    seeds = "three seeds" if len(curves.seeds) > 2 else "all seeds"
    return Series(f"best rate tried, mean of {seeds}", x, y, "faint", GUIDE)


def _span_text(span: Span) -> str:
    low, high = span
    return f"{low:.2g} to {high:g}"
