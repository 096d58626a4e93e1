"""The rates that end a run lowest, by the loss law: the open loop for one horizon.

A greedy choice, the rate that lowers the loss most at each step, is orders of magnitude too small
(arXiv 1803.02021): a high rate makes progress that shows only once the rate has fallen. So whole
schedules are compared, by the loss at their end.

The schedules that are compared hold a peak rate and then fall to nearly nothing:

    rate(p) = peak * max(((1 - p) / (1 - s))^n, 1/1000)    for p > s

with p the part of the run after its warm-up that is done, the peak within the fitted rates (or
the only one that the fitted runs had), the fall at least a fifth of the run (s <= 0.8), and n from
1/2 to 2. Constant rates, cosines, lines, and the falls that are best by Hägele et al., 2024 (arXiv
2405.18392) are all near one of them. A search over all schedules would end where the law is
furthest from what it was fitted to: it makes the peak as high as it can be, and drops it at the
very end.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.optimize import minimize

from optuna_kappa._typing import Floats
from optuna_kappa.psi.loss_law import LossLaw
from optuna_kappa.psi.planned import LEAST_RATE, PLACES
from optuna_kappa.psi.terms import Terms

_PEAKS = 16  # tried as starts, from the largest fitted rate ...
_LOWEST_PEAK = np.log(1 / 256)  # ... to this share of it
_HOLDS = (0.0, 0.3, 0.6, 0.8)  # s of the starts, the last is the largest allowed
_POWERS = (0.5, 1.0, 2.0)  # n of the starts, and the limits
_GO_ON = 2  # starts from which the search goes on


def best_schedule(law: LossLaw, horizon: float, warmup: float) -> tuple[Floats, Floats, Floats]:
    """Rates that end a run of a horizon lowest.

    Args:
        law: The loss law.
        horizon: Data of the run.
        warmup: Data over which the rate rises linearly from 0, below the horizon.

    Returns:
        Data seen, rate and loss at each place of the run, each of shape (40,).

    Example:
        >>> values = np.array([2, 0, -0.7, -1, 1, 0.5, -0.5, 0, 0])
        >>> law = LossLaw(values, np.zeros((9, 9)), 0.1, 3.0, 0.001, 0.001)
        >>> step, rate, loss = best_schedule(law, horizon=100, warmup=0)
        >>> bool(rate[0] > 0.09), bool(rate[-1] < 0.01)
        (True, True)
    """
    step = warmup + (horizon - warmup) * PLACES
    rest = 1 - PLACES

    def terms(x: Floats) -> Terms:
        log_peak, hold, power = x
        fall = np.minimum(rest / (1 - hold), 1.0) ** power
        return _terms(law, step, np.exp(log_peak) * np.maximum(fall, LEAST_RATE), warmup)

    def end(x: Floats) -> float:
        return float(terms(x).loss(law.values, slice(-1, None))[0])

    lowest_peak = 0.0 if law.one_peak else max(np.log(law.rate_low / law.rate_unit), _LOWEST_PEAK)
    peaks = np.unique(np.linspace(lowest_peak, 0.0, _PEAKS))
    starts = sorted((np.array(start) for start in product(peaks, _HOLDS, _POWERS)), key=end)
    bounds = [(lowest_peak, 0.0), (_HOLDS[0], _HOLDS[-1]), (_POWERS[0], _POWERS[-1])]
    found = [minimize(end, one, method="L-BFGS-B", bounds=bounds).x for one in starts[:_GO_ON]]

    best = terms(min([*found, starts[0]], key=end))
    return step, best.rate * law.rate_unit, best.loss(law.values)


def _terms(law: LossLaw, step: Floats, rate: Floats, warmup: float) -> Terms:
    unit = law.kappa_unit / law.rate_unit
    return Terms(
        start=float(step[0]) / unit,
        warmup=warmup / unit,
        log_mean=np.log((rate[1:] + rate[:-1]) / 2),
        data=np.diff(step) / unit,
        rate=rate,
        jump=np.zeros(len(step) - 1, dtype=bool),
    )
