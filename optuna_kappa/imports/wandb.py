"""Chart exports of the web page of Weights & Biases: one column for each run and metric.

    Step, calm-sea-1 - val/loss, calm-sea-1 - val/loss__MIN, calm-sea-1 - val/loss__MAX, ...

`__MIN` and `__MAX` hold the range of the points that were averaged into one. If the chart shows
the learning rate too, there are columns `calm-sea-1 - lr`. If not, the rate has to be in the names
of the runs, as in `lr=0.001`. A history in the usual form, with a column `_step`, needs no reader
of its own.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import numpy as np

from optuna_kappa.runs.cells import Cells, Place, numbers
from optuna_kappa.runs.mapping import ColumnNames, listed

_logger = logging.getLogger(__name__)

_SEPARATOR = " - "
_RANGES = ("__MIN", "__MAX")
# A rate in the name of a run: lr=0.001, lr: 1e-3, learning_rate_3e-4, lr0.01. W&B writes
# "learning_rate: 0.001 - val/loss" where a chart groups runs by it.
_RATE = re.compile(
    r"(?<![A-Za-z])(?:lr|learning[_ -]?rate)[\s=:_-]*((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)",
    re.IGNORECASE,
)


def is_chart(header: Sequence[str]) -> bool:
    """Whether the columns are those of a chart export.

    Example:
        >>> is_chart(["Step", "calm-sea-1 - val/loss", "calm-sea-1 - val/loss__MIN"])
        True
        >>> is_chart(["run", "lr", "loss"])
        False
    """
    return len(header) > 1 and all(_SEPARATOR in name for name in header[1:])


def rate_in(name: str) -> float | None:
    """The learning rate in the name of a run; None if there is none.

    Example:
        >>> rate_in("adam-lr=3e-4-seed1"), rate_in("learning_rate: 0.01"), rate_in("calm-sea-1")
        (0.0003, 0.01, None)
    """
    match = _RATE.search(name)
    return float(match[1]) if match else None


def of_chart(cells: Cells, names: ColumnNames, place: Place) -> tuple[Cells, Place]:
    """The rows of a chart: one for each run and step at which it has a loss or a rate.

    Args:
        cells: Columns of the export, the first with the steps.
        names: Which metric is the loss, and which the learning rate.
        place: Where a row of the export is.

    Returns:
        Columns run, step, loss and lr, and where their rows are.

    Raises:
        ValueError: If the chart shows several metrics and none is named, or no run has a rate.

    Example:
        >>> cells = {"Step": ["1", "2"], "lr=0.1 - loss": ["0.5", "0.4"]}
        >>> of_chart(cells, ColumnNames(), Place("row"))[0]["loss"].tolist()
        [0.5, 0.4]
    """
    first, *others = cells
    step = numbers("step", cells[names.step or first], place)
    by_metric: dict[str, dict[str, str]] = {}
    for column in others:
        if column.endswith(_RANGES):
            continue
        run, _, metric = column.rpartition(_SEPARATOR)
        by_metric.setdefault(metric, {})[run] = column

    loss, lr = _metrics(list(by_metric), names)
    rates = by_metric.get(lr, {}) if lr else {}
    parts: dict[str, list[np.ndarray]] = {name: [] for name in ("run", "step", "loss", "lr")}
    sources = []
    for run, column in by_metric[loss].items():
        losses = numbers("loss", cells[column], place)
        rate = np.full(len(losses), np.nan)
        if run in rates:
            rate = numbers("lr", cells[rates[run]], place)
        elif (found := rate_in(run)) is not None:
            rate = np.full(len(losses), found)

        # Other runs may have been logged at other steps, and for longer.
        rows = np.flatnonzero(~np.isnan(losses) | ((run in rates) & ~np.isnan(rate)))
        parts["run"].append(np.full(len(rows), run))
        for name, values in (("step", step), ("loss", losses), ("lr", rate)):
            parts[name].append(values[rows])
        sources.append(rows)

    columns = {name: np.concatenate(values) for name, values in parts.items()}
    if not np.isfinite(columns["lr"]).any():
        raise ValueError(
            "the chart export has no learning rates: show the logged rate in the chart too, or "
            "put it into the names of the runs, as in lr=0.001"
        )
    where = "the chart's rates" if rates else "the names of the runs"
    _logger.warning("a chart export of W&B: loss from %r, lr from %s", loss, where)
    lines = np.concatenate(sources)
    if place.numbers is not None:
        lines = np.asarray(place.numbers)[lines]
    return columns, Place(place.word, lines.tolist())


def _metrics(metrics: Sequence[str], names: ColumnNames) -> tuple[str, str | None]:
    """The metric that is the loss, and the one that is the rate, if there is one."""
    lr = next((m for m in (names.lr, "lr", "learning_rate") if m in metrics), None)
    if names.loss is not None:
        if names.loss not in metrics:
            raise ValueError(
                f"the chart export has no metric {names.loss!r}, only {listed(metrics)}"
            )
        return names.loss, lr

    others = [metric for metric in metrics if metric != lr]
    if len(others) != 1:
        raise ValueError(
            f"the chart export has several metrics: {listed(others)}; choose the loss by --loss"
        )
    return others[0], lr
