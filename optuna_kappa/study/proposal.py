"""The learning rate of the next trial, from the law and from the trials beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial

from optuna_kappa.search.picking import N_SPREAD, Picker, below_wall
from optuna_kappa.study.plans import horizon
from optuna_kappa.study.study_law import StudyLaw
from optuna_kappa.study.trials import is_evidence, lr_of


def propose_ln_lr(
    trial: FrozenTrial,
    rivals: Sequence[FrozenTrial],
    study_law: StudyLaw,
    params: Mapping[str, Any],
    ends: tuple[float, float],
    *,
    rungs: Sequence[tuple[int, int]],
    u: float,
) -> float:
    """Ln lr for a trial, between the ends of the range.

    Args:
        trial: The trial, which has a plan.
        rivals: The other trials that were planned for its horizon.
        study_law: What the finished trials and the sources say.
        params: Other parameters of the trial, as far as they are known.
        ends: Lower and upper end of the range of ln lr.
        rungs: (horizon, number of probes) of each rung of the ladder, ascending.
        u: Uniform random number of the trial, in [0, 1).

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> from optuna_kappa.schedules import as_schedule
        >>> from optuna_kappa.study.study_law import Problem
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> asked = study.ask()
        >>> law = StudyLaw(Problem(24, as_schedule("constant"), "lr", [], study.direction), [])
        >>> ladder = [(1, 6), (8, 4)]
        >>> propose_ln_lr(study.trials[0], [], law, {}, (-9.0, -3.0), rungs=ladder, u=0.5)
        -8.5
    """
    lr = study_law.problem.lr
    placed = [rival for rival in rivals if lr_of(rival, lr)]

    tried: list[float] = []
    running: list[float] = []
    for rival in placed:
        # A trial that failed without a report counts as running: its lr is not tried again.
        same_state = tried if is_evidence(rival) else running
        same_state.append(study_law.centered_ln_lr(rival))

    # Trials that were asked before this one and have no lr yet will take the best places.
    waiting = [t for t in rivals if not t.state.is_finished() and lr not in t.params]
    n_before = sum(rival.number < trial.number for rival in waiting)

    low, high = ends
    shift = study_law.shift(params)
    picker = _picker(study_law, horizon(trial), low - shift, high - shift, rungs, u)
    return picker.pick_after(n_before, tried, running) + shift


def _picker(
    study_law: StudyLaw,
    planned_for: int,
    low: float,
    high: float,
    rungs: Sequence[tuple[int, int]],
    u: float,
) -> Picker:
    """A picker of ln lr for a horizon, in the range for the average of the other parameters."""
    wall = study_law.wall(planned_for)
    expected = study_law.surrogate(planned_for, low, below_wall(low, high, wall))

    lowest_rung, n_lowest = rungs[0] if rungs else (0, 0)
    n_spread = min(n_lowest, N_SPREAD)

    return Picker(
        low,
        high,
        wall,
        expected,
        n_cells=max(n_spread, 1),
        n_first=n_spread if planned_for == lowest_rung else 0,
        u=u,
    )
