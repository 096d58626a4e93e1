"""The figure: test loss, time to the stated loss, and the rates of every method."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from optuna_kappa.visualization.theme import BLUE, GREEN, GREY, INK, ORANGE, OTHERS, RULE
from studies.budgets.results import Spread
from studies.charts import SETTINGS, save, tick_text
from studies.mnist.training import OptimizerName
from studies.psi.cells import CLOSED, OPEN, Trained
from studies.psi.labels import METHODS, OPTIMIZERS
from studies.psi.measures import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE = (11.0, 9.6)  # inches
_LEFT = (0.19, 0.62)
_WIDTH = 0.36
_BOTTOMS = (0.715, 0.405, 0.10)  # of the three rows
_HEIGHTS = (0.25, 0.25, 0.21)
_TOP = 3.0  # times the lowest median; what is worse is drawn at the edge, as a triangle
_ROOM = 0.9
# The rates of all methods would hide each other.
_RATES = {
    OPEN: BLUE,
    CLOSED: OTHERS[2],
    "wsd": ORANGE,
    "plateau": GREEN,
    "greedy": OTHERS[0],
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
            losses, times, rates = (
                figure.add_axes((_LEFT[column], bottom, _WIDTH, height))
                for bottom, height in zip(_BOTTOMS, _HEIGHTS, strict=True)
            )
            losses.set_title(OPTIMIZERS[optimizer], fontweight="bold")
            _losses(losses, result)
            _times(times, result)
            _rates(rates, result)
            for axes in (losses, times):
                _names(axes, first=column == 0)
            if column == 0:
                rates.set_ylabel("learning rate")
                handles, names = rates.get_legend_handles_labels()
                place = (0.5, 0.0)
                figure.legend(handles, names, loc="lower center", ncols=5, bbox_to_anchor=place)
        save(figure, path)


def _losses(axes: Axes, result: Results) -> None:
    """Test losses as tuned, with bands, and at the best peak in hindsight."""
    lowest = min(one.loss.median for one in result.tuned.values())
    limits = (_ROOM * lowest, _TOP * lowest)
    axes.set_xscale("log")
    axes.set_xlim(*limits)

    for y, name in enumerate(METHODS):
        _point(axes, y, result.tuned[name].loss, limits, _colour(name))
        ideal = result.hindsight.get(name)
        if ideal is not None and ideal.loss.median < limits[1]:
            axes.plot([ideal.loss.median], [y], "o", mfc="none", mec=INK, markersize=8, zorder=7)
    axes.set_xlabel("test loss, nats; circles: best peak in hindsight")
    _ticks(axes, "x")


def _times(axes: Axes, result: Results) -> None:
    """Part of the run until the stated loss, and how many seeds reach it."""
    axes.set_xlim(0, 1.02)
    for y, name in enumerate(METHODS):
        one = result.tuned[name]
        _point(axes, y, one.time, (0.0, 1.0), _colour(name))
        text = f"{100 * one.reached:.0f} %"
        axes.text(0.02, y, text, va="center", fontsize=8, color=INK)
    axes.set_xlabel(
        f"part of the run until a loss of {result.target:.3f}; left: seeds that reach it"
    )


def _point(axes: Axes, y: int, one: Spread, limits: tuple[float, float], colour: str) -> None:
    """Draw a median and its band; a median beyond the frame as a triangle at its edge."""
    right = limits[1]
    if one.median > right:
        axes.plot([right], [y], ">", color=colour, markersize=7, clip_on=False, zorder=6)
        return

    high = min(one.high, 10 * right)
    bars = [[one.median - one.low], [high - one.median]]
    axes.errorbar([one.median], [y], xerr=bars, fmt="o", color=colour, markersize=5, capsize=2.5)


def _rates(axes: Axes, result: Results) -> None:
    """Median rates along the run."""
    axes.set_yscale("log")
    top = 0.0
    for name, colour in _RATES.items():
        rates = _median_rates(result.runs[name])
        if rates:
            places = (np.arange(len(rates)) + 1) / len(rates)
            axes.plot(places, rates, color=colour, label=METHODS[name], linewidth=1.8)
            top = max(top, *rates)
    axes.set_ylim(top / 100, 1.5 * top)  # schedules end at nothing
    axes.set_xlim(0, 1.02)
    axes.set_xlabel("part of the run")
    axes.grid(color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    _ticks(axes, "y")


def _median_rates(runs: Sequence[Trained]) -> list[float]:
    kept = [run.rates for run in runs if all(math.isfinite(rate) for rate in run.rates)]
    medians: list[float] = np.median(kept, axis=0).tolist() if kept else []
    return medians


def _names(axes: Axes, *, first: bool) -> None:
    axes.set_ylim(len(METHODS) - 0.4, -0.6)
    axes.set_yticks(range(len(METHODS)), list(METHODS.values()) if first else [])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)


def _ticks(axes: Axes, which: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    side = axes.xaxis if which == "x" else axes.yaxis
    subs = (1, 1.5, 2, 3, 4, 5, 7) if which == "x" else (1, 3)
    side.set_major_locator(LogLocator(subs=subs))
    side.set_minor_locator(NullLocator())
    side.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value)))


def _colour(name: str) -> str:
    return BLUE if name in (OPEN, CLOSED) else GREY
