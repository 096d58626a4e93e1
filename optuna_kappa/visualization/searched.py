"""What the figures know of a study: its trials, its settings and its law.

A figure takes a study and, where the law needs it, the sampler that searched it. Without one, the
study's own sampler counts if it is a `KappaSampler`. Of a study that was loaded from a storage
without its sampler, the settings are those that `optuna-kappa tune` has stored with it. Without
those, they follow from what its trials hold: their plans or, without plans, the length of most
runs. Then the prior is not known, and the sources of a search are known only from its sampler.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa._validation import check_type
from optuna_kappa.law import Law, fit
from optuna_kappa.law.effects import find_effects
from optuna_kappa.runs import RunTable
from optuna_kappa.schedules import CONSTANT, AnySchedule, find_schedule
from optuna_kappa.search.certainty import Certainty
from optuna_kappa.study.evidence import select_evidence
from optuna_kappa.study.explain import Kill, kills
from optuna_kappa.study.lengths import Lengths
from optuna_kappa.study.lr_names import LrName, check_lr
from optuna_kappa.study.outlook import certainty_at
from optuna_kappa.study.plans import has_unreadable_plan, plan_of
from optuna_kappa.study.private import direction_of, require_single_objective, snapshot_now
from optuna_kappa.study.rebuilding import sampler_of, settings_of
from optuna_kappa.study.recommending import BestRate, best_rate
from optuna_kappa.study.reporting import find_reporting
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.study.study_law import Problem, StudyLaw
from optuna_kappa.study.trials import FINISHED, run_table, sign_of


@dataclass(frozen=True, eq=False)
class Searched:
    """A study as the figures see it, at one moment.

    Attributes:
        study: The study.
        trials: Its trials at that moment, by number.
        lr: Name of the learning-rate parameter, or several names.
        horizon: Steps of a full run; 0 where nothing tells.
        schedule: Name of the schedule of full runs.
        study_law: What the finished trials and the sources say; None where the schedule is the
            user's own and only its name is known.
        rungs: (horizon, number of probes) of each rung of the ladder of probes, ascending; those
            there are where the sampler is not known.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> study = optuna.create_study(sampler=KappaSampler(24, schedule="cosine", seed=0))
        >>> known = searched(study)
        >>> known.horizon, known.schedule
        (24, 'cosine')
    """

    study: Study
    trials: Sequence[FrozenTrial]
    lr: LrName
    horizon: int
    schedule: str
    study_law: StudyLaw | None
    rungs: Sequence[tuple[int, int]] = ()

    @property
    def sign(self) -> float:
        """Factor that turns a value of the study into a loss, and back."""
        return sign_of(direction_of(self.study))

    @property
    def shape(self) -> AnySchedule | None:
        """The schedule of full runs; None where only its name is known."""
        return None if self.study_law is None else self.study_law.problem.schedule

    @cached_property
    def lengths(self) -> Lengths:
        """How long the trials were."""
        readable = [trial for trial in self.trials if not has_unreadable_plan(trial)]
        return Lengths(readable, find_reporting(readable, self.sign), self.horizon or None)

    @cached_property
    def kills(self) -> Sequence[Kill]:
        """The pruned trials, with the reasons."""
        return kills(self.study, self.lr)

    @cached_property
    def runs(self) -> RunTable:
        """The finished trials as runs, with their losses for the average other parameters."""
        table = run_table(
            self.trials,
            direction=direction_of(self.study),
            lr=self.lr,
            schedule=self.schedule,
            horizon=self.horizon or None,
            states=(*FINISHED, TrialState.FAIL),
        )
        return find_effects(table, sorted(table.context)).adjusted(table)

    @property
    def varied(self) -> list[str]:
        """The other parameters in which finished trials differ."""
        context = self.runs.context
        return [name for name, values in context.items() if len(set(values.tolist())) > 1]

    @cached_property
    def law(self) -> Law:
        """The law of the finished trials and, where they are known, the sources."""
        if self.study_law is not None:
            return self.study_law.law
        return fit(self.runs) if len(self.runs) else Law(())

    @cached_property
    def recommended(self) -> float | None:
        """The learning rate to train full runs with; None if nothing can be recommended yet."""
        return None if self._best is None else math.exp(self._best.ln_lr)

    @cached_property
    def certainty(self) -> Certainty | None:
        """How good the recommended rate is likely to be; None if there is none."""
        if self.study_law is None or self._best is None:
            return None
        return certainty_at(self.study_law, self._best.ln_lr - self._best.shift)

    @cached_property
    def _best(self) -> BestRate | None:
        if self.study_law is None:
            return None

        try:
            return best_rate(self.study, self.trials, None, self.study_law)
        except ValueError:
            return None


def searched(
    study: Study | Searched,
    sampler: KappaSampler | None = None,
    lr: LrName | list[str] = "lr",
) -> Searched:
    """What the figures know of a study.

    Args:
        study: A study with one objective. What is known of one already is returned as it is.
        sampler: The sampler that searched it. By default the study's own.
        lr: Name of the learning-rate parameter, or a tuple of several, where there is no
            `KappaSampler` to know it.

    Raises:
        ValueError: The study has several objectives, or an argument is of another type.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> study.add_trial(optuna.create_trial(value=1.0, intermediate_values={1: 2.0, 8: 1.0}))
        >>> searched(study).horizon
        8
    """
    if isinstance(study, Searched):
        return study

    require_single_objective(study, "a figure")
    if sampler is None and isinstance(study.sampler, KappaSampler):
        sampler = study.sampler

    trials = snapshot_now(study)
    if sampler is None and settings_of(study):
        sampler = sampler_of(study)
    if sampler is None:
        return _from_trials(study, trials, check_lr(lr))

    check_type("sampler", sampler, KappaSampler, "it is the one that searched the study")
    # The settings of a sampler are its own; what they make of some trials is all that is needed.
    study_law = sampler.study_law(study, trials)
    problem = study_law.problem
    settings = problem.lr, problem.horizon, problem.schedule.name
    return Searched(study, trials, *settings, study_law, sampler.rungs)


def _from_trials(study: Study, trials: Sequence[FrozenTrial], lr: LrName) -> Searched:
    """A study whose settings are known from its trials alone."""
    direction = direction_of(study)
    readable = [trial for trial in trials if not has_unreadable_plan(trial)]
    horizon = Lengths(readable, find_reporting(readable, sign_of(direction))).full
    schedule = _schedule_at(horizon, readable)

    shape = find_schedule(schedule)
    study_law = None
    if horizon and shape is not None:
        problem = Problem(horizon, shape, lr, [], direction)
        study_law = StudyLaw(problem, select_evidence(trials, lr))
        schedule = shape.name

    return Searched(study, trials, lr, horizon, schedule, study_law, _rungs(readable))


def _rungs(trials: Sequence[FrozenTrial]) -> list[tuple[int, int]]:
    """The horizons of the probes among some trials, and how many there are of each."""
    counts: Counter[int] = Counter()
    for trial in trials:
        plan = plan_of(trial)
        if plan is not None and plan.is_probe:
            counts[plan.horizon] += 1
    return sorted(counts.items())


def _schedule_at(horizon: int, trials: Sequence[FrozenTrial]) -> str:
    """The schedule of most trials that were planned for a horizon; constant without plans."""
    counts: Counter[str] = Counter()
    for trial in trials:
        plan = plan_of(trial)
        if plan is not None and plan.horizon == horizon:
            counts[plan.schedule] += 1

    for schedule, _ in counts.most_common(1):
        return schedule
    return CONSTANT
