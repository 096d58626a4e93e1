"""Loss against learning rate, one curve for each horizon: how the optimum moves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from optuna_kappa._validation import check_count, check_type
from optuna_kappa.law import Law
from optuna_kappa.law.observations import Observations, observe
from optuna_kappa.runs import RunTable
from optuna_kappa.visualization import marks, theme

_MOST_MARKERS = 60  # longer curves are drawn as plain lines


class _Curve(NamedTuple):
    horizon: float
    lr: list[float]  # ascending
    loss: list[float]  # mean of the runs with that lr
    optimum: tuple[float, float] | None  # lr and loss


class _LossVsLrInfo(NamedTuple):
    curves: list[_Curve]  # by ascending horizon
    diverged: list[tuple[float, float]]  # lr, and the shortest horizon by which a run diverged
    schedule: str
    schedules: list[str]  # all schedules that the table has
    unit: str


def plot_loss_vs_lr(
    runs: RunTable,
    law: Law | None = None,
    *,
    schedule: str = "constant",
    max_horizons: int = 8,
    unit: str = "samples",
) -> go.Figure:
    """Draw loss against learning rate, one curve for each horizon.

    Crosses at the top mark the learning rates of runs that diverged.

    Args:
        runs: Run table.
        law: Law fitted to these runs. If given, the optimum of each curve is marked.
        schedule: Name of the schedule whose runs are shown.
        max_horizons: Largest number of curves. Of more horizons, evenly spaced ones are shown.
        unit: Unit of data of the table, for the legend.

    Raises:
        ValueError: `max_horizons` is below 1.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> runs = example_runs(schedule="cosine")
        >>> figure = plot_loss_vs_lr(runs, fit(runs), schedule="cosine", unit="epochs")
        >>> [trace.name for trace in figure.data]
        ['1 epochs', '4 epochs', '16 epochs', '64 epochs', 'optimum']
    """
    check_type("runs", runs, RunTable, "read_csv and run_table make one")
    if law is not None:
        check_type("law", law, Law, "fit makes one")
    check_type("schedule", schedule, str, "it is the name of the schedule of some runs")
    check_type("unit", unit, str, "it names the unit of a horizon")
    check_count("max_horizons", max_horizons, "it is the largest number of curves")
    return _draw(_get_loss_vs_lr_info(runs, law, schedule, max_horizons, unit))


def _get_loss_vs_lr_info(
    runs: RunTable,
    law: Law | None,
    schedule: str,
    max_horizons: int,
    unit: str,
) -> _LossVsLrInfo:
    observed = [seen for seen in observe(runs) if seen.schedule == schedule]

    # Count from the largest horizon down, so that a single curve shows the largest one.
    places = np.linspace(len(observed) - 1, 0, min(len(observed), max_horizons)).round()
    shown = [observed[int(place)] for place in places[::-1]]

    return _LossVsLrInfo(
        curves=[_curve(seen, law) for seen in shown],
        diverged=_diverged(shown),
        schedule=schedule,
        schedules=np.unique(runs.schedule).tolist(),
        unit=unit,
    )


def _curve(seen: Observations, law: Law | None) -> _Curve:
    """Mean loss at each learning rate, without the runs that diverged."""
    finite = np.isfinite(seen.loss)
    ln_lr, index = np.unique(seen.ln_lr[finite], return_inverse=True)
    total = np.bincount(index, weights=seen.loss[finite])
    loss = total / np.bincount(index)

    optimum = None
    ln_lr_of_optimum = _ln_lr_of_optimum(seen, law)
    if ln_lr_of_optimum is not None:
        loss_there = float(np.interp(ln_lr_of_optimum, ln_lr, loss))
        optimum = (float(np.exp(ln_lr_of_optimum)), loss_there)

    best = int(np.argmin(loss))
    shown = marks.thin(len(loss), keep=[best])
    return _Curve(
        horizon=seen.horizon,
        lr=np.exp(ln_lr[shown]).tolist(),
        loss=loss[shown].tolist(),
        optimum=optimum,
    )


def _ln_lr_of_optimum(seen: Observations, law: Law | None) -> float | None:
    """The law's optimum at the horizon and schedule of a curve; None if it has none there."""
    for optimum in law.optima if law else ():
        same_schedule = optimum.schedule == seen.schedule
        if same_schedule and np.isclose(optimum.horizon, seen.horizon):
            return optimum.ln_lr

    return None


