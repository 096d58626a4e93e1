"""Loss over learning rate, one curve for each horizon: how the optimum moves."""

from __future__ import annotations

import plotly.graph_objects as go
from optuna.study import Study

from optuna_kappa._validation import check_count, check_type
from optuna_kappa.law import Law
from optuna_kappa.runs import RunTable
from optuna_kappa.schedules import CONSTANT
from optuna_kappa.study.lr_names import LrName
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.visualization import marks, theme
from optuna_kappa.visualization.lr_curves_info import (
    Curve,
    LrCurvesInfo,
    get_lr_curves_info,
    get_lr_curves_info_of_study,
)
from optuna_kappa.visualization.searched import Searched, searched

_MOST_MARKERS = 60  # longer curves are drawn as plain lines


def plot_lr_curves(
    subject: Study | Searched | RunTable,
    sampler: KappaSampler | None = None,
    *,
    law: Law | None = None,
    lr: LrName = "lr",
    schedule: str | None = None,
    max_horizons: int = 8,
    unit: str | None = None,
) -> go.Figure:
    """Draw loss over learning rate, one curve for each horizon.

    A constant-rate run has a loss at each horizon up to its own. Crosses at the edge mark the
    learning rates of runs that diverged. Of a study, the losses are those that the runs have with
    the average of the other parameters.

    Args:
        subject: A study, or a run table.
        sampler: The sampler that searched the study. By default the study's own.
        law: Law fitted to a run table, whose optima are marked. A study brings its own.
        lr: Name of the learning-rate parameter, where no `KappaSampler` knows it.
        schedule: Name of the schedule whose runs are shown. By default that of the full runs of a
            study, and the constant rate of a table.
        max_horizons: Largest number of curves. Of more horizons, evenly spaced ones are shown.
        unit: Unit of the horizons; by default steps of a study, samples of a table.

    Raises:
        ValueError: `max_horizons` is below 1, or the study has several objectives.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> runs = example_runs(schedule="cosine")
        >>> figure = plot_lr_curves(runs, law=fit(runs), schedule="cosine", unit="epochs")
        >>> [trace.name for trace in figure.data]
        ['1 epochs', '4 epochs', '16 epochs', '64 epochs', 'optimum']
    """
    for name, text in (("schedule", schedule), ("unit", unit)):
        if text is not None:
            check_type(name, text, str, "it is a name that the figure shows")
    check_count("max_horizons", max_horizons, "it is the largest number of curves")
    if law is not None:
        check_type("law", law, Law, "fit makes one")

    if isinstance(subject, RunTable):
        of_table = schedule or CONSTANT, max_horizons, unit or "samples"
        return _draw(get_lr_curves_info(subject, law, *of_table))

    known = searched(subject, sampler, lr)
    return _draw(get_lr_curves_info_of_study(known, schedule, max_horizons, unit or "steps"))


def _draw(info: LrCurvesInfo) -> go.Figure:
    what = "Value" if info.maximize else "Loss"
    title = f"{what} over learning rate at each horizon"
    if not info.curves:
        return theme.figure(title, note=_nothing_to_show(info))

    figure = theme.figure(title, _subtitle(info))
    colors = theme.shades(len(info.curves))
    values: list[float] = []
    for curve, color in zip(info.curves, colors, strict=True):
        figure.add_trace(_line(curve, color, info.unit))
        values += curve.value

    log = min(values) > 0 and not info.maximize
    low, high = marks.without_far_out(values, maximize=info.maximize, log=log)
    figure.update_yaxes(theme.loss_axis(what.lower(), low, high, log=log))
    figure.update_xaxes(theme.log_axis("learning rate", _lrs_in_view(info)))

    if any(curve.optimum for curve in info.curves):
        figure.add_trace(_optima(info.curves, colors))
    if info.diverged:
        figure.add_trace(_crosses(info, low if info.maximize else high))
    return figure


def _subtitle(info: LrCurvesInfo) -> str:
    texts = [f"Schedule: {info.schedule}. One curve a horizon."]
    if len(info.curves) < info.n_horizons:
        texts.append(f"{len(info.curves)} of {info.n_horizons} horizons are shown.")
    if info.adjusted:
        texts.append("Moved to the average of the other parameters.")
    return " ".join(texts)


def _nothing_to_show(info: LrCurvesInfo) -> str:
    schedules = ", ".join(info.schedules) or "none"
    return (
        f"No horizon has two learning rates under the schedule {info.schedule!r}. "
        f"Schedules of the runs: {schedules}."
    )


def _line(curve: Curve, color: str, unit: str) -> go.Scatter:
    name = theme.escape(f"{theme.abbreviate(curve.horizon)} {unit}")
    return go.Scatter(
        x=marks.rounded(curve.lr),
        y=marks.rounded(curve.value),
        mode="lines+markers" if len(curve.lr) <= _MOST_MARKERS else "lines",
        line={"color": color, "width": 2},
        marker={"size": 5},
        name=name,
        hovertemplate="lr %{x:.3g}<br>value %{y:.4g}",
    )


def _lrs_in_view(info: LrCurvesInfo) -> list[float]:
    lrs = [lr for lr, _ in info.diverged]
    for curve in info.curves:
        lrs += curve.lr
        # The optimum of a fitted valley may lie beyond the learning rates tried.
        if curve.optimum is not None:
            lrs.append(curve.optimum[0])

    return lrs


def _optima(curves: list[Curve], colors: list[str]) -> go.Scatter:
    """The optima of the curves, each in the color of its curve."""
    lrs = []
    values = []
    marked_colors = []
    for curve, color in zip(curves, colors, strict=True):
        if curve.optimum is not None:
            lrs.append(curve.optimum[0])
            values.append(curve.optimum[1])
            marked_colors.append(color)

    return go.Scatter(
        x=marks.rounded(lrs),
        y=marks.rounded(values),
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


def _crosses(info: LrCurvesInfo, edge: float) -> go.Scatter:
    """Marks at the bad edge for the learning rates of runs that diverged."""
    lrs = []
    texts = []
    for lr, horizon in info.diverged:
        lrs.append(lr)
        texts.append(theme.escape(f"{theme.abbreviate(horizon)} {info.unit}"))

    return go.Scatter(
        x=marks.rounded(lrs),
        y=marks.rounded([edge] * len(lrs)),
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
