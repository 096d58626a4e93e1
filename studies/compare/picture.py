"""The comparison as a static picture, for documents."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from optuna_kappa.visualization.theme import SAMPLERS
from studies.charts import Axis, Chart, Series, draw
from studies.compare.results import Found, Results
from studies.compare.settings import Part, Settings, times
from studies.compare.table import FEW

_STEP = 0.5  # full-run equivalents between points
_LABELS = {"kappa": "optuna-kappa", "tpe": "TPE"}


def draw_pictures(file: Path, settings: Settings, results: Results) -> list[Path]:
    """Draw the best loss against the budget at each target.

    Args:
        file: File of the first target. Those of the others have the schedule in their names.
        settings: The comparison.
        results: What can be compared.

    Returns:
        The files that have been written: none for targets without results.

    Raises:
        ValueError: A file cannot be written.
    """
    written = []
    for i, part in enumerate(settings.parts):
        searches = results.of(part, settings.samplers)
        chart = chart_of(part, settings, searches)
        if not chart.series:
            continue

        path = file if i == 0 else file.with_stem(f"{file.stem}-{part.schedule}")
        try:
            draw(chart, path)
        except OSError as error:
            raise ValueError(
                f"cannot write {path} ({error.strerror}); choose another --picture"
            ) from error
        written.append(path)

    return written


def chart_of(part: Part, settings: Settings, searches: dict[str, list[Found]]) -> Chart:
    """Median over repeats of the best loss by each budget; bands as on the page."""
    series = []
    n_repeats = 0
    for name, repeats in searches.items():
        n_repeats = len(repeats)
        # A search that has ended keeps its loss until the last one ends.
        end = max(search.spent for search in repeats)
        budgets = np.arange(_STEP, end + _STEP / 2, _STEP)
        losses = np.array([search.trajectory.at(budgets) for search in repeats])

        edges = [0.25, 0.5, 0.75] if n_repeats >= FEW else [0, 0.5, 1]
        # No interpolation between repeats: one without a full run is infinite.
        low, middle, high = np.quantile(losses, edges, axis=0, method="nearest")
        known = np.isfinite(high)
        if known.any():
            columns = [values[known].tolist() for values in (budgets, middle, low, high)]
            label = _LABELS.get(name, name)
            x, y, below, above = columns
            series.append(Series(label, x, y, "line", SAMPLERS.get(name, "grey"), below, above))

    ticks = range(1, int(part.budget) + 1)
    title = f"{settings.optimizer.capitalize()}, {part.schedule} rate, {part.length}"
    return Chart(
        f"{title}: real training, {times(n_repeats)}",
        Axis("budget, full-run equivalents", log=False, ticks=ticks, range=(0, part.budget)),
        Axis("best validation loss so far"),
        tuple(series),
    )
