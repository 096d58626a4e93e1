"""Which learning rate to try next where the losses locate nothing.

On a plateau all losses tie, so nothing is learned from where they were measured, except that
nothing is there. What is left is to look everywhere:

    the first runs of a horizon        go to the middle of a cell each, of eight equal cells of ln
                                       lr; those farthest from what any horizon has seen come first
    once every cell of it has a run    to the middle of the widest gap, which is half a cell

So after eight runs of a horizon, no stretch of an eighth of the range is unseen. Where losses do
differ, but no run has learned anything yet, the highest rates come first (`cover_from_top`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optuna_kappa._typing import Floats, Rows

N_CELLS = 8  # runs of a horizon that cover the range once


def cover(
    low: float,
    high: float,
    tried: Sequence[float],
    elsewhere: Sequence[float],
) -> float:
    """Ln lr that helps most to cover a range in which nothing has been found.

    Args:
        low: Lower end of the range.
        high: Upper end, below all rates that diverged.
        tried: ln lr already tried or running at the horizon.
        elsewhere: ln lr tried at other horizons.

    Example:
        >>> cover(-8.0, 0.0, tried=[-7.5, -1.5], elsewhere=[])
        -4.5
        >>> cover(-8.0, 0.0, tried=[-7.5, -1.5], elsewhere=[-5.0])
        -3.5
    """
    cell = (high - low) / N_CELLS
    if cell <= 0:
        return low

    own = _inside(tried, low, high)
    n_own = _by_cell(own, low, cell)
    if n_own.all():
        return _widest_gap(low, high, own)

    seen = np.concatenate([own, _inside(elsewhere, low, high)])
    n_seen = _by_cell(seen, low, cell)
    centers = low + (np.arange(N_CELLS) + 0.5) * cell
    room = np.ones(N_CELLS)
    if len(seen):
        room = np.abs(centers[:, None] - seen).min(axis=1)

    first = np.lexsort((-room, n_seen, n_own))[0]
    return float(centers[first])


def cover_from_top(low: float, high: float, tried: Sequence[float]) -> float:
    """Ln lr in the middle of the highest cell that has no run yet.

    A plateau that ends at one cumulative learning is left first by the highest rate that trains.

    Args:
        low: Lower end of the range.
        high: Upper end, below all rates that diverged.
        tried: ln lr already tried or running at the horizon.

    Example:
        >>> cover_from_top(-8.0, 0.0, tried=[-0.5, -5.0])
        -1.5
    """
    cell = (high - low) / N_CELLS
    if cell <= 0:
        return low

    own = _inside(tried, low, high)
    free = np.flatnonzero(_by_cell(own, low, cell) == 0)
    if not len(free):
        return _widest_gap(low, high, own)
    return float(low + (free[-1] + 0.5) * cell)


def _inside(ln_lr: Sequence[float], low: float, high: float) -> Floats:
    """Those ln lr that lie in the range, ascending."""
    values = np.sort(np.array(ln_lr, dtype=np.float64))
    inside: Floats = values[(values >= low) & (values <= high)]
    return inside


def _by_cell(ln_lr: Floats, low: float, cell: float) -> Rows:
    """Number of ln lr in each cell, shape `(N_CELLS,)`."""
    index = np.minimum((ln_lr - low) / cell, N_CELLS - 1)
    counts: Rows = np.bincount(index.astype(int), minlength=N_CELLS)
    return counts


def _widest_gap(low: float, high: float, own: Floats) -> float:
    """The middle of the widest gap between the ln lr tried and the ends of the range."""
    edges = np.concatenate([[low], own, [high]])
    widest = int(np.argmax(np.diff(edges)))
    return float(edges[widest : widest + 2].mean())
