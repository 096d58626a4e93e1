"""The charts that several claims share: loss over learning rate, optimum over epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from optuna_kappa._typing import Floats
from studies.charts import GUIDE, OURS, PAPER, Axis, Chart, Kind, Series
from studies.paper.curves import Curves, subset
from studies.paper.estimate import Estimate
from studies.paper.optima import ln_loss, optimum

EPOCH_TICKS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 22, 30, 40)
_ROOM = (0.85, 6.0)  # ends of a loss axis, in multiples of the lowest loss
# Wider intervals are not drawn: two seeds that differ say next to nothing.
_WIDEST = math.log(1e3)


def loss_chart(
    title: str, curves: Curves, step: int, kind: str, marks: Mapping[str, tuple[float, str]]
) -> Chart:
    """Chart the loss over the learning rate at a horizon, with the optimum and other rates.

    Args:
        title: Title.
        curves: The runs.
        step: The horizon.
        kind: "validation" or "test".
        marks: Rates to mark by lines, by label, with their colors.
    """
    loss = np.exp(ln_loss(curves, step))
    lowest = float(np.nanmin(loss))
    low = _ROOM[0] * lowest
    high = _ROOM[1] * lowest

    guides = []
    for name, (lr, color) in marks.items():
        guide = Series(
            label=f"{name}, {lr:.3g}",
            x=[lr, lr],
            y=[low, high],
            kind="guide",
            colour=color,
        )
        guides.append(guide)

    return Chart(
        title=title,
        x=Axis("learning rate", range=(curves.lrs[0] * 0.9, curves.lrs[-1] * 1.1)),
        y=Axis(f"{kind} loss (cross-entropy)", range=(low, high)),
        series=(_loss_series(curves, step, loss), _optimum_point(curves, step, lowest), *guides),
    )


def _loss_series(curves: Curves, step: int, loss: Floats) -> Series:
    """Return the mean loss at each learning rate, with a band for the range over seeds."""
    n_seeds = len(curves.seeds)
    if n_seeds == 1:
        return Series("one seed", curves.lrs.tolist(), loss.tolist())

    of_each_seed = np.exp([ln_loss(subset(curves, [i]), step) for i in range(n_seeds)])
    return Series(
        label=f"mean of {n_seeds} seeds (band: their range)",
        x=curves.lrs.tolist(),
        y=loss.tolist(),
        low=of_each_seed.min(axis=0).tolist(),
        high=of_each_seed.max(axis=0).tolist(),
    )


def _optimum_point(curves: Curves, step: int, lowest: float) -> Series:
    """Return the optimum as a point at the lowest loss, with a bar for its interval."""
    ln_best = optimum(curves, step)
    lr = math.exp(ln_best.value)
    label = f"our optimum, {lr:.2g}"
    if not drawable(ln_best):
        return Series(label, [lr], [lowest], "points", OURS, bars="horizontal")

    return Series(
        label=label,
        x=[lr],
        y=[lowest],
        kind="points",
        colour=OURS,
        low=[math.exp(ln_best.low)],
        high=[math.exp(ln_best.high)],
        bars="horizontal",
    )


def optima_series(
    label: str,
    x: Sequence[float],
    optima: Sequence[Estimate],
    kind: Kind = "line",
    colour: str = OURS,
) -> Series:
    """Return optima over x, with a band or bars for their 95 % intervals if all can be drawn.

    Args:
        label: Name in the legend.
        x: Abscissae.
        optima: Natural logarithms of the optima, one for each abscissa.
        kind: How to draw them.
        colour: Color.
    """
    y = [math.exp(estimate.value) for estimate in optima]
    if not all(map(drawable, optima)):
        return Series(label, list(x), y, kind, colour)

    return Series(
        label=f"{label}, 95 % interval",
        x=list(x),
        y=y,
        kind=kind,
        colour=colour,
        low=[math.exp(estimate.low) for estimate in optima],
        high=[math.exp(estimate.high) for estimate in optima],
    )


def inverse_line(label: str, x: Sequence[float], at: float, value: float) -> Series:
    """Return the 1/D line over the range of x, through the point (`at`, `value`)."""
    ends = [float(min(x)), float(max(x))]
    heights = [value * at / end for end in ends]
    return Series(
        label=label,
        x=ends,
        y=heights,
        kind="guide",
        colour=GUIDE,
    )


def paper_series(label: str, points: Mapping[int, float]) -> Series:
    """Return the paper's own numbers, by epochs."""
    return Series(
        label=label,
        x=list(points),
        y=list(points.values()),
        kind="paper",
        colour=PAPER,
    )


def drawable(ln_value: Estimate) -> bool:
    """Whether the interval of a logarithm has ends that a figure can show."""
    return ln_value.half_width < _WIDEST
