"""The learning rate of the next trial, from the law and from the trials beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from optuna.trial import FrozenTrial

from optuna_kappa.search.picking import N_SPREAD, Picker, below_wall, within_cell
from optuna_kappa.study.alternatives import bracketing_step
from optuna_kappa.study.evidence import is_evidence
from optuna_kappa.study.plans import horizon, kind_of
from optuna_kappa.study.study_law import StudyLaw
from optuna_kappa.study.trials import lr_of

# Width in ln lr within which trials that bracket an optimum at the same time are kept apart: four
# times what no run can tell (`optuna_kappa.search.bracketing`).
_APART = 0.08


def propose_ln_lr(
    trial: FrozenTrial,
    rivals: Sequence[FrozenTrial],
    study_law: StudyLaw,
    params: Mapping[str, Any],
    ends: tuple[float, float],
    *,
    rungs: Sequence[tuple[int, int]],
    u: Callable[[int], float],
    n_dead: int = 0,
    alone: bool = True,
) -> float:
    """Ln lr for a trial, between the ends of the range.

    Args:
        trial: The trial, which has a plan.
        rivals: The other trials that were planned for its horizon or will be, and dead ones to
            avoid.
        study_law: What the finished trials and the sources say.
        params: Other parameters of the trial, as far as they are known.
        ends: Lower and upper end of the range of ln lr.
        rungs: (horizon, number of probes) of each rung of the ladder, ascending.
        u: Uniform random number in [0, 1) of the trial with a number.
        n_dead: How many of the rivals are dead. They do not help to cover the range.
        alone: Whether none of the trials before it is running.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> from optuna_kappa.schedules import as_schedule
        >>> from optuna_kappa.study.study_law import Problem
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> asked = study.ask()
        >>> law = StudyLaw(Problem(24, as_schedule("constant"), "lr", [], study.direction), [])
        >>> ladder = [(1, 6), (8, 4)]
        >>> middle = lambda number: 0.5
        >>> propose_ln_lr(study.trials[0], [], law, {}, (-9.0, -3.0), rungs=ladder, u=middle)
        -8.5
    """
    shift = study_law.shift(params)
    low, high = ends[0] - shift, ends[1] - shift
    beyond = bracketing_step(trial, rivals, study_law, params, (low, high))
    if beyond is not None:
        if not alone:
            beyond = within_cell(beyond, _APART, low=low, high=high, u=u(trial.number))
        return beyond + shift

    picker = _picker(
        study_law,
        planned_for=horizon(trial),
        low=low,
        high=high,
        rungs=rungs,
        u=u(trial.number),
        n_dead=n_dead,
        alone=alone,
    )
    picker = _covering(picker, trial, study_law, rungs)
    return _picked(picker, trial, rivals, study_law, u) + shift


def _picked(
    picker: Picker,
    trial: FrozenTrial,
    rivals: Sequence[FrozenTrial],
    study_law: StudyLaw,
    u: Callable[[int], float],
) -> float:
    """The ln lr of a trial, once those asked before have theirs, as their workers pick them."""
    tried, running, waiting = _beside(trial, rivals, study_law)
    for number in waiting:
        theirs = replace(picker, u=u(number), alone=False)
        running.append(theirs.pick(tried, running))
    return picker.pick(tried, running)


def _covering(
    picker: Picker,
    trial: FrozenTrial,
    study_law: StudyLaw,
    rungs: Sequence[tuple[int, int]],
) -> Picker:
    """The picker, told to cover the range if the trial has nothing else to follow."""
    from_top = _is_from_top(trial, study_law, rungs)
    if not from_top and not _is_covering(trial, study_law):
        return picker

    seen, wall = _seen(study_law, horizon(trial))
    if from_top:
        wall = min(wall, study_law.too_high(rungs))
    return replace(picker, elsewhere=seen, wall=wall, from_top=from_top)


def _is_from_top(
    trial: FrozenTrial, study_law: StudyLaw, rungs: Sequence[tuple[int, int]]
) -> bool:
    """Whether a trial is to try the highest rates first, since no longer probe has learned."""
    if kind_of(trial) not in ("probe", "cover") or not study_law.nothing_learned(rungs):
        return False

    planned_for = horizon(trial)
    return planned_for > rungs[0][0] and not study_law.is_plateau(planned_for)


def _is_covering(trial: FrozenTrial, study_law: StudyLaw) -> bool:
    """Whether a trial is to cover the range, since all losses tie."""
    kind = kind_of(trial)
    return kind == "cover" or (kind == "probe" and study_law.is_plateau(horizon(trial)))


def _beside(
    trial: FrozenTrial,
    rivals: Sequence[FrozenTrial],
    study_law: StudyLaw,
) -> tuple[list[float], list[float], list[int]]:
    """Ln lr that were tried, ln lr that are being tried, and numbers of those who pick before."""
    lr = study_law.problem.lr
    tried: list[float] = []
    running: list[float] = []
    waiting: list[int] = []

    for rival in rivals:
        rate = lr_of(rival, lr)
        if rate:
            # A dead trial that is avoided counts as running: its lr is not tried again.
            taken = tried if is_evidence(rival) else running
            taken.append(study_law.centered_ln_lr(rival))

        # Trials that were asked before this one and have no lr yet will take the best places.
        if not rival.state.is_finished() and rate is None and rival.number < trial.number:
            waiting.append(rival.number)

    return tried, running, sorted(waiting)


def _picker(
    study_law: StudyLaw,
    *,
    planned_for: int,
    low: float,
    high: float,
    rungs: Sequence[tuple[int, int]],
    u: float,
    n_dead: int,
    alone: bool,
) -> Picker:
    """A picker of ln lr for a horizon, in the range for the average of the other parameters."""
    wall = study_law.wall(planned_for)
    upper_end = below_wall(low, high, wall)
    expected = study_law.surrogate(planned_for, low, upper_end)

    # The first runs of the lowest rung cover the range.
    lowest_rung, n_lowest = rungs[0] if rungs else (0, 0)
    n_spread = min(n_lowest, N_SPREAD)

    return Picker(
        low,
        high,
        wall,
        expected,
        n_cells=max(n_spread, 1),
        n_first=n_spread + n_dead if planned_for == lowest_rung else 0,
        u=u,
        alone=alone,
    )


def _seen(study_law: StudyLaw, planned_for: int) -> tuple[list[float], float]:
    """The ln lr of all trials that told something, and the wall above which runs diverge.

    Where all losses tie there is no valley, so the wall is what the divergences alone say: the
    lowest ln lr that diverged by this horizon, and above which none came farther. It is infinite
    if there is none.
    """
    diverged: list[tuple[float, int]] = []
    fine: list[tuple[float, int]] = []

    for trial in study_law.trials:
        if not lr_of(trial, study_law.problem.lr):
            continue

        ln_lr = study_law.centered_ln_lr(trial)
        step = study_law.diverged_at(trial)
        if step is None:
            fine.append((ln_lr, max(trial.intermediate_values, default=horizon(trial, 1))))
        elif step <= planned_for:
            diverged.append((ln_lr, step))

    wall = math.inf
    for ln_lr, step in diverged:
        if not any(other >= ln_lr and reached >= step for other, reached in fine):
            wall = min(wall, ln_lr)
    return [ln_lr for ln_lr, _ in [*fine, *diverged]], wall
