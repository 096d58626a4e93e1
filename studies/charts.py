"""Charts as plain data, and drawn: static SVG for the documents, the same bytes each time."""

from __future__ import annotations

import io
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from optuna_kappa.visualization.theme import BLUE, GREEN, GREY, INK, ORANGE, RULE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAPER, OURS, EXPECTED, CONTRAST, GUIDE = INK, BLUE, ORANGE, GREEN, GREY

Numbers = Sequence[float]
Kind = Literal["line", "points", "paper", "faint", "guide"]

_SIZE = (7.2, 4.3)  # inches
_PLACE = (0.1, 0.28, 0.87, 0.63)  # of the axes: left, bottom, width, height
_LINE, _SHORT_LABEL = 86, 15  # characters of a legend's line, and of labels that fit five to one
# Text as outlines looks the same for every reader; the salt makes the names inside the same too.
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "optuna-kappa",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#B8C0CA",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "path.simplify": True,
}


@dataclass(frozen=True)
class Series:
    """What is drawn in one colour.

    Attributes:
        label: Name in the legend; none if empty.
        x: Abscissae.
        y: Ordinates, as many.
        kind: "line" with markers, "points" alone, "paper" for the paper's own points, "faint"
            for small dots, "guide" for a dashed line.
        colour: Colour.
        low: Lower ends of the intervals, as many; none if empty. A band behind a line, bars at
            points.
        high: Upper ends.
        bars: Horizontal bars at points instead of vertical ones.
    """

    label: str
    x: Numbers
    y: Numbers
    kind: Kind = "line"
    colour: str = OURS
    low: Numbers = ()
    high: Numbers = ()
    bars: Literal["vertical", "horizontal"] = "vertical"


@dataclass(frozen=True)
class Axis:
    """An axis: its title with the unit, whether it is logarithmic, its ticks and its range."""

    title: str
    log: bool = True
    ticks: Numbers = ()
    range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Chart:
    """A figure as plain data."""

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]


def draw(chart: Chart, path: Path) -> None:
    """Writes a chart as SVG."""
    # Here and not above: a sweep needs no figures, and matplotlib is slow to import.
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=_SIZE)
        FigureCanvasSVG(figure)
        axes = figure.add_axes(_PLACE)
        _prepare(axes, chart)
        for order, series in enumerate(chart.series):
            _add(axes, series, order + 3)
        for which, axis in (("x", chart.x), ("y", chart.y)):
            _scale(axes, which, axis)
        # Below the axes there is always room, inside them not.
        columns = _columns([series.label for series in chart.series])
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.2), ncols=columns, borderaxespad=0)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    path.write_text(_shorter(text.getvalue()), encoding="utf-8")


def _columns(labels: Sequence[str]) -> int:
    """How many columns of a legend fit side by side."""
    longest = sorted((len(label) for label in labels), reverse=True)
    if longest[0] <= _SHORT_LABEL:
        return 5
    return 2 if sum(longest[:2]) <= _LINE else 1


def _shorter(svg: str) -> str:
    """The same figure: to a hundredth of a point, not indented, repeated styles written once."""
    svg = re.sub(r"(?<![\w.])(-?[1-9]\d*\.\d\d)\d+", r"\1", svg)
    svg = re.sub(r"\s*\n\s*", "\n", svg)
    svg = re.sub(r' d="[^"]*"', lambda path: re.sub(r"\s?([MLQCz])\s", r"\1", path[0]), svg)
    styles = Counter(re.findall(r' style="(.*?)"', svg))
    classes = []
    for number, style in enumerate(style for style, times in styles.items() if times > 2):
        svg = svg.replace(f' style="{style}"', f' class="s{number}"')
        classes.append(f".s{number}{{{style}}}")
    return svg.replace("</style>", "\n".join(classes) + "</style>", 1)


def _prepare(axes: Axes, chart: Chart) -> None:
    axes.set_title(chart.title, fontweight="bold")
    axes.set_xlabel(chart.x.title)
    axes.set_ylabel(chart.y.title)
    axes.grid(color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)


def _scale(axes: Axes, which: str, axis: Axis) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

    side = axes.xaxis if which == "x" else axes.yaxis
    if axis.log:
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    if axis.range:
        (axes.set_xlim if which == "x" else axes.set_ylim)(*axis.range)
    if axis.log:
        low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
        side.set_major_locator(LogLocator(subs=_subs(low, high), numticks=30))
        side.set_minor_locator(NullLocator())
        side.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value)))
    if axis.ticks:
        side.set_major_locator(FixedLocator(list(axis.ticks)))


def _subs(low: float, high: float) -> tuple[int, ...]:
    """Which digits have ticks in each decade, so that there are about three to eight."""
    decades = math.log10(high / low)
    if decades < 0.8:
        return tuple(range(1, 10))
    return (1, 2, 3, 5) if decades < 1.5 else (1, 2, 5)


def tick_text(value: float) -> str:
    """A tick's number: "0.02", "5e-4", "20", "20k"."""
    if value >= 10_000:
        return f"{value / 1000:g}k"
    if value >= 0.01:
        return f"{value:g}"
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def _add(axes: Axes, series: Series, order: int) -> None:
    style: dict[str, Any] = {"color": series.colour, "zorder": order}
    if series.label:
        style["label"] = series.label
    if series.kind == "guide":
        axes.plot(series.x, series.y, linestyle=(0, (5, 4)), linewidth=1.3, **style)
    elif series.kind == "faint":
        axes.plot(series.x, series.y, ".", markersize=4, alpha=0.45, **style)
    elif series.kind == "line":
        axes.plot(series.x, series.y, "o-", markersize=3.5, linewidth=1.6, **style)
        if series.low:
            band: dict[str, Any] = {"color": series.colour, "alpha": 0.18, "linewidth": 0}
            axes.fill_between(series.x, series.low, series.high, **band)
    else:
        _add_points(axes, series, style)


def _add_points(axes: Axes, series: Series, style: dict[str, Any]) -> None:
    """Points with error bars; the paper's own are diamonds, hollow so that nothing is hidden."""
    marker: dict[str, Any] = {"fmt": "o", "markersize": 6, "capsize": 3, "elinewidth": 1.4}
    if series.kind == "paper":
        marker |= {"fmt": "D", "markerfacecolor": "white", "markeredgewidth": 1.4}
    if series.low:
        across = series.bars == "horizontal"
        middle = series.x if across else series.y
        below = [max(m - low, 0.0) for m, low in zip(middle, series.low, strict=True)]
        above = [max(high - m, 0.0) for m, high in zip(middle, series.high, strict=True)]
        marker["xerr" if across else "yerr"] = [below, above]
    axes.errorbar(series.x, series.y, **marker, **style)
