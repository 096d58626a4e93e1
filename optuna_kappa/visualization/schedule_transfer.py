"""Optima of schedules, over what the law expects of them from another schedule's runs."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from optuna.study import Study

from optuna_kappa._validation import check_type
from optuna_kappa.law import Law
from optuna_kappa.study.lr_names import LrName
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.visualization import marks, theme
from optuna_kappa.visualization.law_info import Interval
from optuna_kappa.visualization.schedule_transfer_info import (
    Carried,
    ScheduleTransferInfo,
    get_schedule_transfer_info,
)
from optuna_kappa.visualization.searched import Searched, searched


def plot_schedule_transfer(
    subject: Study | Searched | Law,
    sampler: KappaSampler | None = None,
    *,
    lr: LrName = "lr",
    unit: str | None = None,
) -> go.Figure:
    """Draw how well a law of one schedule carries over to the others.

    The points are the optima found under a schedule, over what the law expects of them from the
    runs of the base schedule alone: the constant rate, or the schedule with the most optima. At 1
    the law was right; the band is its 90 % interval. The lines are two simple rules: that kappa
    stays the same, which is the paper's, and that the peak rate does.

    Args:
        subject: A study, or a fitted law.
        sampler: The sampler that searched the study. By default the study's own.
        lr: Name of the learning-rate parameter, where no `KappaSampler` knows it.
        unit: Unit of the horizons; by default steps of a study, samples of a law.

    Raises:
        ValueError: The study has several objectives.

    Example:
        >>> from optuna_kappa import RunTable, fit
        >>> from optuna_kappa.runs import example_runs
        >>> tables = [example_runs(), example_runs(schedule="cosine")]
        >>> figure = plot_schedule_transfer(fit(RunTable.concatenate(tables)))
        >>> [trace.name for trace in figure.data]
        ['expected, cosine (90 %)', 'same kappa, cosine', 'same peak, cosine', 'found, cosine']
    """
    if unit is not None:
        check_type("unit", unit, str, "it names the unit of a horizon")
    if isinstance(subject, Law):
        return _draw(get_schedule_transfer_info(subject, unit or "samples"))

    known = searched(subject, sampler, lr)
    return _draw(get_schedule_transfer_info(known.law, unit or "steps"))


def _draw(info: ScheduleTransferInfo) -> go.Figure:
    title = "Optimal rates from one schedule to another"
    if not info.carried:
        return theme.figure(title, note=_nothing_to_show(info))

    figure = theme.figure(title, _subtitle(info))
    colors = _colors([carried.schedule for carried in info.carried])
    horizons: list[float] = []
    factors: list[float] = []
    for carried in info.carried:
        figure.add_traces(_traces(carried, colors[carried.schedule]))
        for rules in carried.rules:
            horizons.append(rules.horizon)
            factors += [rules.low, rules.high, rules.same_kappa, rules.same_peak]
        for found in carried.found:
            factors += [found.low, found.high]

    figure.update_xaxes(theme.log_axis(f"horizon ({info.unit})", horizons))
    figure.update_yaxes(theme.log_axis("optimal rate, found over expected", factors, span=0.5))
    figure.add_hline(y=1.0, line={"color": theme.INK, "width": 1})
    return figure


def _nothing_to_show(info: ScheduleTransferInfo) -> str:
    if info.shapeless:
        names = ", ".join(info.shapeless)
        return f"Only the names of these schedules are known, not their shapes: {names}."
    if info.base:
        return f"All optima are of one schedule, {info.base}: there is no other to carry over to."
    return "No optimum is located yet."


def _subtitle(info: ScheduleTransferInfo) -> str:
    texts = [f"Expected from the runs of schedule {info.base} alone. At 1 the law was right."]
    if any(found.at_edge for carried in info.carried for found in carried.found):
        texts.append("Open markers: the best rate lies beyond those tried.")
    if info.shapeless:
        texts.append(f"Without a known shape: {', '.join(info.shapeless)}.")
    return " ".join(texts)


def _colors(schedules: Sequence[str]) -> dict[str, str]:
    return theme.sampler_colors(schedules) if len(schedules) > 1 else {schedules[0]: theme.BLUE}


def _traces(carried: Carried, color: str) -> list[go.Scatter]:
    """The optima of one schedule, over the law's interval and the two simple rules."""
    name = carried.schedule
    horizons, lows, highs, same_kappa, same_peak = zip(*carried.rules, strict=True)
    return [
        marks.band(horizons, lows, highs, color, f"expected, {name} (90 %)"),
        marks.guide(horizons, same_kappa, f"same kappa, {name}", color, "dash"),
        marks.guide(horizons, same_peak, f"same peak, {name}", color, "dot"),
        _points(carried.found, carried.lr, color),
    ]


def _points(shown: Sequence[Interval], lrs: Sequence[float], color: str) -> go.Scatter:
    # The legend shows the first: one inside the rates tried.
    pairs = sorted(zip(shown, lrs, strict=True), key=lambda pair: pair[0].at_edge)
    found = [one for one, _ in pairs]
    schedules, horizons, factors, lows, highs, at_edge = zip(*found, strict=True)
    return go.Scatter(
        x=horizons,
        y=marks.rounded(factors),
        error_y=marks.error_bars(factors, lows, highs),
        mode="markers",
        marker={
            "symbol": ["circle-open" if edge else "circle" for edge in at_edge],
            "size": 9,
            "color": color,
        },
        name=theme.escape(f"found, {schedules[0]}"),
        customdata=marks.rounded(rate for _, rate in pairs),
        hovertemplate="horizon %{x:.3s}<br>lr %{customdata:.3g}, %{y:.2f} of the one expected",
    )
