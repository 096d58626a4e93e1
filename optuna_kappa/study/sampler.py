"""KappaSampler: probes at short horizons, then target trials at the law's learning rate."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa._validation import check_horizon
from optuna_kappa.law import Law, Prior, prior_for
from optuna_kappa.runs import RunTable
from optuna_kappa.schedules import AnySchedule, as_schedule
from optuna_kappa.study.alternatives import choose
from optuna_kappa.study.base_sampler import BaseSamplerAdapter, is_lr_ours
from optuna_kappa.study.evidence import select_evidence
from optuna_kappa.study.law_hints import LawHints
from optuna_kappa.study.lr_names import NAME_USED, LrName, check_lr, name_used, names_of
from optuna_kappa.study.planning import planner_for
from optuna_kappa.study.plans import horizon, plan_of, store_plan
from optuna_kappa.study.private import (
    direction_of,
    require_single_objective,
    snapshot,
    snapshot_now,
)
from optuna_kappa.study.proposal import propose_ln_lr
from optuna_kappa.study.recommending import recommended_lr
from optuna_kappa.study.search_space import ends, require_lr, snap
from optuna_kappa.study.seeding import seed_or_drawn, uniform_number
from optuna_kappa.study.setup_hints import Hints, hint, study_hints
from optuna_kappa.study.sources import source_optima
from optuna_kappa.study.study_law import Problem, StudyLaw
from optuna_kappa.study.trials import fixed_params
from optuna_kappa.study.without_lr import expect_no_lr, settle_without_lr

_logger = logging.getLogger(__name__)


class KappaSampler(BaseSampler):
    """Finds the best learning rate of long training runs from cheap short ones.

    A search proceeds in two stages:

    1. **Probes.** The first trials are short runs, at a ladder of horizons below the target. The
       optimal learning rate at each horizon shows the *law*: how the optimum moves as runs get
       longer.
    2. **Target trials.** Full-length runs take their lr from the law and from each other. Up to
       three of them follow the law (two if it rests on sources alone). If they have not located
       the optimum, every second trial goes to the base sampler until it is located. So a law
       that misleads costs a few trials, not the search.

    All other parameters come from the base sampler. It learns from all trials, but when it has to
    choose the lr as well, only from full-length ones. Of parameters that are no numbers, such as
    the optimizer, each value is tried first. If other parameters are suggested before the lr and
    are seen to move its optimum, the lr is proposed for their values.

    Use the sampler together with `KappaPruner`, which ends probes at their planned horizon. An
    objective with a learning-rate schedule builds it for `optuna_kappa.horizon(trial)` steps.

    Proposals depend only on the study's trials, the seed and the trial's number. The same storage
    gives the same proposal, after a restart and from any worker.

    Args:
        horizon: Steps of a full run, in the unit of `trial.report`'s step.
        schedule: Schedule of the runs: a name or an `optuna_kappa.schedules` object.
        lr: Name of the learning-rate parameter, a float range above 0, or a tuple of names of
            which each trial has one.
        sources: Studies or run tables to start from, of short or constant-rate runs in the same
            unit of steps. With sources there are no probes by default.
        base_sampler: Sampler of all other parameters, and of the lr while the law is not trusted.
            By default a TPESampler, seeded for each trial.
        n_probes: Number of probes. By default 10, which cost 1.6 full runs, or fewer if steps are
            coarse; 0 with sources.
        seed: Seed of the proposals. None draws one, and then other processes propose differently.
        dead_after: Seconds after which a RUNNING trial counts as left by a killed process: it uses
            up no probe. By default ten times what the slowest finished trial took for as many
            steps, at least a minute. `optuna_kappa.fail_interrupted` marks such trials at once.
        prior: What is believed about the law before any run: an `optuna_kappa.law.Prior`, or the
            name of one. By default what follows from `optimizer` and `passes`.
        optimizer: Name of the optimizer, such as "adam".
        passes: Passes over the data in a full run; at most 1 for fresh data.
        probe_budget: What the probes may cost, in full runs, such as 0.5; in place of `n_probes`.

    Raises:
        ValueError: An argument is not allowed, or no optimum can be located in a source.

    Example:
        >>> import math
        >>> import optuna
        >>> from optuna_kappa import KappaPruner, KappaSampler
        >>> def objective(trial):
        ...     lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
        ...     for epoch in range(1, 25):
        ...         best_lr = 0.02 / epoch  # longer runs need a lower learning rate
        ...         loss = 1 / epoch + 0.1 * math.log(lr / best_lr) ** 2
        ...         trial.report(loss, step=epoch)
        ...         if trial.should_prune():
        ...             raise optuna.TrialPruned()
        ...     return loss
        >>> sampler = KappaSampler(horizon=24, seed=0)
        >>> study = optuna.create_study(sampler=sampler, pruner=KappaPruner())
        >>> study.optimize(objective, n_trials=13)  # ten probes, three full runs
        >>> round(sampler.recommend(study), 4)  # the best is 0.02 / 24
        0.0008
    """

    def __init__(
        self,
        horizon: int,
        schedule: str | AnySchedule = "constant",
        lr: LrName | list[str] = "lr",
        sources: Sequence[Study | RunTable] = (),
        base_sampler: BaseSampler | None = None,
        n_probes: int | None = None,
        seed: int | None = None,
        dead_after: float | None = None,
        prior: Prior | str | None = None,
        optimizer: str | None = None,
        passes: float | None = None,
        probe_budget: float | None = None,
    ) -> None:
        self._horizon = check_horizon(horizon)
        self._schedule = as_schedule(schedule)
        self.lr = check_lr(lr)
        self._sources = source_optima(sources, self.lr)
        self._prior = prior_for(prior, optimizer=optimizer, passes=passes, horizon=self._horizon)
        ladder = (n_probes, probe_budget, dead_after, bool(self._sources))
        self._planner = planner_for(self._horizon, self.lr, *ladder)
        self._seed = seed_or_drawn(seed)
        self._base = BaseSamplerAdapter(
            base_sampler, self._horizon, self.lr, self._seed, self._choose
        )
        self._memo: tuple[object, StudyLaw] | None = None
        self._hints = Hints(_logger)
        self._law_hints = LawHints(self.rungs)

    @property
    def rungs(self) -> Sequence[tuple[int, int]]:
        """(Horizon, number of probes) of each rung of the ladder, by ascending horizon."""
        return self._planner.rungs

    def reseed_rng(self) -> None:
        """Reseed the base sampler; the rest depends on the seed and the trial's number only."""
        self._base.reseed_rng()

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Plan the trial's horizon and store it on the trial.

        Raises:
            ValueError: The study has several objectives.
        """
        require_single_objective(study, "KappaSampler")
        if plan_of(trial) is None:
            others = self._others(study, trial)
            plan = self._planner.plan(trial, others, self.study_law(study, others))
            store_plan(study, trial, plan)
        self._base.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The base sampler's search space, without the lr if this sampler picks it."""
        require_single_objective(study, "KappaSampler")
        return self._base.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The base sampler's proposal."""
        require_single_objective(study, "KappaSampler")
        params = self._base.sample_relative(study, trial, search_space)
        expect_no_lr(study, trial, params, self.lr, self._horizon)
        return params

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The lr from the plan or the law; everything else from the base sampler.

        Raises:
            ValueError: The study has several objectives, or lr is not a float range above 0.
        """
        require_single_objective(study, "KappaSampler")
        if param_name in names_of(self.lr) and not name_used(trial.params, self.lr):
            lr_range = require_lr(param_name, param_distribution)
            if is_lr_ours(trial):
                ln_lr = self._propose(study, trial, param_name, ends(lr_range))
                return snap(lr_range, math.exp(ln_lr))

        value = self._base.sample_independent(study, trial, param_name, param_distribution)
        expect_no_lr(study, trial, {param_name: value}, self.lr, self._horizon)
        return value

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Forward to the base sampler, and warn once of each set-up that wastes probes."""
        settle_without_lr(study, trial, self.lr, self._horizon)
        self._base.after_trial(study, trial, state, values)
        self._hints.say(hint(trial, plan_of(trial), state, study.pruner, self.lr))

    def law(self, study: Study) -> Law:
        """The law, fitted to the study's finished trials and the sources.

        Example:
            >>> import optuna
            >>> from optuna_kappa.runs import example_runs  # the best lr is 0.01 / horizon
            >>> sampler = KappaSampler(horizon=64, sources=[example_runs()])
            >>> study = optuna.create_study(sampler=sampler)
            >>> round(sampler.law(study).propose(64).lr, 5)
            0.00016
        """
        return self.study_law(study, snapshot_now(study)).law

    def recommend(self, study: Study, params: Mapping[str, Any] | None = None) -> float:
        """The lr to train full runs with, given the finished trials and the sources.

        It has the least expected loss under the law and the full runs. This need not be the lr of
        the best trial: with few trials, the best loss is as much luck as merit.

        Args:
            study: A study that was searched with this sampler.
            params: Other parameters of these runs; a missing one counts as the middle of its
                range. By default those of the best full run so far. The lr stays within the range
                that the trials with these parameters have, or those with the nearest ones.

        Raises:
            ValueError: No trial has a learning rate, no horizon has three learning rates with a
                finite loss yet, or no trial has a parameter of one of these names.

        Example:
            >>> import optuna
            >>> from optuna_kappa.runs import example_runs  # the best lr is 0.01 / horizon
            >>> sampler = KappaSampler(horizon=64, sources=[example_runs()], seed=0)
            >>> study = optuna.create_study(sampler=sampler)
            >>> lr = study.ask().suggest_float("lr", 1e-6, 1e-1, log=True)
            >>> round(sampler.recommend(study), 5)
            0.00015
        """
        trials = snapshot_now(study)
        return recommended_lr(study, trials, params, self.study_law(study, trials))

    def study_law(self, study: Study, trials: Sequence[FrozenTrial]) -> StudyLaw:
        """What the trials say; the last answer is kept until a trial is added to the evidence."""
        evidence = select_evidence(trials, self.lr)
        key = tuple((trial.number, trial.datetime_complete) for trial in evidence)

        memo = self._memo  # another thread may replace it meanwhile
        if memo is None or memo[0] != key:
            direction = direction_of(study)
            of_runs = self._horizon, self._schedule, self.lr, self._sources, direction
            self._memo = memo = (key, StudyLaw(Problem(*of_runs, self._prior), evidence))
            self._hints.say(*study_hints(trials, evidence, direction))
            self._hints.say(*self._law_hints.about(memo[1]))
        return memo[1]

    def _choose(
        self, study: Study, trial: FrozenTrial, name: str, values: BaseDistribution
    ) -> Any:
        """A value of a parameter that is not a number; NotImplemented for the base sampler's."""
        others = self._others(study, trial)
        study_law = partial(self.study_law, study, others)
        return choose(trial, name, values, others, study_law, self._seed)

    def _propose(
        self, study: Study, trial: FrozenTrial, name: str, ln_range: tuple[float, float]
    ) -> float:
        """Ln lr for a trial that calls it by this name, between the ends of the range."""
        others = self._others(study, trial)
        study_law = self.study_law(study, others)
        rivals = self._planner.rivals(trial, others, study_law)
        if not rivals.alone:  # the fit took its time: others were given rates meanwhile
            now = [other for other in snapshot_now(study) if other.number != trial.number]
            rivals = self._planner.rivals(trial, now, study_law)
        base_params = self._base.proposed(study, trial)
        return propose_ln_lr(
            trial,
            rivals.trials,
            study_law,
            {**base_params, **fixed_params(trial), **trial.params, NAME_USED: name},
            rivals.living.below_ceiling(ln_range, horizon(trial)),
            rungs=self.rungs,
            n_dead=rivals.n_dead,
            u=partial(uniform_number, self._seed),
            alone=rivals.alone,
        )

    def _others(self, study: Study, trial: FrozenTrial) -> list[FrozenTrial]:
        return [other for other in snapshot(study) if other.number != trial.number]
