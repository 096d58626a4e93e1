"""The data of the figure of a law: optima, predictions and what they are compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from optuna_kappa.law import Law, Optimum
from optuna_kappa.schedules import AnySchedule
from optuna_kappa.visualization.classes import Share, by_class, class_shares
from optuna_kappa.visualization.searched import Searched

_Z90 = 1.64  # standard errors from the middle to an end of a 90 % interval
_BEYOND = 2.0  # without targets, the band ends at this multiple of the largest horizon
_N_BAND = 60  # points along the band
_N_CLASS = 16  # points along the line of a class

_horizon = attrgetter("horizon")


class Interval(NamedTuple):
    """An optimum, found or predicted, with its 90 % interval.

    Attributes:
        schedule: Name of the schedule.
        horizon: Horizon, in the unit of data of the law's runs.
        lr: Optimal learning rate, or the median of its distribution.
        low: Lower end of the interval.
        high: Upper end of it.
        at_edge: Whether the best rate was the lowest or highest one tried.

    Example:
        >>> Interval("cosine", horizon=64.0, lr=2e-3, low=1e-3, high=4e-3).lr
        0.002
    """

    schedule: str
    horizon: float
    lr: float
    low: float
    high: float
    at_edge: bool = False


class ClassLine(NamedTuple):
    """What one of the prior's classes of slopes expects.

    Attributes:
        share: The class, with its probabilities.
        horizon: Horizons, ascending.
        lr: Optimal learning rate at each of them, if the class is the right one.

    Example:
        >>> ClassLine(Share("flat", 0.25, 0.1), horizon=[1.0, 8.0], lr=[0.1, 0.1]).share.name
        'flat'
    """

    share: Share
    horizon: list[float]
    lr: list[float]


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
        prior: Name of the prior.
        classes: What each of its classes of slopes expects, over the horizons of the band.

    Example:
        >>> LawInfo([], [], [], [], [], "no runs", "samples", "mixture", []).optima
        []
    """

    optima: list[Interval]
    band: list[Interval]
    targets: list[Interval]
    truth: list[Truth]
    paper: list[tuple[float, float]]
    verdict: str
    unit: str
    prior: str
    classes: list[ClassLine]


def get_law_info(
    law: Law,
    targets: Sequence[tuple[float, str | AnySchedule]],
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
        return LawInfo([], [], [], known, [], str(law.verdict), unit, law.prior.name, [])

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
        prior=law.prior.name,
        classes=_class_lines(law, smallest, largest, schedule),
    )


def full_run(known: Searched) -> list[tuple[float, AnySchedule]]:
    """Horizon and schedule of the full run of a study; empty where its schedule has no shape.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> from optuna_kappa.visualization.searched import searched
        >>> study = optuna.create_study(sampler=KappaSampler(24, schedule="cosine", seed=0))
        >>> [(horizon, schedule.name) for horizon, schedule in full_run(searched(study))]
        [(24.0, 'cosine')]
    """
    if not known.horizon or known.shape is None:
        return []
    return [(float(known.horizon), known.shape)]


def _class_lines(law: Law, smallest: float, largest: float, schedule: str) -> list[ClassLine]:
    """What each class expects, from one horizon to another."""
    horizons = np.geomspace(smallest, largest, _N_CLASS).tolist()
    at_each = [by_class(law, horizon, schedule) for horizon in horizons]

    lines = []
    for share in class_shares(law):
        if not share.posterior:
            continue
        lrs = []
        for parts in at_each:
            part = parts[share.name]
            lrs.append(float(np.exp(part.weight @ part.mean / part.weight.sum())))
        lines.append(ClassLine(share, horizons, lrs))
    return lines


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
    at_edge = bool(optimum.at_edge)
    return Interval(optimum.schedule, optimum.horizon, lr, low, high, at_edge)


def predicted(law: Law, horizon: float, schedule: str | AnySchedule) -> Interval:
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
    name = schedule if isinstance(schedule, str) else schedule.name
    return Interval(name, float(horizon), lr, low, high)
