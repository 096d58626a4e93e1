"""Hints about what the law cannot use: losses that tie, and runs that it leaves out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress

from optuna.trial import FrozenTrial, TrialState

from optuna_kappa.law.omissions import runs_left_out
from optuna_kappa.search.ladder import N_LEAST, next_missing
from optuna_kappa.search.picking import N_SPREAD
from optuna_kappa.study.plans import horizon, plan_of
from optuna_kappa.study.setup_hints import Hint
from optuna_kappa.study.study_law import StudyLaw
from optuna_kappa.study.trials import run_table


class LawHints:
    """Looks for what the law cannot use, as the trials of a study come in.

    Args:
        rungs: (horizon, number of probes) of each rung of the ladder, ascending.

    Example:
        >>> from optuna.study import StudyDirection
        >>> from optuna_kappa.schedules import as_schedule
        >>> from optuna_kappa.study.study_law import Problem
        >>> problem = Problem(24, as_schedule("constant"), "lr", [], StudyDirection.MINIMIZE)
        >>> list(LawHints([(1, 6), (8, 4)]).about(StudyLaw(problem, [])))
        []
    """

    def __init__(self, rungs: Sequence[tuple[int, int]]) -> None:
        """Look at nothing yet."""
        self._rungs = rungs
        self._next_look = 0  # number of trials; looking for runs left out takes a while

    def about(self, study_law: StudyLaw) -> Iterator[Hint]:
        """Say what the law cannot use of the trials so far.

        Nothing is said of values that no run table holds: who asks for the law is told.
        """
        with suppress(ValueError):
            yield from self._about(study_law)

    def _about(self, study_law: StudyLaw) -> Iterator[Hint]:
        if self._is_first_rung_done(study_law) and study_law.is_plateau(study_law.problem.horizon):
            yield _plateau()
        elif study_law.nothing_learned(self._rungs):
            yield _nothing_learned()

        n_trials = len(study_law.trials)
        if n_trials >= self._next_look:
            settled = self._settled(study_law)
            if settled:
                self._next_look = 2 * n_trials
                yield from _left_out(study_law, settled)

    def _is_first_rung_done(self, study_law: StudyLaw) -> bool:
        """Whether as many trials told something as cover the range."""
        n_first = min(self._rungs[0][1], N_SPREAD) if self._rungs else 0
        return len(study_law.trials) >= max(n_first, N_LEAST)

    def _settled(self, study_law: StudyLaw) -> list[FrozenTrial]:
        """The trials that were to go as far as they did; none while too few of them are in.

        The first trial of a horizon is alone there for a while, and most that are pruned end
        early.
        """
        settled = []
        for trial in study_law.trials:
            plan = plan_of(trial)
            is_probe = plan is not None and plan.is_probe
            if is_probe or trial.state != TrialState.PRUNED:
                settled.append(trial)

        target = study_law.problem.horizon
        planned = Counter(horizon(trial, target) for trial in settled)
        is_early = next_missing(self._rungs, planned, target) or planned[target] < N_LEAST
        return [] if is_early else settled


def _plateau() -> Hint:
    return Hint(
        "plateau",
        "The best losses cannot be told apart, from the lowest learning rate to the highest, so "
        "they do not show where the optimum lies. The next trials cover the whole range. If the "
        "metric is coarse, such as an accuracy, report and return the loss instead.",
    )


def _nothing_learned() -> Hint:
    return Hint(
        "nothing learned",
        "No probe has lowered the loss by 2 %, at any learning rate, so they do not show where "
        "the optimum lies. The next trials try the highest rates that do not diverge, since these "
        "leave a plateau first.",
    )


def _left_out(study_law: StudyLaw, settled: Sequence[FrozenTrial]) -> Iterator[Hint]:
    problem = study_law.problem
    runs = run_table(
        settled,
        direction=problem.direction,
        lr=problem.lr,
        schedule=problem.schedule.name,
        horizon=problem.horizon,
    )
    notes = runs_left_out(runs)
    if notes:
        yield Hint("left out", f"The law does not use all trials (runs, by number): {notes[0]}")
