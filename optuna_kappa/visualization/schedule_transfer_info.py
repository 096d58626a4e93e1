"""The data of the figure of schedule transfer: optima of schedules, over what others expect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from optuna_kappa.law import Law, Optimum
from optuna_kappa.schedules import AnySchedule, find_schedule
from optuna_kappa.visualization.law_info import Interval, observed, predicted, schedule_of_band

_N_BAND = 24  # points along a band
_ALONE = 1.4  # a band around a single horizon reaches this factor to both sides


class Rules(NamedTuple):
    """What is expected at one horizon, as factors of the law's median.

    Attributes:
        horizon: The horizon.
        low: Lower end of the law's 90 % interval.
        high: Upper end of it.
        same_kappa: The rate of the same kappa as the base schedule's optimum.
        same_peak: The rate of the same peak as the base schedule's optimum.

    Example:
        >>> Rules(64.0, low=0.7, high=1.4, same_kappa=1.2, same_peak=0.6).same_kappa
        1.2
    """

    horizon: float
    low: float
    high: float
    same_kappa: float
    same_peak: float


class Carried(NamedTuple):
    """How well the optima of one schedule are expected from those of another.

    Attributes:
        schedule: Name of the schedule.
        found: Its optima, with 90 % intervals, as factors of what the law expects from the base
            schedule alone.
        lr: Learning rates of these optima.
        rules: What the law and two simple rules expect, by ascending horizon.

    Example:
        >>> Carried("cosine", [], [], []).schedule
        'cosine'
    """

    schedule: str
    found: list[Interval]
    lr: list[float]
    rules: list[Rules]


class ScheduleTransferInfo(NamedTuple):
    """The data of the figure.

    Attributes:
        base: Schedule from which the others are expected: the constant rate, or the one with the
            most optima.
        carried: The other schedules.
        shapeless: Schedules of which only the name is known, so nothing is expected of them.
        unit: Unit of data of the law's runs.

    Example:
        >>> ScheduleTransferInfo("constant", [], ["mine"], "steps").shapeless
        ['mine']
    """

    base: str
    carried: list[Carried]
    shapeless: list[str]
    unit: str


def get_schedule_transfer_info(law: Law, unit: str) -> ScheduleTransferInfo:
    """What the figure shows of a law.

    Args:
        law: The law.
        unit: Unit of data of its runs.

    Example:
        >>> from optuna_kappa import RunTable, fit
        >>> from optuna_kappa.runs import example_runs
        >>> tables = [example_runs(), example_runs(schedule="cosine")]
        >>> info = get_schedule_transfer_info(fit(RunTable.concatenate(tables)), "samples")
        >>> info.base, [carried.schedule for carried in info.carried]
        ('constant', ['cosine'])
    """
    if not law.optima:
        return ScheduleTransferInfo("", [], [], unit)

    base = schedule_of_band(law)
    by_schedule: dict[str, list[Optimum]] = {}
    for optimum in law.optima:
        by_schedule.setdefault(optimum.schedule, []).append(optimum)

    from_base = replace(law, optima=tuple(by_schedule[base]))
    base_shape = find_schedule(base)
    carried = []
    shapeless = []
    for name, optima in by_schedule.items():
        shape = find_schedule(name)
        if name == base:
            continue
        if shape is None or base_shape is None:
            shapeless.append(name)
        else:
            carried.append(_carried(from_base, base_shape, shape, optima))

    return ScheduleTransferInfo(base, carried, shapeless, unit)


def _carried(
    law: Law,
    base: AnySchedule,
    shape: AnySchedule,
    optima: Sequence[Optimum],
) -> Carried:
    """How well the law of the base schedule expects the optima of another one."""
    found = []
    lrs = []
    for optimum in sorted(optima, key=lambda one: one.horizon):
        seen = observed(optimum)
        expected = predicted(law, optimum.horizon, shape).lr
        lrs.append(seen.lr)
        found.append(
            seen._replace(
                lr=seen.lr / expected, low=seen.low / expected, high=seen.high / expected
            )
        )

    horizons = [optimum.horizon for optimum in optima]
    low, high = min(horizons), max(horizons)
    if low == high:
        low, high = low / _ALONE, high * _ALONE
    grid = np.geomspace(low, high, _N_BAND).tolist()
    rules = [_rules(law, base, shape, horizon) for horizon in grid]
    return Carried(shape.name, found, lrs, rules)


def _rules(law: Law, base: AnySchedule, shape: AnySchedule, horizon: float) -> Rules:
    """What is expected at one horizon, over the law's median."""
    expected = predicted(law, horizon, shape)
    of_base = predicted(law, horizon, base).lr
    base_here, here = base.resolve(horizon), shape.resolve(horizon)
    return Rules(
        horizon=horizon,
        low=expected.low / expected.lr,
        high=expected.high / expected.lr,
        same_kappa=of_base * base_here.mean / here.mean / expected.lr,
        same_peak=of_base * base_here.peak / here.peak / expected.lr,
    )
