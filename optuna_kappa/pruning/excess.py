r"""The excess of runs over the best: the quantity in which a forecast is made.

At phase u of K, let y_i(u) be the loss of run i (its logarithm, where all losses are positive) and
b(u) the lowest of all runs there. The excess of run i is

    z_i(u) = sgn(y - b) ln(1 + |y - b| / c)

with the unit c a part of what the best gained over a run. No level of a loss enters it, only how
far a run is behind. The scatter of a run's own reports adds to z a noise of variance

    min(S (scatter / (c + |y - b|))^2 / reports averaged, 4)

c and S are in `constants.py`; at the last phase S is S_K, and nothing is averaged.
"""

from __future__ import annotations

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.pruning.constants import FITTED
from optuna_kappa.pruning.history import History

MOST_NOISE = 4.0  # prior variance of z that noise adds at most

# Runs that have learned nothing gained nothing, but the unit must be above 0. So a least gain is
# assumed. Where losses have no logarithms it is the usual scatter, or what rounding alone may do.
_LEAST_GAIN = 1e-3  # in ln loss
_ROUNDING = 1e-12  # in parts of the best loss
_SMALLEST = 1e-300  # in loss


def excess(y: Floats, best: Floats, unit: float) -> Floats:
    """Signed log excess over the best loss: z = sgn(y - best) ln(1 + |y - best| / unit).

    Args:
        y: Losses or their logarithms.
        best: The lowest of all runs at the same phases.
        unit: c, in the same unit.

    Example:
        >>> best = np.array([1.0, 1.0])
        >>> excess(np.array([1.0, 1.5]), best, unit=0.5).round(3).tolist()  # ln 2 = 0.693
        [0.0, 0.693]
    """
    behind = y - best
    in_units = np.abs(behind) / unit
    return np.asarray(np.sign(behind) * np.log1p(in_units))


def usual_scatter(history: History, rows: np.ndarray) -> float:
    """Median scatter of whole runs at the end; 0 where none is known.

    Args:
        history: Finished runs.
        rows: Rows of the runs that count.

    Example:
        The curves of the example are smooth, so they hardly scatter:

        >>> from optuna_kappa.pruning import example_history
        >>> usual_scatter(example_history(), rows=np.arange(5)) < 0.01
        True
    """
    scatter = history.scatter[rows, -1]
    of_whole = scatter[history.whole[rows]]
    known = of_whole[np.isfinite(of_whole)]
    return float(np.median(known)) if len(known) else 0.0


def unit_of(history: History, usual: float) -> float:
    """c, the unit of excess: a part of what the best gained from its worst phase to the end.

    Args:
        history: Finished runs.
        usual: Their usual scatter.

    Example:
        >>> from optuna_kappa.pruning import example_history
        >>> history = example_history()
        >>> gained = history.lowest.max() - history.lowest[-1]
        >>> float(round(unit_of(history, usual=0.0) / gained, 3))
        0.305
    """
    best = history.lowest
    least = _LEAST_GAIN
    if not history.logarithmic:
        least = max(usual, _ROUNDING * abs(best[-1]), _SMALLEST)

    gained = float(np.nanmax(best) - best[-1])
    return FITTED.unit_share * max(gained, least)


def noise_of(history: History, rows: np.ndarray, unit: float) -> Floats:
    """Variance that the scatter of reports adds to z, shape `(n, K)`; at most 4.

    Args:
        history: Finished runs.
        rows: Rows of n of these runs.
        unit: c, the unit of excess.

    Example:
        >>> from optuna_kappa.pruning import example_history
        >>> history = example_history()
        >>> noise = noise_of(history, rows=np.array([0, 2]), unit=0.1)
        >>> noise.shape == (2, len(history.phases))
        True
    """
    behind = np.abs(history.value[rows] - history.lowest)
    distance = unit + np.nan_to_num(behind)
    scatter = np.nan_to_num(history.scatter[rows]) / distance

    share = np.full(scatter.shape, FITTED.scatter_share) / history.averaged[rows]
    share[:, -1] = FITTED.scatter_share_last
    return np.asarray(np.minimum(share * scatter**2, MOST_NOISE))
