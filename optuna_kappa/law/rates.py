"""Which learning rates count as one."""

from __future__ import annotations

import numpy as np

from optuna_kappa._typing import Floats, Rows

# With more distinct rates than this, rates in the same cell of width _SAME_RATE (in ln lr) count
# as one; cells begin at the lowest rate. A valley is far wider than a cell, and the cost of a fit
# grows with the number of rates.
_MANY_RATES = 30
_SAME_RATE = 0.05

# Rates are the same if their logarithms differ by rounding only.
SAME_LN_LR = 1e-9


def distinct(ln_lr: Floats) -> tuple[Floats, Rows]:
    """Return the distinct rates, ascending, and for each run the index of its rate.

    If there are many, rates in the same cell count as one, at their mean.

    Example:
        >>> x, rate_of_run = distinct(np.array([-5.0, -7.0, -5.0]))
        >>> x.tolist(), rate_of_run.tolist()
        ([-7.0, -5.0], [1, 0, 1])
    """
    x, rate_of_run = np.unique(ln_lr, return_inverse=True)

    is_apart = np.diff(x) > SAME_LN_LR
    if len(x) > _MANY_RATES:
        cells = np.floor((x - x[0]) / _SAME_RATE + SAME_LN_LR)
        is_apart = np.diff(cells) > 0
    if is_apart.all():
        return x, rate_of_run

    cell_of_rate = np.concatenate([[0], np.cumsum(is_apart)])
    count = np.bincount(cell_of_rate)
    total = np.bincount(cell_of_rate, weights=x)
    return total / count, cell_of_rate[rate_of_run]
