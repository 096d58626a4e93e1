"""Curves of kept and pruned trials: when trials were pruned, and why."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from optuna.study import Study
from plotly.colors import sample_colorscale

from optuna_kappa.study.explain import Kill
from optuna_kappa.study.lr_names import LrName, check_lr
from optuna_kappa.visualization import theme
from optuna_kappa.visualization.pruning_info import (
    DIGITS,
    MOST_CURVES,
    Curve,
    PruningInfo,
    get_pruning_info,
)

_HOVER_WIDTH = 56  # characters in a line
_LEAST = -6  # log10 of the smallest probability with a color of its own
_DECADES = 2  # shortest range of the color bar
_MARKS = {"other": "pruned otherwise", "forecast": "where pruned", "diverged": "diverged"}
_SHADES = sample_colorscale("Plasma", np.linspace(0, 0.72, 9).tolist())


class _Frame(NamedTuple):
    """Range of the values in view."""

    low: float
    high: float
    log: bool
    bad: float  # the end at which values are bad


def plot_pruning(study: Study, lr: LrName = "lr") -> go.Figure:
    """Draw the curves of trials that ran to the end, and of pruned trials.

    A cross shows where a trial was pruned. Its color shows the probability, at that time, that
    the trial would become the best, and its hover text the reason. Trials that diverged have a
    mark of their own. The probes of a `KappaSampler` are drawn faintly. Of many trials, evenly
    chosen ones are shown.

    Args:
        study: A study with one objective.
        lr: Name of the learning-rate parameter, or a tuple of several.

    Raises:
        ValueError: The study has several objectives.

    Example:
        >>> import optuna
        >>> from optuna.trial import TrialState, create_trial
        >>> study = optuna.create_study()
        >>> study.add_trial(create_trial(value=1.0, intermediate_values={1: 2.0, 2: 1.0}))
        >>> study.add_trial(create_trial(state=TrialState.PRUNED, intermediate_values={1: 3.0}))
        >>> [trace.name for trace in plot_pruning(study).data]
        ['pruned (1)', 'best', 'pruned otherwise']
    """
    return _draw(get_pruning_info(study, check_lr(lr)))


def _draw(info: PruningInfo) -> go.Figure:
    title = "Kept and pruned trials"
    curves = [*info.kept, *info.pruned, *info.probes]
    if not curves:
        note = "No trial has ended with a finite report above step 0 yet."
        return theme.figure(title, note=note)

    figure = theme.figure(title, _subtitle(info))
    figure.add_traces(_all_lines(info))

    frame = _frame(curves, info)
    figure.add_traces(_marks(info, frame))
    figure.update_yaxes(theme.loss_axis("value", frame.low, frame.high, log=frame.log))

    last = max(curve.step[-1] for curve in curves)
    figure.update_xaxes(theme.log_axis("step", [info.first, last]))
    return figure


def _subtitle(info: PruningInfo) -> str:
    texts = []
    if any(kill.kind == "forecast" for kill in info.kills):
        texts.append(
            "A coloured cross is where a trial was pruned; the colour is the probability to "
            "become the best that it had there."
        )

    _, _, n_probes = info.counts
    if n_probes:
        texts.append("Probes ended where they were planned to.")
    if max(info.counts) > MOST_CURVES:
        texts.append(f"At most {MOST_CURVES} curves of a kind are shown, evenly chosen.")
    return " ".join(texts)


def _all_lines(info: PruningInfo) -> list[go.Scatter]:
    """One trace for each kind of trial, the most important one on top."""
    n_kept, n_pruned, n_probes = info.counts
    best = [curve for curve in info.kept if curve.trial == info.best]
    others = [curve for curve in info.kept if curve.trial != info.best]

    # Later traces cover earlier ones.
    traces = []
    for curves, name, color, width, opacity in (
        (info.probes, f"probes ({n_probes})", theme.GREY, 1.0, 0.35),
        (others, f"kept ({n_kept})", theme.BLUE, 1.2, 0.5),
        (info.pruned, f"pruned ({n_pruned})", theme.ORANGE, 1.2, 0.75),
        (best, "best", theme.INK, 2.5, 1.0),
    ):
        if curves:
            traces.append(_lines(curves, name, color, width, opacity))

    return traces


def _lines(
    curves: Sequence[Curve],
    name: str,
    color: str,
    width: float,
    opacity: float,
) -> go.Scatter:
    """Many curves as one trace, since Plotly is slow with many traces. None parts the curves."""
    x: list[float | None] = []
    y: list[float | None] = []
    texts: list[str] = []
    for curve in curves:
        label = _trial_text(curve.trial, curve.lr)
        x += [*curve.step, None]
        y += [*curve.value, None]
        texts += [*[label] * len(curve.step), ""]

    longest = max(len(curve.step) for curve in curves)
    return go.Scatter(
        x=x,
        y=y,
        text=texts,
        mode="lines" if longest > 1 else "markers",
        line={"color": color, "width": width},
        marker={"color": color, "size": 4},
        opacity=opacity,
        name=name,
        hovertemplate="trial %{text}<br>step %{x}: %{y:.4g}<extra></extra>",
    )


def _trial_text(number: int, lr: float | None) -> str:
    return f"{number}" if lr is None else f"{number}, lr {theme.lr_text(lr)}"


def _frame(curves: Sequence[Curve], info: PruningInfo) -> _Frame:
    """The values in view. A few bad values must not squeeze all others."""
    values = np.concatenate([curve.value for curve in curves])
    log = bool(values.min() > 0) and not info.maximize
    scaled = np.log(values) if log else values

    lower, upper = np.quantile(scaled, (0.25, 0.75))
    low = float(scaled.min())
    high = float(scaled.max())
    if info.maximize:
        low = max(low, float(lower - theme.FAR_OUT * (upper - lower)))
    else:
        high = min(high, float(upper + theme.FAR_OUT * (upper - lower)))

    if log:
        low = math.exp(low)
        high = math.exp(high)
    return _Frame(low, high, log, bad=low if info.maximize else high)


def _marks(info: PruningInfo, frame: _Frame) -> list[go.Scatter]:
    """Marks where trials were pruned, a trace for each kind of reason."""
    # Diverged values lie outside of the frame. Their marks at its edge point to them.
    outward = "triangle-down" if info.maximize else "triangle-up"
    markers: dict[str, dict[str, object]] = {
        "other": {"symbol": "x", "size": 7, "color": theme.GREY},
        "forecast": {"symbol": "x", "size": 8},
        "diverged": {"symbol": outward, "size": 10, "color": theme.RED},
    }

    traces = []
    for kind, name in _MARKS.items():
        pruned = [kill for kill in info.kills if kill.kind == kind]
        if not pruned:
            continue

        marker = markers[kind]
        if kind == "forecast":
            marker |= _probability_colors(pruned)
        traces.append(_mark(pruned, name, marker, info.first, frame))

    return traces


def _mark(
    pruned: Sequence[Kill],
    name: str,
    marker: dict[str, object],
    first: int,
    frame: _Frame,
) -> go.Scatter:
    x = []
    y = []
    texts = []
    for kill in pruned:
        # A trial that ended at step 0 is marked at the start of the axis.
        x.append(max(kill.step or 0, first))
        y.append(_inside(kill.value, frame))
        texts.append(_hover_text(kill))

    return go.Scatter(
        x=x,
        y=y,
        text=texts,
        mode="markers",
        marker=marker,
        name=name,
        hovertemplate="%{text}<extra></extra>",
    )


def _inside(value: float | None, frame: _Frame) -> float:
    """The value, moved to the edge of the frame if it lies beyond or is not finite."""
    if value is None or not math.isfinite(value):
        value = frame.bad

    inside = min(max(value, frame.low), frame.high)
    return float(f"{inside:.{DIGITS}g}")


def _probability_colors(pruned: Sequence[Kill]) -> dict[str, object]:
    """Marker settings that color by the logarithm of the probability, with a color bar."""
    logs = []
    for kill in pruned:
        probability = kill.probability or 0.0
        logs.append(max(math.log10(probability), _LEAST) if probability > 0 else float(_LEAST))

    high = max(logs)
    low = min(math.floor(min(logs)), high - _DECADES)
    ticks = list(range(math.ceil(low), math.floor(high) + 1))
    tick_texts = [theme.lr_text(10.0**tick) for tick in ticks]
    if min(logs) == _LEAST:
        tick_texts[0] = f"≤ {tick_texts[0]}"

    return {
        "color": [round(log, 3) for log in logs],
        "colorscale": _SHADES,
        "cmin": low,
        "cmax": high,
        "colorbar": {
            "title": {
                "text": "probability<br>to win",
                "font": {"size": 13},
            },
            "tickvals": ticks,
            "ticktext": tick_texts,
            "tickfont": {"size": 12},
            "thickness": 12,
            "len": 0.7,
            "outlinewidth": 0,
        },
    }


def _hover_text(kill: Kill) -> str:
    value = "" if kill.value is None else f": {kill.value:.4g}"
    lines = [f"trial {_trial_text(kill.trial, kill.lr)}", f"step {kill.step}{value}"]
    if kill.probability is not None:
        lines.append(f"probability {kill.probability:.2g}")

    lines += textwrap.wrap(kill.reason, _HOVER_WIDTH)
    return "<br>".join(theme.escape(line) for line in lines)
