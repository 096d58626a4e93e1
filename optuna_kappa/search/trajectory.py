"""The best loss of a search against what it has spent, in full-run equivalents.

A full-run equivalent (FRE) is the data of one run at the target horizon. Searches are compared by
it, since their trials may stop early or be planned for shorter horizons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optuna_kappa._typing import Floats
from optuna_kappa._validation import REACH, Interval, as_float, shown
from optuna_kappa.runs.columns import as_numbers

_OFFSET = Interval(0, REACH.high)


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The best loss that one search had found by each budget.

    Attributes:
        spent: Spent by the end of each trial, shape `(n,)`, ascending, in FRE.
        best: Best loss of a full run by then, shape `(n,)`, never rising; infinite before the
            first full run with a finite loss.

    Raises:
        ValueError: If the shapes differ, `spent` falls or is negative, or `best` rises or is NaN.

    Example:
        >>> search = Trajectory(np.array([0.25, 1.25, 2.25]), np.array([np.inf, 3.0, 2.5]))
        >>> float(search.at(2.0))
        3.0
    """

    spent: Floats
    best: Floats

    def __post_init__(self) -> None:
        spent = as_numbers("spent", self.spent)
        best = as_numbers("best", self.best)

        _check_shapes(spent, best)
        _check_values(spent, best)

        for name, values in (("spent", spent), ("best", best)):
            values.flags.writeable = False
            object.__setattr__(self, name, values)

    def at(self, budget: ArrayLike) -> Floats:
        """The best loss with a budget in FRE; infinite before the first full run.

        Args:
            budget: One budget or several; the result has the same shape.

        Example:
            >>> search = trajectory(costs=[1, 1, 1], losses=[3.0, 4.0, 2.0])
            >>> search.at([0.5, 1.5, 3.0]).tolist()
            [inf, 3.0, 2.0]
        """
        with_none = np.concatenate([[np.inf], self.best])
        n_ended = np.searchsorted(self.spent, as_numbers("budget", budget), side="right")
        best: Floats = with_none[n_ended]
        return best

    def budget_to(self, loss: float) -> float:
        """The budget in FRE at which the best loss is first at most `loss`; infinite if never.

        Raises:
            ValueError: The loss is not a number.

        Example:
            >>> search = trajectory(costs=[1, 1, 1], losses=[3.0, 4.0, 2.0])
            >>> search.budget_to(2.5), search.budget_to(1.0)
            (3.0, inf)
        """
        wanted = as_float(loss)
        if np.isnan(wanted):
            raise ValueError(f"loss must be a number, got {shown(loss)}: it is the loss to reach.")

        reached = np.flatnonzero(self.best <= wanted)
        if not len(reached):
            return np.inf
        return float(self.spent[reached[0]])


def trajectory(costs: ArrayLike, losses: ArrayLike, offset: float = 0.0) -> Trajectory:
    """Compute the trajectory of a search from its trials, in the order in which they ended.

    Args:
        costs: Cost of each trial, shape `(n,)`, in FRE.
        losses: Final losses, shape `(n,)`. NaN for probes and for runs that diverged or were
            stopped early: these cost something, but find nothing.
        offset: Spent before the first trial, in FRE.

    Raises:
        ValueError: If the shapes differ, or a cost or the offset is negative or not finite.

    Example:
        >>> search = trajectory(costs=[0.25, 1, 1], losses=[np.nan, 3.0, 2.5])
        >>> search.spent.tolist(), search.best.tolist()
        ([0.25, 1.25, 2.25], [inf, 3.0, 2.5])
    """
    each = as_numbers("costs", costs)
    if (np.abs(each) > REACH.high).any():
        raise ValueError(f"each of costs must be within {REACH.high:g}; they are in FRE")
    before = _OFFSET.check("offset", offset, "it is what was spent before, in FRE")

    spent = before + np.cumsum(each)
    spent = np.round(spent, 9)  # 24 runs of 1/24 have spent 1, not 1 + 2e-16

    final = as_numbers("losses", losses)
    # A run that diverged to -inf is not the best.
    usable = np.where(np.isfinite(final), final, np.inf)
    best = np.minimum.accumulate(usable)
    return Trajectory(spent, best)


def _check_shapes(spent: Floats, best: Floats) -> None:
    if spent.ndim != 1 or spent.shape != best.shape:
        raise ValueError(
            "spent and best must have the same shape (n,), but have "
            f"{spent.shape} and {best.shape}"
        )


def _check_values(spent: Floats, best: Floats) -> None:
    is_amount = (spent >= 0) & np.isfinite(spent)
    falls = spent[1:] < spent[:-1]
    if not is_amount.all() or falls.any():
        raise ValueError("spent must be finite, at least 0 and ascending; sum up the costs")

    rises = best[1:] > best[:-1]
    if np.isnan(best).any() or rises.any():
        raise ValueError("best must never rise and not be NaN; take the minimum so far")
