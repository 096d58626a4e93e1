"""Runs as trackers keep them: parameters, and metrics that were logged step by step.

Readers of trackers hand over a `LoggedRun` for each run, and `cells_of` makes columns of them: one
row for each value of the loss and of the learning rate, in the order of time. Metrics are read
only if they are needed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.runs.cells import Cells, Column
from optuna_kappa.runs.mapping import ColumnNames, listed, usual_rates

_logger = logging.getLogger(__name__)

_RUN, _STEP = "run", "step"  # columns that every log has


class Series(NamedTuple):
    """The values of a metric, in the order in which they were logged.

    Attributes:
        step: Steps at which they were logged, shape `(n,)`.
        value: The values.
        time: When they were logged, in any unit.

    Example:
        >>> Series(np.array([1.0]), np.array([0.5]), np.array([0.0])).value.tolist()
        [0.5]
    """

    step: Floats
    value: Floats
    time: Floats


@dataclass(frozen=True)
class LoggedRun:
    """A run of a tracker.

    Attributes:
        label: Name of the run.
        params: Its parameters, by name.
        metrics: Names of the metrics that were logged.
        read: Reads a metric.

    Example:
        >>> nothing = Series(np.zeros(0), np.zeros(0), np.zeros(0))
        >>> LoggedRun("a", {"lr": 0.1}, ["loss"], lambda name: nothing).params["lr"]
        0.1
    """

    label: str
    params: Mapping[str, Any]
    metrics: Sequence[str]
    read: Callable[[str], Series]


def cells_of(runs: Sequence[LoggedRun], names: ColumnNames) -> tuple[Cells, ColumnNames]:
    """The columns of some runs, and the names of those that a run table needs.

    Args:
        runs: The runs; those without the loss are left out.
        names: Which parameter or metric holds what.

    Raises:
        ValueError: A parameter or a metric is missing, or the loss was logged without steps.

    Example:
        >>> loss = Series(np.array([1.0, 2.0]), np.array([0.5, 0.4]), np.array([0.0, 1.0]))
        >>> run = LoggedRun("a", {"lr": 0.1}, ["loss"], lambda name: loss)
        >>> cells, _ = cells_of([run], ColumnNames())
        >>> cells["loss"].tolist(), cells["lr"]
        ([0.5, 0.4], [0.1, 0.1])
    """
    params = list(dict.fromkeys(name for run in runs for name in run.params))
    metrics = list(dict.fromkeys(name for run in runs for name in run.metrics))
    available = list(dict.fromkeys([_RUN, _STEP, *params, *metrics]))
    chosen = names.resolve(available)
    if chosen["step"] not in (_STEP, *metrics):
        raise ValueError(f"{chosen['step']!r} is no metric; the metrics are {listed(metrics)}")
    given = chosen["lr"]
    if names.lr is None:
        chosen["lr"] = _logged_rate(metrics, given)

    parts = []
    for run in runs:
        if chosen["loss"] in run.metrics:
            parts.append(_Rows(run, chosen, names))
    if not parts:
        raise ValueError(
            f"no run has logged {chosen['loss']!r}; the metrics are {listed(metrics)}: choose one "
            "by loss (--loss on the command line)"
        )
    _check_steps(parts, chosen["loss"])
    if any(rows.from_0 for rows in parts):
        _logger.warning("%r is counted from 0: it is read one later", chosen["step"])
    _note_without_loss(len(runs) - len(parts), len(runs), chosen["loss"])

    read_otherwise = (chosen["loss"], chosen["lr"], given)
    kept = [name for name in params if name not in read_otherwise]
    cells = _joined(parts, chosen, kept)
    return cells, ColumnNames(
        run=chosen["run"],
        lr=chosen["lr"],
        schedule=chosen.get("schedule", names.schedule),
        horizon=names.horizon if isinstance(names.horizon, float) else chosen.get("horizon"),
        step=_STEP,
        loss=chosen["loss"],
        context=names.context,
    )


class _Rows:
    """The rows of a run: its losses and its rates, in the order of time."""

    def __init__(self, run: LoggedRun, chosen: Mapping[str, str], names: ColumnNames) -> None:
        self.run = run
        series = [run.read(chosen["loss"])]
        self.has_rates = chosen["lr"] in run.metrics
        if self.has_rates:
            series.append(run.read(chosen["lr"]))

        self.from_0 = False
        self.counted = _is_without_steps(series[0])
        if self.counted:
            series = [_counted(one, self._horizon(chosen, names)) for one in series]
        elif chosen["step"] in run.metrics:
            read, self.from_0 = _from_1(run.read(chosen["step"]))
            series = [one._replace(step=_at(read, one.step)) for one in series]

        step = np.concatenate([one.step for one in series])
        time = np.concatenate([one.time for one in series])
        values = np.full((2, len(step)), np.nan)
        n_losses = len(series[0].value)
        values[0, :n_losses] = series[0].value
        if self.has_rates:
            values[1, n_losses:] = series[1].value

        order = np.lexsort((step, time))
        self.step = step[order]
        self.loss, self.rate = values[:, order]

    def _horizon(self, chosen: Mapping[str, str], names: ColumnNames) -> float:
        """The horizon of the run, if it is known; NaN if not."""
        if isinstance(names.horizon, float):
            return names.horizon
        try:
            return float(self.run.params[chosen["horizon"]])
        except (KeyError, TypeError, ValueError):
            return np.nan


def _logged_rate(metrics: Sequence[str], column: str) -> str:
    """The metric that has the learning rate, if there is one: it shows the schedule, too."""
    found = usual_rates(metrics)
    if column in metrics or not found:
        return column
    _logger.warning("read lr from the metric %r, which shows the schedule, too", found[0])
    return found[0]


def _is_without_steps(loss: Series) -> bool:
    """Whether all losses of a run were logged at step 0, as where no step is given."""
    return bool(len(loss.step)) and not loss.step.any()


def _counted(series: Series, horizon: float) -> Series:
    """Values without steps, counted in their order; a single one is that of the whole run."""
    n = len(series.value)
    step = np.arange(1.0, n + 1)
    if n == 1 and np.isfinite(horizon):
        step[:] = horizon
    return series._replace(step=step)


def _at(read: Series, step: Floats) -> Floats:
    """The last value of a metric up to each step; NaN before the first."""
    if not len(read.step):
        return np.full(len(step), np.nan)
    order = np.argsort(read.step, kind="stable")
    last = np.searchsorted(read.step[order], step, side="right") - 1
    return np.where(last >= 0, read.value[order][last], np.nan)


def _from_1(counts: Series) -> tuple[Series, bool]:
    """A metric that counts, such as the epoch, from 1; and whether it is counted from 0.

    What is logged in epoch 0 was measured in the first epoch, or after it.
    """
    value = counts.value
    from_0 = bool(len(value)) and value.min() == 0 and bool((value == np.rint(value)).all())
    return (counts._replace(value=value + 1), True) if from_0 else (counts, False)


def _check_steps(parts: Sequence[_Rows], loss: str) -> None:
    """Say where steps had to be counted.

    Raises:
        ValueError: All runs have one loss without a step, so that nothing tells their length.
    """
    counted = [rows for rows in parts if rows.counted]
    if not counted:
        return
    if len(counted) == len(parts) and all(rows.step.max() == 1 for rows in parts):
        raise ValueError(
            f"{loss!r} was logged once a run, without a step, so that nothing tells how long the "
            "runs were: give their horizon, as a parameter of theirs or a number "
            "(--horizon-column on the command line)"
        )
    _logger.warning(
        "%r was logged without steps in %d of %d runs: its values are counted",
        loss,
        len(counted),
        len(parts),
    )


def _note_without_loss(n: int, n_runs: int, loss: str) -> None:
    if n:
        _logger.warning("%d of %d runs have not logged %r and are left out", n, n_runs, loss)


def _joined(
    parts: Sequence[_Rows], chosen: Mapping[str, str], params: Sequence[str]
) -> dict[str, Column]:
    """The columns of all runs."""
    lengths = [len(rows.step) for rows in parts]

    def repeated(values: Sequence[Any]) -> list[Any]:
        column: list[Any] = []
        for value, length in zip(values, lengths, strict=True):
            column += [value] * length
        return column

    cells: dict[str, Column] = {}
    for name in params:
        cells[name] = repeated([_text(rows.run.params.get(name)) for rows in parts])
    cells[_RUN] = repeated([rows.run.label for rows in parts])
    cells[_STEP] = np.concatenate([rows.step for rows in parts])
    cells[chosen["loss"]] = np.concatenate([rows.loss for rows in parts])

    lr = chosen["lr"]
    if not any(rows.has_rates for rows in parts):
        cells[lr] = repeated([rows.run.params.get(lr) for rows in parts])
        return cells

    rates = []
    for rows in parts:
        rates.append(rows.rate if rows.has_rates else np.full(len(rows.step), _number(rows, lr)))
    cells[lr] = np.concatenate(rates)
    return cells


def _number(rows: _Rows, name: str) -> float:
    """A parameter of a run as a number; NaN if it has none."""
    value = rows.run.params.get(name)
    try:
        return np.nan if value is None else float(value)
    except (TypeError, ValueError):
        raise ValueError(
            f"run {rows.run.label!r}: {name} must be a number, but is {value!r}"
        ) from None


def _text(value: Any) -> Any:
    """A parameter as a cell; lists and the like as text."""
    return value if value is None or isinstance(value, (str, int, float)) else str(value)
