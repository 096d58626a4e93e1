"""The figures of a study, as the dashboard stores them: small, without a size of their own."""

from __future__ import annotations

import json
import logging
import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from optuna.study import Study

from optuna_kappa.study.sampler import KappaSampler

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_logger = logging.getLogger(__name__)

MOST = 200_000  # characters of all figures of a study
_LINE_WIDTH = 60  # characters under the title of a figure in a card of 500 pixels
_FONT_SIZE = 11
_TITLE_SIZE = 15  # of a font, with which a heading of 60 characters fits there
_LEGEND_SIZE = 10  # of a font, with which three entries of 25 characters do
_WEIGHTS = re.compile(r": (below )?\d+ % \(prior (below )?\d+ %\)$")  # in a legend
_LINE_HEIGHT = 18  # pixels, as in `optuna_kappa.visualization.theme`
_SUBTITLE = re.compile(r"(<br><span[^>]*>)(.*?)</span>")
_DIGITS = 5  # of a number; a figure is at most 2,000 pixels wide


def figures_of(study: Study, sampler: KappaSampler) -> list[tuple[str, str, Figure]]:
    """The figures that a study has something to show in: id, title, figure.

    Args:
        study: A study with one objective.
        sampler: The sampler that searched it, or one made by `sampler_of`.

    Example:
        >>> from optuna_kappa.study.example import example_study
        >>> [one[0] for one in figures_of(example_study(), KappaSampler(24, seed=0))][:3]
        ['proposal', 'law', 'kappa']
    """
    # Plotly takes a while to import.
    from optuna_kappa import visualization

    return [tuple(figure) for figure in visualization.figures_of(study, sampler)]


def drawn(study: Study, sampler: KappaSampler) -> list[tuple[str, str, Figure]]:
    """The figures of a study; none, with a warning, of one that cannot be drawn.

    Args:
        study: A study with one objective.
        sampler: As for `figures_of`.

    Example:
        >>> from optuna_kappa.study.example import example_study
        >>> len(drawn(example_study(), KappaSampler(24, seed=0))) > 3
        True
    """
    try:
        return figures_of(study, sampler)
    except ValueError as error:  # of values that no run table holds
        _logger.warning("The study %r cannot be drawn: %s", study.study_name, error)
        return []


def small_figures(study: Study, sampler: KappaSampler) -> dict[str, str]:
    """The figures of a study by their id, JSON, `MOST` characters together.

    Args:
        study: A study with one objective.
        sampler: As for `figures_of`.

    Example:
        >>> from optuna_kappa.study.example import example_study
        >>> figures = small_figures(example_study(), KappaSampler(24, seed=0))
        >>> sum(map(len, figures.values())) < MOST
        True
    """
    texts = {}
    for figure_id, _, figure in drawn(study, sampler):
        texts[f"kappa-{figure_id}"] = small(figure)

    # What a later figure shows is a detail of what an earlier one does.
    kept: dict[str, str] = {}
    left = MOST
    for figure_id, text in texts.items():
        if len(text) > left:
            _logger.warning("The figure %s of %r is too large.", figure_id, study.study_name)
            continue
        left -= len(text)
        kept[figure_id] = text
    return kept


def small(figure: Figure) -> str:
    """A figure as JSON, with few digits and no size, so that it fills the place that it is given.

    Example:
        >>> import plotly.graph_objects as go
        >>> small(go.Figure(go.Scatter(x=[1 / 3, 1], y=[0.0, 1e-7 / 3])))
        '{"data":[{"x":[0.33333,1],"y":[0.0,3.3333e-08],"type":"scatter"}],"layout":{...}}'
    """
    content: dict[str, Any] = json.loads(figure.to_json())
    layout = dict(content.get("layout", {}))
    for size in ("height", "width"):
        layout.pop(size, None)
    _narrow(layout)
    for trace in content["data"]:
        # The note has the weights of the classes, and a card has no room for them.
        if isinstance(trace.get("name"), str):
            trace["name"] = _WEIGHTS.sub("", trace["name"])

    rounded = {"data": _rounded(content["data"]), "layout": _rounded(layout)}
    return json.dumps(rounded, separators=(",", ":"))


def _narrow(layout: dict[str, Any]) -> None:
    """Make texts fit a card, which is half as wide as the page: smaller, and in shorter lines."""
    layout.setdefault("font", {})["size"] = _FONT_SIZE
    layout.setdefault("title", {}).setdefault("font", {})["size"] = _TITLE_SIZE
    legend = layout.setdefault("legend", {})
    legend.update({"x": 0, "xref": "container", "font": {"size": _LEGEND_SIZE}})

    title = layout.get("title", {}).get("text", "")
    lines = _SUBTITLE.findall(title)
    wrapped = textwrap.wrap(" ".join(text for _, text in lines), _LINE_WIDTH)
    if len(wrapped) <= len(lines):
        return

    start = lines[0][0]
    heading = title.partition("<br>")[0]
    layout["title"]["text"] = heading + "".join(f"{start}{line}</span>" for line in wrapped)
    if "t" in layout.get("margin", {}):
        layout["margin"]["t"] += _LINE_HEIGHT * (len(wrapped) - len(lines))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_rounded(item) for item in value]
    return value
