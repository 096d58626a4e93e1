"""Which learning rate to try next at a horizon.

The first runs of a horizon cover the range: each goes to the emptiest of several equal cells of
ln lr (`spread`). Every later run goes where it is expected to gain most over the best run so far
(`optuna_kappa.search.surrogate`), or where nothing has been seen if all losses tie
(`optuna_kappa.search.covering`). `Picker.pick` makes this choice. To change

    how many probes cover the range             edit `N_SPREAD`
    where the runs go that cover the range      edit `spread`
    where later runs go                         edit `Surrogate.next_to_try`
    how far runs that run at once stay apart    edit `within_cell` and `beside`

Notation: `tried` are the ln lr of finished runs, `running` those of runs that have not finished,
u is a uniform random number in [0, 1) that belongs to the trial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.search.covering import cover, cover_from_top
from optuna_kappa.search.surrogate import Surrogate

N_SPREAD = 6  # probes of the lowest rung that cover the range before any follows the law
_SAME = 0.02  # no run can tell two ln lr apart that differ by no more than this


@dataclass(frozen=True, eq=False)
class Picker:
    """Picks ln lr for runs of one horizon.

    Attributes:
        low: Lower end of the range of ln lr.
        high: Upper end.
        wall: The lowest ln lr that diverged and lies above all that did not; infinite if there is
            none.
        expected: Losses that runs of the horizon are expected to have between `low` and the wall;
            None while there is no law.
        n_cells: Number of equal cells by which runs cover the range, at least 1.
        n_first: Number of runs that cover the range before any goes where it is expected to gain
            most.
        u: Uniform random number of the trial, in [0, 1).
        alone: Whether no other trial of the study is running. If one is, another worker may be
            picking from the same places at this moment.
        elsewhere: ln lr tried at other horizons, if the run is to cover the range because losses
            tie; else None.
        from_top: Whether a run that covers the range goes to the highest part of it that has none.

    Example:
        >>> picker = Picker(-9.0, -3.0, float("inf"), expected=None, n_cells=6, n_first=6, u=0.5)
        >>> picker.pick(tried=[-8.5], running=[-3.5])
        -6.5
    """

    low: float
    high: float
    wall: float
    expected: Surrogate | None
    n_cells: int
    n_first: int
    u: float
    alone: bool = True
    elsewhere: Sequence[float] | None = None
    from_top: bool = False

    def pick(self, tried: Sequence[float], running: Sequence[float]) -> float:
        """Ln lr to try next.

        Args:
            tried: ln lr of the finished runs of this horizon.
            running: ln lr of its runs that have not finished.

        Example:
            >>> import numpy as np
            >>> x = np.linspace(-9, -3, 61)
            >>> valley = Surrogate(x, np.ones(1), (x[None] + 5) ** 2, np.full(61, 0.01))
            >>> picker = Picker(-9.0, -3.0, float("inf"), valley, n_cells=6, n_first=2, u=0.5)
            >>> round(picker.pick(tried=[-8.5, -3.5], running=[]), 2)
            -5.0
        """
        taken = [*tried, *running]
        high = below_wall(self.low, self.high, self.wall)
        if self.elsewhere is not None and len(taken) >= self.n_first:
            if self.from_top:
                wanted = cover_from_top(self.low, high, taken)
            else:
                wanted = cover(self.low, high, taken, self.elsewhere)
            return within_cell(wanted, 2 * _SAME, low=self.low, high=high, u=self.u)
        if self.expected is None or len(taken) < self.n_first:
            return spread(
                self.low,
                self.high,
                tried=taken,
                n=self.n_cells,
                u=self.u,
            )

        wanted = self.expected.next_to_try(tried, running)
        if not self.alone:
            cell = self.expected.spacing
            wanted = within_cell(wanted, cell, low=self.low, high=high, u=self.u)
        return beside(wanted, taken, low=self.low, high=high, u=self.u)

    def pick_after(self, n: int, tried: Sequence[float], running: Sequence[float]) -> float:
        """Ln lr to try next, when n trials that were asked for earlier have no lr yet.

        They are given theirs first, as if they were running.

        Args:
            n: Number of trials that were asked for earlier.
            tried: ln lr of the finished runs of this horizon.
            running: ln lr of its runs that have not finished.

        Example:
            >>> picker = Picker(-9.0, -3.0, float("inf"), None, n_cells=6, n_first=6, u=0.5)
            >>> picker.pick_after(1, tried=[-8.5], running=[-3.5])
            -7.5
        """
        running = list(running)
        for _ in range(n):
            running.append(self.pick(tried, running))
        return self.pick(tried, running)


def below_wall(low: float, high: float, wall: float) -> float:
    """Upper end of a range of ln lr without the part that diverges.

    Args:
        low: Lower end of the range, which is never cut off.
        high: Upper end.
        wall: The lowest ln lr that diverged; infinite if there is none.

    Example:
        >>> below_wall(-9.0, -3.0, wall=-4.0)
        -4.0
    """
    return min(high, max(low, wall))


def spread(
    low: float,
    high: float,
    tried: Sequence[float],
    n: int,
    u: float,
) -> float:
    """Ln lr that helps to cover the range: in the emptiest of n equal cells, at fraction u of it.

    Of several empty cells, it is the one whose center is farthest from all ln lr that were tried.

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
    points = np.array(tried)
    width = (high - low) / n
    centers = low + (np.arange(n) + 0.5) * width

    # A range that is a single value has cells of width 0.
    cells = (points - low) / (width or 1.0)
    cells = np.clip(cells.astype(int), 0, n - 1)
    counts = np.bincount(cells, minlength=n)

    gaps = np.ones(n)
    if len(tried):
        distances = np.abs(centers[:, None] - points)
        gaps = distances.min(axis=1)

    emptiest = np.lexsort((-gaps, counts))[0]
    return float(low + (emptiest + u) * width)


