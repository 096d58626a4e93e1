"""Traces and parts of traces that several figures draw: bands, error bars, many lines as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from optuna_kappa.visualization import theme

MOST_POINTS = 300  # of a trace; readers cannot tell more apart
DIGITS = 5  # of a number; no reader sees more, and they would double the size of a figure


def rounded(values: Iterable[float]) -> list[float]:
    """Numbers with as many digits as a figure needs.

    Example:
        >>> rounded([0.123456789, 1234567.0])
        [0.12346, 1234600.0]
    """
    return [float(f"{value:.{DIGITS}g}") for value in values]


def error_bars(
    middles: Sequence[float],
    lows: Sequence[float],
    highs: Sequence[float],
    width: int = 0,
) -> dict[str, Any]:
    """Settings of the error bars from the lows to the highs.

    Args:
        middles: Values of the points.
        lows: Lower ends of the bars.
        highs: Upper ends.
        width: Width of the caps in pixels.

    Example:
        >>> bars = error_bars([2.0], [1.5], [4.0])
        >>> bars["array"], bars["arrayminus"]
        ([2.0], [0.5])
    """
    above = [high - middle for middle, high in zip(middles, highs, strict=True)]
    below = [middle - low for middle, low in zip(middles, lows, strict=True)]
    return {
        "type": "data",
        "symmetric": False,
        "array": rounded(above),
        "arrayminus": rounded(below),
        "thickness": 1.5,
        "width": width,
    }


def band(
    x: Sequence[float],
    lows: Sequence[float],
    highs: Sequence[float],
    color: str,
    name: str,
) -> go.Scatter:
    """An area between two lines.

    Args:
        x: Places, ascending.
        lows: The lower line.
        highs: The upper line.
        color: Color of the area, made transparent.
        name: Its entry in the legend. Plain text.

    Example:
        >>> band([1, 2], [3, 4], [5, 6], theme.BLUE, "90 % interval").y
        (5.0, 6.0, 4.0, 3.0)
    """
    # The outline runs along the upper edge, and back along the lower one.
    return go.Scatter(
        x=rounded([*x, *reversed(x)]),
        y=rounded([*highs, *reversed(lows)]),
        fill="toself",
        fillcolor=theme.faint(color),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        name=theme.escape(name),
    )


def guide(
    x: Sequence[float],
    y: Sequence[float],
    name: str,
    color: str = theme.INK,
    dash: str = "dash",
    width: float = 1.2,
) -> go.Scatter:
    """A thin line to compare with, without hover text.

    Args:
        x: Places of its points.
        y: Their values.
        name: Its entry in the legend. Plain text.
        color: Its color.
        dash: Plotly's name of how it is dashed.
        width: Its width in pixels.

    Example:
        >>> guide([1, 2], [3, 3], "constant").line.dash
        'dash'
    """
    return go.Scatter(
        x=rounded(x),
        y=rounded(y),
        mode="lines",
        line={"color": color, "width": width, "dash": dash},
        name=theme.escape(name),
        hoverinfo="skip",
    )


def end_to_end(
    curves: Iterable[tuple[Sequence[float], Sequence[float], str]],
) -> dict[str, list[Any]]:
    """The points of many curves as one trace, since Plotly is slow with many traces.

    Args:
        curves: x, y and hover text of each curve. The text is plain text.

    Returns:
        The arguments x, y and text of a trace. None parts the curves.

    Example:
        >>> end_to_end([([1, 2], [5, 6], "trial 0"), ([1], [7], "trial 1")])["x"]
        [1, 2, None, 1, None]
    """
    x: list[float | None] = []
    y: list[float | None] = []
    text: list[str] = []
    for places, values, label in curves:
        x += [*places, None]
        y += [*values, None]
        text += [*[theme.escape(label)] * len(places), ""]

    return {"x": x, "y": y, "text": text}


def thin(n: int, keep: Sequence[int] = (), most: int = MOST_POINTS) -> list[int]:
    """Choose at most so many of n points, evenly spaced.

    Args:
        n: Number of points.
        keep: Indices to keep in any case.
        most: How many to choose at most, besides those to keep.

    Returns:
        Ascending indices.

    Example:
        >>> len(thin(5000))
        300
    """
    evenly_spaced = np.linspace(0, n - 1, min(n, most)).round()
    indices = {int(place) for place in evenly_spaced}
    return sorted(indices | set(keep))


def without_far_out(
    values: Sequence[float],
    *,
    maximize: bool = False,
    log: bool = False,
) -> tuple[float, float]:
    """The lowest and the highest value to show: a few bad ones must not squeeze all others.

    Args:
        values: Values of trials.
        maximize: Whether low values are the bad ones.
        log: Whether they are shown on a logarithmic axis. All must then be positive.

    Returns:
        Both 0 and 1 if there are no values.

    Example:
        >>> without_far_out([1.0, 1.125, 1.25, 1.5, 100.0])
        (1.0, 2.625)
    """
    if not values:
        return 0.0, 1.0

    scaled = np.log(values) if log else np.asarray(values)
    lower, upper = np.quantile(scaled, (0.25, 0.75)).tolist()
    fences = np.array([lower, upper]) + theme.FAR_OUT * (upper - lower) * np.array([-1, 1])
    lowest, highest = (np.exp(fences) if log else fences).tolist()

    if maximize:
        return max(min(values), lowest), max(values)
    return min(values), min(max(values), highest)
