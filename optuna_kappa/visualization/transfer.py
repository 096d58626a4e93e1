"""Expected against found learning rate: how well the law carries over to a schedule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from optuna_kappa.visualization import theme

_OFF = 2.0  # the dotted lines: a factor from what was expected


class TransferPoint(NamedTuple):
    """What was expected of one search, and what it found.

    Attributes:
        label: What it is called, e.g. "kappa, repeat 1".
        sampler: Sampler that found it.
        expected: Learning rate that the law expects: its median.
        low: Lower end of the 90 % interval of the expectation.
        high: Upper end of it.
        kappa_invariant: Learning rate if kappa is exactly invariant; NaN where not known.
        found: Best learning rate of the search; NaN if it found none.
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
    """Draws found against expected learning rates; on the diagonal, the law was right.

    Args:
        points: One a search; those that found nothing are left out.

    Raises:
        ValueError: A learning rate is not positive and finite.
    """
    return _draw(_get_transfer_info(points))


def _get_transfer_info(points: Sequence[TransferPoint]) -> _TransferInfo:
    samplers: dict[str, list[TransferPoint]] = {}
    points = [point for point in points if not np.isnan(point.found)]
    for point in points:
        lrs = [point.expected, point.low, point.high, point.found]
        if not all(np.isfinite(lr) and lr > 0 for lr in lrs):
            raise ValueError(
                f"{point.label}: expected, low, high and found must be positive finite learning "
                f"rates, but are {', '.join(f'{lr:g}' for lr in lrs)}"
            )
        samplers.setdefault(point.sampler, []).append(point)
    invariant = [
        (point.kappa_invariant, point.found, point.label)
        for point in points
        if np.isfinite(point.kappa_invariant)
    ]
    lrs = [lr for p in points for lr in (p.expected, p.low, p.high, p.found)]
    lrs += [lr for lr, _, _ in invariant]
    return _TransferInfo(samplers, invariant, (min(lrs, default=1.0), max(lrs, default=1.0)))


def _draw(info: _TransferInfo) -> go.Figure:
    title = "Learning rate: found against expected"
    if not info.samplers:
        return theme.figure(title, note="No search to show yet.")
    figure = theme.figure(
        title,
        "Diagonal: as expected. Dotted: a factor 2 off. Bars: 90 % interval of the expectation.",
    )
    low, high = info.span
    for factor in (1.0, _OFF, 1 / _OFF):
        figure.add_trace(_guide(low, high, factor))
    colours = theme.sampler_colours(info.samplers)
    for sampler, points in info.samplers.items():
        figure.add_trace(_points(sampler, points, colours[sampler]))
    if info.invariant:
        figure.add_trace(_invariant(info.invariant))
    square: dict[str, Any] = {"constrain": "domain"}
    figure.update_xaxes(theme.log_axis("expected learning rate", info.span), **square)
    figure.update_yaxes(theme.log_axis("found learning rate", info.span), **square)
    figure.update_yaxes(scaleanchor="x", scaleratio=1)
    figure.update_layout(height=600, legend={"x": 0.5, "xanchor": "center"})
    return figure


def _guide(low: float, high: float, factor: float) -> go.Scatter:
    exact = factor == 1
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


def _points(sampler: str, points: Sequence[TransferPoint], colour: str) -> go.Scatter:
    return go.Scatter(
        x=[point.expected for point in points],
        y=[point.found for point in points],
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [point.high - point.expected for point in points],
            "arrayminus": [point.expected - point.low for point in points],
            "thickness": 1.2,
            "width": 3,
        },
        mode="markers",
        marker={"size": 11, "color": colour, "line": {"color": "white", "width": 1}},
        name=theme.escape(f"found by {sampler}"),
        text=[theme.escape(point.label) for point in points],
        hovertemplate="%{text}<br>expected %{x:.3g}<br>found %{y:.3g}<extra></extra>",
    )


def _invariant(points: Sequence[tuple[float, float, str]]) -> go.Scatter:
    return go.Scatter(
        x=[lr for lr, _, _ in points],
        y=[found for _, found, _ in points],
        mode="markers",
        marker={"symbol": "diamond-open", "size": 9, "color": theme.INK},
        name="if kappa were invariant",
        text=[theme.escape(label) for _, _, label in points],
        hovertemplate="%{text}<br>kappa-invariant %{x:.3g}<br>found %{y:.3g}<extra></extra>",
    )
