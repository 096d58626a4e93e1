"""The law: the predictive distribution of the optimal lr at a (horizon, schedule).

`fit` makes a `Law` from a run table. A law is immutable, can be written to JSON and read back, and
holds the optima that it rests on. `optuna_kappa.law.posterior` computes its predictions from them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np

from optuna_kappa._validation import REACH, check_items
from optuna_kappa.law.checks import Checks, check
from optuna_kappa.law.contexts import Context
from optuna_kappa.law.law_file import FORMAT, read_law
from optuna_kappa.law.mixture import Mixture
from optuna_kappa.law.optimum import Optimum
from optuna_kappa.law.posterior import Posterior, posterior_of
from optuna_kappa.law.prior import MIXTURE, Prior
from optuna_kappa.law.verdict import Verdict, at_target, diagnose
from optuna_kappa.schedules import AnySchedule, as_schedule
from optuna_kappa.schedules.kappa import kappa

_MOST_LN = 400.0  # absolute value, of a proposal: its kappa, too, is then within what floats hold


@dataclass(frozen=True)
class Proposal:
    """A learning rate for a planned run.

    Attributes:
        horizon: Horizon of the planned run, in the unit of data of the law's runs.
        schedule: Name of its schedule.
        lr: Base (peak) learning rate: the median of the law's distribution.
        low: Lower end of the 90 % interval of the optimal lr.
        high: Upper end of it.
        kappa: lr * horizon * mean(schedule); None where the schedule's shape is not known.
        verdict: What the law is worth at this horizon, in words.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> proposal = fit(example_runs(slope=1.0)).propose(256)
        >>> print(f"{proposal.lr:.1e}", proposal.low < proposal.lr < proposal.high)
        4.7e-05 True
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
        related: Optima of other contexts (`fit_contexts`). The more alike a context is, the more
            its optima count.
        context: Values of the context columns that the law is for.
        prior: What was believed before any run.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> law = fit(example_runs(slope=1.0))
        >>> [optimum.horizon for optimum in law.optima]
        [1.0, 4.0, 16.0, 64.0]
    """

    optima: Sequence[Optimum]
    related: Sequence[Optimum] = ()
    context: Context = ()
    prior: Prior = MIXTURE

    def __post_init__(self) -> None:
        for name in ("optima", "related"):
            optima = check_items(name, getattr(self, name), Optimum, "fit finds them")
            object.__setattr__(self, name, tuple(optima))

    def predict(self, horizon: float, schedule: str | AnySchedule = "constant") -> Mixture:
        """Distribution of the optimal ln lr.

        Raises:
            ValueError: The horizon is not positive, the schedule is neither known nor among the
                runs, or the law has no optimum to start from.

        Example:
            >>> from optuna_kappa import fit
            >>> from optuna_kappa.runs import example_runs
            >>> mean, sd = fit(example_runs(slope=1.0)).predict(64).moments
            >>> print(f"{np.exp(mean):.1e}")
            1.6e-04
        """
        if not self._posterior.optima:
            raise ValueError(
                "the law has nothing to start from: it needs runs with at least three "
                "learning rates and a finite loss, within 1e100, at one horizon; run some short "
                "ones first"
            )

        horizon = REACH.check("horizon", horizon, "it is that of the planned run")
        name, *multipliers = self._multipliers(schedule, horizon)
        return self._posterior.predict(horizon, name, *multipliers)

    def propose(self, horizon: float, schedule: str | AnySchedule = "constant") -> Proposal:
        """The lr to use for a run of this horizon and schedule.

        Raises:
            ValueError: As in `predict`.

        Example:
            >>> from optuna_kappa import fit
            >>> from optuna_kappa.runs import example_runs
            >>> proposal = fit(example_runs(slope=1.0)).propose(256, "cosine")
            >>> print(f"{proposal.lr:.1e}", proposal.verdict.word)
            9.5e-05 holds
        """
        low, lr, high = _interval_and_median(self.predict(horizon, schedule), horizon)
        name, mean, *_ = self._multipliers(schedule, horizon)

        # A law without optima of its own predicts from the related ones.
        optima = self.optima or self._posterior.optima
        largest = max(optimum.horizon for optimum in optima)

        return Proposal(
            horizon=horizon,
            schedule=name,
            lr=lr,
            low=low,
            high=high,
            kappa=None if mean is None else kappa(lr, horizon, mean),
            verdict=at_target(self.verdict, low, high, horizon, largest),
        )

    @property
    def slope(self) -> tuple[float, float, float]:
        """-d ln lr / d ln D at the largest horizon seen: median and 90 % interval.

        Raises:
            ValueError: The law has no optima.

        Example:
            >>> from optuna_kappa import fit
            >>> from optuna_kappa.runs import example_runs
            >>> median, low, high = fit(example_runs(slope=0.5)).slope
            >>> low < 0.5 < high
            True
        """
        if not self.optima:
            raise ValueError("a law without optima has no slope; run some short trials first")

        slope = self._posterior.slope
        median = slope.quantile(0.5)
        low = slope.quantile(0.05)
        high = slope.quantile(0.95)
        return median, low, high

    @property
    def classes(self) -> Mapping[str, float]:
        """Posterior probability of each class of slopes that the prior holds possible, by name.

        Raises:
            ValueError: The law has no optima.

        Example:
            >>> from optuna_kappa import fit
            >>> from optuna_kappa.runs import example_runs
            >>> classes = fit(example_runs(slope=0.0)).classes
            >>> max(classes, key=classes.get)
            'flat'
        """
        if not self._posterior.optima:
            raise ValueError("a law without optima weighs no slopes; run some short trials first")

        return self._posterior.classes

    @cached_property
    def verdict(self) -> Verdict:
        """Whether the law holds on the runs it was fitted to, with a remedy where it does not.

        Example:
            >>> from optuna_kappa import fit
            >>> from optuna_kappa.runs import example_runs
            >>> print(fit(example_runs(horizons=[64])).verdict.remedy)
            Run at least three learning rates at horizon 1.3e+02.
        """
        return diagnose(self.optima, self.related, self.context, self.prior)

    @cached_property
    def checks(self) -> Checks:
        """The numbers that the verdict rests on.

        Example:
            >>> from optuna_kappa import fit
            >>> from optuna_kappa.runs import example_runs
            >>> fit(example_runs()).checks.at_edge
            0
        """
        return check(self.optima, self.related, self.context, self.prior)

    def to_json(self) -> str:
        """The law as text, which `from_json` reads.

        Example:
            >>> from optuna_kappa import fit
            >>> from optuna_kappa.runs import example_runs
            >>> law = fit(example_runs())
            >>> Law.from_json(law.to_json()) == law
            True
        """
        return json.dumps({"format": FORMAT} | asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Law:
        """Read a law that `to_json` wrote.

        Raises:
            ValueError: The text is not a law of this version.

        Example:
            >>> from optuna_kappa import fit
            >>> from optuna_kappa.runs import example_runs
            >>> text = fit(example_runs()).to_json()
            >>> len(Law.from_json(text).optima)
            4
        """
        return cls(*read_law(text))

    @cached_property
    def _posterior(self) -> Posterior:
        return posterior_of((*self.optima, *self.related), self.prior, self.context)

    def _multipliers(
        self,
        schedule: str | AnySchedule,
        horizon: float,
    ) -> tuple[str, float | None, float | None, float | None]:
        """Name, mean, peak and end of a schedule, None where only the name is known."""
        try:
            resolved = as_schedule(schedule)
        except ValueError:
            # The runs may name a schedule that cannot be parsed.
            if not isinstance(schedule, str):
                raise

            known = set()
            for optimum in self.optima:
                if optimum.schedule == schedule:
                    known.add((optimum.mean, optimum.peak, optimum.end))

            if len(known) == 1:
                return schedule, *known.pop()
            raise

        shape = resolved.resolve(horizon)
        return resolved.name, shape.mean, shape.peak, shape.end


def _interval_and_median(ln_lr: Mixture, horizon: float) -> tuple[float, float, float]:
    """Lower end of the 90 % interval of the lr, its median and the upper end.

    Raises:
        ValueError: One of them is beyond the numbers that a float holds.
    """
    quantiles = [ln_lr.quantile(p) for p in (0.05, 0.5, 0.95)]
    if max(map(abs, quantiles)) > _MOST_LN:
        raise ValueError(
            f"the law says nothing at horizon {horizon:.3g}: there its 90 % interval reaches from "
            f"e^{quantiles[0]:.0f} to e^{quantiles[2]:.0f}; ask for a horizon nearer to the runs"
        )

    low, median, high = np.exp(quantiles).tolist()
    return low, median, high
