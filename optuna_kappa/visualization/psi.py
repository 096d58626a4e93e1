"""Psi as a surface, the rate over the part of the run and the loss, with runs drawn over it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from optuna_kappa._validation import check_items, check_type
from optuna_kappa.psi import Curve, Psi
from optuna_kappa.visualization import marks, theme
from optuna_kappa.visualization.psi_info import PsiInfo, get_psi_info

_FRAME = (1, 99)  # percentiles of the losses in view; those of the first batches are far out


def plot_psi(psi: Psi, runs: Sequence[Curve] = ()) -> go.Figure:
    """Draw the rate that Psi gives for each loss and part of the run.

    The color is the rate. Where there is none, no run of the table has such a loss. The thick line
    is the loss that the law expects of the open loop.

    Args:
        psi: The rates.
        runs: Loss curves to draw over them.

    Raises:
        ValueError: If an argument is of another type.

    Example:
        >>> from optuna_kappa.psi import LossLaw
        >>> values = np.array([2, -1, -0.7, -0.5, 3, 0.6, -0.6, 0, 0.3])
        >>> law = LossLaw(values, np.eye(9) * 1e-4, 0.4, 20.0, 1e-4, 0.005)
        >>> [trace.name for trace in plot_psi(Psi.from_law(law, 1000)).data]
        ['rate', 'open loop, expected']
    """
    check_type("psi", psi, Psi, "Psi.from_law makes one")
    check_items("runs", runs, Curve, "they are loss curves")
    return _draw(get_psi_info(psi, runs))


def _draw(info: PsiInfo) -> go.Figure:
    subtitle = (
        f"Horizon {theme.abbreviate(info.horizon)}. Nearest closed form, with r the part that "
        f"remains: {info.formula}."
    )
    figure = theme.figure("Learning rate by loss and progress", subtitle)
    figure.add_trace(_surface(info))
    if info.runs:
        curves = [(run.progress, run.loss, theme.escape(run.name)) for run in info.runs]
        figure.add_trace(_runs(curves))

    path = info.open_loop
    figure.add_trace(
        go.Scatter(
            x=marks.rounded(path.progress),
            y=marks.rounded(path.loss),
            mode="lines",
            line={"color": theme.INK, "width": 3},
            name="open loop, expected",
            hovertemplate="%{x:.0%} done<br>loss %{y:.4g}",
        )
    )
    figure.update_xaxes(title_text="part of the run that is done", range=[0, 1], tickformat=".0%")
    losses = [*path.loss, *(loss for run in info.runs for loss in run.loss)]
    low, high = np.percentile(losses, _FRAME).tolist()
    figure.update_yaxes(theme.loss_axis("loss", low, high, log=True))
    return figure


def _surface(info: PsiInfo) -> go.Heatmap:
    logs: list[list[float | None]] = []
    for row in info.rate:
        logs.append([None if rate is None else round(float(np.log10(rate)), 4) for rate in row])

    known = [value for row in logs for value in row if value is not None]
    ticks = np.linspace(min(known), max(known), 5)
    return go.Heatmap(
        x=marks.rounded(info.progress),
        y=marks.rounded(info.loss),
        z=logs,
        colorscale="Viridis",
        opacity=0.85,
        colorbar={
            "title": {"text": "rate"},
            "tickvals": ticks.round(4).tolist(),
            "ticktext": [theme.lr_text(float(10**tick)) for tick in ticks],
        },
        customdata=[
            [None if value is None else float(f"{10**value:.3g}") for value in row] for row in logs
        ],
        hovertemplate="%{x:.0%} done, loss %{y:.4g}<br>rate %{customdata:.3g}<extra></extra>",
        name="rate",
    )


def _runs(curves: list[tuple[list[float], list[float], str]]) -> go.Scatter:
    return go.Scatter(
        **marks.end_to_end(curves),
        mode="lines",
        line={"color": theme.INK, "width": 1},
        opacity=0.6,
        name="runs",
        hovertemplate="%{text}<br>%{x:.0%} of the horizon<br>loss %{y:.4g}<extra></extra>",
    )
