"""Best loss against budget: how searches compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from optuna_kappa._typing import Floats
from optuna_kappa._validation import check_items, check_mapping, check_type
from optuna_kappa.search.trajectory import Trajectory
from optuna_kappa.visualization import marks, theme

_QUARTILES = 8  # repeats from which the band shows 25 to 75 % instead of all repeats
_EARLY = 0.15  # fraction of the budget in which losses may lie above the axis


class _Search(NamedTuple):
    sampler: str
    n_repeats: int
    budget: list[float]  # FRE, from where half of the repeats have a loss
    median: list[float]
    band_budget: list[float]  # FRE, from where the whole band is finite; empty for one repeat
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
    """Draw the best loss found against the budget spent, in full-run equivalents (FRE).

    The line of a sampler is the median of its repeats. The band is their range or, from eight
    repeats on, the range of their quartiles. A search that has ended keeps its best loss until
    the last search of the same sampler ends.

    Args:
        searches: The repeats of each sampler, by name.
        reference: Loss at which to draw a dashed line. Left out unless finite.
        reference_label: Name of that line.
        log: Whether to use a logarithmic scale. It takes positive losses: with others in view,
            the scale is linear.

    Example:
        >>> from optuna_kappa.search.trajectory import trajectory
        >>> repeat = trajectory(costs=[1, 1, 1], losses=[0.3, 0.5, 0.2])
        >>> figure = plot_budget({"TPE": [repeat]})
        >>> figure.data[0].y
        (0.3, 0.3, 0.2)
    """
    checked = {}
    for name, repeats in check_mapping("searches", searches, "repeats by sampler").items():
        checked[name] = check_items(f"searches[{name!r}]", repeats, Trajectory, "one a repeat")
    if reference is not None:
        check_type("reference", reference, Real, "it is a loss")
    check_type("reference_label", reference_label, str, "it names the dashed line")
    check_type("log", log, bool, "it says whether the scale is logarithmic")
    return _draw(_get_budget_info(checked, reference, reference_label, log))


def _get_budget_info(
    searches: Mapping[str, Sequence[Trajectory]],
    reference: float | None,
    reference_label: str,
    log: bool,
) -> _BudgetInfo:
    shown = []
    for sampler, repeats in searches.items():
        if not repeats:
            continue
        search = _search(sampler, repeats)
        if search.budget:
            shown.append(search)

    if reference is not None and not np.isfinite(reference):
        reference = None

    # The highs of the bands lie above the medians, so they need no check.
    lowest = 1.0 if reference is None else reference
    for search in shown:
        lowest = min(lowest, *search.median, *search.low)

    return _BudgetInfo(shown, reference, reference_label, log=log and lowest > 0)


def _search(sampler: str, repeats: Sequence[Trajectory]) -> _Search:
    """Summarize the repeats of a sampler at the budgets at which any of their trials ended."""
    budget = np.unique(np.concatenate([repeat.spent for repeat in repeats]))
    budget = budget[marks.thin(len(budget))]

    # Losses by rank among the repeats (rows) and by budget (columns).
    ranked = np.sort([repeat.at(budget) for repeat in repeats], axis=0)

    many = len(repeats) >= _QUARTILES
    low = _quantile(ranked, 0.25 if many else 0.0)
    median = _quantile(ranked, 0.5)
    high = _quantile(ranked, 0.75 if many else 1.0)

    # The best loss of a repeat is infinite until its first full run ends.
    has_median = np.isfinite(median)
    has_band = np.isfinite(high) & (len(repeats) > 1)
    return _Search(
        sampler,
        len(repeats),
        budget=budget[has_median].tolist(),
        median=median[has_median].tolist(),
        band_budget=budget[has_band].tolist(),
        low=low[has_band].tolist(),
        high=high[has_band].tolist(),
    )


def _quantile(ranked: Floats, p: float) -> Floats:
    """Quantiles of the columns, whose values ascend; infinite if interpolated with infinity."""
    place = p * (len(ranked) - 1)
    below = ranked[int(np.floor(place))]
    above = ranked[int(np.ceil(place))]
    fraction = place % 1

    # Infinity minus infinity is NaN. The last line replaces it.
    with np.errstate(invalid="ignore"):
        between: Floats = below + fraction * (above - below)
    return np.where(np.isfinite(above), between, np.inf)


def _draw(info: _BudgetInfo) -> go.Figure:
    title = "Best loss against budget"
    if not info.searches:
        return theme.figure(title, note="No search has finished a full run yet.")

    figure = theme.figure(title, _subtitle(info.searches))
    colors = theme.sampler_colors(search.sampler for search in info.searches)
    for search in info.searches:
        figure.add_traces(_lines(search, colors[search.sampler]))

    last = max(search.budget[-1] for search in info.searches)
    if info.reference is not None:
        figure.add_trace(_reference_line(info.reference, info.reference_label, last))

    figure.update_xaxes(
        title_text="budget spent (full-run equivalents)",
        range=[0, 1.02 * last],
        tickformat="~g",
    )
    low, high = _losses_in_view(info, last)
    figure.update_yaxes(theme.loss_axis("best loss so far", low, high, log=info.log))
    return figure


def _subtitle(searches: Sequence[_Search]) -> str:
    repeats = [search.n_repeats for search in searches]
    if max(repeats) == 1:
        return ""
    if min(repeats) >= _QUARTILES:
        return "Line: median of the repeats. Band: 25 to 75 %."
    if max(repeats) < _QUARTILES:
        return "Line: median of the repeats. Band: all of them."

    return f"Line: median. Band: 25 to 75 % of {_QUARTILES} repeats or more, else all of them."


def _lines(search: _Search, color: str) -> list[go.Scatter]:
    """The median of a search, after the two edges of its band if it has one."""
    name = theme.escape(search.sampler)
    if search.n_repeats > 1:
        name += f" ({search.n_repeats} repeats)"

    median = go.Scatter(
        x=search.budget,
        y=search.median,
        mode="lines",
        line={
            "shape": "hv",  # the best loss stays the same until a trial improves it
            "color": color,
            "width": 2.5,
        },
        name=name,
        legendgroup=name,
        hovertemplate="%{x:.3g} full runs<br>loss %{y:.4g}",
    )
    if not search.band_budget:
        return [median]

    edge = {
        "mode": "lines",
        "line": {
            "shape": "hv",
            "color": color,
            "width": 0,
        },
        "hoverinfo": "skip",
        "showlegend": False,
        "x": search.band_budget,
        "legendgroup": name,
    }
    low = go.Scatter(y=search.low, **edge)
    high = go.Scatter(y=search.high, fill="tonexty", fillcolor=theme.faint(color), **edge)
    return [low, high, median]


def _reference_line(loss: float, label: str, last: float) -> go.Scatter:
    return go.Scatter(
        x=[0, last],
        y=[loss, loss],
        mode="lines",
        line={
            "color": theme.INK,
            "width": 1.5,
            "dash": "dash",
        },
        name=theme.escape(label),
        hovertemplate="loss %{y:.4g}",
    )


def _losses_in_view(info: _BudgetInfo, last: float) -> tuple[float, float]:
    """Lowest and highest loss in view. The first steps down are far larger than all others."""
    lows: list[float] = []
    highs: list[float] = []
    if info.reference is not None:
        lows.append(info.reference)
        highs.append(info.reference)

    for search in info.searches:
        lows += [search.median[-1], *search.low[-1:]]

        # A search that ended early still shows its last loss.
        late = np.array(search.budget) >= min(_EARLY * last, search.budget[-1])
        highs.append(float(np.array(search.median)[late].max()))

        # Bands start higher than medians and come down later.
        late = np.array(search.band_budget) >= 2 * _EARLY * last
        highs += np.array(search.high)[late].tolist()

    return min(lows), max(highs)
