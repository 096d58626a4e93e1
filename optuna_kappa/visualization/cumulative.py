"""Cumulative learning of each trial: the integral of its learning rate against the data seen."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from optuna.study import Study

from optuna_kappa.study.lr_names import LrName
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.visualization import marks, theme
from optuna_kappa.visualization.cumulative_info import (
    CumulativeInfo,
    Curve,
    get_cumulative_info,
)
from optuna_kappa.visualization.outcomes import COLORS, Outcome
from optuna_kappa.visualization.searched import Searched, searched

# Where a trial ended, by how it ended.
_SYMBOLS: dict[Outcome, str] = {
    "failed": "x-thin-open",
    "probe": "circle",
    "running": "circle-open",
    "pruned": "x",
    "diverged": "triangle-up",
    "complete": "circle",
}


def plot_cumulative_learning(
    study: Study | Searched,
    sampler: KappaSampler | None = None,
    *,
    lr: LrName = "lr",
) -> go.Figure:
    """Draw the cumulative learning of each trial against the data that it has seen.

    Cumulative learning is the integral of the learning rate over the steps trained. The mark of a
    trial is where it ended; its color says how. The dashed line is the kappa that the law expects
    the best full run to end with.

    Args:
        study: A study with one objective.
        sampler: The sampler that searched it. By default the study's own.
        lr: Name of the learning-rate parameter, where no `KappaSampler` knows it.

    Raises:
        ValueError: The study has several objectives.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> lr = {"lr": optuna.distributions.FloatDistribution(0.001, 1.0)}
        >>> trial = optuna.create_trial(
        ...     value=1.0, params={"lr": 0.25}, distributions=lr, intermediate_values={8: 1.0}
        ... )
        >>> study.add_trial(trial)
        >>> [trace.name for trace in plot_cumulative_learning(study).data if trace.showlegend]
        ['best']
    """
    return _draw(get_cumulative_info(searched(study, sampler, lr)))


def _draw(info: CumulativeInfo) -> go.Figure:
    title = "Cumulative learning of each trial"
    if not info.counts:
        return theme.figure(title, note=_nothing_to_show(info))

    figure = theme.figure(title, _subtitle(info))
    _add_optimum(figure, info)
    for outcome in COLORS:
        curves = info.curves.get(outcome, [])
        if curves:
            figure.add_traces(_traces(outcome, curves, info))

    everything = [curve for curves in info.curves.values() for curve in curves]
    steps = [step for curve in everything for step in (curve.step[0], curve.step[-1])]
    kappas = [kappa for curve in everything for kappa in (curve.kappa[0], curve.kappa[-1])]
    figure.update_xaxes(theme.log_axis("steps trained", steps))
    figure.update_yaxes(theme.log_axis("cumulative learning (lr × steps)", kappas))
    return figure


def _nothing_to_show(info: CumulativeInfo) -> str:
    if info.shapeless:
        return (
            f"The schedules of {info.shapeless} trials are known by their names only: give the "
            "sampler that searched the study."
        )
    return "No trial has a learning rate and a report yet."


def _subtitle(info: CumulativeInfo) -> str:
    texts = ["A mark is where a trial ended."]
    n_shown = sum(len(curves) for curves in info.curves.values())
    n_trials = sum(info.counts.values())
    if n_shown < n_trials:
        texts.append(f"{n_shown} of {n_trials} trials are shown, evenly chosen.")
    if info.shapeless:
        texts.append(f"{info.shapeless} trials are left out: their schedule is a name only.")
    return " ".join(texts)


def _add_optimum(figure: go.Figure, info: CumulativeInfo) -> None:
    """The kappa that the law expects of the best full run, with its 90 % interval."""
    if info.optimum is None:
        return

    curves = [curve for curves in info.curves.values() for curve in curves]
    first = min(curve.step[0] for curve in curves)
    last = max(info.horizon, *(curve.step[-1] for curve in curves))
    low, middle, high = info.optimum

    ends = [first, last]
    area = marks.band(ends, [low, low], [high, high], theme.GREY, "90 % interval")
    line = marks.guide(ends, [middle, middle], "kappa of the best full run, by the law")
    figure.add_traces([area, line])


def _traces(outcome: Outcome, curves: Sequence[Curve], info: CumulativeInfo) -> list[go.Scatter]:
    """The curves of one outcome; the best full run on top, in a trace of its own."""
    best = [curve for curve in curves if curve.trial == info.best]
    others = [curve for curve in curves if curve.trial != info.best]

    traces = []
    if others:
        name = f"{outcome} ({info.counts[outcome]})"
        traces += _lines_and_ends(others, name, COLORS[outcome], _SYMBOLS[outcome], width=1.0)
    if best:
        traces += _lines_and_ends(best, "best", theme.INK, "star", width=2.5)
    return traces


def _lines_and_ends(
    curves: Sequence[Curve],
    name: str,
    color: str,
    symbol: str,
    width: float,
) -> list[go.Scatter]:
    """The curves as one trace, and the marks at their ends as another."""
    joined = marks.end_to_end((curve.step, curve.kappa, "") for curve in curves)
    lines = go.Scatter(
        x=joined["x"],
        y=joined["y"],
        mode="lines",
        line={"color": color, "width": width},
        opacity=0.6 if width < 2 else 1.0,
        name=name,
        legendgroup=name,
        hoverinfo="skip",
        showlegend=False,
    )
    ends = go.Scatter(
        x=[curve.step[-1] for curve in curves],
        y=[curve.kappa[-1] for curve in curves],
        mode="markers",
        marker={
            "symbol": symbol,
            "size": 11 if width > 2 else 7,
            "color": color,
            "line": {"color": color, "width": 1.5},
        },
        name=name,
        legendgroup=name,
        showlegend=True,
        text=[_text(curve) for curve in curves],
        hovertemplate="%{text}<br>step %{x}<br>kappa %{y:.3g}<extra></extra>",
    )
    return [lines, ends]


def _text(curve: Curve) -> str:
    value = "" if curve.value is None else f"<br>value {curve.value:.4g}"
    return f"trial {curve.trial}, lr {theme.lr_text(curve.lr)}{value}"
