"""Would the law have worked on past runs? The largest horizon is hidden, and proposed for.

For each context group and schedule: the largest horizon with enough learning rates is hidden, the
law is fitted to what lies at least a factor 1.2 below it, pooled with the other groups of its
schedule, whose largest horizons are hidden too, and its proposal is judged by the losses that were
recorded at the hidden horizon D, beside the rules that need no law:

    copy        lr_last, the best recorded lr of the largest horizon D_last that was not hidden
    slope-s     lr_last * (D / D_last)^-s

A constant-rate run counts at every horizon up to its own, so hiding one means to cut every curve:
at the next smaller planned horizon, or at half of D where all curves are of one length.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from optuna_kappa.backtest import holdout
from optuna_kappa.backtest.recorded import Recorded, RecordedRuns
from optuna_kappa.law import Law, Optimum, Proposal, fit, pool
from optuna_kappa.law.optimum import find_optima
from optuna_kappa.runs import RunTable

SLOPES = {"copy": 0.0, "slope-0.32": 0.32, "slope-0.5": 0.5, "slope-1": 1.0}
METHODS = ("law", *SLOPES)


@dataclass(frozen=True)
class Tried:
    """A rule's learning rate for the hidden horizon, and its regret, a fraction of one."""

    lr: float
    regret: float


