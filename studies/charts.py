"""Describe charts as plain data and draw them as static SVG for the documents.

The same chart gives the same bytes each time.
"""

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
    from matplotlib.figure import Figure

# Colours by what a series shows.
PAPER = INK
OURS = BLUE
EXPECTED = ORANGE
CONTRAST = GREEN
GUIDE = GREY

Numbers = Sequence[float]
Kind = Literal["line", "points", "paper", "faint", "guide"]

_SIZE = (7.2, 4.3)  # inches
_PLACE = (0.1, 0.28, 0.87, 0.63)  # of the axes in the figure: left, bottom, width, height
_LINE = 86  # characters that fit in a line of the legend
_SHORT_LABEL = 15  # characters of a label, of which five fit in a line
# Text drawn as outlines looks the same for every reader. The salt makes the ids in the file the
# same each time.
SETTINGS: dict[Any, Any] = {
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
"""Matplotlib settings of all figures of the documents."""


@dataclass(frozen=True)
class Series:
    """Data drawn in one colour.

    Attributes:
        label: Name in the legend. An empty label is left out of the legend.
        x: Horizontal coordinates, shape (n,).
        y: Vertical coordinates, shape (n,).
        kind: "line" for a line with markers, "points" for points alone, "paper" for the paper's
            own points, "faint" for small dots, "guide" for a dashed line.
        colour: Colour.
        low: Lower ends of the intervals, shape (n,), or empty for none. Intervals are drawn as a
            band behind a line, and as error bars at points.
        high: Upper ends of the intervals, shape (n,), or empty for none.
        bars: Direction of the error bars.
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
    """An axis of a chart.

    Attributes:
        title: Title, with the unit.
        log: Whether the scale is logarithmic.
        ticks: Positions of the ticks; chosen automatically if empty.
        range: Both ends of the axis; chosen automatically if None.
    """

    title: str
    log: bool = True
    ticks: Numbers = ()
    range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Chart:
    """A chart as plain data."""

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]


def draw(chart: Chart, path: Path) -> None:
    """Write a chart to a file as SVG."""
    # Imported here because matplotlib is slow to import and a sweep draws nothing.
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=_SIZE)
        FigureCanvasSVG(figure)
        axes = figure.add_axes(_PLACE)

        _prepare(axes, chart)
        for order, series in enumerate(chart.series):
            _add(axes, series, order + 3)
        _scale(axes, "x", chart.x)
        _scale(axes, "y", chart.y)

        # The legend goes below the axes, where there is always room for it.
        columns = _columns([series.label for series in chart.series])
        axes.legend(
            loc="upper left",
            bbox_to_anchor=(0, -0.2),
            ncols=columns,
            borderaxespad=0,
        )

        save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure to a file as SVG, the same bytes each time."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    path.write_text(_shorter(text.getvalue()), encoding="utf-8")


def _columns(labels: Sequence[str]) -> int:
    """Number of legend columns that fit side by side."""
    lengths = sorted(map(len, labels), reverse=True)
    if lengths[0] <= _SHORT_LABEL:
        return 5

    return 2 if sum(lengths[:2]) <= _LINE else 1


def _shorter(svg: str) -> str:
    """Shorten an SVG file without changing the figure.

    Numbers are cut to a hundredth of a point, lines are not indented, and a style that is used
    more than twice is written once.
    """
    svg = re.sub(r"(?<![\w.])(-?[1-9]\d*\.\d\d)\d+", r"\1", svg)
    svg = re.sub(r"\s*\n\s*", "\n", svg)
    svg = re.sub(r' d="[^"]*"', _shorter_path, svg)

    uses = Counter(re.findall(r' style="(.*?)"', svg))
    repeated = [style for style, count in uses.items() if count > 2]

    classes = []
    for number, style in enumerate(repeated):
        svg = svg.replace(f' style="{style}"', f' class="s{number}"')
        classes.append(f".s{number}{{{style}}}")

    return svg.replace("</style>", "\n".join(classes) + "</style>", 1)


def _shorter_path(path: re.Match[str]) -> str:
    """The attribute of an SVG path without the spaces around its commands."""
    return re.sub(r"\s?([MLQCz])\s", r"\1", path[0])


def _prepare(axes: Axes, chart: Chart) -> None:
    axes.set_title(chart.title, fontweight="bold")
    axes.set_xlabel(chart.x.title)
    axes.set_ylabel(chart.y.title)
    axes.grid(color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)


def _scale(axes: Axes, which: Literal["x", "y"], axis: Axis) -> None:
    """Set the scale, range and ticks of one of the two axes."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

    horizontal = which == "x"
    side = axes.xaxis if horizontal else axes.yaxis
    set_scale = axes.set_xscale if horizontal else axes.set_yscale
    set_range = axes.set_xlim if horizontal else axes.set_ylim
    get_range = axes.get_xlim if horizontal else axes.get_ylim

    if axis.log:
        set_scale("log")
    if axis.range:
        set_range(*axis.range)

    if axis.log:
        low, high = get_range()
        side.set_major_locator(LogLocator(subs=_subs(low, high), numticks=30))
        side.set_minor_locator(NullLocator())
        side.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value)))
    if axis.ticks:
        side.set_major_locator(FixedLocator(list(axis.ticks)))


