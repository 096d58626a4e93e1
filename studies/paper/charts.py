"""The charts that several claims share: loss over learning rate, optimum over epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from studies.charts import GUIDE, OURS, Axis, Chart, Kind, Series
from studies.paper.curves import Curves, subset
from studies.paper.estimate import Estimate
from studies.paper.optima import ln_loss, optimum

EPOCH_TICKS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 22, 30, 40)
_ROOM = (0.85, 6.0)  # of a loss axis, in multiples of the least loss
_WIDEST = math.log(1e3)  # intervals: two seeds that differ say next to nothing


def loss_chart(
    title: str, curves: Curves, step: int, kind: str, marks: Mapping[str, tuple[float, str]]
) -> Chart:
    """Loss over the learning rate at a horizon, with the optimum and other rates marked.

    Args:
        title: Title.
        curves: The runs.
        step: The horizon.
        kind: "validation" or "test".
        marks: Rates to mark by lines, by label, with their colours.
    """
    n = len(curves.seeds)
    y = np.exp(ln_loss(curves, step))
    least = float(np.nanmin(y))
    low, high = _ROOM[0] * least, _ROOM[1] * least
    each = np.exp([ln_loss(subset(curves, [i]), step) for i in range(n)])
    label = f"mean of {n} seeds (band: their range)" if n > 1 else "one seed"
    band = (each.min(axis=0).tolist(), each.max(axis=0).tolist()) if n > 1 else ((), ())
    ours = Series(label, curves.lrs.tolist(), y.tolist(), low=band[0], high=band[1])
    lines = [
        Series(f"{name}, {lr:.3g}", [lr, lr], [low, high], kind="guide", colour=colour)
        for name, (lr, colour) in marks.items()
    ]
    found = optimum(curves, step)
    lr = math.exp(found.value)
    ends = ([math.exp(found.low)], [math.exp(found.high)]) if drawable(found) else ((), ())
    point = Series(
        f"our optimum, {lr:.2g}", [lr], [least], "points", OURS, ends[0], ends[1], "horizontal"
    )
    x = Axis("learning rate", range=(curves.lrs[0] * 0.9, curves.lrs[-1] * 1.1))
    axis = Axis(f"{kind} loss (cross-entropy)", range=(low, high))
    return Chart(title, x, axis, (ours, point, *lines))


def optima_series(
    label: str,
    x: Sequence[float],
    optima: Sequence[Estimate],
    kind: Kind = "line",
    colour: str = OURS,
) -> Series:
    """Optima over x, with a band or bars for their 95 % intervals where there are any."""
    y = [math.exp(estimate.value) for estimate in optima]
    if not all(drawable(estimate) for estimate in optima):
        return Series(label, list(x), y, kind, colour)
    low = [math.exp(estimate.low) for estimate in optima]
    high = [math.exp(estimate.high) for estimate in optima]
    return Series(f"{label}, 95 % interval", list(x), y, kind, colour, low, high)


def inverse_line(label: str, x: Sequence[float], at: float, value: float) -> Series:
    """The 1/D line through `value` at `at`."""
    ends = [float(min(x)), float(max(x))]
    return Series(label, ends, [value * at / end for end in ends], "guide", GUIDE)


def drawable(ln_value: Estimate) -> bool:
    """Whether the interval of a logarithm has ends that a figure can show."""
    return ln_value.half_width < _WIDEST
