"""What the figures share: colours, layout, numbers as text, and text made safe for Plotly.

All values go to Plotly as Python lists: NumPy arrays would be written as base64, which Plotly
readers older than 2.28 do not know.
"""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

BLUE, ORANGE, GREY, GREEN = "#0072B2", "#E69F00", "#7F7F7F", "#009E73"
INK, RULE = "#22272E", "#E3E7EC"

# Okabe and Ito's palette, which stays apart for the colour-blind.
OTHERS = ("#CC79A7", "#D55E00", "#56B4E9", "#8C6D31", "#5E4FA2", "#222222")
SAMPLERS = {"kappa": BLUE, "tpe": ORANGE, "random": GREY, "gp": GREEN}

MOST_POINTS = 300  # of a trace; more cannot be told apart
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_DIGITS = 0.69  # decades a tick up to 0.7 are drawn as ticks at 1, 2 and 5
_ROOM = 0.06  # left free at each end of an axis, as a part of its span
_WIDTH = 90  # characters of a line under the title
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
_LEGEND = {  # under the figure, where long names do not squeeze it
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
    """An empty figure in the common look.

    Args:
        title: Title; plain text, as the others.
        subtitle: Smaller text under the title, wrapped.
        note: What to say in the middle of a figure that has nothing to show.
    """
    lines = _wrap(subtitle)
    small = "".join(f'<br><span style="font-size:13px;color:#57606A">{li}</span>' for li in lines)
    drawn = go.Figure()
    height = 160 if note else 500
    drawn.update_layout(
        template=TEMPLATE,
        title={"text": escape(title) + small, "y": 1, "yref": "container", "yanchor": "top"},
        title_pad={"t": 16},
        margin_t=60 + 18 * len(lines),
        height=height + 18 * len(lines),
    )
    if note:
        corner = {"x": 0, "y": 1, "xref": "paper", "yref": "paper", "align": "left"}
        corner |= {"xanchor": "left", "yanchor": "top"}
        drawn.add_annotation(text="<br>".join(_wrap(note)), showarrow=False, **corner)
        drawn.update_xaxes(visible=False)
        drawn.update_yaxes(visible=False)
    return drawn


def _wrap(text: str) -> list[str]:
    """Escaped lines of about the same length."""
    n_lines = len(textwrap.wrap(text, _WIDTH))
    width = min(_WIDTH, len(text) // max(1, n_lines) + 10)
    return [escape(line) for line in textwrap.wrap(text, width)]


def escape(text: str) -> str:
    """Text that Plotly shows as it is, though it takes a subset of HTML for markup.

    Quotation marks are left alone: Plotly does not know their entities.
    """
    return html.escape(text, quote=False)


def abbreviate(value: float) -> str:
    """A number to three digits: "22.5k", "360k", "1.2M", "100B"."""
    rounded = float(f"{value:.3g}")
    for unit, suffix in _SUFFIXES:
        if unit <= abs(rounded) < 1000 * unit:
            return f"{rounded / unit:.3g}{suffix}"
    return f"{rounded:.3g}"


def lr_text(lr: float) -> str:
    """A learning rate to two digits: "2.6e-4", "0.012"."""
    mantissa, _, exponent = f"{lr:.1e}".partition("e")
    power = int(exponent)
    return f"{lr:.2g}" if -3 < power < 3 else f"{mantissa.removesuffix('.0')}e{power}"


def loss_axis(title: str, low: float, high: float, *, log: bool) -> dict[str, Any]:
    """An axis of losses from `low` to `high`."""
    if log:
        return log_axis(title, (low, high), span=1e-6)
    room = _ROOM * (high - low) or 1.0
    return {"title_text": escape(title), "range": [low - room, high + room]}


def log_axis(title: str, values: Iterable[float], span: float = 1.0) -> dict[str, Any]:
    """A logarithmic axis over values above 0.

    Args:
        title: What it shows, with its unit; plain text.
        values: What has to be in view; at least one.
        span: Least span, in decades.
    """
    logs = np.log10(list(values))
    middle, half = (logs.max() + logs.min()) / 2, max(np.ptp(logs), span) / 2
    low, high = float(middle - half * (1 + 2 * _ROOM)), float(middle + half * (1 + 2 * _ROOM))
    axis = {"type": "log", "title_text": escape(title), "range": [low, high]}
    return axis | _ticks(low, high)


def _ticks(low: float, high: float) -> dict[str, Any]:
    """Ticks for a range of log10: 1e-4, 2e-4, 5e-4; 0.5, 1, 2; 10k, 20k; 100B."""
    ticks: dict[str, Any] = {"exponentformat": "B"}
    if high < 9:
        small = high < -1 and low < -3
        ticks = {"tickformat": "~e" if small else "~g" if high < 4 else "~s"}
    if high - low >= 1:  # left alone, Plotly writes all nine digits, one over the other
        ticks["nticks"] = math.ceil((high - low) / (_DIGITS if high - low < 3.2 else 1))
    return ticks


def shades(n: int) -> list[str]:
    """Colours from light to dark, ending with the darkest, for n things that have an order."""
    colours: list[str] = sample_colorscale("Viridis", np.linspace(0, 0.82, n)[::-1].tolist())
    return colours


def sampler_colours(names: Iterable[str]) -> dict[str, str]:
    """A colour a sampler: always the same for the known ones, "TPE" or "TPESampler" alike."""
    others = cycle(OTHERS)
    found: dict[str, str] = {}
    for name in names:
        if name not in found:
            known = SAMPLERS.get(name.lower().removesuffix("sampler"))
            found[name] = known or next(others)
    return found


def faint(colour: str, opacity: float = 0.18) -> str:
    """The colour "#rrggbb", see-through, for bands."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def thin(n: int, keep: Sequence[int] = ()) -> list[int]:
    """Indices of at most `MOST_POINTS` of n points, evenly, and of those to keep."""
    even = np.linspace(0, n - 1, min(n, MOST_POINTS)).round()
    return sorted({int(i) for i in even} | set(keep))
