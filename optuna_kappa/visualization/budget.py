"""Best value and expected regret against budget or time: how searches compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real

import numpy as np
import plotly.graph_objects as go

from optuna_kappa._validation import check_type, shown
from optuna_kappa.study.lr_names import LrName
from optuna_kappa.visualization import marks, theme
from optuna_kappa.visualization.arguments import Searches, searches_by_name
from optuna_kappa.visualization.budget_info import QUARTILES, BudgetInfo, Search, get_budget_info
from optuna_kappa.visualization.spending import Unit

_EARLY = 0.15  # fraction of the budget in which values may lie outside the axis
_UPPER = (0.54, 1.0)  # of the height: the best value, where the expected regret is below
_LOWER = (0.0, 0.43)
_LEAST_REGRET = 1e-4  # a fraction of the best loss; no run can tell less
_UNITS = (("h", 3600.0), ("min", 60.0), ("s", 1.0))
_FEW = 3.0  # of a unit of time; fewer are shown in the next smaller one


def plot_budget(
    searches: Searches,
    *,
    against: Unit = "budget",
    lr: LrName = "lr",
    reference: float | None = None,
    reference_label: str = "TPE's final median",
    log: bool = True,
) -> go.Figure:
    """Draw the best value found, and the expected regret, against the budget spent.

    The regret is that of a full run at the rate which a search would have recommended by then:
    with `KappaSampler` the recommended one, otherwise that of the best full run. It is judged by
    all runs of all studies in the figure, and left out where it cannot be: where other parameters
    vary, or the studies are of several problems.

    The line of a sampler is the median of its repeats. The band is their range or, from eight
    repeats on, the range of their quartiles. A search that has ended keeps its last value until
    the last search of the same sampler ends.

    Args:
        searches: A study, several, or by name of a sampler its repeats: studies or trajectories.
        against: "budget" for full-run equivalents (FRE), "time" for the time since the first trial
            of a study started; trajectories know none.
        lr: Name of the learning-rate parameter, where no `KappaSampler` knows it.
        reference: Value at which to draw a dashed line. Left out unless finite.
        reference_label: Name of that line.
        log: Whether to use a logarithmic scale. It takes positive losses: with others in view,
            the scale is linear.

    Raises:
        ValueError: Some studies maximize and others minimize, or one has several objectives.

    Example:
        >>> from optuna_kappa.search.trajectory import trajectory
        >>> repeat = trajectory(costs=[1, 1, 1], losses=[0.3, 0.5, 0.2])
        >>> figure = plot_budget({"TPE": [repeat]})
        >>> figure.data[0].y
        (0.3, 0.3, 0.2)
    """
    if against not in ("budget", "time"):
        raise ValueError(
            f"against must be 'budget' or 'time', got {shown(against)}: it is what searches spend."
        )
    if reference is not None:
        check_type("reference", reference, Real, "it is a loss")
    check_type("reference_label", reference_label, str, "it names the dashed line")
    check_type("log", log, bool, "it says whether the scale is logarithmic")

    known = searches_by_name(searches, against, lr)
    return _draw(get_budget_info(known, reference, reference_label, log=log, unit=against))


def _draw(info: BudgetInfo) -> go.Figure:
    title = "Best value and expected regret" if info.regrets else "Best value"
    title += " against time" if info.unit == "time" else " against budget"
    if not info.searches:
        return theme.figure(title, note="No search has finished a full run yet.")

    figure = theme.figure(title, _subtitle(info))
    names = [search.sampler for search in [*info.searches, *info.regrets]]
    colors = theme.sampler_colors(names)
    last = max(search.budget[-1] for search in [*info.searches, *info.regrets])
    unit, divisor = _time_unit(last) if info.unit == "time" else ("", 1.0)

    sign = -1.0 if info.maximize else 1.0
    for search in info.searches:
        figure.add_traces(_lines(search, colors[search.sampler], divisor, sign))
    if info.reference is not None:
        ends = [0, last / divisor]
        figure.add_trace(_reference_line(sign * info.reference, info.reference_label, ends))

    if info.unit == "time":
        x_title = f"time since the first trial started ({unit})"
    else:
        x_title = "budget spent (full-run equivalents)"
    figure.update_xaxes(title_text=x_title, range=[0, 1.02 * last / divisor], tickformat="~g")

    low, high = sorted(sign * loss for loss in _losses_in_view(info, last))
    figure.update_yaxes(theme.loss_axis("best value so far", low, high, log=info.log))
    if info.regrets:
        _add_regrets(figure, info, colors, divisor)
    return figure


def _subtitle(info: BudgetInfo) -> str:
    texts = []
    repeats = [search.n_repeats for search in info.searches]
    if min(repeats) >= QUARTILES:
        texts.append("Line: median of the repeats. Band: 25 to 75 %.")
    elif max(repeats) >= QUARTILES:
        texts.append(
            f"Line: median. Band: 25 to 75 % of {QUARTILES} repeats or more, else all of them."
        )
    elif max(repeats) > 1:
        texts.append("Line: median of the repeats. Band: all of them.")

    if info.regrets:
        texts.append(
            "Regret: of a full run at the rate recommended by then, judged by all runs shown."
        )
    return " ".join(texts)


def _time_unit(last: float) -> tuple[str, float]:
    """Name and seconds of the unit in which times up to the last are shown."""
    for name, seconds in _UNITS:
        if last >= _FEW * seconds:
            return name, seconds
    return _UNITS[-1]


def _add_regrets(
    figure: go.Figure, info: BudgetInfo, colors: Mapping[str, str], divisor: float
) -> None:
    """The expected regrets, in a plot of their own below."""
    factor = 100.0 if info.regret_is_fraction else 1.0
    values: list[float] = []
    for search in info.regrets:
        floored = search._replace(
            median=_floored(search.median),
            low=_floored(search.low),
            high=_floored(search.high),
        )
        traces = _lines(floored, colors[search.sampler], divisor, factor)
        for trace in traces:
            trace.update(yaxis="y2", showlegend=False)
            values += trace.y
        figure.add_traces(traces)

    title = "expected regret (%)" if info.regret_is_fraction else "expected regret"
    lower = theme.log_axis(title, values)
    figure.update_layout(
        height=figure.layout.height + 160,
        yaxis={"domain": _UPPER},
        yaxis2={**lower, "domain": _LOWER, "anchor": "x"},
        xaxis={"anchor": "y2"},
    )


def _floored(regrets: Sequence[float]) -> list[float]:
    """Regrets for a logarithmic axis, which has no place for 0."""
    return [max(regret, _LEAST_REGRET) for regret in regrets]


def _lines(search: Search, color: str, divisor: float, factor: float) -> list[go.Scatter]:
    """The median of a search, after the two edges of its band if it has one.

    Args:
        search: The search.
        color: Its color.
        divisor: Budgets are divided by it.
        factor: Values are multiplied by it.
    """
    name = theme.escape(search.sampler)
    if search.n_repeats > 1:
        name += f" ({search.n_repeats} repeats)"

    median = go.Scatter(
        x=marks.rounded(budget / divisor for budget in search.budget),
        y=marks.rounded(factor * value for value in search.median),
        mode="lines",
        line={
            "shape": "hv",  # a value stays the same until another trial ends
            "color": color,
            "width": 2.5,
        },
        name=name,
        legendgroup=name,
        hovertemplate="%{x:.3g}<br>%{y:.4g}",
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
        "x": marks.rounded(budget / divisor for budget in search.band_budget),
        "legendgroup": name,
    }
    lows = marks.rounded(factor * value for value in search.low)
    highs = marks.rounded(factor * value for value in search.high)
    low = go.Scatter(y=lows, **edge)
    high = go.Scatter(y=highs, fill="tonexty", fillcolor=theme.faint(color), **edge)
    return [low, high, median]


def _reference_line(value: float, label: str, ends: Sequence[float]) -> go.Scatter:
    return go.Scatter(
        x=ends,
        y=[value, value],
        mode="lines",
        line={
            "color": theme.INK,
            "width": 1.5,
            "dash": "dash",
        },
        name=theme.escape(label),
        hovertemplate="%{y:.4g}",
    )


def _losses_in_view(info: BudgetInfo, last: float) -> tuple[float, float]:
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
