"""Which learning rate to try next at a horizon.

The first probes cover the range: each goes to the emptiest of `N_SPREAD` equal cells of ln lr.
After that a trial goes where its run is expected to gain most (`Surrogate.most_gain`).

Notation: `tried` are ln lr of finished runs, `running` those of runs under way, u a uniform random
number in [0, 1) that belongs to the trial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optuna_kappa.search.surrogate import Surrogate

N_SPREAD = 6  # probes of the lowest rung that cover the range before any follows the law
_REPEATED = 0.02  # ln lr that no run can tell apart


@dataclass(frozen=True, eq=False)
class Picker:
    """Picks ln lr for runs of one horizon.

    Attributes:
        low: Lower end of the range of ln lr.
        high: Upper end.
        wall: The lowest ln lr that diverged above all that did not; infinite where there is none.
        expected: What runs of the horizon are expected to lose between `low` and the wall; None
            while there is no law.
        n_cells: Number of equal cells by which runs cover the range, at least 1.
        n_first: Number of runs that cover the range before any is expected to gain most.
        u: Uniform random number of the trial, in [0, 1).

    Example:
        >>> picker = Picker(-9.0, -3.0, float("inf"), expected=None, n_cells=6, n_first=6, u=0.5)
        >>> picker.pick(tried=[-8.5], running=[-3.5])
        -6.5
        >>> picker.pick_after(1, tried=[-8.5], running=[-3.5])
        -7.5
    """

    low: float
    high: float
    wall: float
    expected: Surrogate | None
    n_cells: int
    n_first: int
    u: float

    def pick(self, tried: Sequence[float], running: Sequence[float]) -> float:
        """Ln lr to try next, given those tried and running at this horizon."""
        had = [*tried, *running]
        if self.expected is None or len(had) < self.n_first:
            return spread(self.low, self.high, had, self.n_cells, self.u)

        wanted = self.expected.most_gain(tried, running)
        return beside(wanted, had, self.low, below_wall(self.low, self.high, self.wall), self.u)

    def pick_after(self, n: int, tried: Sequence[float], running: Sequence[float]) -> float:
        """Ln lr to try once n other trials, asked before but without an lr yet, have theirs."""
        running = list(running)
        for _ in range(n):
            running.append(self.pick(tried, running))
        return self.pick(tried, running)


def below_wall(low: float, high: float, wall: float) -> float:
    """Upper end of a range of ln lr without the part that diverges.

    Example:
        >>> below_wall(-9.0, -3.0, wall=-4.0)
        -4.0
    """
    return min(high, max(low, wall))


def spread(low: float, high: float, tried: Sequence[float], n: int, u: float) -> float:
    """Ln lr that helps to cover the range: the emptiest of n equal cells, at fraction u of it.

    Of several empty cells, the one whose centre is farthest from all that were tried.

    Args:
        low: Lower end of the range.
        high: Upper end.
        tried: ln lr already tried or running.
        n: Number of cells.
        u: Uniform random number in [0, 1).

    Example:
        >>> spread(0.0, 4.0, tried=[0.5], n=4, u=0.5)
        3.5
    """
    width = (high - low) / n
    cells = np.clip(((np.array(tried) - low) / (width or 1.0)).astype(int), 0, n - 1)
    counts = np.bincount(cells, minlength=n)

    centres = low + (np.arange(n) + 0.5) * width
    gaps = np.abs(centres[:, None] - np.array(tried)).min(axis=1) if len(tried) else np.ones(n)

    order = np.lexsort((-gaps, counts))
    return float(low + (order[0] + u) * width)


def beside(ln_lr: float, tried: Sequence[float], low: float, high: float, u: float) -> float:
    """The same ln lr, or, if it has been tried, one that a run cannot tell from it.

    So that a loss that is the same at every repetition is not computed again and again.

    Args:
        ln_lr: Wanted.
        tried: ln lr already tried or running.
        low: Lower end of the range.
        high: Upper end.
        u: Uniform random number in [0, 1).

    Example:
        >>> beside(-6.0, tried=[-8.0], low=-9.0, high=-3.0, u=0.5)
        -6.0
        >>> beside(-6.0, tried=[-6.0], low=-9.0, high=-3.0, u=0.75)
        -5.99
    """
    if not len(tried) or np.abs(np.array(tried) - ln_lr).min() > _REPEATED:
        return ln_lr
    return float(np.clip(ln_lr + (u - 0.5) * 2 * _REPEATED, low, high))