def _subs(low: float, high: float) -> tuple[int, ...]:
    """Digits that get a tick in each decade, such that there are about three to eight ticks."""
    decades = math.log10(high / low)
    if decades < 0.8:
        return tuple(range(1, 10))

    return (1, 2, 3, 5) if decades < 1.5 else (1, 2, 5)


def tick_text(value: float) -> str:
    """Text of a tick's number: "0.02", "5e-4", "20", "20k"."""
    if value >= 10_000:
        return f"{value / 1000:g}k"
    if value >= 0.01:
        return f"{value:g}"

    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def _add(axes: Axes, series: Series, order: int) -> None:
    """Draw a series; those of a higher order lie on top."""
    style: dict[str, Any] = {"color": series.colour, "zorder": order}
    if series.label:
        style["label"] = series.label

    if series.kind == "guide":
        axes.plot(series.x, series.y, linestyle=(0, (5, 4)), linewidth=1.3, **style)
    elif series.kind == "faint":
        axes.plot(series.x, series.y, ".", markersize=4, alpha=0.45, **style)
    elif series.kind == "line":
        axes.plot(series.x, series.y, "o-", markersize=3.5, linewidth=1.6, **style)
        _add_band(axes, series)
    else:
        _add_points(axes, series, style)


def _add_band(axes: Axes, series: Series) -> None:
    """Draw the intervals of a line as a band."""
    if not series.low:
        return

    axes.fill_between(
        series.x,
        series.low,
        series.high,
        color=series.colour,
        alpha=0.18,
        linewidth=0,
    )


def _add_points(axes: Axes, series: Series, style: dict[str, Any]) -> None:
    """Draw points with error bars.

    The paper's own points are hollow diamonds, so that they hide nothing.
    """
    marker: dict[str, Any] = {"fmt": "o", "markersize": 6, "capsize": 3, "elinewidth": 1.4}
    if series.kind == "paper":
        marker |= {"fmt": "D", "markerfacecolor": "white", "markeredgewidth": 1.4}

    if series.low:
        horizontal = series.bars == "horizontal"
        middles = series.x if horizontal else series.y
        marker["xerr" if horizontal else "yerr"] = _bar_lengths(middles, series)

    axes.errorbar(series.x, series.y, **marker, **style)


def _bar_lengths(middles: Numbers, series: Series) -> list[list[float]]:
    """Lengths of the error bars below and above the points."""
    below = []
    above = []
    for middle, low, high in zip(middles, series.low, series.high, strict=True):
        below.append(max(middle - low, 0.0))
        above.append(max(high - middle, 0.0))

    return [below, above]
