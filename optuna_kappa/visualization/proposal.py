"""Where the best learning rate of full runs is likely to be, and what the rates tried came to."""

from __future__ import annotations

import math

import plotly.graph_objects as go
from optuna.study import Study

from optuna_kappa.study.lr_names import LrName
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.visualization import marks, theme
from optuna_kappa.visualization.classes import class_colors, share_text
from optuna_kappa.visualization.outcomes import COLORS, Outcome
from optuna_kappa.visualization.proposal_info import ProposalInfo, Tried, get_proposal_info
from optuna_kappa.visualization.searched import Searched, searched

_UPPER = (0.48, 1.0)  # of the height: the densities
_LOWER = (0.0, 0.38)  # the values of full runs
_ROOM = 3.0  # factor by which the axis goes on beyond the distribution
_OTHERS: dict[Outcome, tuple[str, str]] = {
    "probe": ("probes", "line-ns-open"),
    "pruned": ("pruned", "x-thin-open"),
    "diverged": ("diverged", "triangle-up"),
    "running": ("running", "circle-open"),
    "complete": ("other horizons", "line-ns-open"),
}


def plot_proposal(
    study: Study | Searched,
    sampler: KappaSampler | None = None,
    *,
    lr: LrName = "lr",
) -> go.Figure:
    """Draw the distribution of the optimal learning rate of full runs, above what they came to.

    Above: the density of the optimal rate, in parts for the prior's classes of slopes; the law's
    90 % interval and median; and the recommended rate. Below: the values of full runs, and marks
    at the rates of all other trials.

    Args:
        study: A study with one objective.
        sampler: The sampler that searched it. By default the study's own.
        lr: Name of the learning-rate parameter, where no `KappaSampler` knows it.

    Raises:
        ValueError: The study has several objectives.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> from optuna_kappa.runs import example_runs
        >>> sampler = KappaSampler(horizon=64, sources=[example_runs(slope=1.0)], seed=0)
        >>> figure = plot_proposal(optuna.create_study(sampler=sampler))
        >>> figure.data[4].name
        '90 % interval'
    """
    return _draw(get_proposal_info(searched(study, sampler, lr)))


def _draw(info: ProposalInfo) -> go.Figure:
    title = "Optimal learning rate of full runs"
    if info.interval is None:
        verdict = info.verdict[:1].upper() + info.verdict[1:]
        return theme.figure(title, note=verdict)

    figure = theme.figure(title, _subtitle(info))
    # Plotly would reverse the order where areas are stacked.
    figure.update_layout(height=figure.layout.height + 120, legend_traceorder="normal")
    figure.add_traces(_densities(info))
    figure.add_traces(_interval(info, info.interval))
    if info.full:
        figure.add_trace(_full_runs(info))
    figure.add_traces(_others(info))

    _set_axes(figure, info)
    if info.recommended is not None:
        _mark_recommended(figure, info.recommended)
    return figure


def _subtitle(info: ProposalInfo) -> str:
    runs = f"{theme.abbreviate(info.horizon)} steps, {info.schedule}."
    texts = [runs, f"{info.verdict[:1].upper()}{info.verdict[1:]}"]
    if info.varied:
        texts.append(
            "Other parameters vary: the density is for their average, the recommended rate for "
            "those of the best full run."
        )
    n_full, n_others = info.counts
    n_shown = len(info.full) + len(info.others)
    if n_shown < n_full + n_others:
        texts.append(f"{n_shown} of {n_full + n_others} trials are shown, evenly chosen.")
    return " ".join(texts)


def _densities(info: ProposalInfo) -> list[go.Scatter]:
    """The parts of the density, stacked, so that their sum is its outline."""
    colors = class_colors(info.shares)
    areas = []
    for share in info.shares:
        color = colors[share.name]
        areas.append(
            go.Scatter(
                x=info.lr,
                y=info.densities[share.name],
                mode="lines",
                line={"width": 0.5, "color": color},
                fillcolor=theme.faint(color, opacity=0.55),
                stackgroup="classes",
                name=theme.escape(share_text(share)),
                hovertemplate="lr %{x:.3g}: %{y:.3g} a decade",
            )
        )
    return areas


