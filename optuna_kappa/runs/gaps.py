"""Gaps and divergences: what a loss that is NaN or infinite means.

A table may have rows without a loss. An export of a tracker, say, has a row for each step at which
anything was logged, and the validation loss is missing from most of them. Such a gap is not a
divergence. A run has diverged if its loss does not come back:

    loss 0.5, NaN, 0.4          a gap: the loss came back, be it from NaN or from infinity
    loss 0.5, NaN, NaN          a divergence at the second report
    loss NaN, NaN               a divergence at the first report

A run with gaps may also end in one: its last rows come before the next loss was due. So there, NaN
counts as a divergence only after as many rows without a loss as in the longest gap of the run.
Where most runs of a table have gaps, this also holds for its other runs, with the typical length
of a gap. A run that ends with an infinite loss has diverged in any case.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optuna_kappa._typing import Bools, Floats, Rows
from optuna_kappa.runs.table import RunTable


def is_gap(runs: RunTable) -> Bools:
    """Whether the loss of each row is missing without the run having diverged, shape `(n,)`.

    Example:
        >>> rows = {"run": [0, 0, 0, 1, 1], "lr": [0.1, 0.1, 0.1, 9.0, 9.0],
        ...         "schedule": ["constant"] * 5, "horizon": [3] * 5, "step": [1, 2, 3, 1, 2],
        ...         "loss": [float("nan"), 0.5, 0.4, 0.9, float("nan")]}
        >>> is_gap(RunTable.from_columns(rows)).tolist()
        [True, False, False, False, False]
    """
    gaps = np.zeros(len(runs), dtype=np.bool_)
    missing = ~np.isfinite(runs.loss)
    if not missing.any():
        return gaps

    by_run = runs.by_run()
    lengths = [_longest_gap(runs.loss[rows]) for rows in by_run]
    typical = _typical_gap(runs, by_run, lengths)

    for rows, length in zip(by_run, lengths, strict=True):
        step = runs.step[rows]
        diverged_from = diverged_at(step, runs.loss[rows], gap=length or typical)
        gaps[rows] = missing[rows] & (step < diverged_from)

    return gaps


def without_gaps(runs: RunTable) -> RunTable:
    """Return the rows that have a loss, or whose run had diverged.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> runs = example_runs()
        >>> without_gaps(runs) is runs
        True
    """
    gaps = is_gap(runs)
    return runs.where(~gaps) if gaps.any() else runs


def diverged_at(step: Floats, loss: Floats, gap: int = 0) -> float:
    """First step at which a run had diverged; infinite if it did not diverge.

    Args:
        step: Steps of the reports of one run, ascending, shape `(n,)`.
        loss: Their losses, shape `(n,)`.
        gap: How many reports without a loss are a gap at the end of the run. 0 if the loss is
            measured at every report.

    Example:
        >>> nan = float("nan")
        >>> diverged_at(np.array([1.0, 2.0, 3.0]), np.array([0.5, nan, nan]))
        2.0
        >>> diverged_at(np.array([1.0, 2.0, 3.0]), np.array([0.5, nan, 0.4]))
        inf
    """
    finite = np.isfinite(loss)
    last = step[finite].max(initial=0.0)

    # A report may be in two rows of the same step, one of them without the loss.
    came_back = (step <= last) & finite.any()
    missing = ~finite & ~came_back
    missing_step = step[missing]

    if np.isinf(loss[missing]).any():
        return float(missing_step[0])
    return float(missing_step[gap]) if len(missing_step) > gap else np.inf


def _longest_gap(loss: Floats) -> int:
    """Largest number of reports without a loss before one that has a loss."""
    finite = np.flatnonzero(np.isfinite(loss))
    distances = np.diff(finite, prepend=-1)
    return int(distances.max(initial=1)) - 1


def _typical_gap(
    runs: RunTable,
    by_run: Sequence[Rows],
    lengths: Sequence[int],
) -> int:
    """Median length of the longest gap, over the runs that have a loss."""
    known = []
    for rows, length in zip(by_run, lengths, strict=True):
        if np.isfinite(runs.loss[rows]).any():
            known.append(length)

    return int(np.median(known)) if known else 0
