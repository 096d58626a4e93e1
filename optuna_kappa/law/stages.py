"""Plateaus that training sits on before it learns: the optima seen there belong to another stage.

Some problems are learned in stages. All learning rates first sit on a plateau and leave it at
nearly one cumulative learning, the highest ones first. On the plateau runs differ by little, but
they do differ, so they seem to have an optimum. It says nothing about the optimum of longer runs.
The runs of a horizon are on a plateau that is left later if

    1. at this horizon no loss is below (1 - LEARNED) * start, and
    2. at a longer one, of three runs of these rates or higher ones, one is below that, while one
       of a lower rate is not.

The start is the loss of runs that learn nothing: the median loss at this horizon or, if it is
higher, that of the lowest rate. Where training goes well, the lowest rate is far behind: 1 fails.
If only good rates were tried, they all learn when trained for longer: 2 fails.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optuna_kappa.law.observations import Observations
from optuna_kappa.law.rates import SAME_LN_LR

# Runs that have lowered the loss by a smaller part of itself have learned nothing: a search is
# asked to tell rates apart that differ by 2 %. On the tables of the atlas, six probes of a 24th of
# the longest run differ by 4 % or more from the start, on all but two of them by 10 %.
LEARNED = 0.02
_FEWEST = 3  # runs that locate an optimum, in place of that on the plateau


def start_of(seen: Observations) -> float:
    """The loss of runs of a horizon that learn nothing.

    Args:
        seen: Observations at the horizon, at least one of which is finite.

    Example:
        >>> from optuna_kappa.law.observations import observations_of
        >>> rows = [(-7.0, 1.0, "a"), (-6.0, 0.98, "b"), (-5.0, 0.9, "c")]
        >>> start_of(observations_of("constant", 1.0, rows))
        1.0
    """
    finite = seen.loss[np.isfinite(seen.loss)]
    return max(float(np.median(finite)), float(finite[0]))


def lowest_of(seen: Observations) -> float:
    """The lowest finite loss at a horizon.

    Example:
        >>> from optuna_kappa.law.observations import observations_of
        >>> rows = [(-7.0, 1.0, "a"), (-6.0, 0.98, "b"), (-5.0, np.nan, "c")]
        >>> lowest_of(observations_of("constant", 1.0, rows))
        0.98
    """
    return float(seen.loss[np.isfinite(seen.loss)].min())


def on_plateau(observations: Sequence[Observations]) -> list[bool]:
    """Whether the runs of each horizon are on a plateau that was left later.

    Args:
        observations: Observations of one table, each schedule by ascending horizon.

    Example:
        >>> from optuna_kappa.law.observations import observations_of
        >>> seen = []
        >>> for horizon, last in ((1, 0.99), (4, 0.7), (8, 0.2)):
        ...     rows = [(-8.0, 1.0, "a"), (-7.0, 1.0, "b"), (-6.0, last, "c")]
        ...     seen.append(observations_of("constant", float(horizon), rows))
        >>> on_plateau(seen)
        [True, False, False]
    """
    waiting = []
    for i, seen in enumerate(observations):
        waiting.append(_is_waiting(seen, observations[i + 1 :]))
    return waiting


def _is_waiting(seen: Observations, others: Sequence[Observations]) -> bool:
    """Whether the runs of a horizon are on a plateau that some of the later ones have left."""
    start = start_of(seen)
    learned = start - LEARNED * abs(start)
    if lowest_of(seen) < learned:
        return False

    later = [other for other in others if other.schedule == seen.schedule]
    return any(_is_left(other, seen.ln_lr[0], learned) for other in later)


def _is_left(seen: Observations, lowest_rate: float, learned: float) -> bool:
    """Whether a run is below a loss, while one of a rate between the lowest and its own is not."""
    counts = np.isfinite(seen.loss) & (seen.ln_lr >= lowest_rate - SAME_LN_LR)
    loss = seen.loss[counts]
    if len(loss) < _FEWEST:
        return False

    best = int(loss.argmin())
    return bool(loss[best] < learned <= loss[:best].max(initial=-np.inf))
