"""KappaSampler: probes at short horizons, then target trials at the law's learning rate."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa._validation import check_count, check_horizon
from optuna_kappa.law import Law
from optuna_kappa.runs import RunTable
from optuna_kappa.schedules import AnySchedule, as_schedule
from optuna_kappa.search.ladder import affordable, next_probe, rungs, trusts_law
from optuna_kappa.search.picking import N_SPREAD, Picker, below_wall
from optuna_kappa.study.plans import (
    Plan,
    at_horizon,
    horizon,
    kind_of,
    plan_of,
    store_plan,
    was_interrupted,
)
from optuna_kappa.study.private import (
    direction_of,
    require_single_objective,
    snapshot,
    snapshot_now,
)
from optuna_kappa.study.search_space import ends, require_lr, snap
from optuna_kappa.study.setup_hints import hint
from optuna_kappa.study.study_law import Problem, StudyLaw, source_optima, that_count
from optuna_kappa.study.trials import (
    best_params,
    fixed_params,
    known_params,
    lr_of,
    tells,
)

_logger = logging.getLogger(__name__)
_DIRECTED = ("probe", "law")  # kinds of trials whose lr is ours


class KappaSampler(BaseSampler):
    """Finds the learning rate of long runs from short ones.

    The first trials are probes at a ladder of short horizons. From their losses the law of how
    the optimum moves with the horizon is fitted, and the trials at the target horizon that follow
    take their lr from it and from each other. Unless the first three (two, of a law that rests on
    sources alone) locate the optimum, every second one is the base sampler's, which sees those at
    the target only, until they do. An lr suggested after the other parameters is proposed given
    them, as far as they are seen to move its optimum.

    Everything follows from the study's trials, the seed and the trial's number: the same storage
    gives the same proposal, after a restart and from any worker.

    Args:
        horizon: Steps of a full run, in the unit of `trial.report`'s step.
        schedule: Schedule of the runs, a name or an `optuna_kappa.schedules` object. A scheduled
            objective plans its schedule for `optuna_kappa.horizon(trial)` steps.
        lr: Name of the learning-rate parameter, a float range above 0.
        sources: Studies or run tables of short or constant-rate runs to start from, in the same
            unit. With sources there are no probes by default.
        base_sampler: Sampler of all other parameters, and of lr while the law is not trusted.
            Default: a TPESampler, seeded by trial.
        n_probes: Number of probes. By default 10, which cost 1.6 full runs, fewer where the unit
            is so coarse that they would cost more, and 0 with sources.
        seed: Seed; None draws one, and then other processes propose differently.

    Raises:
        ValueError: An argument is not allowed, or a source has nothing to start from.
    """

    def __init__(
        self,
        horizon: int,
        schedule: str | AnySchedule = "constant",
        lr: str = "lr",
        sources: Sequence[Study | RunTable] = (),
        base_sampler: BaseSampler | None = None,
        n_probes: int | None = None,
        seed: int | None = None,
    ) -> None:
        self._horizon = check_horizon(horizon)
        self._schedule = as_schedule(schedule)
        if not isinstance(lr, str):
            raise ValueError(f"lr must be the name of the learning-rate parameter, but is {lr!r}")
        self._lr = lr
        self._sources = source_optima(sources, lr)
        self._base_sampler = base_sampler
        if n_probes is None:
            n_probes = 0 if self._sources else affordable(self._horizon)
        n_probes = check_count("n_probes", n_probes, "0 runs no probes", least=0)
        self._rungs = rungs(self._horizon, n_probes)
        drawn = int(np.random.SeedSequence().generate_state(1)[0])
        remedy = "leave it out to draw one"
        self._seed = drawn if seed is None else check_count("seed", seed, remedy, least=0)
        self._memo: tuple[object, StudyLaw] | None = None
        self._bases: dict[tuple[str, int], BaseSampler] = {}
        self._given: dict[tuple[str, int], dict[str, Any]] = {}
        self._warned: set[str] = set()

    def reseed_rng(self) -> None:
        """Reseeds the base sampler; our own randomness is the seed and the trial's number."""
        if self._base_sampler is not None:
            self._base_sampler.reseed_rng()

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Plans the trial's horizon and stores it on the trial.

        Raises:
            ValueError: The study has several objectives.
        """
        require_single_objective(study, "KappaSampler")
        if plan_of(trial) is None:
            store_plan(study, trial, self._plan(study, trial))
        self._base(study, trial).before_trial(at_horizon(study, self._horizon), trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The base sampler's, without the lr where that is ours."""
        require_single_objective(study, "KappaSampler")
        view = self._view(study, trial)
        space = self._base(study, trial).infer_relative_search_space(view, trial)
        return {name: d for name, d in space.items() if not self._is_ours(trial, name)}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The base sampler's proposal; all of it at once, where the lr depends on it."""
        require_single_objective(study, "KappaSampler")
        view, base = self._view(study, trial), self._base(study, trial)
        proposed = base.sample_relative(view, trial, search_space)
        if self._is_ours(trial, self._lr):
            for name, distribution in search_space.items():
                if name not in proposed:
                    proposed[name] = base.sample_independent(view, trial, name, distribution)
            self._given[study.study_name, trial.number] = proposed
        return proposed

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The lr from the plan or the law, all else from the base sampler.

        Raises:
            ValueError: The study has several objectives, or lr is not a float range above 0.
        """
        require_single_objective(study, "KappaSampler")
        if param_name == self._lr:
            lr_range = require_lr(param_name, param_distribution)
            if self._is_ours(trial, param_name):
                ln_lr = self._propose(study, trial, *ends(lr_range))
                return snap(lr_range, math.exp(ln_lr))
        view, base = self._view(study, trial), self._base(study, trial)
        return base.sample_independent(view, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Forwards to the base sampler, and tells once of set-ups that waste the probes."""
        plan = plan_of(trial)
        base = self._base(study, trial)
        if plan is None or not plan.is_probe:
            base.after_trial(at_horizon(study, self._horizon), trial, state, values)
        for kept in (self._bases, self._given):
            kept.pop((study.study_name, trial.number), None)
        advice = hint(trial, plan, state, study.pruner, self._lr)
        if advice and advice[0] not in self._warned:
            self._warned.add(advice[0])
            _logger.warning(advice[1])

    def law(self, study: Study) -> Law:
        """The law as fitted from the study's finished trials and the sources."""
        return self._study_law(study, snapshot_now(study)).law

    def recommend(self, study: Study, params: Mapping[str, Any] | None = None) -> float:
        """The lr to train full runs with, as far as the finished trials and the sources tell.

        It has the least expected loss, given the law and the full runs; not always the lr of the
        best trial, whose loss is as much luck as merit while there are few.

        Args:
            study: A study that was searched with this sampler.
            params: Other parameters of these runs, the middle of its range where one is missing;
                by default those of the best full run so far.

        Raises:
            ValueError: There is no trial with a learning rate, no horizon has three learning
                rates with a finite loss yet, or no trial has a parameter of this name.
        """
        trials = snapshot_now(study)
        study_law = self._study_law(study, trials)
        if params is None:
            params = best_params(study, trials, self._horizon)
        known_params(params, trials)
        if ranges := [t.distributions[self._lr] for t in trials if self._lr in t.params]:
            low, high = ends(require_lr(self._lr, ranges[-1]))
            shift = study_law.shift(params)
            if expected := study_law.surrogate(self._horizon, low - shift, high - shift):
                return math.exp(expected.best + shift)
        raise ValueError(
            f"nothing can be recommended before a trial has suggested {self._lr!r} and three "
            "learning rates have a finite loss at one horizon; run more trials first"
        )

    def _is_ours(self, trial: FrozenTrial, name: str) -> bool:
        plan = plan_of(trial)
        return name == self._lr and plan is not None and plan.kind in _DIRECTED

    def _plan(self, study: Study, trial: FrozenTrial) -> Plan:
        schedule = self._schedule.name
        if self._lr in fixed_params(trial):
            return Plan(self._horizon, "enqueued", schedule)

        others = [t for t in snapshot(study) if t.number != trial.number]
        planned = self._planned(others)
        counts = {horizon: len(trials) for horizon, trials in planned.items()}
        probe = next_probe(self._rungs, counts, self._horizon)
        if probe is not None:
            return Plan(probe, "probe", schedule)

        study_law = self._study_law(study, others)
        target = planned.get(self._horizon, ())
        by_law = sum(kind_of(trial) == "law" for trial in target)
        trusted = bool(study_law.law.optima) and trusts_law(
            n_by_law=by_law,
            n_base=len(target) - by_law,
            se=study_law.se_at_target,
            known=bool(self._rungs) or study_law.bears_out,
        )
        return Plan(self._horizon, "law" if trusted else "base", schedule)

    def _propose(self, study: Study, trial: FrozenTrial, low: float, high: float) -> float:
        """Ln lr for a trial, between the ends of the range."""
        planned_for = horizon(trial)
        others = [t for t in snapshot(study) if t.number != trial.number]
        study_law = self._study_law(study, others)
        given = self._given.get((study.study_name, trial.number), {})
        shift = study_law.shift({**given, **fixed_params(trial), **trial.params})

        same = self._planned(others).get(planned_for, ())
        placed = [t for t in same if lr_of(t, self._lr)]
        tried = [study_law.centred(t) for t in placed if tells(t)]
        # A trial that failed without a word counts as running: its lr is not tried again either.
        running = [study_law.centred(t) for t in placed if not tells(t)]

        # Trials asked before this one that have no lr yet will take the best places.
        asked = [t for t in same if not t.state.is_finished() and self._lr not in t.params]
        n_before = sum(t.number < trial.number for t in asked)

        picker = self._picker(study_law, planned_for, low - shift, high - shift, trial.number)
        return picker.pick_after(n_before, tried, running) + shift

    def _picker(
        self, study_law: StudyLaw, planned_for: int, low: float, high: float, number: int
    ) -> Picker:
        """What picks ln lr for a horizon, in the range of the average of the other parameters."""
        wall = study_law.wall(planned_for)
        lowest, n_lowest = self._rungs[0] if self._rungs else (0, 0)
        n_spread = min(n_lowest, N_SPREAD)
        expected = study_law.surrogate(planned_for, low, below_wall(low, high, wall))
        return Picker(
            low,
            high,
            wall,
            expected,
            n_cells=max(n_spread, 1),
            n_first=n_spread if planned_for == lowest else 0,
            u=float(np.random.default_rng([self._seed, number]).random()),
        )

    def _planned(self, trials: Sequence[FrozenTrial]) -> Mapping[int, Sequence[FrozenTrial]]:
        """Trials by the horizon they were planned for.

        Failed ones count once they had an lr: an objective that returns NaN fails its trial, and
        if that did not count, the same lr would be proposed for ever.
        """
        planned: dict[int, list[FrozenTrial]] = {}
        for trial in trials:
            failed = trial.state == TrialState.FAIL
            if failed and (self._lr not in trial.params or was_interrupted(trial)):
                continue
            if plan := plan_of(trial):
                planned.setdefault(plan.horizon, []).append(trial)
        return planned

    def _study_law(self, study: Study, trials: Sequence[FrozenTrial]) -> StudyLaw:
        problem = Problem(
            self._horizon, self._schedule, self._lr, self._sources, direction_of(study)
        )
        counting = that_count(trials)
        key = tuple((t.number, t.datetime_complete) for t in counting)
        memo = self._memo  # another thread may replace it meanwhile
        if memo is None or memo[0] != key:
            self._memo = memo = (key, StudyLaw(problem, counting))
        return memo[1]

    def _view(self, study: Study, trial: FrozenTrial) -> Study:
        """What the base sampler sees: the probes only where their lr, and so its own, is ours."""
        if self._is_ours(trial, self._lr):
            return study
        return at_horizon(study, self._horizon)

    def _base(self, study: Study, trial: FrozenTrial) -> BaseSampler:
        """The base sampler; ours is made anew for each trial, so that only its number counts."""
        if self._base_sampler is not None:
            return self._base_sampler
        key = study.study_name, trial.number
        if key not in self._bases:
            seed = np.random.SeedSequence([self._seed, trial.number]).generate_state(1)[0]
            self._bases[key] = TPESampler(seed=int(seed))
        return self._bases[key]
