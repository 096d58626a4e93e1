"""What the finished trials of a study and its sources say: the law, and what follows from it.

Made once from a set of trials and asked many times; the sampler keeps the last one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa.law import Law, Optimum, join
from optuna_kappa.law.effects import Effects, find_effects
from optuna_kappa.law.observations import observe
from optuna_kappa.law.optimum import Chain, find_chain, find_optima
from optuna_kappa.runs import RunTable
from optuna_kappa.schedules import AnySchedule
from optuna_kappa.search.surrogate import Surrogate, link_at, surrogate
from optuna_kappa.study.plans import Plan, horizon, kind_of, plan_of
from optuna_kappa.study.trials import diverged_at, lr_of, run_table, sign_of, tells

_FEWEST = 3  # learning rates that locate an optimum
_CONTRAST = 0.01  # parts of the loss
_MOST = 100  # of the trials that are no probes the last that many count
_KEPT = 8  # surrogates


class Problem(NamedTuple):
    """What a study is about.

    Attributes:
        horizon: Steps of a full run.
        schedule: Schedule of the runs.
        lr: Name of the learning-rate parameter.
        sources: Optima of the runs of each source.
        direction: Direction of the study's objective.
    """

    horizon: int
    schedule: AnySchedule
    lr: str
    sources: Sequence[Sequence[Optimum]]
    direction: StudyDirection


class StudyLaw:
    """What some finished trials say, for the average of the other parameters.

    Attributes:
        trials: The finished trials that count, as `that_count` gives them.
    """

    def __init__(self, problem: Problem, finished: Sequence[FrozenTrial]) -> None:
        """Reads nothing yet."""
        self._problem = problem
        self.trials = finished
        self._surrogates: dict[tuple[int, float, float], Surrogate] = {}

    @cached_property
    def law(self) -> Law:
        """The law of the trials and the sources."""
        schedule = self._problem.schedule
        found = [*self._problem.sources, self._chain.optima]
        return join(found, {schedule.name: schedule})

    @cached_property
    def effects(self) -> Effects:
        """What the other parameters do."""
        return find_effects(self._raw, sorted(self._others))

    @property
    def se_at_target(self) -> float:
        """Standard error of the optimum (ln lr) as the full runs alone locate it.

        Infinite if there are too few, the best of them is the outermost, or they hardly differ: on
        a plateau, where training has failed, noise looks like a valley.
        """
        link = link_at(self._chain, self._problem.schedule.name, self._problem.horizon)
        found = link.optimum if link else None
        if not link or not found or len(link.losses.x) < _FEWEST or found.at_edge:
            return math.inf
        plateau = link.losses.contrast < _CONTRAST * (
            1 if self._chain.logarithmic else link.losses.level
        )
        return math.inf if plateau else found.se

    @property
    def bears_out(self) -> bool:
        """Whether the first full run by the law is clearly the best of those by the law."""
        sign = sign_of(self._problem.direction)
        by_law = Plan(self._problem.horizon, "law", self._problem.schedule.name)
        losses = [
            sign * trial.values[0] if trial.state == TrialState.COMPLETE else math.inf
            for trial in self.trials
            if plan_of(trial) == by_law
        ]
        return len(losses) > 1 and losses[0] + _CONTRAST * abs(losses[0]) < min(losses[1:])

    def surrogate(self, horizon: int, low: float, high: float) -> Surrogate | None:
        """What runs of a horizon would lose, over a range of ln lr; None while there is no law."""
        if not self.law.optima:
            return None
        key = horizon, low, high
        if key not in self._surrogates:
            if len(self._surrogates) == _KEPT:  # other parameters move the range with each trial
                del self._surrogates[next(iter(self._surrogates))]
            self._surrogates[key] = surrogate(
                self._chain, self.law, horizon, self._problem.schedule, low, high
            )
        return self._surrogates[key]

    def wall(self, up_to: int) -> float:
        """The lowest ln lr that diverged by this horizon above all that did not; or infinity."""
        highest_fine, diverged = -math.inf, list[float]()
        for trial in self.trials:
            if not lr_of(trial, self._problem.lr):
                continue
            step = diverged_at(trial)
            if step is None and horizon(trial, 0) == up_to:
                highest_fine = max(highest_fine, self.centred(trial))
            elif step is not None and step <= up_to:
                diverged.append(self.centred(trial))

        return min((ln_lr for ln_lr in diverged if ln_lr > highest_fine), default=math.inf)

    def centred(self, trial: FrozenTrial) -> float:
        """A trial's ln lr, moved to the average of the other parameters."""
        return math.log(trial.params[self._problem.lr]) - self.shift(trial.params)

    def shift(self, params: Mapping[str, Any]) -> float:
        """How far other parameters move the optimal ln lr."""
        return self.effects.shift(params)

    @cached_property
    def _others(self) -> set[str]:
        names = {name for trial in self.trials for name in trial.params}
        return names & set(self._raw.context)

    @cached_property
    def _raw(self) -> RunTable:
        problem = self._problem
        return run_table(
            self.trials,
            direction=problem.direction,
            lr=problem.lr,
            schedule=problem.schedule.name,
        )

    @cached_property
    def _chain(self) -> Chain:
        seen = observe(self.effects.adjusted(self._raw))
        return find_chain(seen, logarithmic=self._raw.positive)


def that_count(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The finished trials that count: all probes, and the last of the others.

    A failed trial counts if it told that it diverged.
    """
    probes, full = list[FrozenTrial](), list[FrozenTrial]()
    for trial in trials:
        if tells(trial):
            (probes if kind_of(trial) == "probe" else full).append(trial)
    return [*probes, *full[-_MOST:]]


def source_optima(sources: Any, lr: str) -> list[list[Optimum]]:
    """The optima of the runs of each source; each has one to start from."""
    if isinstance(sources, (Study, RunTable, str)) or not isinstance(sources, Sequence):
        raise ValueError(f"sources must be a list of studies and run tables, but is {sources!r}")
    found = []
    for source in sources:
        if not isinstance(source, (Study, RunTable)):
            raise ValueError(f"a source must be a study or a run table, but is {source!r}")
        table = source if isinstance(source, RunTable) else _without_effects(source, lr)
        optima = find_optima(observe(table))
        if not optima:
            raise ValueError(
                "a source has no horizon at which three learning rates gave a finite loss; are "
                f"its losses reported, and is {lr!r} the name of its learning rate?"
            )
        found.append(optima)
    return found


def _without_effects(study: Study, lr: str) -> RunTable:
    """A study's runs, as they would have been with the average of the other parameters."""
    table = run_table(study, lr=lr)
    return find_effects(table, sorted(table.context)).adjusted(table)
