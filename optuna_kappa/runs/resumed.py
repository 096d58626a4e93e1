"""Runs that were resumed from a checkpoint and log a range of steps twice."""

from __future__ import annotations

import logging

import numpy as np

from optuna_kappa._typing import Floats, Rows

_logger = logging.getLogger(__name__)

# Parts of a run's rows at which it goes back; more is a table in another order than that of time.
_MOST_RESTARTS = 0.2


def without_superseded(source: Rows, code: Rows, step: Floats, loss: Floats) -> Rows:
    """Leave out the rows that a run logged before it went back to an earlier step.

    Only runs that have two losses at one step went back: rows of other runs may be in any order.

    Args:
        source: Rows of the history by run and step; those of one step in their order.
        code: Which run each row of the history belongs to.
        step: Step of each row of the history.
        loss: Its loss, NaN where none was logged.

    Returns:
        The rows of `source` that are left, in the same order. Of rows at the same step, both may
        be left.

    Example:
        >>> step = np.array([1.0, 2.0, 3.0, 2.0, 4.0])
        >>> loss = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
        >>> source = np.array([0, 1, 3, 2, 4])
        >>> without_superseded(source, np.zeros(5, dtype=int), step, loss).tolist()
        [0, 1, 3, 4]
    """
    with_loss = source[~np.isnan(loss[source])]
    is_twice = (code[with_loss][1:] == code[with_loss][:-1]) & (
        step[with_loss][1:] == step[with_loss][:-1]
    )
    if not is_twice.any():
        return source

    resumed = np.unique(code[with_loss[1:][is_twice]])
    _logger.warning(
        "%d run%s logged a range of steps twice, as after a restart from a checkpoint: the later "
        "rows count",
        len(resumed),
        "s" if len(resumed) > 1 else "",
    )

    codes = code[source]
    starts = np.searchsorted(codes, resumed, side="left")
    ends = np.searchsorted(codes, resumed, side="right")
    keep = np.ones(len(source), dtype=np.bool_)
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        rows = source[start:end]
        in_order = np.argsort(rows)
        steps = step[rows[in_order]]
        n_restarts = int((steps[1:] < steps[:-1]).sum())
        if n_restarts > max(1, _MOST_RESTARTS * len(rows)):
            continue

        # A row stands unless a later one is at an earlier step, or at the same with the loss.
        later = np.minimum.accumulate(steps[::-1])[::-1]
        stands = np.ones(len(rows), dtype=np.bool_)
        stands[:-1] = steps[:-1] <= later[1:]
        keep[start + in_order] = stands
    return source[keep]
