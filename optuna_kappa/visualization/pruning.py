"""Curves of the trials that were kept and of those that were pruned, and when and why."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa import trials as door
from optuna_kappa.explain import Kill, kills
from optuna_kappa.visualization import theme

_MOST_CURVES = 120
_MOST_POINTS = 60  # of a curve
_RED = "#C0392B"


class _Curve(NamedTuple):
    trial: int
    lr: float | None
    step: list[int]
    value: list[float]  # finite


class _PruningInfo(NamedTuple):
    kept: list[_Curve]
    pruned: list[_Curve]
    best: int | None  # number of the best kept trial
    kills: list[Kill]  # of the pruned ones that are shown
    n_kept: int
    n_pruned: int


def plot_pruning(study: Study, lr: str = "lr") -> go.Figure:
    """Draws the curves of trials that came to their end and of pruned ones.

    A mark shows where a trial was pruned; hovering tells its probability to become the best then,
    and why. Of many trials, evenly chosen ones are shown.

    Args:
        study: A study with one objective.
        lr: Name of the learning-rate parameter.

    Raises:
        ValueError: The study has several objectives.
    """
    return _draw(_get_pruning_info(study, lr))


def _get_pruning_info(study: Study, lr: str) -> _PruningInfo:
    found = {kill.trial: kill for kill in kills(study, lr)}
    trials = [trial for trial in door.snapshot_now(study) if trial.intermediate_values]
    kept = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    pruned = [trial for trial in trials if trial.state == TrialState.PRUNED]
    sign = -1.0 if study.direction.name == "MAXIMIZE" else 1.0
    best = min(kept, key=lambda t: sign * t.values[0]).number if kept else None
    shown_kept, shown_pruned = _thinned(kept, best), _thinned(pruned, None)
    return _PruningInfo(
        kept=[_curve(trial, lr) for trial in shown_kept],
        pruned=[_curve(trial, lr) for trial in shown_pruned],
        best=best,
        kills=[found[trial.number] for trial in shown_pruned],
        n_kept=len(kept),
        n_pruned=len(pruned),
    )


def _thinned(trials: list[FrozenTrial], best: int | None) -> list[FrozenTrial]:
    """Evenly chosen ones, and the best."""
    even = np.linspace(0, len(trials) - 1, min(len(trials), _MOST_CURVES)).round().astype(int)
    chosen = {trials[i].number for i in even} | {best}
    return [trial for trial in trials if trial.number in chosen]


def _curve(trial: FrozenTrial, lr: str) -> _Curve:
    reports = sorted(
        (step, value) for step, value in trial.intermediate_values.items() if math.isfinite(value)
    )
    even = np.linspace(0, len(reports) - 1, min(len(reports), _MOST_POINTS)).round().astype(int)
    rows = [reports[i] for i in even]
    return _Curve(
        trial.number, door.lr_of(trial, lr), [step for step, _ in rows], [v for _, v in rows]
    )


def _draw(info: _PruningInfo) -> go.Figure:
    title = "Kept and pruned trials"
    curves = [curve for curve in (*info.kept, *info.pruned) if curve.step]
    if not curves:
        return theme.figure(title, note="No trial has finished with a report yet.")
    by_us = sum(kill.probability is not None for kill in info.kills)
    figure = theme.figure(title, _subtitle(info, by_us))
    figure.add_trace(_lines(info.pruned, f"pruned ({info.n_pruned})", theme.ORANGE, 1.0, 0.45))
    others = [curve for curve in info.kept if curve.trial != info.best]
    figure.add_trace(_lines(others, f"kept ({info.n_kept})", theme.BLUE, 1.2, 0.5))
    best = [curve for curve in info.kept if curve.trial == info.best]
    figure.add_trace(_lines(best, "best", theme.INK, 2.5, 1.0))
    figure.add_trace(_marks(info.kills))
    values = [value for curve in curves for value in curve.value]
    steps = [step for curve in curves for step in curve.step]
    figure.update_yaxes(theme.loss_axis("value", min(values), max(values), log=min(values) > 0))
    figure.update_xaxes(title_text="step", range=[0, 1.02 * max(steps)])
    return figure


def _subtitle(info: _PruningInfo, by_us: int) -> str:
    text = f"{info.n_kept} trials came to their end, {info.n_pruned} were pruned."
    if by_us:
        text += " A cross is where; its probability to become the best is told on hovering."
    if max(info.n_kept, info.n_pruned) > _MOST_CURVES:
        text += f" Shown are {len(info.kept)} and {len(info.pruned)} of them."
    return text


def _lines(
    curves: list[_Curve], name: str, colour: str, width: float, opacity: float
) -> go.Scatter:
    """All curves of a kind as one trace; gaps part them."""
    x: list[float | None] = []
    y: list[float | None] = []
    texts: list[str] = []
    for curve in curves:
        rate = "" if curve.lr is None else f", lr {theme.lr_text(curve.lr)}"
        x += [*curve.step, None]
        y += [*curve.value, None]
        texts += [f"trial {curve.trial}{rate}"] * (len(curve.step) + 1)
    return go.Scatter(
        x=x,
        y=y,
        text=texts,
        mode="lines",
        line={"color": colour, "width": width},
        opacity=opacity,
        name=name,
        hovertemplate="%{text}<br>step %{x}: %{y:.4g}<extra></extra>",
    )


def _marks(found: list[Kill]) -> go.Scatter:
    ended = [kill for kill in found if kill.value is not None and math.isfinite(kill.value)]
    return go.Scatter(
        x=[kill.step for kill in ended],
        y=[kill.value for kill in ended],
        text=[_told(kill) for kill in ended],
        mode="markers",
        marker={"symbol": "x", "size": 7, "color": _RED},
        name="where",
        hovertemplate="%{text}<extra></extra>",
    )


def _told(kill: Kill) -> str:
    chance = "" if kill.probability is None else f"<br>probability {kill.probability:.2g}"
    reason = "<br>".join(theme.escape(kill.reason[i : i + 60]) for i in range(0, 120, 60))
    return f"trial {kill.trial}, step {kill.step}{chance}<br>{reason}"