def _interval(info: ProposalInfo, interval: tuple[float, float, float]) -> list[go.Scatter]:
    """The law's 90 % interval, and its median, below the density."""
    low, median, high = interval
    place = -0.06 * _top(info)
    bar = go.Scatter(
        x=marks.rounded([low, high]),
        y=[place, place],
        mode="lines",
        line={"color": theme.INK, "width": 3},
        name="90 % interval",
        hovertemplate="end of the 90 % interval: %{x:.3g}<extra></extra>",
    )
    middle = go.Scatter(
        x=marks.rounded([median]),
        y=[place],
        mode="markers",
        marker={
            "symbol": "diamond",
            "size": 11,
            "color": theme.INK,
            "line": {"color": "white", "width": 1},
        },
        name="the law's median",
        hovertemplate="median %{x:.3g}<extra></extra>",
    )
    return [bar, middle]


def _top(info: ProposalInfo) -> float:
    """The largest density."""
    sums = [sum(parts) for parts in zip(*info.densities.values(), strict=True)]
    return max(sums, default=1.0)


def _full_runs(info: ProposalInfo) -> go.Scatter:
    """Full runs at their values, the best one larger."""
    is_best = [one.trial == info.best for one in info.full]
    return go.Scatter(
        x=marks.rounded(one.lr for one in info.full),
        y=marks.rounded(one.value or 0.0 for one in info.full),
        yaxis="y2",
        mode="markers",
        marker={
            "size": [12 if best else 8 for best in is_best],
            "symbol": ["star" if best else "circle" for best in is_best],
            "color": COLORS["complete"],
            "opacity": 1.0,  # Plotly's default is paler where sizes differ
            "line": {"color": "white", "width": 1},
        },
        name="full runs",
        text=[f"trial {one.trial}" for one in info.full],
        hovertemplate="%{text}<br>lr %{x:.3g}<br>value %{y:.4g}<extra></extra>",
    )


def _others(info: ProposalInfo) -> list[go.Scatter]:
    """Marks at the rates of trials that tell no value of a full run, a trace for each outcome."""
    low, high = _values_in_view(info)
    edge = low if info.maximize else high
    traces = []
    for outcome, (name, symbol) in _OTHERS.items():
        shown = [one for one in info.others if one.outcome == outcome]
        if not shown:
            continue

        color = COLORS[outcome]
        marker = {
            "symbol": symbol,
            "size": 9,
            "color": color,
            "line": {"color": color, "width": 2},
        }
        traces.append(
            go.Scatter(
                x=marks.rounded(one.lr for one in shown),
                y=marks.rounded([edge] * len(shown)),
                yaxis="y2",
                mode="markers",
                marker=marker,
                name=name,
                text=[_other_text(one) for one in shown],
                hovertemplate="%{text}<br>lr %{x:.3g}<extra></extra>",
            )
        )
    return traces


def _other_text(one: Tried) -> str:
    value = "" if one.value is None else f": {one.value:.4g}"
    return f"trial {one.trial}<br>step {one.trained}{value}"


def _values_in_view(info: ProposalInfo) -> tuple[float, float]:
    values = [one.value for one in info.full if one.value is not None]
    return marks.without_far_out(values, maximize=info.maximize)


def _set_axes(figure: go.Figure, info: ProposalInfo) -> None:
    """Two plots above each other, with one axis of learning rates."""
    lrs = [info.lr[0] / _ROOM, info.lr[-1] * _ROOM, *(one.lr for one in info.full)]
    if info.recommended is not None:
        lrs.append(info.recommended)
    figure.update_xaxes(theme.log_axis("learning rate", lrs), anchor="y2")

    top = _top(info)
    figure.update_layout(
        yaxis={
            "domain": _UPPER,
            "title": {"text": "probability a decade"},
            "range": [-0.12 * top, 1.15 * top],
            "tickvals": [],
        }
    )

    low, high = _values_in_view(info)
    lower = theme.loss_axis("value of full runs", low, high, log=low > 0 and not info.maximize)
    figure.update_layout(yaxis2={**lower, "domain": _LOWER, "anchor": "x"})


def _mark_recommended(figure: go.Figure, lr: float) -> None:
    figure.add_shape(
        type="line",
        x0=lr,
        x1=lr,
        y0=0,
        y1=1,
        yref="paper",
        line={"color": theme.INK, "width": 1.5, "dash": "dot"},
    )
    figure.add_annotation(
        text=f"recommended {theme.lr_text(lr)}",
        x=math.log10(lr),
        y=1,
        yref="paper",
        yanchor="top",
        xanchor="left",
        xshift=6,
        showarrow=False,
    )
