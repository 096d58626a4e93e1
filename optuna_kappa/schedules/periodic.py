"""Schedules that are fixed over periods of data, whatever the horizon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from optuna_kappa._validation import POSITIVE, shown
from optuna_kappa.schedules.schedule import HORIZON, Schedule, check_name

# No run has as many epochs: with more periods, horizon and period are in different units.
_MAX_PERIODS = 100_000


@dataclass(frozen=True)
class PeriodicSchedule:
    """A schedule fixed per period of data, such as "halve after each epoch".

    Its shape over the fraction of the horizon depends on how many periods the horizon has;
    `resolve` returns it. Two periodic schedules are equal if their names and periods are.

    Attributes:
        name: Canonical name; `parse` reads back the names of the built-in schedules.
        period: Data in one period, > 0, in the unit of the horizon.
        divide: Function from the number of periods in the horizon to the schedule. The number is
            above 0 and need not be whole: the last period is then cut short.

    Raises:
        ValueError: If the name is empty or the period not a positive number.

    Example:
        >>> from optuna_kappa.schedules import linear
        >>> warm = PeriodicSchedule("first 100 up", period=100, divide=lambda n: linear(1 / n))
        >>> warm.resolve(horizon=1000) == linear(warmup=0.1)
        True
    """

    name: str
    period: float
    divide: Callable[[float], Schedule] = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        POSITIVE.check("period", self.period, "it is data per piece, in the unit of the horizon")
        if not callable(self.divide):
            raise ValueError(
                f"divide must be a function, got {shown(self.divide)}: it makes the schedule of "
                "a number of periods."
            )

    def resolve(self, horizon: float) -> Schedule:
        """Return the schedule over the fraction of a horizon.

        Args:
            horizon: Data the run is planned to see, > 0, in the unit of the period.

        Raises:
            ValueError: If the horizon is not positive, or has more than 100,000 periods.

        Example:
            >>> from optuna_kappa.schedules import step
            >>> step(period=30_000).resolve(horizon=75_000).name
            'step(n=2.5)'
        """
        n_periods = POSITIVE.check("horizon", horizon, HORIZON) / self.period

        if not 0 < n_periods <= _MAX_PERIODS:
            raise ValueError(
                f"horizon must be at most {_MAX_PERIODS} periods of {self.period:g} long for "
                f"{self.name}, got {shown(horizon)}: give the period and the horizon in one unit."
            )
        return self.divide(n_periods)

    @property
    def beginning_is_shorter_run(self) -> bool:
        """Whether the first part of a run is the same as a run of a shorter horizon.

        This always holds: the rate depends on the data seen so far, not on the data to come.

        Example:
            >>> from optuna_kappa.schedules import step
            >>> step(period=30_000).beginning_is_shorter_run
            True
        """
        return True


AnySchedule: TypeAlias = Schedule | PeriodicSchedule
