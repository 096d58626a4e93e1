"""What a backtest returns: an outcome for each group, statistics over groups, and their JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from optuna_kappa.law import Optimum

# Slopes of the rules that need no law: lr_last * (D / D_last)^-slope.
SLOPES = {"copy": 0.0, "slope-0.32": 0.32, "slope-0.5": 0.5, "slope-1": 1.0}
METHODS = ("law", *SLOPES)


@dataclass(frozen=True)
class Tried:
    """A rule's learning rate for the hidden horizon, and its regret as a fraction of one.

    Example:
        >>> Tried(lr=3e-4, regret=0.02)
        Tried(lr=0.0003, regret=0.02)
    """

    lr: float
    regret: float


@dataclass(frozen=True)
class Outcome:
    """A group whose largest horizon was hidden, and how each rule did there.

    Attributes:
        context: Values of the context columns.
        schedule: Name of the schedule.
        hidden: The hidden horizon.
        fitted: Horizons at which the law had an optimum, ascending.
        last: The largest horizon that was not hidden, D_last.
        optimum: Optimum at the hidden horizon: the minimum of the valley of its losses, as
            `optuna_kappa.law.optimum.find_optima` finds it from that horizon alone.
        methods: What each of `METHODS` proposed.
        interval: The law's 90 % interval of the optimal lr.
        verdict: The law's word on its proposal.

    Example:
        >>> from optuna_kappa.backtest import backtest
        >>> from optuna_kappa.runs import example_runs
        >>> outcome = backtest(example_runs(slope=1.0)).tested[0]
        >>> outcome.hidden, outcome.last, outcome.verdict
        (64.0, 16.0, 'holds')
        >>> round(outcome.methods["law"].regret, 2), round(outcome.methods["copy"].regret, 2)
        (0.03, 0.33)
    """

    context: Mapping[str, str]
    schedule: str
    hidden: float
    fitted: tuple[float, ...]
    last: float
    optimum: Optimum
    methods: Mapping[str, Tried]
    interval: tuple[float, float]
    verdict: str

    @property
    def covered(self) -> bool:
        """Whether the interval contained the optimum.

        Example:
            >>> from optuna_kappa.backtest import backtest
            >>> from optuna_kappa.runs import example_runs
            >>> backtest(example_runs(slope=1.0)).tested[0].covered
            True
        """
        low, high = self.interval
        return bool(low <= np.exp(self.optimum.ln_lr) <= high)


@dataclass(frozen=True)
class Skipped:
    """A group that cannot be used, and why.

    Example:
        >>> from optuna_kappa.backtest import backtest
        >>> from optuna_kappa.runs import example_runs
        >>> skipped = backtest(example_runs(), hide=50).skipped[0]
        >>> print(skipped.reason)
        fewer than 4 learning rates have a finite loss at 50, the horizon to hide; ...
    """

    context: Mapping[str, str]
    schedule: str
    reason: str


@dataclass(frozen=True)
class Backtest:
    """How the rules did at the hidden horizons.

    Attributes:
        groups: One for each context group and schedule, in the table's sorted order.
        prior: Name of the prior of their laws.

    Example:
        >>> from optuna_kappa.backtest import backtest
        >>> from optuna_kappa.runs import example_runs
        >>> tested = backtest(example_runs(slope=1.0))
        >>> [group.hidden for group in tested.groups]
        [64.0]
    """

    groups: tuple[Outcome | Skipped, ...]
    prior: str = "mixture"

    @property
    def tested(self) -> list[Outcome]:
        """The groups that could be used.

        Example:
            >>> from optuna_kappa.backtest import backtest
            >>> from optuna_kappa.runs import example_runs
            >>> len(backtest(example_runs()).tested)
            1
        """
        return [group for group in self.groups if isinstance(group, Outcome)]

    @property
    def skipped(self) -> list[Skipped]:
        """The groups that could not be used.

        Example:
            >>> from optuna_kappa.backtest import backtest
            >>> from optuna_kappa.runs import example_runs
            >>> backtest(example_runs()).skipped
            []
        """
        return [group for group in self.groups if isinstance(group, Skipped)]

    def to_dict(self) -> dict[str, Any]:
        """Groups and summary for JSON: regrets are fractions of one, unknown values are None.

        Example:
            >>> from optuna_kappa.backtest import backtest
            >>> from optuna_kappa.runs import example_runs
            >>> list(backtest(example_runs()).to_dict())
            ['prior', 'groups', 'summary']
        """
        groups = []
        for group in self.groups:
            if isinstance(group, Skipped):
                groups.append(_skipped_to_dict(group))
            else:
                groups.append(_outcome_to_dict(group))

        return {"prior": self.prior, "groups": groups, "summary": self.summary()}

    def summary(self) -> dict[str, Any]:
        """Statistics of each rule's regret over groups, and the coverage of the law's interval.

        Example:
            >>> from optuna_kappa.backtest import backtest
            >>> from optuna_kappa.runs import example_runs
            >>> summary = backtest(example_runs(slope=1.0)).summary()
            >>> round(summary["slope-0.5"]["mean_regret"], 3), summary["coverage90"]
            (0.066, 1.0)
        """
        summary: dict[str, Any] = {}
        for method in METHODS:
            regrets = [group.methods[method].regret for group in self.tested]
            summary[method] = _statistics(regrets)

        covered = [group.covered for group in self.tested]
        summary["coverage90"] = float(np.mean(covered)) if covered else None
        return summary


def _statistics(regrets: list[float]) -> dict[str, float | None]:
    """Number, mean, median and 90 % quantile of the regrets; None where there are none."""
    if not regrets:
        return {"n": 0, "mean_regret": None, "median_regret": None, "p90_regret": None}

    return {
        "n": len(regrets),
        "mean_regret": float(np.mean(regrets)),
        "median_regret": float(np.median(regrets)),
        "p90_regret": float(np.quantile(regrets, 0.9)),
    }


def _skipped_to_dict(skipped: Skipped) -> dict[str, Any]:
    """A skipped group for JSON, with the keys of an outcome."""
    return {
        "context": dict(skipped.context),
        "schedule": skipped.schedule,
        "hidden": None,
        "fitted": None,
        "last": None,
        "optimum": None,
        "methods": None,
        "interval": None,
        "covered": None,
        "verdict": None,
        "reason": skipped.reason,
    }


def _outcome_to_dict(outcome: Outcome) -> dict[str, Any]:
    """An outcome for JSON."""
    methods = {}
    for name, tried in outcome.methods.items():
        methods[name] = {"lr": tried.lr, "regret": tried.regret}

    return {
        "context": dict(outcome.context),
        "schedule": outcome.schedule,
        "hidden": outcome.hidden,
        "fitted": list(outcome.fitted),
        "last": outcome.last,
        "optimum": {
            "lr": float(np.exp(outcome.optimum.ln_lr)),
            "se": outcome.optimum.se,
            "at_edge": outcome.optimum.at_edge,
        },
        "methods": methods,
        "interval": list(outcome.interval),
        "covered": outcome.covered,
        "verdict": outcome.verdict,
        "reason": None,
    }
