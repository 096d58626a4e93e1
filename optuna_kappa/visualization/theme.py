"""What the figures share: colors, layout, numbers as text, and text made safe for Plotly.

All values go to Plotly as Python lists. Plotly would write NumPy arrays as base64, which versions
of plotly.js before 2.28 cannot read.
"""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Iterable
from itertools import cycle
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

BLUE = "#0072B2"
ORANGE = "#E69F00"
GREY = "#7F7F7F"
GREEN = "#009E73"
RED = "#C0392B"  # of runs that diverged
INK = "#22272E"  # of text, and of what must stand out
RULE = "#E3E7EC"  # of grid lines

# From Okabe and Ito's palette, whose colors color-blind readers can tell apart.
OTHERS = ("#CC79A7", "#D55E00", "#56B4E9", "#8C6D31", "#5E4FA2", "#222222")
SAMPLERS = {"kappa": BLUE, "tpe": ORANGE, "random": GREY, "gp": GREEN}

FAR_OUT = 3.0  # Tukey's far-out fence, in interquartile ranges: losses beyond it leave the frame

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_TICK_SPACING = 0.69  # decades; Plotly draws ticks at 1, 2 and 5 for spacings up to 0.7
_ROOM = 0.06  # left free at each end of an axis, as a fraction of its span
_LINE_WIDTH = 90  # characters in a line under the title
_SUFFIXES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
_AXIS = {
    "gridcolor": RULE,
    "linecolor": "#B8C0CA",
    "showline": True,
    "ticks": "outside",
    "tickcolor": "#B8C0CA",
    "zeroline": False,
    "automargin": True,
    "title": {"standoff": 12},
}
_LEGEND = {  # under the figure, where long names do not make the plot narrow
    "orientation": "h",
    "x": 0,
    "y": 0,
    "yref": "container",
    "yanchor": "bottom",
    "font": {"size": 13},
}
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": _FONT, "size": 14, "color": INK},
        "title": {"x": 0, "xref": "paper", "xanchor": "left", "font": {"size": 18}},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "legend": _LEGEND,
        "hoverlabel": {"font": {"family": _FONT, "size": 13}, "namelength": -1},
        "hovermode": "closest",
        "margin": {"l": 70, "r": 20, "b": 60},
    }
)


def figure(title: str, subtitle: str = "", note: str = "") -> go.Figure:
    """Return an empty figure in the common look.

    Args:
        title: Title. This and the other texts are plain text.
        subtitle: Smaller text under the title, wrapped.
        note: Message for a figure that has nothing to show. The axes are hidden.

    Example:
        >>> figure("Loss", "Mean of three seeds.").layout.template.layout.plot_bgcolor
        'white'
    """
    lines = _wrap(subtitle)
    title_text = escape(title)
    for line in lines:
        title_text += f'<br><span style="font-size:13px;color:#57606A">{line}</span>'

    # Each line of the subtitle makes the margin, and with it the figure, 18 pixels higher.
    height = 160 if note else 500
    empty = go.Figure()
    empty.update_layout(
        template=TEMPLATE,
        title={"text": title_text, "y": 1, "yref": "container", "yanchor": "top"},
        title_pad={"t": 16},
        margin_t=60 + 18 * len(lines),
        height=height + 18 * len(lines),
    )

    if note:
        _show_note(empty, note)
    return empty


def _show_note(empty: go.Figure, note: str) -> None:
    empty.add_annotation(
        text="<br>".join(_wrap(note)),
        showarrow=False,
        x=0,
        y=1,
        xref="paper",
        yref="paper",
        align="left",
        xanchor="left",
        yanchor="top",
    )
    empty.update_xaxes(visible=False)
    empty.update_yaxes(visible=False)


def _wrap(text: str) -> list[str]:
    """Split a text into escaped lines of about the same length."""
    text = text.replace(" %", "\N{NO-BREAK SPACE}%")  # a number and its unit stay together
    n_lines = len(textwrap.wrap(text, _LINE_WIDTH))
    even_width = len(text) // max(1, n_lines) + 10
    width = min(_LINE_WIDTH, even_width)

    return [escape(line) for line in textwrap.wrap(text, width)]


def escape(text: str) -> str:
    """Escape a text so that Plotly, which reads a subset of HTML, shows it as it is.

    Quotation marks stay, since Plotly does not know their entities.

    Example:
        >>> escape("width <small>")
        'width &lt;small&gt;'
    """
    return html.escape(text, quote=False)