def _diverged(shown: list[Observations]) -> list[tuple[float, float]]:
    shortest: dict[float, float] = {}
    for seen in shown:
        for lr in np.exp(seen.ln_lr[~np.isfinite(seen.loss)]):
            shortest.setdefault(float(lr), seen.horizon)

    return sorted(shortest.items())


def _draw(info: _LossVsLrInfo) -> go.Figure:
    title = "Loss against learning rate"
    if not info.curves:
        return theme.figure(title, note=_nothing_to_show(info))

    figure = theme.figure(title, f"Schedule: {info.schedule}. One curve a horizon.")
    colors = theme.shades(len(info.curves))
    losses: list[float] = []
    for curve, color in zip(info.curves, colors, strict=True):
        figure.add_trace(_line(curve, color, info.unit))
        losses += curve.loss

    top = _top(losses)
    lowest = min(losses)
    figure.update_yaxes(theme.loss_axis("loss", lowest, top, log=lowest > 0))
    figure.update_xaxes(theme.log_axis("learning rate", _lrs_in_view(info)))

    if any(curve.optimum for curve in info.curves):
        figure.add_trace(_optima(info.curves, colors))
    if info.diverged:
        figure.add_trace(_crosses(info, top))
    return figure


def _nothing_to_show(info: _LossVsLrInfo) -> str:
    schedules = ", ".join(info.schedules) or "none"
    return (
        f"No horizon has two learning rates under the schedule {info.schedule!r}. "
        f"Schedules of the runs: {schedules}."
    )


def _line(curve: _Curve, color: str, unit: str) -> go.Scatter:
    name = theme.escape(f"{theme.abbreviate(curve.horizon)} {unit}")
    return go.Scatter(
        x=curve.lr,
        y=curve.loss,
        mode="lines+markers" if len(curve.lr) <= _MOST_MARKERS else "lines",
        line={"color": color, "width": 2},
        marker={"size": 5},
        name=name,
        hovertemplate="lr %{x:.3g}<br>loss %{y:.4g}",
    )


def _top(losses: list[float]) -> float:
    """Highest loss in view. A few runs that nearly diverged must not squeeze all others."""
    log = min(losses) > 0
    scaled = np.log(losses) if log else losses
    lower, upper = np.quantile(scaled, (0.25, 0.75))

    fence = upper + theme.FAR_OUT * (upper - lower)
    if log:
        fence = np.exp(fence)
    return min(max(losses), float(fence))


def _lrs_in_view(info: _LossVsLrInfo) -> list[float]:
    lrs = [lr for lr, _ in info.diverged]
    for curve in info.curves:
        lrs += curve.lr
        # The optimum of a fitted valley may lie beyond the learning rates tried.
        if curve.optimum is not None:
            lrs.append(curve.optimum[0])

    return lrs


def _optima(curves: list[_Curve], colors: list[str]) -> go.Scatter:
    """The optima of the curves, each in the color of its curve."""
    lrs = []
    losses = []
    marked_colors = []
    for curve, color in zip(curves, colors, strict=True):
        if curve.optimum is not None:
            lrs.append(curve.optimum[0])
            losses.append(curve.optimum[1])
            marked_colors.append(color)

    return go.Scatter(
        x=lrs,
        y=losses,
        mode="lines+markers",
        line={
            "color": theme.INK,
            "width": 1,
            "dash": "dot",
        },
        marker={
            "symbol": "diamond",
            "size": 11,
            "color": marked_colors,
            "line": {"color": theme.INK, "width": 1.5},
        },
        name="optimum",
        hovertemplate="optimum<br>lr %{x:.3g}<extra></extra>",
    )


def _crosses(info: _LossVsLrInfo, top: float) -> go.Scatter:
    """Marks at the top for the learning rates of runs that diverged."""
    lrs = []
    texts = []
    for lr, horizon in info.diverged:
        lrs.append(lr)
        texts.append(theme.escape(f"{theme.abbreviate(horizon)} {info.unit}"))

    return go.Scatter(
        x=lrs,
        y=[top] * len(lrs),
        mode="markers",
        marker={
            "symbol": "x",
            "size": 9,
            "color": theme.RED,
        },
        name="diverged",
        text=texts,
        hovertemplate="lr %{x:.3g}<br>diverged by %{text}<extra></extra>",
    )
