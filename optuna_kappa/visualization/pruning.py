"""Curves of the trials that were kept and of those that were pruned, and when and why."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState
from plotly.colors import sample_colorscale

from optuna_kappa.study.explain import Kill, kills
from optuna_kappa.study.private import snapshot_now
from optuna_kappa.study.trials import lr_of
from optuna_kappa.visualization import theme

_MOST_CURVES = 60  # of a class
_MOST_POINTS = 40  # of a curve; with the above, a figure stays below 400 kB
_DIGITS = 5
_HOVER = 56  # characters of a line
_FAR = 3.0  # Tukey's far-out fence, beyond which losses leave the frame
_EARLIEST = 0.01  # part of the longest run that the axis begins at, if none ended before
_LEAST = -6  # log10 of the least probability that has a colour of its own
_DECADES = 2  # that the colour bar spans at least
_RED = "#C0392B"
_SHADES = sample_colorscale("Plasma", np.linspace(0, 0.72, 9).tolist())


class _Curve(NamedTuple):
    trial: int
    lr: float | None
    step: list[int]
    value: list[float]  # finite


class _Frame(NamedTuple):  # of values
    low: float
    high: float
    log: bool
    bad: float  # the end at which values are bad


class _PruningInfo(NamedTuple):
    kept: list[_Curve]
    pruned: list[_Curve]
    probes: list[_Curve]
    best: int | None  # number of the best kept trial
    kills: list[Kill]  # marked: no probes, and only with reports
    counts: tuple[int, int, int]  # kept, pruned, probes: of the study, not of what is shown
    first: int  # step that the axis begins at
    maximise: bool


def plot_pruning(study: Study, lr: str = "lr") -> go.Figure:
    """Draws the curves of trials that came to their end and of pruned ones.

    A cross shows where a trial was pruned, and by its colour the probability to become the best
    that it had then; hovering tells why. Diverged trials have a mark of their own, and the probes
    of a `KappaSampler` are drawn faintly. Of many trials, evenly chosen ones are shown.

    Args:
        study: A study with one objective.
        lr: Name of the learning-rate parameter.

    Raises:
        ValueError: The study has several objectives.
    """
    return _draw(_get_pruning_info(study, lr))


def _get_pruning_info(study: Study, lr: str) -> _PruningInfo:
    found = kills(study, lr)
    kinds = {kill.trial: kill.kind for kill in found}
    trials = snapshot_now(study)
    kept = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    pruned = [trial for trial in trials if kinds.get(trial.number, "probe") != "probe"]
    probes = [trial for trial in trials if kinds.get(trial.number) == "probe"]
    maximise = study.direction.name == "MAXIMIZE"
    sign = -1.0 if maximise else 1.0
    best = min(kept, key=lambda t: sign * t.values[0]).number if kept else None
    marked = [kill for kill in found if kill.kind != "probe" and kill.step is not None]
    first = _first([*kept, *pruned, *probes])
    return _PruningInfo(
        kept=_curves(kept, lr, first, best),
        pruned=_curves(pruned, lr, first),
        probes=_curves(probes, lr, first),
        best=best,
        kills=[marked[i] for i in theme.thin(len(marked))],
        counts=(len(kept), len(pruned), len(probes)),
        first=first,
        maximise=maximise,
    )


def _first(trials: Sequence[FrozenTrial]) -> int:
    """The step to begin at: many reports long before any trial ended are left out."""
    steps = [[step for step in trial.intermediate_values if step > 0] for trial in trials]
    lasts = [max(own) for own in steps if own]
    if not lasts:
        return 1
    early = min([math.ceil(_EARLIEST * max(lasts)), *lasts])
    return max(early, min(map(min, filter(None, steps))))


def _curves(
    trials: Sequence[FrozenTrial], lr: str, first: int, best: int | None = None
) -> list[_Curve]:
    """Curves of evenly chosen trials, and of the best."""
    curves = [trial for trial in trials if trial.intermediate_values]
    even = np.linspace(0, len(curves) - 1, min(len(curves), _MOST_CURVES)).round().astype(int)
    chosen = {curves[i].number for i in even} | {best}
    found = [_curve(trial, lr, first) for trial in curves if trial.number in chosen]
    return [curve for curve in found if curve.step]


def _curve(trial: FrozenTrial, lr: str, first: int) -> _Curve:
    """Finite reports; of many, those that lie evenly on a logarithmic axis."""
    reports = trial.intermediate_values
    steps = sorted(step for step, v in reports.items() if step >= first and math.isfinite(v))
    if len(steps) > _MOST_POINTS:
        wanted = np.geomspace(steps[0], steps[-1], _MOST_POINTS) * (1 - 1e-9)
        steps = [steps[i] for i in np.unique(np.searchsorted(steps, wanted))]
    values = [float(f"{reports[step]:.{_DIGITS}g}") for step in steps]
    return _Curve(trial.number, lr_of(trial, lr), steps, values)


def _draw(info: _PruningInfo) -> go.Figure:
    title = "Kept and pruned trials"
    curves = [*info.kept, *info.pruned, *info.probes]
    if not curves:
        return theme.figure(
            title, note="No trial has ended with a finite report above step 0 yet."
        )
    figure = theme.figure(title, _subtitle(info))
    n_kept, n_pruned, n_probes = info.counts
    others = [curve for curve in info.kept if curve.trial != info.best]
    best = [curve for curve in info.kept if curve.trial == info.best]
    for part, name, colour, width, opacity in (
        (info.probes, f"probes ({n_probes})", theme.GREY, 1.0, 0.35),
        (others, f"kept ({n_kept})", theme.BLUE, 1.2, 0.5),
        (info.pruned, f"pruned ({n_pruned})", theme.ORANGE, 1.2, 0.75),
        (best, "best", theme.INK, 2.5, 1.0),
    ):
        if part:
            figure.add_trace(_lines(part, name, colour, width, opacity))
    frame = _frame(curves, info)
    figure.add_traces(_marks(info, frame))
    figure.update_yaxes(theme.loss_axis("value", frame.low, frame.high, log=frame.log))
    last = max(curve.step[-1] for curve in curves)
    figure.update_xaxes(theme.log_axis("step", [info.first, last]))
    return figure


def _frame(curves: Sequence[_Curve], info: _PruningInfo) -> _Frame:
    """What is in view: a few bad values must not squeeze all the others."""
    values = np.array([value for curve in curves for value in curve.value])
    log = bool(values.min() > 0) and not info.maximise
    y = np.log(values) if log else values
    lower, upper = np.quantile(y, (0.25, 0.75))
    low, high = float(y.min()), float(y.max())
    if info.maximise:
        low = max(low, float(lower - _FAR * (upper - lower)))
    else:
        high = min(high, float(upper + _FAR * (upper - lower)))
    low, high = (math.exp(low), math.exp(high)) if log else (low, high)
    return _Frame(low, high, log, low if info.maximise else high)


def _subtitle(info: _PruningInfo) -> str:
    texts = []
    if any(kill.kind == "forecast" for kill in info.kills):
        texts.append(
            "A coloured cross is where a trial was pruned; the colour is the probability to "
            "become the best that it had there."
        )
    if info.counts[2]:
        texts.append("Probes ended where they were planned to.")
    if max(info.counts) > _MOST_CURVES:
        texts.append(f"At most {_MOST_CURVES} curves of a kind are shown, evenly chosen.")
    return " ".join(texts)


def _lines(
    curves: Sequence[_Curve], name: str, colour: str, width: float, opacity: float
) -> go.Scatter:
    """All curves of a class as one trace; gaps part them."""
    x: list[float | None] = []
    y: list[float | None] = []
    texts: list[str] = []
    for curve in curves:
        rate = "" if curve.lr is None else f", lr {theme.lr_text(curve.lr)}"
        x += [*curve.step, None]
        y += [*curve.value, None]
        texts += [*[f"{curve.trial}{rate}"] * len(curve.step), ""]
    return go.Scatter(
        x=x,
        y=y,
        text=texts,
        mode="lines" if any(len(curve.step) > 1 for curve in curves) else "markers",
        line={"color": colour, "width": width},
        marker={"color": colour, "size": 4},
        opacity=opacity,
        name=name,
        hovertemplate="trial %{text}<br>step %{x}: %{y:.4g}<extra></extra>",
    )


def _marks(info: _PruningInfo, frame: _Frame) -> list[go.Scatter]:
    """Where trials were pruned, by what ended them."""
    pointing = "triangle-down" if info.maximise else "triangle-up"
    made = []
    for kind, name, marker in (
        ("other", "pruned otherwise", {"symbol": "x", "size": 7, "color": theme.GREY}),
        ("forecast", "where pruned", {"symbol": "x", "size": 8}),
        ("diverged", "diverged", {"symbol": pointing, "size": 10, "color": _RED}),
    ):
        part = [kill for kill in info.kills if kill.kind == kind]
        if not part:
            continue
        if kind == "forecast":
            marker |= _colours([kill.probability or 0.0 for kill in part])
        made.append(
            go.Scatter(
                x=[max(kill.step or 0, info.first) for kill in part],
                y=[_inside(kill.value, frame) for kill in part],
                text=[_told(kill) for kill in part],
                mode="markers",
                marker=marker,
                name=name,
                hovertemplate="%{text}<extra></extra>",
            )
        )
    return made


def _inside(value: float | None, frame: _Frame) -> float:
    """A value, or the edge of the frame beyond which it lies."""
    known = frame.bad if value is None or not math.isfinite(value) else value
    return float(f"{min(max(known, frame.low), frame.high):.{_DIGITS}g}")


def _colours(probabilities: Sequence[float]) -> dict[str, object]:
    """Colours by the logarithm of probabilities, and their bar."""
    logs = [max(math.log10(p), _LEAST) if p > 0 else float(_LEAST) for p in probabilities]
    high = max(logs)
    low = min(math.floor(min(logs)), high - _DECADES)
    ticks = list(range(math.ceil(low), math.floor(high) + 1))
    texts = [theme.lr_text(10.0**tick) for tick in ticks]
    if min(logs) == _LEAST:
        texts[0] = f"≤ {texts[0]}"
    return {
        "color": [round(value, 3) for value in logs],
        "colorscale": _SHADES,
        "cmin": low,
        "cmax": high,
        "colorbar": {
            "title": {"text": "probability<br>to win", "font": {"size": 13}},
            "tickvals": ticks,
            "ticktext": texts,
            "tickfont": {"size": 12},
            "thickness": 12,
            "len": 0.7,
            "outlinewidth": 0,
        },
    }


def _told(kill: Kill) -> str:
    rate = "" if kill.lr is None else f", lr {theme.lr_text(kill.lr)}"
    value = "" if kill.value is None else f": {kill.value:.4g}"
    chance = [] if kill.probability is None else [f"probability {kill.probability:.2g}"]
    lines = [f"trial {kill.trial}{rate}", f"step {kill.step}{value}", *chance]
    return "<br>".join(map(theme.escape, lines + textwrap.wrap(kill.reason, _HOVER)))
