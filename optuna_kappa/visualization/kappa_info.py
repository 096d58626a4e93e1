"""The data of the figure of kappa: cumulative learning at the optima, found and predicted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from optuna_kappa.law import Law
from optuna_kappa.schedules import CONSTANT, AnySchedule, find_schedule
from optuna_kappa.visualization.law_info import Interval, observed, predicted, schedule_of_band
from optuna_kappa.visualization.searched import Searched

_N_BAND = 40  # points along the band
_BEYOND = 2.0  # without a target, the band ends at this multiple of the largest horizon


class Kappa(NamedTuple):
    """Cumulative learning of an optimum, with its 90 % interval.

    Attributes:
        schedule: Name of the schedule.
        horizon: Horizon, in the unit of data of the law's runs.
        kappa: lr * horizon * mean of the schedule.
        low: Lower end of the interval.
        high: Upper end of it.
        at_edge: Whether the best rate was the lowest or the highest one tried.

    Example:
        >>> Kappa("constant", 64.0, kappa=0.1, low=0.05, high=0.2, at_edge=False).kappa
        0.1
    """

    schedule: str
    horizon: float
    kappa: float
    low: float
    high: float
    at_edge: bool


class KappaInfo(NamedTuple):
    """The data of the figure.

    Attributes:
        optima: The optima that were found, by schedule and ascending horizon.
        band: What the law predicts of one schedule, by ascending horizon.
        target: What it predicts for a full run; None if no run is planned.
        constant: Kappa of the longest run of the band's schedule.
        variation: Coefficient of variation of the kappas of long horizons; None for fewer than
            two.
        shapeless: Schedules whose kappa is not known, since their shape is not.
        unit: Unit of data of the law's runs.

    Example:
        >>> KappaInfo([], [], None, None, None, ["mine"], "steps").shapeless
        ['mine']
    """

    optima: list[Kappa]
    band: list[Kappa]
    target: Kappa | None
    constant: float | None
    variation: float | None
    shapeless: list[str]
    unit: str


def get_kappa_info(known: Searched, unit: str = "steps") -> KappaInfo:
    """What the figure shows of a study.

    Args:
        known: The study.
        unit: Unit of its steps.

    Example:
        >>> import optuna
        >>> from optuna_kappa.visualization.searched import searched
        >>> get_kappa_info(searched(optuna.create_study())).optima
        []
    """
    return info_of_law(known.law, _target(known), unit)


def predicted_kappa(known: Searched) -> tuple[float, float, float] | None:
    """Kappa of the best full run, as the law expects it: lower end, median and upper end.

    None as long as there is no law, or where the shape of the schedule is not known.

    Example:
        >>> import optuna
        >>> from optuna_kappa.visualization.searched import searched
        >>> predicted_kappa(searched(optuna.create_study())) is None
        True
    """
    target = _target(known)
    if target is None or not known.law.optima:
        return None

    expected = _expected(known.law, *target)
    return expected.low, expected.kappa, expected.high


def _target(known: Searched) -> tuple[float, AnySchedule] | None:
    if not known.horizon or known.shape is None:
        return None
    return float(known.horizon), known.shape


def _expected(law: Law, horizon: float, shape: AnySchedule) -> Kappa:
    return _kappa(predicted(law, horizon, shape), shape.resolve(horizon).mean)


def info_of_law(law: Law, target: tuple[float, AnySchedule] | None, unit: str) -> KappaInfo:
    """What the figure shows of a law.

    Args:
        law: The law.
        target: Horizon and schedule of a planned run; None for none.
        unit: Unit of data of the law's runs.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> info = info_of_law(fit(example_runs(slope=1.0)), None, "samples")
        >>> round(info.constant, 2), len(info.optima)
        (0.01, 4)
    """
    optima: list[Kappa] = []
    shapeless: set[str] = set()
    for optimum in law.optima:
        if optimum.mean is None:
            shapeless.add(optimum.schedule)
        else:
            optima.append(_kappa(observed(optimum), optimum.mean))
    optima.sort(key=lambda one: (one.schedule != CONSTANT, one.schedule, one.horizon))

    expected = None
    if target is not None and law.optima:
        expected = _expected(law, *target)

    band = _band(law, optima, expected)
    of_band = [one for one in optima if band and one.schedule == band[0].schedule]
    return KappaInfo(
        optima=optima,
        band=band,
        target=expected,
        constant=of_band[-1].kappa if of_band else None,
        variation=law.checks.kappa_cv if law.optima else None,
        shapeless=sorted(shapeless),
        unit=unit,
    )


def _kappa(optimum: Interval, mean: float) -> Kappa:
    """Cumulative learning at an optimum."""
    factor = optimum.horizon * mean
    return Kappa(
        optimum.schedule,
        optimum.horizon,
        factor * optimum.lr,
        factor * optimum.low,
        factor * optimum.high,
        optimum.at_edge,
    )


def _band(law: Law, optima: Sequence[Kappa], target: Kappa | None) -> list[Kappa]:
    """What the law predicts, from the smallest horizon to beyond the largest one."""
    if not optima:
        return []

    name = schedule_of_band(law)
    shape = find_schedule(name)
    if shape is None:
        return []

    horizons = [one.horizon for one in optima]
    end = _BEYOND * max(horizons)
    if target is not None:
        end = max(*horizons, target.horizon)

    band = []
    for horizon in np.geomspace(min(horizons), end, _N_BAND).tolist():
        band.append(_kappa(predicted(law, horizon, name), shape.resolve(horizon).mean))
    return band
