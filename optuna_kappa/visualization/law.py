"""The law: optimal learning rate against horizon, with what it proposes for planned runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import plotly.graph_objects as go
from optuna.study import Study

from optuna_kappa._validation import one_line
from optuna_kappa.law import Law
from optuna_kappa.study.lr_names import LrName
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.visualization import marks, theme
from optuna_kappa.visualization.arguments import check_law_arguments
from optuna_kappa.visualization.classes import class_colors, share_text
from optuna_kappa.visualization.law_info import (
    ClassLine,
    Interval,
    LawInfo,
    Truth,
    full_run,
    get_law_info,
)
from optuna_kappa.visualization.searched import Searched, searched

_TEXT_ROOM = 1.7  # the text beside a target ends at about this multiple of its horizon
_SYMBOLS = ("star", "x", "triangle-up", "square")  # of the known optima, by their label


def plot_law(
    subject: Study | Searched | Law,
    sampler: KappaSampler | None = None,
    *,
    targets: Sequence[tuple[float, str]] | None = None,
    truth: Sequence[tuple[float, float, str]] = (),
    lr: LrName = "lr",
    unit: str | None = None,
) -> go.Figure:
    """Draw optimal learning rate against horizon: the optima, the law, and its proposals.

    The band is the law's 90 % interval for constant-rate runs, or for the schedule with the most
    optima if the law has none at a constant rate. Dotted lines are what the prior's classes of
    slopes expect; the legend says how probable each is, after the runs and before. Open markers
    are optima at the lowest or highest rate tried: the best rate lies beyond.

    Args:
        subject: A study, or a fitted law.
        sampler: The sampler that searched the study. By default the study's own.
        targets: (horizon, schedule) of planned runs. The figure shows the lr proposed for each.
            By default the full run of a study.
        truth: (horizon, lr, label) of optima known from elsewhere, to compare with. With more
            than four labels, those with the same text before a comma ("TPE, repeat 1") share an
            entry of the legend. A NaN in place of the lr is left out.
        lr: Name of the learning-rate parameter, where no `KappaSampler` knows it.
        unit: Unit of data of the law's runs; by default steps of a study, samples of a law.

    Raises:
        ValueError: The horizon of a target is not positive, or its schedule is not known.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> figure = plot_law(fit(example_runs()), targets=[(256, "cosine")])
        >>> [trace.name for trace in figure.data if "proposal" in trace.name]
        ['proposal, cosine']
    """
    is_law = isinstance(subject, Law)
    unit = ("samples" if is_law else "steps") if unit is None else unit
    check_law_arguments(targets or (), truth, unit)
    if isinstance(subject, Law):
        return _draw(get_law_info(subject, targets or (), truth, unit))

    known = searched(subject, sampler, lr)
    planned = full_run(known) if targets is None else targets
    return _draw(get_law_info(known.law, planned, truth, unit))


def _draw(info: LawInfo) -> go.Figure:
    title = "Optimal learning rate against horizon"
    verdict = _capitalized(info.verdict)
    if not info.optima:
        return theme.figure(title, note=verdict)

    figure = theme.figure(title, _subtitle(info))
    figure.update_layout(height=figure.layout.height + 60)
    figure.add_traces(_band(info.band))
    figure.add_traces(_class_lines(info.classes))
    ends, rates = zip(*info.paper, strict=True)
    figure.add_trace(marks.guide(ends, rates, "kappa constant (slope 1)"))

    for schedule, color in _colors(info).items():
        for kind, intervals in (("optimum", info.optima), ("proposal", info.targets)):
            shown = [interval for interval in intervals if interval.schedule == schedule]
            if shown:
                figure.add_trace(_points(kind, shown, color))

    symbols = cycle(_SYMBOLS)
    for name, points in _by_legend_entry(info.truth).items():
        figure.add_trace(_truth_points(name, points, next(symbols)))

    horizons, lrs = _in_view(info)
    figure.update_xaxes(theme.log_axis(f"horizon ({info.unit})", horizons))
    figure.update_yaxes(theme.log_axis("optimal learning rate", lrs))
    return figure


def _subtitle(info: LawInfo) -> str:
    verdict = _capitalized(info.verdict)
    prior = one_line(info.prior)
    texts = [verdict, f"Dotted: what each class of slopes expects (prior: {prior})."]
    if any(interval.at_edge for interval in info.optima):
        texts.append("Open markers: the best rate lies beyond those tried.")
    return " ".join(texts)


def _class_lines(classes: Sequence[ClassLine]) -> list[go.Scatter]:
    """What each of the prior's classes of slopes expects."""
    colors = class_colors([line.share for line in classes])
    lines = []
    for line in classes:
        color = colors[line.share.name]
        name = share_text(line.share)
        lines.append(marks.guide(line.horizon, line.lr, name, color, "dot", width=2.0))
    return lines


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def _band(band: Sequence[Interval]) -> list[go.Scatter]:
    """The law's 90 % interval and its median."""
    schedules, horizons, medians, lows, highs, _ = zip(*band, strict=True)
    median = go.Scatter(
        x=marks.rounded(horizons),
        y=marks.rounded(medians),
        mode="lines",
        line={"color": theme.BLUE, "width": 2},
        name=theme.escape(f"law, {schedules[0]}"),
        hovertemplate="horizon %{x:.3s}<br>lr %{y:.3g}",
    )
    return [marks.band(horizons, lows, highs, theme.BLUE, "90 % interval"), median]


