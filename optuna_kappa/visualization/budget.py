"""Best loss against budget: how searches compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from optuna_kappa._typing import Floats
from optuna_kappa.search.trajectory import Trajectory
from optuna_kappa.visualization import theme

_QUARTILES = 8  # repeats from which the band is 25 to 75 % instead of all
_EARLY = 0.15  # part of the budget whose losses may lie above the axis


class _Search(NamedTuple):
    sampler: str
    n_repeats: int
    budget: list[float]  # FRE, from where half of the repeats have a loss
    median: list[float]
    band_budget: list[float]  # FRE, from where all the band is finite; empty for one repeat
    low: list[float]
    high: list[float]


class _BudgetInfo(NamedTuple):
    searches: list[_Search]
    reference: float | None
    reference_label: str
    log: bool


def plot_budget(
    searches: Mapping[str, Sequence[Trajectory]],
    *,
    reference: float | None = None,
    reference_label: str = "TPE's final median",
    log: bool = True,
) -> go.Figure:
    """Draws the best loss found against what was spent, in full-run equivalents.

    A sampler's line is the median of its repeats. Its band is their range, or from eight repeats
    on their quartiles. A search that has ended keeps its best until the sampler's last one ends.

    Args:
        searches: The repeats of each sampler, by name.
        reference: Loss to draw a dashed line at, if finite.
        reference_label: What that line is.
        log: Whether the loss is drawn on a logarithmic scale, if it is positive.
    """
    return _draw(_get_budget_info(searches, reference, reference_label, log))


def _get_budget_info(
    searches: Mapping[str, Sequence[Trajectory]],
    reference: float | None,
    reference_label: str,
    log: bool,
) -> _BudgetInfo:
    found = [_search(sampler, repeats) for sampler, repeats in searches.items() if len(repeats)]
    shown = [search for search in found if search.budget]
    line = reference if reference is not None and np.isfinite(reference) else None
    losses = [loss for search in shown for loss in search.median + search.low]
    positive = min([*losses, 1.0 if line is None else line]) > 0
    return _BudgetInfo(shown, line, reference_label, log and positive)


def _search(sampler: str, repeats: Sequence[Trajectory]) -> _Search:
    budget = np.unique(np.concatenate([repeat.spent for repeat in repeats]))
    budget = budget[theme.thin(len(budget))]
    best = np.sort([repeat.at(budget) for repeat in repeats], axis=0)
    ends = (0.25, 0.75) if len(repeats) >= _QUARTILES else (0.0, 1.0)
    low, median, high = (_quantile(best, p) for p in (ends[0], 0.5, ends[1]))
    known, whole = np.isfinite(median), np.isfinite(high) & (len(repeats) > 1)
    return _Search(
        sampler,
        len(repeats),
        budget[known].tolist(),
        median[known].tolist(),
        budget[whole].tolist(),
        low[whole].tolist(),
        high[whole].tolist(),
    )


def _quantile(ordered: Floats, p: float) -> Floats:
    """Quantiles of the columns of sorted rows, infinite where they touch an infinite value."""
    place = p * (len(ordered) - 1)
    below, above = ordered[int(np.floor(place))], ordered[int(np.ceil(place))]
    part = place % 1
    with np.errstate(invalid="ignore"):
        between: Floats = below + part * (above - below)
    return np.where(np.isfinite(above), between, np.inf)


def _draw(info: _BudgetInfo) -> go.Figure:
    title = "Best loss against budget"
    if not info.searches:
        return theme.figure(title, note="No search has finished a full run yet.")
    figure = theme.figure(title, _explain(info.searches))
    colours = theme.sampler_colours(search.sampler for search in info.searches)
    for search in info.searches:
        figure.add_traces(_lines(search, colours[search.sampler]))
    last = max(search.budget[-1] for search in info.searches)
    if info.reference is not None:
        figure.add_trace(_reference(info.reference, info.reference_label, last))
    figure.update_xaxes(
        title_text="budget spent (full-run equivalents)", range=[0, 1.02 * last], tickformat="~g"
    )
    figure.update_yaxes(theme.loss_axis("best loss so far", *_bounds(info, last), log=info.log))
    return figure


def _explain(searches: Sequence[_Search]) -> str:
    repeats = [search.n_repeats for search in searches]
    if max(repeats) == 1:
        return ""
    if min(repeats) >= _QUARTILES:
        return "Line: median of the repeats. Band: 25 to 75 %."
    if max(repeats) < _QUARTILES:
        return "Line: median of the repeats. Band: all of them."
    return f"Line: median. Band: 25 to 75 % of {_QUARTILES} repeats or more, else all of them."


def _bounds(info: _BudgetInfo, last: float) -> tuple[float, float]:
    """Lowest and highest loss in view: the first steps down would squeeze all the others."""
    high = [info.searches[0].median[-1]]
    for search in info.searches:
        late = np.array(search.budget) >= min(_EARLY * last, search.budget[-1])
        high.append(float(np.array(search.median)[late].max()))
        late = np.array(search.band_budget) >= 2 * _EARLY * last
        high += list(np.array(search.high)[late])
    low = [loss for search in info.searches for loss in (search.median[-1], *search.low[-1:])]
    given = [] if info.reference is None else [info.reference]
    return min(low + given), max(high + given)


def _lines(search: _Search, colour: str) -> list[go.Scatter]:
    name = theme.escape(search.sampler)
    if search.n_repeats > 1:
        name += f" ({search.n_repeats} repeats)"
    line = {"shape": "hv", "color": colour, "width": 2.5}
    edge = {"shape": "hv", "color": colour, "width": 0}
    band = {"mode": "lines", "line": edge, "hoverinfo": "skip", "showlegend": False}
    band |= {"x": search.band_budget, "legendgroup": name}
    low = go.Scatter(y=search.low, **band)
    high = go.Scatter(y=search.high, fill="tonexty", fillcolor=theme.faint(colour), **band)
    median = go.Scatter(
        x=search.budget,
        y=search.median,
        mode="lines",
        line=line,
        name=name,
        legendgroup=name,
        hovertemplate="%{x:.3g} full runs<br>loss %{y:.4g}",
    )
    return [low, high, median] if search.band_budget else [median]


def _reference(loss: float, label: str, last: float) -> go.Scatter:
    return go.Scatter(
        x=[0, last],
        y=[loss, loss],
        mode="lines",
        line={"color": theme.INK, "width": 1.5, "dash": "dash"},
        name=theme.escape(label),
        hovertemplate="loss %{y:.4g}",
    )
