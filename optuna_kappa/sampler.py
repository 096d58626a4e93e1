"""KappaSampler: probes at short horizons, then target trials at the law's learning rate."""

from __future__ import annotations

import logging
import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.pruners import NopPruner
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa import plan as planning
from optuna_kappa import trials as door
from optuna_kappa.law import Law, fit
from optuna_kappa.runs import RunTable
from optuna_kappa.schedules import AnySchedule, as_schedule

_logger = logging.getLogger(__name__)
_DIRECTED = ("probe", "law")  # kinds of trials whose lr is ours


class KappaSampler(BaseSampler):
    """Finds the learning rate of long runs from short ones.

    The first trials are probes at a ladder of short horizons. From their losses the law of how
    the optimum moves with the horizon is fitted, and the trials at the target horizon that follow
    take their lr from it, refitted after each. If the first three of them do not locate the
    optimum, every second trial is the base sampler's, which sees the target trials only, until
    they do (`optuna_kappa.plan`).

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
        n_probes: Number of probes; 12 by default, which cost one full run, 0 with sources.
        seed: Seed; None draws one, and then other processes propose differently.

    Raises:
        ValueError: horizon, schedule or n_probes is not allowed; a source has several objectives.
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
        self._horizon = _checked_horizon(horizon)
        self._schedule = as_schedule(schedule)
        self._lr = lr
        self._sources = [
            source if isinstance(source, RunTable) else door.run_table(source, lr=lr)
            for source in sources
        ]
        self._base_sampler = base_sampler
        if n_probes is None:
            n_probes = 0 if self._sources else planning.N_PROBES
        self._rungs = planning.rungs(self._horizon, _checked_n_probes(n_probes))
        self._seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
        self._memo: tuple[object, Law] | None = None
        self._bases: dict[tuple[str, int], BaseSampler] = {}
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
        door.require_single_objective(study, "KappaSampler")
        if door.plan_of(trial) is None:
            door.store_plan(study, trial, self._plan(study, trial))
        self._base(study, trial).before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The base sampler's, without the lr where that is ours."""
        door.require_single_objective(study, "KappaSampler")
        view = door.without_probes(study)
        space = self._base(study, trial).infer_relative_search_space(view, trial)
        return {name: d for name, d in space.items() if not self._is_ours(trial, name)}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The base sampler's proposal, from the trials at the target horizon."""
        door.require_single_objective(study, "KappaSampler")
        view = door.without_probes(study)
        return self._base(study, trial).sample_relative(view, trial, search_space)

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
        door.require_single_objective(study, "KappaSampler")
        if param_name == self._lr:
            lr_range = door.require_lr(param_name, param_distribution)
            if self._is_ours(trial, param_name):
                ln_lr = self._propose(study, trial, *door.ln_range(lr_range))
                return door.snap(lr_range, math.exp(ln_lr))
        view = door.without_probes(study)
        base = self._base(study, trial)
        return base.sample_independent(view, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Forwards to the base sampler, and warns once of set-ups that waste the probes."""
        self._base(study, trial).after_trial(study, trial, state, values)
        self._bases.pop((study.study_name, trial.number), None)
        plan = door.plan_of(trial)
        if self._lr not in trial.params and state != TrialState.FAIL:
            self._warn(
                "no lr",
                f"No parameter {self._lr!r} in trial {trial.number}: KappaSampler leaves all "
                "parameters to its base sampler. Name the learning rate by KappaSampler(lr=...).",
            )
        elif plan and plan.kind == "probe" and state == TrialState.COMPLETE:
            cause = "Give the study KappaPruner(), and call trial.should_prune() in the objective."
            if not isinstance(study.pruner, NopPruner):
                cause = "Call trial.should_prune() after each trial.report() in the objective."
            self._warn(
                "probe complete",
                f"Trial {trial.number} was planned as a probe of {plan.horizon} steps but ended "
                f"COMPLETE, so study.best_trial may be a probe. {cause}",
            )

    def law(self, study: Study) -> Law:
        """The law as fitted from the study's finished trials and the sources."""
        return self._fit(study, door.snapshot_now(study))

    def _is_ours(self, trial: FrozenTrial, name: str) -> bool:
        plan = door.plan_of(trial)
        return name == self._lr and plan is not None and plan.kind in _DIRECTED

    def _plan(self, study: Study, trial: FrozenTrial) -> door.Plan:
        schedule = self._schedule.name
        if door.is_enqueued(trial, self._lr):
            return door.Plan(self._horizon, "enqueued", schedule)
        others = [t for t in door.snapshot(study) if t.number != trial.number]
        for horizon, n in self._rungs:
            if len(self._planned_for(others, horizon)) < n:
                return door.Plan(horizon, "probe", schedule)
        trusted = bool(self._fit(study, others).optima) and self._trusts(study, others)
        return door.Plan(self._horizon, "law" if trusted else "base", schedule)

    def _trusts(self, study: Study, trials: Sequence[FrozenTrial]) -> bool:
        target = self._planned_for(trials, self._horizon)
        by_law = sum(door.kind_of(trial) == "law" for trial in target)
        finished = [trial for trial in target if trial.state.is_finished()]
        optima = fit(self._table(study, finished)).optima
        se = optima[-1].se if optima and not optima[-1].at_edge else math.inf
        return planning.trusts_law(by_law, len(target) - by_law, se)

    def _propose(self, study: Study, trial: FrozenTrial, low: float, high: float) -> float:
        horizon = door.horizon(trial)
        others = [t for t in door.snapshot(study) if t.number != trial.number]
        tried = [
            math.log(t.params[self._lr])
            for t in self._planned_for(others, horizon)
            if t.params.get(self._lr, 0.0) > 0
        ]
        law = self._fit(study, others)
        lowest, n_lowest = self._rungs[0] if self._rungs else (0, 0)
        n_spread = min(n_lowest, planning.N_SPREAD)
        if not law.optima or (horizon == lowest and len(tried) < n_spread):
            u = float(np.random.default_rng([self._seed, trial.number]).random())
            return planning.spread(low, high, tried, max(n_spread, 1), u)
        density = law.predict(horizon, self._schedule).density
        high = min(high, max(low, self._wall(others, horizon)))
        return planning.most_gain(density, low, high, tried)

    def _wall(self, trials: Sequence[FrozenTrial], horizon: int) -> float:
        """The lowest ln lr that diverged by this horizon above all that did not; or infinity."""
        known = [t for t in trials if t.state.is_finished() and t.params.get(self._lr, 0.0) > 0]
        diverged = [
            t for t in known if (step := door.diverged_at(t)) is not None and step <= horizon
        ]
        fine = [t for t in self._planned_for(known, horizon) if door.diverged_at(t) is None]
        top = max((math.log(t.params[self._lr]) for t in fine), default=-math.inf)
        walls = (math.log(t.params[self._lr]) for t in diverged)
        return min((wall for wall in walls if wall > top), default=math.inf)

    def _planned_for(self, trials: Sequence[FrozenTrial], horizon: int) -> list[FrozenTrial]:
        """Trials planned for this horizon; failed ones too, once they had an lr.

        An objective that returns NaN fails its trial. If that did not count, the same lr would be
        proposed for ever.
        """
        plans = ((trial, door.plan_of(trial)) for trial in trials)
        planned = [trial for trial, plan in plans if plan is not None and plan.horizon == horizon]
        return [
            t
            for t in planned
            if t.state != TrialState.FAIL or (self._lr in t.params and not door.was_interrupted(t))
        ]

    def _fit(self, study: Study, trials: Sequence[FrozenTrial]) -> Law:
        finished = [t for t in trials if t.state.is_finished()]
        key = (study.study_name, tuple(t.number for t in finished))
        memo = self._memo  # another thread may replace it meanwhile
        if memo is None or memo[0] != key:
            tables = [*self._sources, self._table(study, finished)]
            shapes = {self._schedule.name: self._schedule}
            self._memo = memo = (key, fit(tables, shapes))
        return memo[1]

    def _table(self, study: Study, trials: Sequence[FrozenTrial]) -> RunTable:
        direction, schedule = study.direction, self._schedule.name
        return door.run_table(trials, direction=direction, lr=self._lr, schedule=schedule)

    def _base(self, study: Study, trial: FrozenTrial) -> BaseSampler:
        """The base sampler; ours is made anew for each trial, so that only its number counts."""
        if self._base_sampler is not None:
            return self._base_sampler
        key = study.study_name, trial.number
        if key not in self._bases:
            seed = np.random.SeedSequence([self._seed, trial.number]).generate_state(1)[0]
            self._bases[key] = TPESampler(seed=int(seed))
        return self._bases[key]

    def _warn(self, reason: str, message: str) -> None:
        if reason not in self._warned:
            self._warned.add(reason)
            _logger.warning(message)


def _checked_horizon(horizon: Any) -> int:
    real = isinstance(horizon, numbers.Real)
    if not (real and horizon > 0 and math.isfinite(horizon) and horizon == int(horizon)):
        raise ValueError(
            "horizon must be a positive whole number of steps (of trial.report), but is "
            f"{horizon!r}"
        )
    if horizon > door.MAX_STEP:
        raise ValueError(
            f"horizon must be at most {door.MAX_STEP}, since storages hold steps in 32 bits, but "
            f"is {horizon}; report in blocks, such as thousands of tokens"
        )
    return int(horizon)


def _checked_n_probes(n_probes: Any) -> int:
    if not (isinstance(n_probes, numbers.Integral) and int(n_probes) >= 0):
        raise ValueError(f"n_probes must be a whole number, 0 or more, but is {n_probes!r}")
    return int(n_probes)
