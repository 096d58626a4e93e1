"""The law: the predictive distribution of the optimal lr at a (horizon, schedule).

`fit` makes a `Law` from a run table. It is immutable, goes to JSON and back, and holds the optima
it rests on; `optuna_kappa.law.posterior` says what it makes of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from optuna_kappa.law.checks import Checks, check
from optuna_kappa.law.contexts import Context
from optuna_kappa.law.mixture import Mixture
from optuna_kappa.law.optimum import Optimum
from optuna_kappa.law.posterior import Posterior
from optuna_kappa.law.verdict import Verdict, at_target, diagnose
from optuna_kappa.schedules import AnySchedule, as_schedule
from optuna_kappa.schedules.kappa import kappa

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
        related: Optima of other contexts (`fit_contexts`), which count as far as their contexts
            are like this one.
        context: Values of the context columns that it is for.
    """

    optima: tuple[Optimum, ...]
    related: tuple[Optimum, ...] = ()
    context: Context = ()

    def predict(self, horizon: float, schedule: str | AnySchedule = "constant") -> Mixture:
        """Distribution of the optimal ln lr.

        Raises:
            ValueError: The horizon is not positive, the schedule is neither known nor among the
                runs, or the law has no optimum to start from.
        """
        if not self._posterior.optima:
            raise ValueError(
                "the law has nothing to start from: it needs runs with at least three "
                "learning rates and a finite loss at one horizon; run some short ones first"
            )
        given: Any = horizon  # a text would raise deep in NumPy
        if isinstance(given, str) or not 0 < given < np.inf:
            raise ValueError(f"horizon must be a positive finite number, but is {horizon!r}")
        return self._posterior.predict(horizon, *self._shape(schedule, horizon))

    def propose(self, horizon: float, schedule: str | AnySchedule = "constant") -> Proposal:
        """The lr to use for a run of this horizon and schedule.

        Raises:
            ValueError: As in `predict`.
        """
        predicted = self.predict(horizon, schedule)
        name, mean, _ = self._shape(schedule, horizon)
        low, lr, high = (float(np.exp(predicted.quantile(p))) for p in (0.05, 0.5, 0.95))
        cumulative = None if mean is None else kappa(lr, horizon, mean)
        largest = max(optimum.horizon for optimum in self.optima or self._posterior.optima)
        verdict = at_target(self.verdict, low, high, horizon, largest)
        return Proposal(horizon, name, lr, low, high, cumulative, verdict)

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
        return diagnose(self.optima, self.related, self.context)

    @cached_property
    def checks(self) -> Checks:
        """Numbers that the verdict rests on."""
        return check(self.optima, self.related, self.context)

    def to_json(self) -> str:
        """The law as text, for `from_json`."""
        return json.dumps({"format": _FORMAT} | asdict(self), indent=1)

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
            own, related = (
                tuple(_checked(found) for found in data[name]) for name in ("optima", "related")
            )
            return cls(own, related, _context(data["context"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"not a law written by Law.to_json: {error}") from error

    @cached_property
    def _posterior(self) -> Posterior:
        return Posterior((*self.optima, *self.related), self.context)

    def _shape(
        self, schedule: str | AnySchedule, horizon: float
    ) -> tuple[str, float | None, float | None]:
        """Name, mean and peak multiplier, None where only the name is known."""
        try:
            resolved = as_schedule(schedule)
        except ValueError:
            # A name that the runs have need not be one that can be parsed.
            shapes = {(o.mean, o.peak) for o in self.optima if o.schedule == schedule}
            if isinstance(schedule, str) and len(shapes) == 1:
                return schedule, *shapes.pop()
            raise
        shape = resolved.resolve(horizon)
        return resolved.name, shape.mean, shape.peak


def _context(pairs: Any) -> Context:
    return tuple((str(name), str(value)) for name, value in pairs)


def _checked(read: Mapping[str, Any]) -> Optimum:
    """An optimum as read from a file, if its numbers make sense."""
    optimum = Optimum(**{**read, "context": _context(read["context"])})
    positive = (optimum.horizon, optimum.se, optimum.mean, optimum.peak)
    fine = all(number is None or 0 < number < np.inf for number in positive) and np.isfinite(
        optimum.ln_lr
    )
    if not fine or not isinstance(optimum.schedule, str):
        raise ValueError(f"{optimum} has a value that is not allowed")
    return optimum
