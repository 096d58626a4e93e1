"""The best loss of a search against what it has spent, in full-run equivalents.

A full-run equivalent (FRE) is the data of one run at the target horizon: what searches are
compared by, since their trials may stop early or be planned for shorter horizons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optuna_kappa._typing import Floats


@dataclass(frozen=True, eq=False)
class Trajectory:
    """What one search had found by each budget.

    Attributes:
        spent: Spent by the end of each trial, shape `(n,)`, ascending, in FRE.
        best: Best loss of a full run by then, shape `(n,)`, never rising; infinite before the
            first full run with a finite loss.

    Raises:
        ValueError: The shapes differ, `spent` falls or is negative, or `best` rises or is NaN.
    """

    spent: Floats
    best: Floats

    def __post_init__(self) -> None:
        spent, best = (np.array(values, dtype=np.float64) for values in (self.spent, self.best))
        if spent.ndim != 1 or spent.shape != best.shape:
            raise ValueError(
                "spent and best must have the same shape (n,), but have "
                f"{spent.shape} and {best.shape}"
            )
        if not ((spent >= 0) & np.isfinite(spent)).all() or (spent[1:] < spent[:-1]).any():
            raise ValueError("spent must be finite, at least 0 and ascending; sum up the costs")
        if np.isnan(best).any() or (best[1:] > best[:-1]).any():
            raise ValueError("best must never rise and not be NaN; take the minimum so far")
        for name, values in (("spent", spent), ("best", best)):
            values.flags.writeable = False
            object.__setattr__(self, name, values)

    def at(self, budget: ArrayLike) -> Floats:
        """The best loss with a budget in FRE, of its shape; infinite before the first full run."""
        known = np.concatenate([[np.inf], self.best])
        best: Floats = known[np.searchsorted(self.spent, budget, side="right")]
        return best

    def budget_to(self, loss: float) -> float:
        """The budget in FRE with which the best was first at most `loss`; infinite if never."""
        reached = np.flatnonzero(self.best <= loss)
        return float(self.spent[reached[0]]) if len(reached) else np.inf


def trajectory(costs: ArrayLike, losses: ArrayLike, offset: float = 0.0) -> Trajectory:
    """The trajectory of a search from its trials, in the order they ended.

    Args:
        costs: What each trial cost, shape `(n,)`, in FRE.
        losses: Final losses, shape `(n,)`; NaN for probes and for runs that diverged or were
            stopped early: they cost, but find nothing.
        offset: Spent before the first trial, in FRE.

    Raises:
        ValueError: The shapes differ, or a cost or the offset is negative or not finite.
    """
    spent = offset + np.cumsum(np.asarray(costs, dtype=np.float64))
    spent = np.round(spent, 9)  # 24 runs of 1/24 have spent 1, not 1 + 2e-16
    found = np.asarray(losses, dtype=np.float64)
    best = np.minimum.accumulate(np.where(np.isfinite(found), found, np.inf))
    return Trajectory(spent, best)
