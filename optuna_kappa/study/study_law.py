"""What the finished trials of a study and its sources say: the law, and what follows from it.

A `StudyLaw` is made once for a set of trials and asked many times. It computes nothing before it
is asked. The sampler keeps the last one.

Learning rates are compared as ln lr, moved to the average of the other parameters: if a trial's
own parameters move the optimum by `shift`, its lr counts as ln lr - shift.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa.law import Law, Optimum, Prior, join
from optuna_kappa.law.effects import Effects, find_effects
from optuna_kappa.law.observations import observe
from optuna_kappa.law.optimum import Chain, find_chain
from optuna_kappa.law.prior import MIXTURE
from optuna_kappa.runs import RunTable
from optuna_kappa.schedules import AnySchedule
from optuna_kappa.search import located
from optuna_kappa.search.ladder import trusts_law
from optuna_kappa.search.surrogate import Surrogate, surrogate
from optuna_kappa.study.evidence import diverged_at
from optuna_kappa.study.lr_names import LrName, with_name_used
from optuna_kappa.study.plans import Plan, horizon, plan_of
from optuna_kappa.study.reporting import Reporting, find_reporting
from optuna_kappa.study.trials import lr_of, run_table, sign_of

_MAX_SURROGATES = 8


class Problem(NamedTuple):
    """What a study is about.

    Attributes:
        horizon: Steps of a full run.
        schedule: Schedule of the runs.
        lr: Name of the learning-rate parameter, or several names.
        sources: Optima of the runs of each source.
        direction: Direction of the study's objective.
        prior: What is believed about the law before any run.

    Example:
        >>> from optuna_kappa.schedules import as_schedule
        >>> Problem(24, as_schedule("cosine"), "lr", [], StudyDirection.MINIMIZE).schedule.name
        'cosine'
    """

    horizon: int
    schedule: AnySchedule
    lr: LrName
    sources: Sequence[Sequence[Optimum]]
    direction: StudyDirection
    prior: Prior = MIXTURE


class StudyLaw:
    """What some finished trials say, for the average of the other parameters.

    Attributes:
        problem: What the study is about.
        trials: The finished trials that count, as `select_evidence` gives them.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> from optuna_kappa.schedules import as_schedule
        >>> from optuna_kappa.study.sources import source_optima
        >>> sources = source_optima([example_runs()], lr="lr")
        >>> schedule = as_schedule("constant")
        >>> problem = Problem(64, schedule, "lr", sources, StudyDirection.MINIMIZE)
        >>> study_law = StudyLaw(problem, [])
        >>> round(study_law.law.propose(64).lr, 5)
        0.00016
    """

    def __init__(self, problem: Problem, finished: Sequence[FrozenTrial]) -> None:
        """Store the trials; nothing is computed yet."""
        self.problem = problem
        self.trials = finished
        self._surrogates: dict[tuple[int, float, float], Surrogate] = {}

    @cached_property
    def law(self) -> Law:
        """The law of the trials and the sources."""
        schedule = self.problem.schedule
        optima = [*self.problem.sources, self.chain.optima]
        return join(optima, {schedule.name: schedule}, self.problem.prior)

    @cached_property
    def effects(self) -> Effects:
        """What the other parameters do."""
        return find_effects(self._runs, sorted(self._runs.context))

    @property
    def se_at_target(self) -> float:
        """Standard error of the optimum (ln lr), located by the full runs alone."""
        problem = self.problem
        return located.standard_error(self.chain, problem.schedule.name, problem.horizon)

    @property
    def first_law_run_is_best(self) -> bool:
        """Whether the first full run by the law is clearly the best of those by the law."""
        sign = sign_of(self.problem.direction)
        by_law = Plan(
            horizon=self.problem.horizon,
            kind="law",
            schedule=self.problem.schedule.name,
        )

        losses: list[float] = []
        for trial in self.trials:
            if plan_of(trial) != by_law:
                continue
            # A run that was pruned or failed has lost against any that completed.
            if trial.state == TrialState.COMPLETE:
                losses.append(sign * trial.values[0])
            else:
                losses.append(math.inf)

        if len(losses) < 2:
            return False
        first, *later = losses
        return first + located.CONTRAST * abs(first) < min(later)

    def is_plateau(self, planned_for: int) -> bool:
        """Whether losses that tie have shown nothing about the best lr of runs of a horizon."""
        schedule = self.problem.schedule.name
        return located.all_tie(self.chain, schedule, planned_for, has_law=bool(self.law.optima))

    def nothing_learned(self, rungs: Sequence[tuple[int, int]]) -> bool:
        """Whether probes of a longer rung than the lowest have learned nothing, at any rate."""
        schedule = self.problem.schedule.name
        return bool(rungs) and located.nothing_learned(self.chain, schedule, rungs[0][0])

    def too_high(self, rungs: Sequence[tuple[int, int]]) -> float:
        """The lowest ln lr from which on all runs are well above a plateau; else infinity."""
        return located.too_high(self.chain, self.problem.schedule.name, rungs[0][0])

    def is_trusted(self, kinds: Sequence[str], *, has_probes: bool) -> bool:
        """Whether the next target trial may follow the law.

        Args:
            kinds: Kinds of the trials planned for the target so far.
            has_probes: Whether the study has probes of its own.
        """
        if not self.law.optima:
            return False

        n_by_law = kinds.count("law")
        return trusts_law(
            n_by_law=n_by_law,
            n_base=len(kinds) - n_by_law,
            se=self.se_at_target,
            known=has_probes or self.first_law_run_is_best,
        )

    def surrogate(
        self,
        planned_for: int,
        low: float,
        high: float,
    ) -> Surrogate | None:
        """Expected losses of runs of a horizon, over a range of ln lr; None if there is no law."""
        if not self.law.optima:
            return None

        key = planned_for, low, high
        if key not in self._surrogates:
            # Other parameters move the range with each trial, so few are asked for again.
            if len(self._surrogates) == _MAX_SURROGATES:
                oldest = next(iter(self._surrogates))
                del self._surrogates[oldest]

            of_runs = self.chain, self.law, planned_for, self.problem.schedule
            self._surrogates[key] = surrogate(*of_runs, low, high)
        return self._surrogates[key]

    def recommend(
        self,
        params: Mapping[str, Any],
        low: float,
        high: float,
    ) -> float | None:
        """The ln lr with the least expected loss of a full run; None if there is no law.

        Args:
            params: Other parameters of the run.
            low: Lower end of the range of ln lr.
            high: Upper end.

        Example:
            >>> from optuna_kappa.runs import example_runs
            >>> from optuna_kappa.schedules import as_schedule
            >>> from optuna_kappa.study.sources import source_optima
            >>> sources = source_optima([example_runs()], lr="lr")
            >>> schedule = as_schedule("constant")
            >>> problem = Problem(64, schedule, "lr", sources, StudyDirection.MINIMIZE)
            >>> round(StudyLaw(problem, []).recommend({}, low=-12.0, high=-2.0), 1)
            -8.8
        """
        shift = self.shift(params)
        expected = self.surrogate(
            self.problem.horizon,
            low - shift,
            high - shift,
        )
        if expected is None:
            return None
        return expected.best + shift

    def wall(self, planned_for: int) -> float:
        """The lowest ln lr that diverged by this horizon, above all that did not.

        Infinite if there is none.
        """
        fine = [-math.inf]
        diverged: list[float] = []

        for trial in self.trials:
            if not lr_of(trial, self.problem.lr):
                continue

            step = self.diverged_at(trial)
            if step is None and horizon(trial, 0) == planned_for:
                fine.append(self.centered_ln_lr(trial))
            elif step is not None and step <= planned_for:
                diverged.append(self.centered_ln_lr(trial))

        highest_fine = max(fine)
        above = [ln_lr for ln_lr in diverged if ln_lr > highest_fine]
        return min(above, default=math.inf)

    def diverged_at(self, trial: FrozenTrial) -> int | None:
        """First step, counted from 1, at which a trial had diverged; None if it never did."""
        return diverged_at(trial, self._reporting.shift)

    def centered_ln_lr(self, trial: FrozenTrial) -> float:
        """A trial's ln lr, moved to the average of the other parameters."""
        lr = self.problem.lr
        rate = lr_of(trial, lr)
        assert rate is not None
        return math.log(rate) - self.shift(with_name_used(trial.params, lr))

    def shift(self, params: Mapping[str, Any]) -> float:
        """How far other parameters move the optimal ln lr."""
        return self.effects.shift(params)

    def category(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """The values of those parameters that vary and are not numbers."""
        scales = self.effects.scales
        return tuple(str(params.get(scale.name, "")) for scale in scales if scale.values)

    def category_of(self, trial: FrozenTrial) -> tuple[str, ...]:
        """The category of a trial's parameters."""
        return self.category(with_name_used(trial.params, self.problem.lr))

    @cached_property
    def final_losses(self) -> Mapping[int, float]:
        """Losses of full runs, for the average of the other parameters, by number of the trial."""
        runs = self.adjusted
        at_end = np.flatnonzero(runs.step == self.problem.horizon)
        return {int(runs.run[row]): float(runs.loss[row]) for row in at_end}

    @cached_property
    def _reporting(self) -> Reporting:
        return find_reporting(self.trials, sign_of(self.problem.direction))

    @cached_property
    def adjusted(self) -> RunTable:
        """The runs, with learning rates and losses for the average of the other parameters."""
        return self.effects.adjusted(self._runs)

    @cached_property
    def _runs(self) -> RunTable:
        return run_table(
            self.trials,
            direction=self.problem.direction,
            lr=self.problem.lr,
            schedule=self.problem.schedule.name,
            horizon=self.problem.horizon,
        )

    @cached_property
    def chain(self) -> Chain:
        """The valleys of the runs."""
        return find_chain(observe(self.adjusted), logarithmic=self._runs.positive)