def beside(
    ln_lr: float,
    tried: Sequence[float],
    low: float,
    high: float,
    u: float,
) -> float:
    """Return this ln lr, or the nearest one that a run can tell from all that were tried.

    A deterministic run of the same lr would only repeat its loss.

    Args:
        ln_lr: ln lr to try.
        tried: ln lr already tried or running.
        low: Lower end of the range.
        high: Upper end.
        u: Uniform random number in [0, 1). It keeps apart two workers that choose at once.

    Example:
        >>> beside(-6.0, tried=[-8.0], low=-9.0, high=-3.0, u=0.5)
        -6.0
        >>> beside(-6.0, tried=[-6.0], low=-9.0, high=-3.0, u=0.75)
        -5.965
    """
    taken = np.array(tried)
    if _is_free(ln_lr, taken):
        return ln_lr

    # Above first where u is large, so that two workers do not both go below.
    step = _SAME * (1 + u) * (1 if u >= 0.5 else -1)
    beside_taken = np.concatenate([taken + step, taken - step])
    free = [x for x in beside_taken.tolist() if low <= x <= high and _is_free(x, taken)]
    if free:
        return float(min(free, key=lambda x: abs(x - ln_lr)))
    return within_cell(ln_lr, 2 * _SAME, low=low, high=high, u=u)


def _is_free(ln_lr: float, taken: Floats) -> bool:
    """Whether a run can tell this ln lr from all others that are taken."""
    distances = np.abs(taken - ln_lr)
    return bool(distances.min(initial=np.inf) > _SAME)


def within_cell(
    ln_lr: float,
    width: float,
    low: float,
    high: float,
    u: float,
) -> float:
    """Ln lr at fraction u of a cell around this one.

    At the ends of the range the cell is folded: a cell that was cut off there would give all runs
    the same lr.

    Args:
        ln_lr: ln lr at the middle of the cell.
        width: Width of the cell, at most that of the range.
        low: Lower end of the range.
        high: Upper end.
        u: Uniform random number in [0, 1).

    Example:
        >>> within_cell(-6.0, 0.04, low=-9.0, high=-3.0, u=0.75)
        -5.99
        >>> within_cell(-3.0, 0.04, low=-9.0, high=-3.0, u=0.75)
        -3.01
    """
    width = min(width, high - low)
    moved = ln_lr + (u - 0.5) * width
    if moved > high:
        moved = 2 * high - moved
    if moved < low:
        moved = 2 * low - moved

    return float(np.clip(moved, low, high))
