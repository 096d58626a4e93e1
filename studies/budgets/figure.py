"""The figure: test loss and accuracy against the full runs spent, without and with a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from optuna_kappa.visualization.theme import BLUE, GREY, INK, ORANGE, OTHERS, RULE
from studies.budgets.labels import METHODS, OPTIMIZERS, SEARCHES
from studies.budgets.results import Results, Spread
from studies.charts import SETTINGS, save, tick_text
from studies.mnist.training import OptimizerName

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE = (11.0, 8.4)  # inches
_PINK, _RED, _SKY, _BROWN, *_ = OTHERS
_COLOURS = {
    "kappa told": BLUE,
    "kappa": _SKY,
    "tpe": ORANGE,
    "tpe+median": _RED,
    "nsga2": _PINK,
    "random": GREY,
    "grid": _BROWN,
}
_BANDS = ("kappa told", "tpe", "random")  # more of them would hide each other
_TICKS = (1, 2, 3, 4, 6, 8, 12, 16)
_LOSS_TOP = 4.0  # times the lowest median; what is worse is drawn at the top, as a triangle
_LOSS_ROOM = 0.9
_WIDTHS = (0.15, 0.27)  # of the two parts of a panel, as fractions of the figure
_LEFT = (0.065, 0.565)
_BOTTOM = (0.625, 0.265)
_HEIGHT = 0.33
_GAP = 0.005


class _Measure(NamedTuple):
    """One row of panels."""

    title: str
    unit: float
    log: bool


_MEASURES = {
    "loss": _Measure("test loss, nats", 1.0, True),
    "accuracy": _Measure("test accuracy, %", 100.0, False),
}


def draw(results: Mapping[OptimizerName, Results], path: Path) -> None:
    """Draw the figure.

    Args:
        results: Results by optimizer.
        path: SVG file.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=_SIZE)
        FigureCanvasSVG(figure)
        for column, (optimizer, result) in enumerate(results.items()):
            for row, name in enumerate(_MEASURES):
                place = (_LEFT[column], _BOTTOM[row], _WIDTHS[0], _HEIGHT)
                once = figure.add_axes(place)
                left = place[0] + _WIDTHS[0] + _GAP
                searched = figure.add_axes((left, place[1], _WIDTHS[1], _HEIGHT), sharey=once)
                _panel(once, searched, result, name)
                if row == 0:
                    once.set_title(OPTIMIZERS[optimizer], fontweight="bold")
                _finish(once, searched, result, last=row == len(_MEASURES) - 1)
                if column == 0:
                    once.set_ylabel(_MEASURES[name].title)

        # Losses are known of every search, so the first panel has them all.
        handles, names = figure.axes[1].get_legend_handles_labels()
        figure.legend(handles, names, loc="lower center", ncols=4, bbox_to_anchor=(0.5, 0.01))
        save(figure, path)


def _panel(once: Axes, searched: Axes, result: Results, name: str) -> None:
    """Draw the results of one optimizer in one measure."""
    measure = _MEASURES[name]
    low, high = _limits(result, name)
    once.set_yscale("log" if measure.log else "linear")
    once.set_ylim(low, high)

    for x, single in enumerate(result.singles):
        _point(once, x, getattr(single, name), measure.unit, (low, high))

    if not any(getattr(search, name) for search in result.searches):
        middle = searched.transAxes
        searched.text(0.5, 0.5, "not trained yet", color=GREY, ha="center", transform=middle)

    for search in result.searches:
        spreads: Sequence[Spread] = getattr(search, name)
        if not spreads:
            continue
        colour = _COLOURS[search.name]
        medians = [measure.unit * one.median for one in spreads]
        style = "o-" if search.name.startswith("kappa") else "o--"
        searched.plot(
            search.budgets,
            medians,
            style,
            color=colour,
            label=SEARCHES[search.name],
            markersize=3.5,
            linewidth=2.2 if search.name in ("kappa", "kappa told") else 1.2,
            zorder=5 if search.name in ("kappa", "kappa told") else 4,
        )
        if search.name in _BANDS:
            lows = [measure.unit * one.low for one in spreads]
            highs = [measure.unit * one.high for one in spreads]
            searched.fill_between(
                search.budgets, lows, highs, color=colour, alpha=0.13, linewidth=0
            )


def _point(axes: Axes, x: int, one: Spread, unit: float, limits: tuple[float, float]) -> None:
    """Draw a method without a search; one outside the frame as a triangle at its edge."""
    low, high = limits
    middle = unit * one.median
    if not low <= middle <= high:
        marker = "^" if middle > high else "v"
        edge = high if middle > high else low
        axes.plot([x], [edge], marker, color=INK, markersize=7, clip_on=False, zorder=6)
        return

    bars = [[middle - unit * one.low], [min(unit * one.high, 10 * high) - middle]]
    axes.errorbar([x], [middle], yerr=bars, fmt="o", color=INK, markersize=5, capsize=2.5)


def _limits(result: Results, name: str) -> tuple[float, float]:
    """Ends of the vertical axis, from the medians."""
    unit = _MEASURES[name].unit
    medians = [unit * getattr(single, name).median for single in result.singles]
    for search in result.searches:
        medians += [unit * one.median for one in getattr(search, name)]

    if name == "loss":
        return _LOSS_ROOM * min(medians), _LOSS_TOP * min(medians)
    # The error at the top of the loss corresponds to about three times the least error.
    least = 100 - max(medians)
    return 100 - 3 * least, 100 - 0.7 * least


def _finish(once: Axes, searched: Axes, result: Results, *, last: bool) -> None:
    """Set grids, ticks and titles."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

    for axes in (once, searched):
        axes.grid(color=RULE, linewidth=0.8)
        axes.set_axisbelow(True)
    if once.get_yscale() == "log":
        once.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 4, 5, 7)))
        once.yaxis.set_minor_locator(NullLocator())
        once.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value)))

    names = [METHODS[result.optimizer][single.name] for single in result.singles]
    once.set_xlim(-0.7, len(names) - 0.3)
    once.set_xticks(range(len(names)), names if last else [""] * len(names), rotation=90)
    once.tick_params(axis="x", labelsize=8)

    searched.set_xscale("log")
    searched.set_xlim(0.92, 17.5)
    searched.xaxis.set_major_locator(FixedLocator(_TICKS))
    searched.xaxis.set_minor_locator(NullLocator())
    searched.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    searched.tick_params(axis="y", left=False, labelleft=False)
    searched.spines["left"].set_visible(False)
    if last:
        searched.set_xlabel("full runs spent")
