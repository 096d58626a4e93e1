"""Figures for dark pages: the same data, in colors that can be told from a dark background.

Figures bring a white background, so they can be read on any page. On a dark page they glare, and
`on_dark` gives them a dark one. Text becomes light; every other color keeps its hue and is made
lighter until its contrast is `CONTRAST`, as the web's accessibility guidelines define it.
"""

from __future__ import annotations

import re
from typing import Any

import plotly.graph_objects as go

from optuna_kappa.visualization import theme

BACKGROUND = "#0D1117"
CONTRAST = 4.5  # WCAG 2.1 asks for as much of text; areas are transparent, and come to less

_SMALL = "#57606A"  # of the smaller text under the title
_TEXTS = ("name", "legendgroup", "hovertemplate", "ticktext", "customdata", "x", "y")

# What is part of the page rather than of the data.
_PAGE = {
    "white": BACKGROUND,
    theme.INK.lower(): "#E6EDF3",
    theme.RULE.lower(): "#262C36",
    "#b8c0ca": "#3D444D",  # axes
    _SMALL.lower(): "#9DA7B3",
    "#222222": "#E6EDF3",
}
_STEP = 0.05  # of the way to white, by which a color is made lighter at a time

_HEX = re.compile(r"#[0-9a-fA-F]{6}\b")
_RGB = re.compile(r"(rgba?)\((\d+), (\d+), (\d+)")

_Color = tuple[float, float, float]


def on_dark(figure: go.Figure) -> go.Figure:
    """The same figure for a dark page.

    Args:
        figure: A figure of this package. It stays as it is.

    Example:
        >>> figure = on_dark(theme.figure("Loss"))
        >>> figure.layout.template.layout.paper_bgcolor
        '#0D1117'
    """
    return go.Figure(_darkened(figure.to_dict()))


def _darkened_at(key: str, value: Any) -> Any:
    """What a figure holds under a key. Texts may look like colors; only their styles are some."""
    if key in _TEXTS:
        return value
    if key == "text":
        return value.replace(_SMALL, _PAGE[_SMALL.lower()]) if isinstance(value, str) else value
    return _darkened(value)


def _darkened(value: Any) -> Any:
    """A part of a figure, with all colors in it replaced."""
    if isinstance(value, dict):
        return {key: _darkened_at(key, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_darkened(item) for item in value]
    if not isinstance(value, str):
        return value

    if value.lower() in _PAGE:
        return _PAGE[value.lower()]
    return _RGB.sub(_lighter_rgb, _HEX.sub(_lighter_hex, value))


def _lighter_hex(match: re.Match[str]) -> str:
    text = match.group()
    if text.lower() in _PAGE:
        return _PAGE[text.lower()]

    red, green, blue = _lighter(_channels(text))
    return f"#{red:02X}{green:02X}{blue:02X}"


def _lighter_rgb(match: re.Match[str]) -> str:
    kind, *channels = match.groups()
    red, green, blue = (float(channel) for channel in channels)
    lighter = _lighter((red, green, blue))
    return f"{kind}({lighter[0]}, {lighter[1]}, {lighter[2]}"


def _channels(color: str) -> _Color:
    """Red, green and blue of "#rrggbb", from 0 to 255."""
    return float(int(color[1:3], 16)), float(int(color[3:5], 16)), float(int(color[5:7], 16))


def _lighter(color: _Color) -> tuple[int, int, int]:
    """The color, mixed with as much white as its contrast needs."""
    part = 0.0
    while True:
        red, green, blue = (channel + part * (255 - channel) for channel in color)
        mixed = (red, green, blue)
        if contrast(mixed) >= CONTRAST:
            return round(red), round(green), round(blue)
        part = min(part + _STEP, 1.0)


def contrast(color: _Color) -> float:
    """Contrast of a color with the dark background, from 1 to 21.

    Args:
        color: Red, green and blue, from 0 to 255.

    Example:
        >>> round(contrast((255.0, 255.0, 255.0)))
        19
    """
    return (_luminance(color) + 0.05) / (_luminance(_channels(BACKGROUND)) + 0.05)


def _luminance(color: _Color) -> float:
    """Relative luminance, as WCAG 2.1 defines it."""
    linear = []
    for channel in color:
        part = channel / 255
        linear.append(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
    red, green, blue = linear
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