@dataclass(frozen=True)
class Outcome:
    """A group whose largest horizon was hidden.

    Attributes:
        context: Values of the context columns.
        schedule: Name of the schedule.
        hidden: The hidden horizon.
        fitted: Horizons at which the law had an optimum, ascending.
        last: The largest horizon that was not hidden, D_last.
        optimum: At the hidden horizon: the minimum of the valley of its losses, as
            `optuna_kappa.law.optimum.find_optima` finds it from that horizon alone.
        methods: What each of `METHODS` proposed.
        interval: The law's 90 % interval of the optimal lr.
        verdict: The law's word on its proposal.
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
        """Whether the interval held the optimum."""
        low, high = self.interval
        return bool(low <= np.exp(self.optimum.ln_lr) <= high)


@dataclass(frozen=True)
class Skipped:
    """A group that cannot be used, and why."""

    context: Mapping[str, str]
    schedule: str
    reason: str


@dataclass(frozen=True)
class Backtest:
    """What came of hiding the largest horizons.

    Attributes:
        groups: One a context group and schedule, in the table's sorted order.
    """

    groups: tuple[Outcome | Skipped, ...]

    @property
    def tested(self) -> list[Outcome]:
        """The groups that could be used."""
        return [group for group in self.groups if isinstance(group, Outcome)]

    @property
    def skipped(self) -> list[Skipped]:
        """The groups that could not."""
        return [group for group in self.groups if isinstance(group, Skipped)]

    def to_dict(self) -> dict[str, Any]:
        """For JSON: regrets are fractions of one, what is not known is None."""
        return {"groups": [_group(group) for group in self.groups], "summary": self.summary()}

    def summary(self) -> dict[str, Any]:
        """Statistics of each rule's regret over groups, and the coverage of the law's interval."""
        found: dict[str, Any] = {}
        for method in METHODS:
            regrets = [group.methods[method].regret for group in self.tested]
            found[method] = {
                "n": len(regrets),
                "mean_regret": float(np.mean(regrets)) if regrets else None,
                "median_regret": float(np.median(regrets)) if regrets else None,
                "p90_regret": float(np.quantile(regrets, 0.9)) if regrets else None,
            }
        covered = [group.covered for group in self.tested]
        return found | {"coverage90": float(np.mean(covered)) if covered else None}


class _Group(NamedTuple):
    """A group whose largest horizon is hidden: that, the largest left, and the law of the rest."""

    context: Mapping[str, str]
    schedule: str
    target: Recorded
    last: Recorded
    law: Law


def backtest(
    runs: RunTable,
    context: Sequence[str] = (),
    *,
    hide: float | None = None,
    fit_up_to: float | None = None,
) -> Backtest:
    """Hides the largest horizon of each group and proposes for it from the rest.

    Args:
        runs: Run table.
        context: Context columns whose values make a group; each group has its own law,
            partly pooled with the others'.
        hide: Horizon to hide, in the table's unit; by default the largest with at least four
            learning rates. All above it is hidden too.
        fit_up_to: Largest horizon to fit to.

    Raises:
        ValueError: A name is no context column, or a horizon is out of its range.
    """
    holdout.check(hide, fit_up_to)
    groups: list[_Group | Skipped] = []
    for values, part in runs.groups(context):
        for schedule in sorted(set(part.schedule.tolist())):
            try:
                groups.append(_hide(part, values, schedule, hide, fit_up_to))
            except holdout.Unusable as why:
                groups.append(Skipped(values, schedule, str(why)))
    return Backtest(tuple(_tested(groups)))


def _tested(groups: Sequence[_Group | Skipped]) -> Iterator[Outcome | Skipped]:
    """What became of each group, its law pooled with those of the others of its schedule."""
    for group in groups:
        if isinstance(group, Skipped):
            yield group
            continue
        others = [g for g in groups if isinstance(g, _Group) and g.schedule == group.schedule]
        pooled = pool([(g.context, g.law) for g in others])
        law = pooled[others.index(group)]
        try:
            proposal = law.propose(group.target.horizon, group.schedule)
        except ValueError as error:
            yield Skipped(group.context, group.schedule, str(error))
            continue
        yield _judged(group, law, proposal)


def _hide(
    runs: RunTable,
    context: Mapping[str, str],
    schedule: str,
    hide: float | None,
    fit_up_to: float | None,
) -> _Group:
    own = RecordedRuns(runs.where(runs.schedule == schedule))
    target = holdout.target(own, hide)
    limit = holdout.limit(own, target.horizon, fit_up_to)

    visible = holdout.up_to(runs, limit)
    left = RecordedRuns(visible.where(visible.schedule == schedule))
    last = left.largest(holdout.MIN_FITTED)
    if last is None:
        raise holdout.Unusable(
            f"{target.horizon:g} is hidden, and no horizon up to {limit:g} has "
            f"{holdout.MIN_FITTED} learning rates to fit to"
        )
    try:
        return _Group(context, schedule, target, last, fit(visible))
    except ValueError as error:
        raise holdout.Unusable(str(error)) from error


def _judged(group: _Group, law: Law, proposal: Proposal) -> Outcome:
    target, last = group.target, group.last
    methods = {"law": proposal.lr}
    for method, slope in SLOPES.items():
        methods[method] = last.best_lr * (target.horizon / last.horizon) ** -slope
    return Outcome(
        context=group.context,
        schedule=group.schedule,
        hidden=target.horizon,
        fitted=_fitted(law),
        last=last.horizon,
        optimum=find_optima([target.seen])[0],
        methods={name: Tried(lr, target.regret(lr)) for name, lr in methods.items()},
        interval=(proposal.low, proposal.high),
        verdict=proposal.verdict.word,
    )


def _fitted(law: Law) -> tuple[float, ...]:
    return tuple(sorted({optimum.horizon for optimum in law.optima}))


def _group(group: Outcome | Skipped) -> dict[str, Any]:
    """A group for JSON; the same keys for all."""
    named = {"context": dict(group.context), "schedule": group.schedule}
    if isinstance(group, Skipped):
        empty = ("hidden", "fitted", "last", "optimum", "methods", "interval", "covered")
        return named | dict.fromkeys((*empty, "verdict")) | {"reason": group.reason}
    optimum = group.optimum
    return named | {
        "hidden": group.hidden,
        "fitted": list(group.fitted),
        "last": group.last,
        "optimum": {
            "lr": float(np.exp(optimum.ln_lr)),
            "se": optimum.se,
            "at_edge": optimum.at_edge,
        },
        "methods": {
            name: {"lr": tried.lr, "regret": tried.regret} for name, tried in group.methods.items()
        },
        "interval": list(group.interval),
        "covered": group.covered,
        "verdict": group.verdict,
        "reason": None,
    }
