"""The plan of a search: probes and full runs by horizon and rate, with what they cost."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go
from optuna.study import Study

from optuna_kappa.study.lr_names import LrName
from optuna_kappa.study.outlook import probability_text
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.visualization import marks, theme
from optuna_kappa.visualization.outcomes import COLORS
from optuna_kappa.visualization.plan_info import Placed, PlanInfo, Rung, get_plan_info
from optuna_kappa.visualization.searched import Searched, searched

_RATES = (0.0, 0.62)  # of the width: the rates tried
_COSTS = (0.68, 1.0)  # what they cost
_REACH = 0.3  # of a row, above and below its middle, over which its trials are spread
_ROOM = 1.45  # the axis of costs ends at this multiple of the largest, for the text
_ROW = 90  # pixels


def plot_plan(
    study: Study | Searched,
    sampler: KappaSampler | None = None,
    *,
    lr: LrName = "lr",
) -> go.Figure:
    """Draw the ladder of a search: a row for each horizon, up to that of full runs.

    On the left, the rates of its trials; the star is the best one of its horizon. On the right,
    what they have cost and what is still to come, in full-run equivalents (FRE). Above, how likely
    the recommended rate is to be within 1, 2 and 5 % of the best.

    Args:
        study: A study with one objective; it may have no trials yet.
        sampler: The sampler that searches it. By default the study's own. Without one, no more is
            known to be planned than there is.
        lr: Name of the learning-rate parameter, where no `KappaSampler` knows it.

    Raises:
        ValueError: The study has several objectives.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> figure = plot_plan(study)
        >>> figure.data[0].name, figure.data[1].name, figure.data[1].x
        ('spent', 'still to come', (0.25, 1.333, 0.0))
    """
    return _draw(get_plan_info(searched(study, sampler, lr)))


def _draw(info: PlanInfo) -> go.Figure:
    title = "Plan: probes and full runs"
    if not info.rungs:
        return theme.figure(title, note="Nothing tells yet how long a full run is.")

    figure = theme.figure(title, _subtitle(info))
    figure.update_layout(height=figure.layout.height - 320 + _ROW * max(3, len(info.rungs)))
    figure.add_traces(_costs(info.rungs))
    figure.add_traces(_trials(info))

    rows = list(range(len(info.rungs)))
    figure.update_layout(
        barmode="stack",
        legend_traceorder="normal",  # Plotly would reverse it where bars are stacked
        bargap=0.5,
        yaxis={
            "tickvals": rows,
            "ticktext": [_row_text(rung) for rung in info.rungs],
            "range": [-0.6, len(rows) - 0.4],
            "title": {"text": "horizon (steps)"},
        },
        xaxis=_rates_axis(info),
        xaxis2=_costs_axis(info.rungs),
    )
    return figure


def _subtitle(info: PlanInfo) -> str:
    spent = sum(rung.spent for rung in info.rungs)
    texts = [f"Spent so far: {spent:.3g} full-run equivalents (FRE)."]
    left = sum(rung.left for rung in info.rungs if not rung.is_target)
    if left:
        texts.append(f"Probes still to come: {left:.3g} FRE.")
    if info.within:
        parts = [f"{100 * regret:g} %: {_probability(part)}" for regret, part in info.within]
        texts.append(f"Probability that the recommended rate is within {', '.join(parts)}.")
    if len(info.trials) < info.n_trials:
        texts.append(f"{len(info.trials)} of {info.n_trials} trials are shown, evenly chosen.")
    return " ".join(texts)


def _probability(part: float) -> str:
    return theme.escape(probability_text(part))


def _row_text(rung: Rung) -> str:
    text = theme.abbreviate(rung.horizon)
    return f"{text}<br>(full)" if rung.is_target else text


def _costs(rungs: Sequence[Rung]) -> list[go.Bar]:
    """What the trials of each horizon have cost, and what is still to come."""
    rows = list(range(len(rungs)))
    spent = go.Bar(
        x=[rung.spent for rung in rungs],
        y=rows,
        xaxis="x2",
        orientation="h",
        marker={"color": theme.BLUE},
        name="spent",
        hovertemplate="%{x:.3g} FRE spent<extra></extra>",
    )
    left = go.Bar(
        x=[rung.left for rung in rungs],
        y=rows,
        xaxis="x2",
        orientation="h",
        marker={
            "color": theme.faint(theme.BLUE),
            "line": {"color": theme.BLUE, "width": 1},
        },
        name="still to come",
        text=[_bar_text(rung) for rung in rungs],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{x:.3g} FRE to come<extra></extra>",
    )
    return [spent, left]


def _bar_text(rung: Rung) -> str:
    text = f"{rung.done}" if rung.is_target else f"{rung.done} of {rung.planned}"
    return f"{text}, {rung.running} running" if rung.running else text


def _trials(info: PlanInfo) -> list[go.Scatter]:
    """The rates of the trials, a trace for each outcome, and the best of each horizon."""
    heights = _heights(info)
    traces = []
    for outcome, color in COLORS.items():
        shown = [one for one in info.trials if one.outcome == outcome and not one.is_best]
        if shown:
            marker = {"size": 8, "color": color, "opacity": 0.85}
            traces.append(_points(shown, heights, outcome, marker))

    best = [one for one in info.trials if one.is_best]
    if best:
        marker = {
            "symbol": "star",
            "size": 13,
            "color": theme.INK,
            "line": {"color": "white", "width": 1},
        }
        traces.append(_points(best, heights, "best of its horizon", marker))
    return traces


def _heights(info: PlanInfo) -> dict[int, float]:
    """Where each trial stands: in the row of its horizon, later ones higher."""
    heights = {}
    for row, rung in enumerate(info.rungs):
        there = [one.trial for one in info.trials if one.horizon == rung.horizon]
        for place, trial in enumerate(there):
            offset = 0.0 if len(there) == 1 else 2 * place / (len(there) - 1) - 1
            heights[trial] = row + _REACH * offset
    return heights


def _points(
    shown: Sequence[Placed],
    heights: dict[int, float],
    name: str,
    marker: dict[str, object],
) -> go.Scatter:
    texts = []
    for one in shown:
        value = "" if one.value is None else f"<br>value {one.value:.4g}"
        texts.append(f"trial {one.trial}, lr {theme.lr_text(one.lr)}{value}")

    return go.Scatter(
        x=marks.rounded(one.lr for one in shown),
        y=marks.rounded(heights[one.trial] for one in shown),
        mode="markers",
        marker=marker,
        name=name,
        text=texts,
        hovertemplate="%{text}<extra></extra>",
    )


def _rates_axis(info: PlanInfo) -> dict[str, object]:
    """The axis of learning rates; empty as long as no trial has one."""
    lrs = [one.lr for one in info.trials]
    if lrs:
        axis = theme.log_axis("learning rate", lrs)
        # On part of the width, fewer labels fit.
        n_ticks = max(3, math.ceil(axis.get("nticks", 0) / 2))
        return {**axis, "nticks": n_ticks, "domain": _RATES}
    return {
        "type": "log",
        "title": {"text": "learning rate (no trial yet)"},
        "showticklabels": False,
        "domain": _RATES,
    }


def _costs_axis(rungs: Sequence[Rung]) -> dict[str, object]:
    largest = max(rung.spent + rung.left for rung in rungs) or 1.0
    return {
        "title": {"text": "cost (FRE)"},
        "range": [0, _ROOM * largest],
        "domain": _COSTS,
        "anchor": "y",
    }
