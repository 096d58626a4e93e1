"""The law: the predictive distribution of the optimal lr at a (horizon, schedule).

`fit` makes a `Law` from a run table. It is immutable, goes to JSON and back, and holds the optima
it rests on; `optuna_kappa.law.model` says what it makes of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from optuna_kappa.law.diagnosis import Verdict, at_target, diagnose
from optuna_kappa.law.model import Mixture, Posterior
from optuna_kappa.law.observations import observe
from optuna_kappa.law.optimum import OWN, Optimum, find_optima
from optuna_kappa.runs import RunTable
from optuna_kappa.schedules import AnySchedule, as_schedule

_FORMAT = "optuna-kappa law 1"


@dataclass(frozen=True)
class Proposal:
    """A learning rate for a planned run.

    Attributes:
        horizon: Horizon it is for, in the unit of data of the law's runs.
        schedule: Name of the schedule it is for.
        lr: Base (peak) learning rate: the median of the law's distribution.
        low: Lower end of the 90 % interval of the optimal lr.
        high: Upper end of it.
        kappa: lr * horizon * mean(schedule); None where the schedule's shape is not known.
        verdict: What the law is worth at this horizon, in words.
    """

    horizon: float
    schedule: str
    lr: float
    low: float
    high: float
    kappa: float | None
    verdict: Verdict

    def __str__(self) -> str:
        return (
            f"lr {self.lr:.2g} (90 % interval {self.low:.2g} to {self.high:.2g}) "
            f"for {self.schedule} at horizon {self.horizon:g}; {self.verdict}"
        )


@dataclass(frozen=True)
class Law:
    """How the optimal learning rate moves with horizon and schedule, with its uncertainty.

    Attributes:
        optima: Optimum found at each (schedule, horizon); empty if no horizon had three
            learning rates with a finite loss.
    """

    optima: tuple[Optimum, ...]

    def predict(self, horizon: float, schedule: str | AnySchedule = "constant") -> Mixture:
        """Distribution of the optimal ln lr.

        Raises:
            ValueError: The horizon is not positive, the schedule is neither known nor among the
                runs, or the law has no optimum to start from.
        """
        if not self.optima:
            raise ValueError(
                "the law has nothing to start from: it needs runs with at least three "
                "learning rates and a finite loss at one horizon; run some short ones first"
            )
        given: Any = horizon  # a text would raise deep in NumPy
        if isinstance(given, str) or not 0 < given < np.inf:
            raise ValueError(f"horizon must be a positive finite number, but is {horizon!r}")
        name, mean = self._schedule(schedule, horizon)
        return self._posterior.predict(horizon, name, mean)

    def propose(self, horizon: float, schedule: str | AnySchedule = "constant") -> Proposal:
        """The lr to use for a run of this horizon and schedule.

        Raises:
            ValueError: As in `predict`.
        """
        predicted = self.predict(horizon, schedule)
        name, mean = self._schedule(schedule, horizon)
        low, lr, high = (float(np.exp(predicted.quantile(p))) for p in (0.05, 0.5, 0.95))
        kappa = None if mean is None else lr * horizon * mean
        largest = max(optimum.horizon for optimum in self.optima)
        verdict = at_target(self.verdict, low, high, horizon, largest)
        return Proposal(horizon, name, lr, low, high, kappa, verdict)

    @property
    def slope(self) -> tuple[float, float, float]:
        """-d ln lr / d ln D at the largest horizon seen: median and 90 % interval."""
        if not self.optima:
            raise ValueError("a law without optima has no slope; run some short trials first")
        low, median, high = (self._posterior.slope.quantile(p) for p in (0.05, 0.5, 0.95))
        return median, low, high

    @cached_property
    def verdict(self) -> Verdict:
        """Whether the law holds on the runs it was fitted to, with a remedy where it does not."""
        return diagnose(self.optima)

    def to_json(self) -> str:
        """The law as text, for `from_json`."""
        optima = [asdict(optimum) for optimum in self.optima]
        return json.dumps({"format": _FORMAT, "optima": optima}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Law:
        """Reads what `to_json` wrote.

        Raises:
            ValueError: The text is not a law of this version.
        """
        try:
            data: Any = json.loads(text)
            if data["format"] != _FORMAT:
                raise ValueError(f"its format is {data['format']!r}, but {_FORMAT!r} is needed")
            return cls(tuple(_checked(Optimum(**optimum)) for optimum in data["optima"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"not a law written by Law.to_json: {error}") from error

    @cached_property
    def _posterior(self) -> Posterior:
        return Posterior(self.optima)

    def _schedule(self, schedule: str | AnySchedule, horizon: float) -> tuple[str, float | None]:
        """Name and mean multiplier, None where only the name is known."""
        try:
            resolved = as_schedule(schedule)
        except ValueError:
            # A name that the runs have need not be one that can be parsed.
            means = {o.mean for o in self.optima if o.schedule == schedule}
            if isinstance(schedule, str) and len(means) == 1:
                return schedule, means.pop()
            raise
        return resolved.name, resolved.resolve(horizon).mean


def fit(
    runs: RunTable | Sequence[RunTable], schedules: Mapping[str, AnySchedule] | None = None
) -> Law:
    """Fits the law to the runs of one context.

    Args:
        runs: Run table; constant-rate runs count at every horizon up to their own. Of several
            tables the last one is what proposals are for; the optima of the others (a smaller
            model's, say) are found one by one and joined, as far as they carry over.
        schedules: Shapes of schedules that the tables name but `optuna_kappa.schedules` cannot
            parse. A name found in neither is a schedule of unknown shape: its optima still show
            how the optimum moves, but not what another schedule's would be.

    Raises:
        ValueError: A horizon has more than 100,000 periods of its schedule: their units differ.
    """
    shapes = dict(schedules or {})
    tables = [runs] if isinstance(runs, RunTable) else list(runs)
    if not all(isinstance(table, RunTable) for table in tables):
        raise ValueError(
            f"fit needs a RunTable or several, but got {runs!r}; read_csv makes one of a file, "
            "run_table of a study"
        )
    optima = []
    for i, table in enumerate(tables, start=1):
        for found in find_optima(observe(table)):
            mean = _mean(found.schedule, found.horizon, shapes)
            optima.append(replace(found, mean=mean, table=OWN if i == len(tables) else i))
    return Law(tuple(optima))


def _mean(name: str, horizon: float, shapes: Mapping[str, AnySchedule]) -> float | None:
    try:
        schedule = shapes[name] if name in shapes else as_schedule(name)
    except ValueError:
        return None
    return schedule.resolve(horizon).mean


def _checked(optimum: Optimum) -> Optimum:
    """An optimum as read from a file, if its numbers make sense."""
    positive = (optimum.horizon, optimum.se, 1.0 if optimum.mean is None else optimum.mean)
    fine = all(0 < number < np.inf for number in positive) and np.isfinite(optimum.ln_lr)
    if not fine or not isinstance(optimum.schedule, str):
        raise ValueError(f"{optimum} has a value that is not allowed")
    return optimum
