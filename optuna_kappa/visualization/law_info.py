"""The data of the figure of a law: optima, predictions and what they are compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from optuna_kappa.law import Law, Optimum
from optuna_kappa.law.class_shares import shares_text

_Z90 = 1.64  # standard errors from the middle to an end of a 90 % interval
_BEYOND = 2.0  # without targets, the band ends at this multiple of the largest horizon
_N_BAND = 60  # points along the band

_horizon = attrgetter("horizon")


class Interval(NamedTuple):
    """An optimum, found or predicted, with its 90 % interval.

    Attributes:
        schedule: Name of the schedule.
        horizon: Horizon, in the unit of data of the law's runs.
        lr: Optimal learning rate, or the median of its distribution.
        low: Lower end of the interval.
        high: Upper end of it.

    Example:
        >>> Interval("cosine", horizon=64.0, lr=2e-3, low=1e-3, high=4e-3).lr
        0.002
    """

    schedule: str
    horizon: float
    lr: float
    low: float
    high: float


class Truth(NamedTuple):
    """An optimum known from elsewhere.

    Example:
        >>> Truth(horizon=64.0, lr=2e-3, label="grid search").label
        'grid search'
    """

    horizon: float
    lr: float
    label: str


class LawInfo(NamedTuple):
    """The data of the figure.

    Attributes:
        optima: The optima that were found.
        band: What the law predicts, of one schedule, by ascending horizon.
        targets: What it proposes for planned runs.
        truth: Optima known from elsewhere.
        paper: Horizon and lr at the ends of the line of constant kappa.
        verdict: What the law is worth, in words.
        unit: Unit of data of the law's runs.
        shares: How probable each class of slopes is, and the prior, in words.

    Example:
        >>> LawInfo([], [], [], [], [], "no runs", "samples", "prior: mixture").optima
        []
    """

    optima: list[Interval]
    band: list[Interval]
    targets: list[Interval]
    truth: list[Truth]
    paper: list[tuple[float, float]]
    verdict: str
    unit: str
    shares: str


def get_law_info(
    law: Law,
    targets: Sequence[tuple[float, str]],
    truth: Sequence[tuple[float, float, str]],
    unit: str,
) -> LawInfo:
    """The data of the figure of a law.

    Args:
        law: The law.
        targets: (horizon, schedule) of planned runs.
        truth: (horizon, lr, label) of optima known from elsewhere.
        unit: Unit of data of the law's runs.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> info = get_law_info(fit(example_runs()), [(256, "cosine")], [], "samples")
        >>> len(info.optima), info.targets[0].schedule
        (4, 'cosine')
    """
    known = [Truth(float(horizon), float(lr), label) for horizon, lr, label in truth if lr > 0]
    if not law.optima:
        return LawInfo([], [], [], known, [], str(law.verdict), unit, shares_text(law))

    optima = [observed(optimum) for optimum in law.optima]
    proposals = [predicted(law, horizon, schedule) for horizon, schedule in targets]

    smallest = min(optima, key=_horizon).horizon
    largest = max(optima, key=_horizon).horizon
    if targets:
        largest = max(largest, *(horizon for horizon, _ in targets))
    else:
        largest *= _BEYOND

    schedule = schedule_of_band(law)
    horizons = np.geomspace(smallest, largest, _N_BAND)
    band = [predicted(law, horizon, schedule) for horizon in horizons]

    # The line of constant kappa starts from the longest run, where the paper's claim fits best.
    of_schedule = [optimum for optimum in optima if optimum.schedule == schedule]
    anchor = max(of_schedule, key=_horizon)
    paper = [(d, anchor.lr * anchor.horizon / d) for d in (smallest, largest)]

    return LawInfo(
        optima=optima,
        band=band,
        targets=proposals,
        truth=known,
        paper=paper,
        verdict=str(law.verdict),
        unit=unit,
        shares=shares_text(law),
    )


def schedule_of_band(law: Law) -> str:
    """The schedule whose band is drawn: the constant rate, else the one with the most optima.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> schedule_of_band(fit(example_runs(schedule="cosine")))
        'cosine'
    """
    counts = Counter(optimum.schedule for optimum in law.optima)
    if "constant" in counts:
        return "constant"

    return counts.most_common(1)[0][0]


def observed(optimum: Optimum) -> Interval:
    """The optimum found at one horizon from its losses alone.

    Example:
        >>> optimum = Optimum("cosine", horizon=64.0, ln_lr=-6.0, se=0.0, n=5, at_edge=0)
        >>> round(observed(optimum).lr, 4)
        0.0025
    """
    low = float(np.exp(optimum.ln_lr - _Z90 * optimum.se))
    lr = float(np.exp(optimum.ln_lr))
    high = float(np.exp(optimum.ln_lr + _Z90 * optimum.se))
    return Interval(optimum.schedule, optimum.horizon, lr, low, high)


def predicted(law: Law, horizon: float, schedule: str) -> Interval:
    """The optimum that the law predicts.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> interval = predicted(fit(example_runs()), 256, "constant")
        >>> interval.low < interval.lr < interval.high
        True
    """
    ln_lr = law.predict(horizon, schedule)
    low = float(np.exp(ln_lr.quantile(0.05)))
    lr = float(np.exp(ln_lr.quantile(0.5)))
    high = float(np.exp(ln_lr.quantile(0.95)))
    return Interval(schedule, float(horizon), lr, low, high)
