"""Expected against found learning rate: how well the law carries over to a schedule."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from optuna_kappa._validation import check_items, check_type
from optuna_kappa.visualization import theme

_OFF = 2.0  # the dotted lines: this factor away from the expected lr


class TransferPoint(NamedTuple):
    """The learning rate expected of one search, and the one it found.

    Attributes:
        label: Name of the search, such as "kappa, repeat 1".
        sampler: Sampler of the search.
        expected: Learning rate that the law expects: its median.
        low: Lower end of the 90 % interval of the expectation.
        high: Upper end of that interval.
        kappa_invariant: Learning rate if kappa is exactly invariant; NaN if not known.
        found: Best learning rate of the search; NaN if it found none.

    Example:
        >>> TransferPoint("TPE, repeat 1", "TPE", 4e-4, 2e-4, 8e-4, 5e-4, 6e-4).found
        0.0006
    """

    label: str
    sampler: str
    expected: float
    low: float
    high: float
    kappa_invariant: float
    found: float


class _TransferInfo(NamedTuple):
    samplers: dict[str, list[TransferPoint]]
    invariant: list[tuple[float, float, str]]  # kappa-invariant lr, found lr, label
    span: tuple[float, float]  # lowest and highest lr


def plot_transfer(points: Sequence[TransferPoint]) -> go.Figure:
    """Draw the learning rates found against those expected.

    On the diagonal, the law was right.

    Args:
        points: One point for each search. Searches that found nothing are left out.

    Raises:
        ValueError: A learning rate is not positive and finite.

    Example:
        >>> point = TransferPoint("TPE, repeat 1", "TPE", 4e-4, 2e-4, 8e-4, 5e-4, 6e-4)
        >>> figure = plot_transfer([point])
        >>> figure.data[3].name, figure.data[3].y
        ('found by TPE', (0.0006,))
    """
    checked = check_items("points", points, TransferPoint, "one for each search")
    for point in checked:
        for name in ("label", "sampler"):
            check_type(name, getattr(point, name), str, "it is shown in the figure")
        for name in ("expected", "low", "high", "kappa_invariant", "found"):
            check_type(name, getattr(point, name), Real, "it is a learning rate, or NaN")
    return _draw(_get_transfer_info(checked))


def _get_transfer_info(points: Sequence[TransferPoint]) -> _TransferInfo:
    samplers: dict[str, list[TransferPoint]] = {}
    invariant: list[tuple[float, float, str]] = []
    lrs: list[float] = []
    for point in points:
        if np.isnan(point.found):
            continue
        _check(point)
        samplers.setdefault(point.sampler, []).append(point)
        lrs += [point.expected, point.low, point.high, point.found]

        if np.isfinite(point.kappa_invariant):
            invariant.append((point.kappa_invariant, point.found, point.label))
            lrs.append(point.kappa_invariant)

    span = (min(lrs, default=1.0), max(lrs, default=1.0))
    return _TransferInfo(samplers, invariant, span)


def _check(point: TransferPoint) -> None:
    lrs = (point.expected, point.low, point.high, point.found)
    if all(np.isfinite(lr) and lr > 0 for lr in lrs):
        return

    shown = ", ".join(f"{lr:g}" for lr in lrs)
    raise ValueError(
        f"{point.label}: expected, low, high and found must be positive finite learning rates, "
        f"but are {shown}"
    )


def _draw(info: _TransferInfo) -> go.Figure:
    title = "Learning rate: found against expected"
    if not info.samplers:
        return theme.figure(title, note="No search to show yet.")

    figure = theme.figure(
        title,
        "Diagonal: as expected. Dotted: a factor 2 off. Bars: 90 % interval of the expectation.",
    )
    for factor in (1.0, _OFF, 1 / _OFF):
        figure.add_trace(_guide(info.span, factor))

    colors = theme.sampler_colors(info.samplers)
    for sampler, points in info.samplers.items():
        figure.add_trace(_points(sampler, points, colors[sampler]))
    if info.invariant:
        figure.add_trace(_invariant(info.invariant))

    # Equal scales keep the diagonal at 45 degrees; the domain shrinks to keep the ranges.
    square: dict[str, Any] = {"constrain": "domain"}
    figure.update_xaxes(theme.log_axis("expected learning rate", info.span), **square)
    figure.update_yaxes(theme.log_axis("found learning rate", info.span), **square)
    figure.update_yaxes(scaleanchor="x", scaleratio=1)
    figure.update_layout(height=600, legend={"x": 0.5, "xanchor": "center"})
    return figure


def _guide(span: tuple[float, float], factor: float) -> go.Scatter:
    """The line on which the found lr is `factor` times the expected one."""
    low, high = span
    exact = factor == 1

    # A decade beyond the data at each end, so that the line crosses the whole figure.
    return go.Scatter(
        x=[low / 10, high * 10],
        y=[factor * low / 10, factor * high * 10],
        mode="lines",
        line={
            "color": theme.INK if exact else theme.GREY,
            "width": 1.5 if exact else 1,
            "dash": "solid" if exact else "dot",
        },
        hoverinfo="skip",
        showlegend=False,
        name="as expected" if exact else f"a factor {factor:g}",
    )


def _points(sampler: str, points: Sequence[TransferPoint], color: str) -> go.Scatter:
    labels, _, expected, lows, highs, _, lrs = zip(*points, strict=True)
    return go.Scatter(
        x=expected,
        y=lrs,
        error_x={
            "type": "data",
            "symmetric": False,
            "array": np.subtract(highs, expected).tolist(),
            "arrayminus": np.subtract(expected, lows).tolist(),
            "thickness": 1.2,
            "width": 3,
        },
        mode="markers",
        marker={
            "size": 11,
            "color": color,
            "line": {"color": "white", "width": 1},
        },
        name=theme.escape(f"found by {sampler}"),
        text=[theme.escape(label) for label in labels],
        hovertemplate="%{text}<br>expected %{x:.3g}<br>found %{y:.3g}<extra></extra>",
    )


def _invariant(points: Sequence[tuple[float, float, str]]) -> go.Scatter:
    """The searches again, with the lr of an exactly invariant kappa in place of the law's."""
    expected, lrs, labels = zip(*points, strict=True)
    return go.Scatter(
        x=expected,
        y=lrs,
        mode="markers",
        marker={
            "symbol": "diamond-open",
            "size": 9,
            "color": theme.INK,
        },
        name="if kappa were invariant",
        text=[theme.escape(label) for label in labels],
        hovertemplate="%{text}<br>kappa-invariant %{x:.3g}<br>found %{y:.3g}<extra></extra>",
    )
