"""Cumulative learning of each optimum against horizon: constant where the paper's law holds."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from optuna.study import Study

from optuna_kappa._validation import check_type
from optuna_kappa.law import Law
from optuna_kappa.study.lr_names import LrName
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.visualization import marks, theme
from optuna_kappa.visualization.kappa_info import Kappa, KappaInfo, get_kappa_info, info_of_law
from optuna_kappa.visualization.searched import Searched, searched


def plot_kappa(
    subject: Study | Searched | Law,
    sampler: KappaSampler | None = None,
    *,
    lr: LrName = "lr",
    unit: str | None = None,
) -> go.Figure:
    """Draw kappa, the cumulative learning of the optimum, against the horizon.

    Kappa is lr * horizon * mean of the schedule. Where the paper's law holds, it is the same at
    all horizons and for all schedules. Open markers are optima at the lowest or highest rate
    tried: the best rate lies beyond. The band is the law's 90 % interval.

    Args:
        subject: A study, or a fitted law.
        sampler: The sampler that searched the study. By default the study's own.
        lr: Name of the learning-rate parameter, where no `KappaSampler` knows it.
        unit: Unit of the horizons; by default steps of a study, samples of a law.

    Raises:
        ValueError: The study has several objectives.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> figure = plot_kappa(fit(example_runs(slope=1.0)))
        >>> [round(kappa, 2) for kappa in figure.data[-1].y]
        [0.01, 0.01, 0.01, 0.01]
    """
    if unit is not None:
        check_type("unit", unit, str, "it names the unit of a horizon")
    if isinstance(subject, Law):
        return _draw(info_of_law(subject, None, unit or "samples"))

    return _draw(get_kappa_info(searched(subject, sampler, lr), unit or "steps"))


def _draw(info: KappaInfo) -> go.Figure:
    title = "Kappa of the optimum against horizon"
    if not info.optima:
        return theme.figure(title, note=_nothing_to_show(info))

    figure = theme.figure(title, _subtitle(info))
    if info.band:
        figure.add_traces(_band_lines(info.band))
    if info.constant is not None:
        horizons = [one.horizon for one in [*info.optima, *info.band]]
        ends = [min(horizons), max(horizons)]
        figure.add_trace(marks.guide(ends, [info.constant] * 2, "kappa constant (slope 1)"))

    schedules = list(dict.fromkeys(one.schedule for one in info.optima))
    colors = _colors(info, schedules)
    for schedule in schedules:
        shown = [one for one in info.optima if one.schedule == schedule]
        figure.add_trace(_points(shown, colors[schedule]))

    if info.target is not None:
        color = colors.get(info.target.schedule, theme.ORANGE)
        figure.add_trace(_target_point(info.target, color))

    everything = [*info.optima, *info.band]
    if info.target is not None:
        everything.append(info.target)
    horizons = [one.horizon for one in everything]
    kappas = [end for one in everything for end in (one.low, one.high)]
    figure.update_xaxes(theme.log_axis(f"horizon ({info.unit})", horizons))
    figure.update_yaxes(theme.log_axis(f"kappa (lr × {info.unit})", kappas))
    return figure


def _nothing_to_show(info: KappaInfo) -> str:
    if info.shapeless:
        names = ", ".join(info.shapeless)
        return f"Only the names of these schedules are known, not their shapes: {names}."

    return "No horizon has three learning rates with a finite loss yet: no optimum is located."


def _subtitle(info: KappaInfo) -> str:
    texts = ["Cumulative learning at the optimum: constant where the paper's law holds."]
    if info.variation is not None:
        texts.append(f"Over the long horizons it varies by {100 * info.variation:.0f} %.")
    if any(one.at_edge for one in info.optima):
        texts.append("Open markers: the best rate lies beyond those tried.")
    if info.shapeless:
        texts.append(f"Without a known shape: {', '.join(info.shapeless)}.")
    return " ".join(texts)


def _colors(info: KappaInfo, schedules: Sequence[str]) -> dict[str, str]:
    """A color for each schedule, blue for that of the band."""
    of_band = info.band[0].schedule if info.band else schedules[0]
    others = theme.sampler_colors(name for name in schedules if name != of_band)
    return {**others, of_band: theme.BLUE}


def _band_lines(band: Sequence[Kappa]) -> list[go.Scatter]:
    """The law's 90 % interval and its median."""
    schedules, horizons, kappas, lows, highs, _ = zip(*band, strict=True)
    median = go.Scatter(
        x=marks.rounded(horizons),
        y=marks.rounded(kappas),
        mode="lines",
        line={"color": theme.BLUE, "width": 2},
        name=theme.escape(f"law, {schedules[0]}"),
        hovertemplate="horizon %{x:.3s}<br>kappa %{y:.3g}",
    )
    return [marks.band(horizons, lows, highs, theme.BLUE, "90 % interval"), median]


def _points(shown: Sequence[Kappa], color: str) -> go.Scatter:
    """The optima of one schedule."""
    inside_first = sorted(shown, key=lambda one: one.at_edge)  # the legend shows the first
    schedules, horizons, kappas, lows, highs, at_edge = zip(*inside_first, strict=True)
    return go.Scatter(
        x=horizons,
        y=marks.rounded(kappas),
        error_y=marks.error_bars(kappas, lows, highs),
        mode="markers",
        marker={
            "symbol": ["circle-open" if edge else "circle" for edge in at_edge],
            "size": 9,
            "color": color,
        },
        name=theme.escape(f"optimum, {schedules[0]}"),
        customdata=list(zip(marks.rounded(lows), marks.rounded(highs), strict=True)),
        hovertemplate="horizon %{x:.3s}<br>kappa %{y:.3g}"
        "<br>90 %: %{customdata[0]:.3g} to %{customdata[1]:.3g}",
    )


def _target_point(target: Kappa, color: str) -> go.Scatter:
    """What the law predicts for a full run."""
    return go.Scatter(
        x=[target.horizon],
        y=marks.rounded([target.kappa]),
        error_y=marks.error_bars([target.kappa], [target.low], [target.high], width=4),
        mode="markers",
        marker={
            "symbol": "diamond",
            "size": 14,
            "color": color,
            "line": {"color": "white", "width": 1},
        },
        name=theme.escape(f"full run, {target.schedule}"),
        hovertemplate="horizon %{x:.3s}<br>kappa %{y:.3g}",
    )
