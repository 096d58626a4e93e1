"""What new trials are planned to be: enqueued by the user, probes, or runs at the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from optuna.trial import FrozenTrial, TrialState, create_trial

from optuna_kappa._validation import MAX_STEP, POSITIVE, check_count, shown
from optuna_kappa.search.budget import probes_for
from optuna_kappa.search.ladder import TRUST, affordable, next_missing, rungs
from optuna_kappa.study.dead import Living, check_dead_after
from optuna_kappa.study.imported import is_imported, without_repeats
from optuna_kappa.study.lr_names import LrName, name_used
from optuna_kappa.study.plans import Kind, Plan, horizon, kind_of
from optuna_kappa.study.study_law import StudyLaw
from optuna_kappa.study.trials import fixed_params
from optuna_kappa.study.turns import trials_before, unplanned

# An imported run counts for a rung that is up to this many times as long: the difference in what
# they tell of the law is less than the price of another probe.
NEARLY = 1.5


class Rivals(NamedTuple):
    """The other trials of the horizon of a trial: they have learning rates, or will have.

    Attributes:
        trials: Those planned for it, those about to be, and the dead ones whose rates are avoided.
        n_dead: How many of them are dead.
        living: The trials of the study that told something, or still may.
        alone: Whether none of the trials before it is running.
    """

    trials: Sequence[FrozenTrial]
    n_dead: int
    living: Living
    alone: bool


class Planner(NamedTuple):
    """Plans the trials of a study, in the order of their numbers.

    Attributes:
        lr: Name of the learning-rate parameter, or several names.
        rungs: (horizon, number of probes) of each rung of the ladder, ascending.
        dead_after: Seconds after which a RUNNING trial is dead; None for the default.

    Example:
        >>> import optuna
        >>> from optuna_kappa.schedules import as_schedule
        >>> from optuna_kappa.study.study_law import Problem
        >>> study = optuna.create_study()
        >>> asked = [study.ask() for _ in range(2)]
        >>> problem = Problem(24, as_schedule("constant"), "lr", [], study.direction)
        >>> planner = Planner("lr", rungs=[(1, 1), (8, 1)])
        >>> _, second = study.trials  # the first takes the probe of 1 step
        >>> planner.plan(second, study.trials, StudyLaw(problem, [])).horizon
        8
    """

    lr: LrName
    rungs: Sequence[tuple[int, int]]
    dead_after: float | None = None

    def plan(self, trial: FrozenTrial, others: Sequence[FrozenTrial], study_law: StudyLaw) -> Plan:
        """The plan of a new trial, after those before it that have no plan yet."""
        before = trials_before(trial, others)
        turns = [*unplanned(trial, before), trial]
        living = Living(before, trial, self.lr, self.dead_after)
        return plans_in_turn(turns, living, study_law, self.rungs)[-1]

    def probes_left(self, trials: Sequence[FrozenTrial], target: int) -> list[int]:
        """The horizons of the probes that are still to be run, if all of them tell something.

        Example:
            >>> Planner("lr", rungs=[(1, 2), (8, 1)]).probes_left([], target=24)
            [1, 1, 8]
        """
        now = create_trial(state=TrialState.RUNNING)
        kinds = _kinds(Living(trials, now, self.lr, self.dead_after), self.rungs)
        left: list[int] = []
        while (
            probe := next_missing(self.rungs, _planned(kinds, self.rungs, target), target)
        ) is not None:
            kinds.setdefault(probe, []).append("probe")
            left.append(probe)
        return left

    def rivals(
        self, trial: FrozenTrial, others: Sequence[FrozenTrial], study_law: StudyLaw
    ) -> Rivals:
        """The rivals of a trial that has its plan."""
        planned_for = horizon(trial)
        living = Living(others, trial, self.lr, self.dead_after)
        planned = living.by_horizon.get(planned_for, [])
        dead = living.avoided(planned_for)

        before = trials_before(trial, others)
        soon = self._about_to_join(trial, before, study_law)
        alone = not any(other.state == TrialState.RUNNING for other in before)
        return Rivals([*planned, *soon, *dead], len(dead), living, alone)

    def _about_to_join(
        self, trial: FrozenTrial, before: Sequence[FrozenTrial], study_law: StudyLaw
    ) -> list[FrozenTrial]:
        """The trials without a plan that are about to be planned for the horizon of a trial."""
        turns = unplanned(trial, before)
        if not turns:
            return []

        living = Living(before, trial, self.lr, self.dead_after)
        plans = plans_in_turn(turns, living, study_law, self.rungs)
        pairs = zip(turns, plans, strict=True)
        return [other for other, plan in pairs if plan.horizon == horizon(trial)]


def planner_for(
    target: int,
    lr: LrName,
    n_probes: int | None = None,
    probe_budget: float | None = None,
    dead_after: float | None = None,
    has_sources: bool = False,
) -> Planner:
    """The planner of a study whose full runs have a horizon.

    Args:
        target: Steps of a full run.
        lr: Name of the learning-rate parameter, or several names.
        n_probes: Number of probes. None for as many as are affordable, at most ten, or for none
            if there are sources.
        probe_budget: Full-run equivalents of the probes, in place of their number.
        dead_after: Seconds after which a RUNNING trial is dead; None for the default.
        has_sources: Whether the law rests on other runs from the start.

    Raises:
        ValueError: A number is not allowed, or probes are given by number and by budget.

    Example:
        >>> planner_for(24, "lr").rungs
        [(1, 6), (8, 4)]
        >>> planner_for(24, "lr", probe_budget=0.5).rungs
        [(1, 6), (2, 3)]
    """
    dead_after = check_dead_after(dead_after)
    if probe_budget is not None:
        if n_probes is not None:
            raise ValueError(
                "n_probes must be None where probe_budget is given, got "
                f"{shown(n_probes)}: the budget says how many probes there are."
            )
        remedy = "it is what the probes may cost, in full runs"
        budget = POSITIVE.check("probe_budget", probe_budget, remedy)
        return Planner(lr, probes_for(budget, target), dead_after)

    if n_probes is None:
        n_probes = 0 if has_sources else affordable(target)
    n_probes = check_count("n_probes", n_probes, "0 runs no probes", 0, MAX_STEP)
    return Planner(lr, rungs(target, n_probes), dead_after)


def plans_in_turn(
    turns: Sequence[FrozenTrial],
    living: Living,
    study_law: StudyLaw,
    rungs: Sequence[tuple[int, int]],
) -> list[Plan]:
    """The plans of new trials, each made as if those before it had theirs.

    Args:
        turns: Trials without a plan, in the order of their turns.
        living: The trials before them that told something, or still may.
        study_law: What the finished trials and the sources say.
        rungs: (horizon, number of probes) of each rung of the ladder, ascending.

    Example:
        >>> import optuna
        >>> from optuna_kappa.schedules import as_schedule
        >>> from optuna_kappa.study.study_law import Problem
        >>> study = optuna.create_study()
        >>> asked = [study.ask() for _ in range(3)]
        >>> problem = Problem(24, as_schedule("constant"), "lr", [], study.direction)
        >>> nothing = Living([], study.trials[0], "lr")
        >>> ladder = [(1, 1), (8, 1)]
        >>> plans = plans_in_turn(study.trials, nothing, StudyLaw(problem, []), ladder)
        >>> [plan.horizon for plan in plans]
        [1, 8, 24]
    """
    kinds = _kinds(living, rungs)
    plans = []
    for trial in turns:
        plan = _next_plan(trial, kinds, living, study_law, rungs)
        kinds.setdefault(plan.horizon, []).append(plan.kind)
        plans.append(plan)
    return plans


def _kinds(living: Living, rungs: Sequence[tuple[int, int]]) -> dict[int, list[str]]:
    """The kinds of the trials that told something, or still may, by the horizon they count for."""
    kinds: dict[int, list[str]] = {}
    for planned_for, trials in living.by_horizon.items():
        for trial in without_repeats(trials, living.lr):
            counts_for = _nearest(planned_for, rungs) if is_imported(trial) else planned_for
            kinds.setdefault(counts_for, []).append(kind_of(trial) or "")
    return kinds


def _nearest(planned_for: int, rungs: Sequence[tuple[int, int]]) -> int:
    """The rung that runs of a horizon nearly reach; their horizon if there is none."""
    for rung, _ in rungs:
        if planned_for < rung <= NEARLY * planned_for:
            return rung
    return planned_for


def _next_plan(
    trial: FrozenTrial,
    kinds: Mapping[int, Sequence[str]],
    living: Living,
    study_law: StudyLaw,
    rungs: Sequence[tuple[int, int]],
) -> Plan:
    """The plan of the trial whose turn it is, given the kinds of those before it by horizon."""
    problem = study_law.problem
    schedule = problem.schedule.name
    target = problem.horizon
    if name_used(fixed_params(trial), problem.lr):
        return Plan(target, "enqueued", schedule)

    is_plateau = study_law.is_plateau(target)
    probe_horizon = next_missing(rungs, _planned(kinds, rungs, target), target)
    if probe_horizon is not None and living.may_probe(probe_horizon, trial.number):
        # Where short runs cannot be told apart, the next rung is run in full.
        in_full = is_plateau and probe_horizon > rungs[0][0]
        kind: Kind = "cover" if in_full else "probe"
        return Plan(target if in_full else probe_horizon, kind, schedule)

    # As many full runs cover the range, from its top, as would follow the law on trust.
    at_target = kinds.get(target, ())
    if at_target.count("cover") < TRUST and study_law.nothing_learned(rungs):
        return Plan(target, "cover", schedule)

    if study_law.is_trusted(at_target, has_probes=bool(rungs)):
        return Plan(target, "law", schedule)
    return Plan(target, "cover" if is_plateau else "base", schedule)


def _planned(
    kinds: Mapping[int, Sequence[str]],
    rungs: Sequence[tuple[int, int]],
    target: int,
) -> dict[int, int]:
    """Number of trials planned for each horizon.

    Full runs that cover a plateau are probes too, and so are imported ones: nothing was known
    when their rates were chosen.
    """
    n_planned = {planned_for: len(there) for planned_for, there in kinds.items()}
    n_full = kinds.get(target, ()).count("cover")
    for planned_for, there in kinds.items():
        if planned_for >= target:
            n_full += there.count("imported")

    if rungs and n_full:
        longest = rungs[-1][0]
        n_planned[longest] = n_planned.get(longest, 0) + n_full
    return n_planned
