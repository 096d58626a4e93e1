"""The law: optimal learning rate against horizon, with what it proposes for planned runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import cycle
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from optuna_kappa.law import Law, Optimum
from optuna_kappa.visualization import theme

_Z90 = 1.64  # standard errors of a 90 % interval
_BEYOND = 2.0  # how far the band goes beyond the runs where no target is given
_TEXT = 1.7  # room for the text beside a target, as a factor
_SYMBOLS = ("star", "x", "triangle-up", "square")  # of what was found, by label
_N_BAND = 60  # points of the band


class _Interval(NamedTuple):
    schedule: str
    horizon: float
    lr: float
    low: float  # of 90 %
    high: float


class _Found(NamedTuple):
    horizon: float
    lr: float
    label: str


class _LawPlotInfo(NamedTuple):
    optima: list[_Interval]
    band: list[_Interval]  # of one schedule, by ascending horizon
    targets: list[_Interval]
    truth: list[_Found]
    paper: list[tuple[float, float]]  # horizon, lr: kappa constant
    verdict: str
    unit: str


def plot_law(
    law: Law,
    *,
    targets: Sequence[tuple[float, str]] = (),
    truth: Sequence[tuple[float, float, str]] = (),
    unit: str = "samples",
) -> go.Figure:
    """Draws optimal learning rate against horizon: what was found, the law, and its proposals.

    The band is the law's 90 % interval at constant rate or, without optima there, under the
    schedule with the most of them.

    Args:
        law: Fitted law.
        targets: (horizon, schedule) of planned runs, shown with the proposed lr.
        truth: (horizon, lr, label) of optima found by other means, to compare with. Of more than
            four labels, those with the same text before a comma ("TPE, repeat 1") share one
            entry of the legend. NaN is left out.
        unit: Unit of data of the law's runs.

    Raises:
        ValueError: A target's horizon is not positive or its schedule is not known.
    """
    return _draw(_get_law_plot_info(law, targets, truth, unit))


def _get_law_plot_info(
    law: Law,
    targets: Sequence[tuple[float, str]],
    truth: Sequence[tuple[float, float, str]],
    unit: str,
) -> _LawPlotInfo:
    found = [_Found(float(horizon), float(lr), label) for horizon, lr, label in truth if lr > 0]
    if not law.optima:
        return _LawPlotInfo([], [], [], found, [], str(law.verdict), unit)
    counts = Counter(optimum.schedule for optimum in law.optima)
    schedule = "constant" if "constant" in counts else counts.most_common(1)[0][0]
    seen = [optimum.horizon for optimum in law.optima]
    largest = max(max(seen), *(d for d, _ in targets)) if targets else _BEYOND * max(seen)
    anchor = max((o for o in law.optima if o.schedule == schedule), key=lambda o: o.horizon)
    lr = float(np.exp(anchor.ln_lr))
    return _LawPlotInfo(
        optima=[_interval(optimum) for optimum in law.optima],
        band=[_predicted(law, d, schedule) for d in np.geomspace(min(seen), largest, _N_BAND)],
        targets=[_predicted(law, horizon, name) for horizon, name in targets],
        truth=found,
        paper=[(d, lr * anchor.horizon / d) for d in (min(seen), largest)],
        verdict=str(law.verdict),
        unit=unit,
    )


def _interval(optimum: Optimum) -> _Interval:
    low, lr, high = (float(np.exp(optimum.ln_lr + z * optimum.se)) for z in (-_Z90, 0, _Z90))
    return _Interval(optimum.schedule, optimum.horizon, lr, low, high)


def _predicted(law: Law, horizon: float, schedule: str) -> _Interval:
    predicted = law.predict(horizon, schedule)
    low, lr, high = (float(np.exp(predicted.quantile(p))) for p in (0.05, 0.5, 0.95))
    return _Interval(schedule, float(horizon), lr, low, high)


def _draw(info: _LawPlotInfo) -> go.Figure:
    title = "Optimal learning rate against horizon"
    verdict = info.verdict[:1].upper() + info.verdict[1:]
    if not info.optima:
        return theme.figure(title, note=verdict)
    figure = theme.figure(title, verdict)
    figure.update_layout(height=560)
    figure.add_traces(_band(info))
    figure.add_trace(_paper(info))
    schedules = list(dict.fromkeys(i.schedule for i in [*info.optima, *info.targets]))
    others = [name for name in schedules if name != info.band[0].schedule]
    colours = {info.band[0].schedule: theme.BLUE, **theme.sampler_colours(others)}
    for name in schedules:
        for kind, group in (("optimum", info.optima), ("proposal", info.targets)):
            shown = [interval for interval in group if interval.schedule == name]
            if shown:
                figure.add_trace(_points(kind, shown, colours[name]))
    for (name, found), symbol in zip(_by_name(info.truth).items(), cycle(_SYMBOLS), strict=False):
        figure.add_trace(_truth(name, found, symbol))
    intervals = [*info.optima, *info.targets]
    horizons = [i.horizon for i in [*intervals, *info.band]]
    horizons += [found.horizon for found in info.truth]
    horizons += [_TEXT * i.horizon for i in info.targets]
    lrs = [lr for i in [*intervals, *info.band] for lr in (i.low, i.high)]
    lrs += [found.lr for found in info.truth]
    figure.update_xaxes(theme.log_axis(f"horizon ({info.unit})", horizons))
    figure.update_yaxes(theme.log_axis("optimal learning rate", lrs))
    return figure


def _band(info: _LawPlotInfo) -> list[go.Scatter]:
    schedule, horizons = info.band[0].schedule, [i.horizon for i in info.band]
    there_and_back = horizons + horizons[::-1]
    edge = [i.high for i in info.band] + [i.low for i in reversed(info.band)]
    area = go.Scatter(
        x=there_and_back,
        y=edge,
        fill="toself",
        fillcolor=theme.faint(theme.BLUE),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        name="90 % interval",
    )
    median = go.Scatter(
        x=horizons,
        y=[i.lr for i in info.band],
        mode="lines",
        line={"color": theme.BLUE, "width": 2},
        name=theme.escape(f"law, {schedule}"),
        hovertemplate="horizon %{x:.3s}<br>lr %{y:.3g}",
    )
    return [area, median]


def _paper(info: _LawPlotInfo) -> go.Scatter:
    return go.Scatter(
        x=[horizon for horizon, _ in info.paper],
        y=[lr for _, lr in info.paper],
        mode="lines",
        line={"color": theme.INK, "width": 1, "dash": "dash"},
        name="kappa constant (slope 1)",
        hoverinfo="skip",
    )


def _points(kind: str, shown: list[_Interval], colour: str) -> go.Scatter:
    proposal = kind == "proposal"
    return go.Scatter(
        x=[i.horizon for i in shown],
        y=[i.lr for i in shown],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [i.high - i.lr for i in shown],
            "arrayminus": [i.lr - i.low for i in shown],
            "thickness": 1.5,
            "width": 4 if proposal else 0,
        },
        mode="markers+text" if proposal else "markers",
        text=[f"  {theme.lr_text(i.lr)}" for i in shown] if proposal else None,
        textposition="middle right",
        cliponaxis=False,
        marker={
            "symbol": "diamond" if proposal else "circle",
            "size": 15 if proposal else 8,
            "color": colour,
            "line": {"color": "white", "width": 1},
        },
        name=theme.escape(f"{kind}, {shown[0].schedule}"),
        customdata=[[i.low, i.high] for i in shown],
        hovertemplate="horizon %{x:.3s}<br>lr %{y:.3g}"
        "<br>90 %: %{customdata[0]:.3g} to %{customdata[1]:.3g}",
    )


def _by_name(truth: list[_Found]) -> dict[str, list[_Found]]:
    """Points by their entry of the legend."""
    many = len({found.label for found in truth}) > len(_SYMBOLS)
    groups: dict[str, list[_Found]] = {}
    for found in truth:
        name = found.label.partition(",")[0] if many else found.label
        groups.setdefault(name, []).append(found)
    return groups


def _truth(name: str, found: list[_Found], symbol: str) -> go.Scatter:
    return go.Scatter(
        x=[point.horizon for point in found],
        y=[point.lr for point in found],
        mode="markers",
        marker={
            "symbol": symbol,
            "size": 10,
            "color": theme.INK,
            "line": {"color": "white", "width": 1},
        },
        name=theme.escape(name),
        text=[theme.escape(point.label) for point in found],
        hovertemplate="%{text}<br>horizon %{x:.3s}<br>lr %{y:.3g}<extra></extra>",
    )