def abbreviate(value: float) -> str:
    """Write a number in three digits: 0.5, 24, 22.5k, 360k, 100B.

    Example:
        >>> abbreviate(360_000)
        '360k'
    """
    # Rounding first turns 999,999 into 1M, not into 1000k.
    rounded = float(f"{value:.3g}")
    for unit, suffix in _SUFFIXES:
        if unit <= abs(rounded) < 1000 * unit:
            return f"{rounded / unit:.3g}{suffix}"

    return f"{rounded:.3g}"


def lr_text(lr: float) -> str:
    """Write a learning rate in two digits: "2.6e-4", "0.012".

    Example:
        >>> lr_text(0.000264)
        '2.6e-4'
    """
    mantissa, _, exponent = f"{lr:.1e}".partition("e")
    power = int(exponent)
    if -3 < power < 3:
        return f"{lr:.2g}"

    return f"{mantissa.removesuffix('.0')}e{power}"


def loss_axis(title: str, low: float, high: float, *, log: bool) -> dict[str, Any]:
    """Return the settings of an axis that shows the losses from `low` to `high`.

    Args:
        title: Plain text.
        low: Lowest loss in view.
        high: Highest loss in view.
        log: Whether the axis is logarithmic. Both losses must then be positive.

    Example:
        >>> loss_axis("loss", 0.0, 1.0, log=False)["range"]
        [-0.06, 1.06]
    """
    if log:
        return log_axis(title, (low, high), span=1e-6)

    # A single loss gets room as well, so that the axis has a length.
    room = _ROOM * (high - low) or 1.0
    return {"title_text": escape(title), "range": [low - room, high + room]}


def log_axis(title: str, values: Iterable[float], span: float = 1.0) -> dict[str, Any]:
    """Return the settings of a logarithmic axis.

    Args:
        title: What the axis shows, with its unit. Plain text.
        values: All that must be in view. At least one value, each above 0.
        span: Shortest length of the axis, in decades.

    Example:
        >>> log_axis("lr", [1e-4, 1e-2])["nticks"]
        4
    """
    logs = np.log10(list(values))
    middle = (logs.max() + logs.min()) / 2
    half = max(np.ptp(logs), span) / 2

    low = float(middle - half * (1 + 2 * _ROOM))
    high = float(middle + half * (1 + 2 * _ROOM))
    axis = {"type": "log", "title_text": escape(title), "range": [low, high]}
    return axis | _ticks(low, high)


def _ticks(low: float, high: float) -> dict[str, Any]:
    """Choose ticks for a range of log10: 1e-4, 2e-4, 5e-4; 0.5, 1, 2; 10k, 20k; 100B."""
    ticks: dict[str, Any] = {"exponentformat": "B"}
    if high < -1 and low < -3:
        ticks = {"tickformat": "~e"}
    elif high < 4:
        ticks = {"tickformat": "~g"}
    elif high < 9:
        ticks = {"tickformat": "~s"}

    # Without a number of ticks, Plotly labels all nine digits of a decade, and they overlap.
    n_decades = high - low
    if n_decades >= 1:
        spacing = _TICK_SPACING if n_decades < 3.2 else 1
        ticks["nticks"] = math.ceil(n_decades / spacing)
    return ticks


def shades(n: int) -> list[str]:
    """Return n colors for things that have an order, from light to dark.

    The last one is always the darkest.

    Example:
        >>> shades(8)[-1]
        'rgb(68, 1, 84)'
    """
    places = np.linspace(0, 0.82, n)[::-1].tolist()
    colors: list[str] = sample_colorscale("Viridis", places)
    return colors


def sampler_colors(names: Iterable[str]) -> dict[str, str]:
    """Return a color for each sampler.

    Known samplers always have the same color, "TPE" and "TPESampler" alike. The others take turns
    in the colors of `OTHERS`.

    Example:
        >>> sampler_colors(["TPESampler", "mine"]) == {"TPESampler": ORANGE, "mine": OTHERS[0]}
        True
    """
    others = cycle(OTHERS)
    colors: dict[str, str] = {}
    for name in names:
        if name in colors:
            continue
        known = SAMPLERS.get(name.lower().removesuffix("sampler"))
        colors[name] = known or next(others)

    return colors


def faint(color: str, opacity: float = 0.18) -> str:
    """Make the color "#rrggbb" transparent, for bands.

    Example:
        >>> faint("#0072B2", opacity=0.5)
        'rgba(0, 114, 178, 0.5)'
    """
    red = int(color[1:3], 16)
    green = int(color[3:5], 16)
    blue = int(color[5:7], 16)
    return f"rgba({red}, {green}, {blue}, {opacity})"