def _colors(info: LawInfo) -> dict[str, str]:
    """A color for each schedule, in the order of the legend; blue for that of the band."""
    schedules = dict.fromkeys(interval.schedule for interval in [*info.optima, *info.targets])
    others = [schedule for schedule in schedules if schedule != info.band[0].schedule]
    other_colors = theme.sampler_colors(others)
    return {schedule: other_colors.get(schedule, theme.BLUE) for schedule in schedules}


def _points(kind: str, shown: Sequence[Interval], color: str) -> go.Scatter:
    """Optima or proposals of one schedule, with their 90 % intervals."""
    proposal = kind == "proposal"
    inside_first = sorted(shown, key=lambda one: one.at_edge)  # the legend shows the first
    schedules, horizons, lrs, lows, highs, at_edge = zip(*inside_first, strict=True)
    symbol = "diamond" if proposal else "circle"
    texts = [f"  {theme.lr_text(lr)}" for lr in lrs]
    return go.Scatter(
        x=horizons,
        y=lrs,
        error_y=marks.error_bars(lrs, lows, highs, width=4 if proposal else 0),
        mode="markers+text" if proposal else "markers",
        text=texts if proposal else None,
        textposition="middle right",
        cliponaxis=False,
        marker={
            "symbol": [f"{symbol}-open" if edge else symbol for edge in at_edge],
            "size": 15 if proposal else 8,
            "color": color,
            "line": {"color": "white" if proposal else color, "width": 1},
        },
        name=theme.escape(f"{kind}, {schedules[0]}"),
        customdata=list(zip(lows, highs, strict=True)),
        hovertemplate="horizon %{x:.3s}<br>lr %{y:.3g}"
        "<br>90 %: %{customdata[0]:.3g} to %{customdata[1]:.3g}",
    )


def _by_legend_entry(truth: Sequence[Truth]) -> dict[str, list[Truth]]:
    """Group points by label or, with more labels than symbols, by the text before a comma."""
    n_labels = len({point.label for point in truth})
    entries: dict[str, list[Truth]] = {}
    for point in truth:
        name = point.label
        if n_labels > len(_SYMBOLS):
            name = name.partition(",")[0]
        entries.setdefault(name, []).append(point)

    return entries


def _truth_points(name: str, points: Sequence[Truth], symbol: str) -> go.Scatter:
    horizons, lrs, labels = zip(*points, strict=True)
    return go.Scatter(
        x=horizons,
        y=lrs,
        mode="markers",
        marker={
            "symbol": symbol,
            "size": 10,
            "color": theme.INK,
            "line": {"color": "white", "width": 1},
        },
        name=theme.escape(name),
        text=[theme.escape(label) for label in labels],
        hovertemplate="%{text}<br>horizon %{x:.3s}<br>lr %{y:.3g}<extra></extra>",
    )


def _in_view(info: LawInfo) -> tuple[list[float], list[float]]:
    """All horizons and learning rates that the axes must show."""
    horizons: list[float] = []
    lrs: list[float] = []
    for interval in [*info.optima, *info.targets, *info.band]:
        horizons.append(interval.horizon)
        lrs += [interval.low, interval.high]

    for target in info.targets:
        horizons.append(_TEXT_ROOM * target.horizon)
    for point in info.truth:
        horizons.append(point.horizon)
        lrs.append(point.lr)

    return horizons, lrs
