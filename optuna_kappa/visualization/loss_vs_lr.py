"""Loss against learning rate, one curve a horizon: how the optimum moves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from optuna_kappa.law import Law
from optuna_kappa.law.observations import Observations, observe
from optuna_kappa.runs import RunTable
from optuna_kappa.visualization import theme

_FAR = 3.0  # Tukey's far-out fence: losses further above the upper quartile leave the frame


class _Curve(NamedTuple):
    horizon: float
    lr: list[float]  # ascending
    loss: list[float]  # mean of the runs of that lr
    optimum: tuple[float, float] | None  # lr and loss


class _LossVsLrInfo(NamedTuple):
    curves: list[_Curve]  # by ascending horizon
    diverged: list[tuple[float, float]]  # lr, shortest horizon at which a run had diverged
    schedule: str
    schedules: list[str]  # all that the runs have
    unit: str


def plot_loss_vs_lr(
    runs: RunTable,
    law: Law | None = None,
    *,
    schedule: str = "constant",
    max_horizons: int = 8,
    unit: str = "samples",
) -> go.Figure:
    """Draws loss against learning rate, one curve a horizon, with diverged runs at the top.

    Args:
        runs: Run table.
        law: Law fitted to these runs; marks the optimum of each curve.
        schedule: Name of the schedule whose runs are shown.
        max_horizons: Most curves; of more horizons, evenly chosen ones are shown.
        unit: Unit of data of the table, for the legend.

    Raises:
        ValueError: `max_horizons` is below 1.
    """
    return _draw(_get_loss_vs_lr_info(runs, law, schedule, max_horizons, unit))


def _get_loss_vs_lr_info(
    runs: RunTable, law: Law | None, schedule: str, max_horizons: int, unit: str
) -> _LossVsLrInfo:
    if max_horizons < 1:
        raise ValueError(f"max_horizons must be at least 1, but is {max_horizons}")
    observed = [seen for seen in observe(runs) if seen.schedule == schedule]
    # From the largest down, so that a single curve is that of the largest horizon.
    places = np.linspace(len(observed) - 1, 0, min(len(observed), max_horizons)).round()
    shown = [observed[int(i)] for i in places[::-1]]
    diverged: dict[float, float] = {}
    for seen in shown:
        for lr in np.exp(seen.ln_lr[~np.isfinite(seen.loss)]):
            diverged.setdefault(float(lr), seen.horizon)
    schedules = [str(name) for name in np.unique(runs.schedule)]
    curves = [_curve(seen, law) for seen in shown]
    return _LossVsLrInfo(curves, sorted(diverged.items()), schedule, schedules, unit)


def _curve(seen: Observations, law: Law | None) -> _Curve:
    finite = np.isfinite(seen.loss)
    ln_lr, index = np.unique(seen.ln_lr[finite], return_inverse=True)
    loss = np.bincount(index, weights=seen.loss[finite]) / np.bincount(index)
    optimum = None
    for found in law.optima if law else ():
        same = found.schedule == seen.schedule and np.isclose(found.horizon, seen.horizon)
        if same and optimum is None:
            level = float(np.interp(found.ln_lr, ln_lr, loss))
            optimum = float(np.exp(found.ln_lr)), level
    kept = theme.thin(len(loss), keep=[int(np.argmin(loss))])
    return _Curve(seen.horizon, np.exp(ln_lr[kept]).tolist(), loss[kept].tolist(), optimum)


def _draw(info: _LossVsLrInfo) -> go.Figure:
    title = "Loss against learning rate"
    if not info.curves:
        seen = ", ".join(info.schedules) or "none"
        note = (
            f"No horizon has two learning rates under the schedule {info.schedule!r}. "
            f"Schedules of the runs: {seen}."
        )
        return theme.figure(title, note=note)
    figure = theme.figure(title, f"Schedule: {info.schedule}. One curve a horizon.")
    colours = theme.shades(len(info.curves))
    for curve, colour in zip(info.curves, colours, strict=True):
        figure.add_trace(_line(curve, colour, info.unit))
    lrs = [lr for curve in info.curves for lr in curve.lr] + [lr for lr, _ in info.diverged]
    losses = [loss for curve in info.curves for loss in curve.loss]
    top, log = _top(losses), min(losses) > 0
    figure.update_yaxes(theme.loss_axis("loss", min(losses), top, log=log))
    if any(curve.optimum for curve in info.curves):
        figure.add_trace(_optima(info, colours))
        lrs += [curve.optimum[0] for curve in info.curves if curve.optimum]
    if info.diverged:
        figure.add_trace(_crosses(info, top))
    figure.update_xaxes(theme.log_axis("learning rate", lrs))
    return figure


def _top(losses: list[float]) -> float:
    """Where the axis ends: a few nearly diverged runs must not squeeze all the others."""
    if min(losses) > 0:
        low, high = np.quantile(np.log(losses), (0.25, 0.75))
        return min(max(losses), float(np.exp(high + _FAR * (high - low))))
    low, high = np.quantile(losses, (0.25, 0.75))
    return min(max(losses), float(high + _FAR * (high - low)))


def _line(curve: _Curve, colour: str, unit: str) -> go.Scatter:
    name = theme.escape(f"{theme.abbreviate(curve.horizon)} {unit}")
    return go.Scatter(
        x=curve.lr,
        y=curve.loss,
        mode="lines+markers" if len(curve.lr) <= 60 else "lines",
        line={"color": colour, "width": 2},
        marker={"size": 5},
        name=name,
        hovertemplate="lr %{x:.3g}<br>loss %{y:.4g}",
    )


def _optima(info: _LossVsLrInfo, colours: list[str]) -> go.Scatter:
    pairs = zip(info.curves, colours, strict=True)
    marked = [(*curve.optimum, colour) for curve, colour in pairs if curve.optimum]
    return go.Scatter(
        x=[lr for lr, _, _ in marked],
        y=[loss for _, loss, _ in marked],
        mode="lines+markers",
        line={"color": theme.INK, "width": 1, "dash": "dot"},
        marker={
            "symbol": "diamond",
            "size": 11,
            "color": [colour for _, _, colour in marked],
            "line": {"color": theme.INK, "width": 1.5},
        },
        name="optimum",
        hovertemplate="optimum<br>lr %{x:.3g}<extra></extra>",
    )


def _crosses(info: _LossVsLrInfo, top: float) -> go.Scatter:
    return go.Scatter(
        x=[lr for lr, _ in info.diverged],
        y=[top] * len(info.diverged),
        mode="markers",
        marker={"symbol": "x", "size": 9, "color": "#C0392B"},
        name="diverged",
        text=[theme.escape(f"{theme.abbreviate(d)} {info.unit}") for _, d in info.diverged],
        hovertemplate="lr %{x:.3g}<br>diverged by %{text}<extra></extra>",
    )
