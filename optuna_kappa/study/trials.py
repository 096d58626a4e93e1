"""Trials as data: a study's trials as a run table, and what a single trial shows."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa._validation import check_horizon, check_items, check_type
from optuna_kappa.runs import COLUMNS, RunTable
from optuna_kappa.study.attributes import note_unreadable
from optuna_kappa.study.lengths import Lengths, curves_of
from optuna_kappa.study.lr_names import (
    NAME_USED,
    LrName,
    check_lr,
    name_used,
    names_of,
    with_name_used,
)
from optuna_kappa.study.plans import PLAN, has_unreadable_plan, horizon, plan_of
from optuna_kappa.study.private import direction_of, require_single_objective, snapshot_now
from optuna_kappa.study.reporting import find_reporting

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


def sign_of(direction: StudyDirection) -> float:
    """Factor that turns a study's values into losses, and back: -1 if it maximizes, else 1.

    Example:
        >>> sign_of(StudyDirection.MAXIMIZE)
        -1.0
    """
    return -1.0 if direction == StudyDirection.MAXIMIZE else 1.0


def run_table(
    trials: Study | Sequence[FrozenTrial],
    *,
    direction: StudyDirection = StudyDirection.MINIMIZE,
    lr: LrName = "lr",
    schedule: str = "constant",
    states: Container[TrialState] = (*FINISHED, TrialState.FAIL, TrialState.RUNNING),
    horizon: int | None = None,
) -> RunTable:
    """The trials of a study as a run table.

    What a completed trial returned is its loss at its planned horizon, and each report below that
    is a row as well. `optuna_kappa.study.reporting` says how reports are read that are counted
    from 0 or contradict the returned values. Where trials return what they have not reported, the
    value of a constant-rate trial is a run of its own, labelled "12 returned" for trial 12.

    A NaN or infinite value means that the run diverged; a failed trial counts only if it reported
    one. If the study maximizes, the sign is turned. A trial without a plan is a full run.

    Args:
        trials: A study, or some trials of one.
        direction: Direction of the objective; a study brings its own.
        lr: Name of the learning-rate parameter, or a tuple of names of which each trial has one;
            trials without any are left out.
        schedule: Schedule of trials without a plan, those of other samplers.
        states: States of the trials to take.
        horizon: Steps of a full run. By default the longest plan or, without plans, the last step
            that most completed trials share.

    Returns:
        Rows by trial number, then step, with context columns for the other parameters. With
        several names of the learning rate, the one used is in the context column `kappa:lr`.

    Raises:
        ValueError: The study has several objectives.

    Example:
        >>> import optuna
        >>> def objective(trial):
        ...     lr = trial.suggest_float("lr", 0.001, 0.1)
        ...     trial.report(lr**2, step=8)
        ...     return lr**2
        >>> study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        >>> study.optimize(objective, n_trials=5)
        >>> runs = run_table(study)
        >>> bool((runs.loss == runs.lr**2).all())
        True
    """
    trials, direction = _opened(trials, direction)
    lr = check_lr(lr)
    check_type("schedule", schedule, str, "it is the name of the runs' schedule")
    full = None if horizon is None else check_horizon(horizon)

    taken = _taken(trials, lr, states)
    sign = sign_of(direction)
    lengths = Lengths(taken, find_reporting(taken, sign), full)
    return _table(taken, sign=sign, lr=lr, schedule=schedule, lengths=lengths)


def _opened(
    trials: Study | Sequence[FrozenTrial],
    direction: StudyDirection,
) -> tuple[Sequence[FrozenTrial], StudyDirection]:
    """The trials, and the direction of their objective; a study brings its own."""
    check_type("direction", direction, StudyDirection, "it is that of the objective")
    if not isinstance(trials, Study):
        return trials, direction

    require_single_objective(trials, "a run table")
    found = snapshot_now(trials)
    note_unreadable(found, PLAN, has_unreadable_plan)
    return found, direction_of(trials)


def _taken(
    trials: Sequence[FrozenTrial],
    lr: LrName,
    states: Container[TrialState],
) -> list[FrozenTrial]:
    """The trials in one of some states that have a learning rate, and a plan that can be read."""
    check_items("trials", trials, FrozenTrial, "give a study, or study.trials")
    check_items("states", states, TrialState, "only trials in one of them are taken")

    taken = []
    for trial in trials:
        is_asked_for = trial.state in states and lr_of(trial, lr)
        if is_asked_for and not has_unreadable_plan(trial):
            taken.append(trial)
    return taken


def _table(
    trials: Sequence[FrozenTrial],
    *,
    sign: float,
    lr: LrName,
    schedule: str,
    lengths: Lengths,
) -> RunTable:
    """The rows of some trials."""
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    # A parameter may have the name of a column, so they are kept apart.
    context: dict[str, list[str]] = {name: [] for name in _context_names(trials, lr)}

    for trial in trials:
        plan = plan_of(trial)
        trained_with = plan.schedule if plan else schedule
        params = with_name_used(trial.params, lr)

        for run, by_step in curves_of(trial, lengths, trained_with).items():
            longest = max(by_step, default=1)
            constant = {
                "run": run,
                "lr": lr_of(trial, lr),
                "schedule": trained_with,
                "horizon": max(lengths.planned(trial), longest, 1),
            }
            for name, value in constant.items():
                columns[name] += [value] * len(by_step)
            for name, values in context.items():
                values += [str(params.get(name, ""))] * len(by_step)

            columns["step"] += by_step
            columns["loss"] += [sign * value for value in by_step.values()]

    return RunTable(**columns, context=context)  # type: ignore[arg-type]


def _context_names(trials: Sequence[FrozenTrial], lr: LrName) -> list[str]:
    """The names of all other parameters, sorted."""
    names = _param_names(trials) - set(names_of(lr))
    if not isinstance(lr, str):
        names.add(NAME_USED)
    return sorted(names)


def _param_names(trials: Sequence[FrozenTrial]) -> set[str]:
    names: set[str] = set()
    for trial in trials:
        names.update(trial.params)
    return names


def fixed_params(trial: FrozenTrial) -> Mapping[str, Any]:
    """The parameters that the user fixed with `study.enqueue_trial`.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> study.enqueue_trial({"lr": 0.01})
        >>> fixed_params(study.trials[0])
        {'lr': 0.01}
    """
    fixed: Mapping[str, Any] = trial.system_attrs.get("fixed_params", {})
    return fixed


def lr_of(trial: FrozenTrial, name: LrName) -> float | None:
    """A trial's learning rate; None if it has none, or one that is not a positive number.

    Args:
        trial: Any trial.
        name: Name of the learning-rate parameter, or several names.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> study.optimize(lambda trial: trial.suggest_float("lr", 0.5, 0.5), n_trials=1)
        >>> lr_of(study.trials[0], "lr")
        0.5
        >>> lr_of(study.trials[0], "learning_rate") is None
        True
    """
    used = name_used(trial.params, name)
    lr = None if used is None else trial.params[used]
    if isinstance(lr, (int, float)) and lr > 0:
        return float(lr)
    return None


def best_params(
    study: Study,
    trials: Sequence[FrozenTrial],
    full_horizon: int,
) -> Mapping[str, Any]:
    """The parameters of the best completed full run; empty if there is none.

    Args:
        study: The study of the trials; its direction counts.
        trials: Its trials; those without a plan count as full runs.
        full_horizon: Horizon of a full run.

    Example:
        >>> import optuna
        >>> study = optuna.create_study(sampler=optuna.samplers.GridSampler({"x": [1, 2, 3]}))
        >>> study.optimize(lambda trial: trial.suggest_int("x", 1, 3))
        >>> best_params(study, study.trials, full_horizon=24)
        {'x': 1}
    """
    full_runs = []
    for trial in trials:
        complete = trial.state == TrialState.COMPLETE and not has_unreadable_plan(trial)
        if complete and horizon(trial, default=full_horizon) == full_horizon:
            full_runs.append(trial)
    if not full_runs:
        return {}

    sign = sign_of(direction_of(study))
    best = min(full_runs, key=lambda trial: sign * trial.values[0])
    return best.params


def require_known_params(
    params: Mapping[str, Any],
    trials: Sequence[FrozenTrial],
) -> None:
    """Raise a ValueError for a parameter that no trial has.

    Raises:
        ValueError: No trial has a parameter of this name.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> study.optimize(lambda trial: trial.suggest_float("lr", 0, 1), n_trials=1)
        >>> require_known_params({"lr": 0.5}, study.trials)
    """
    known = _param_names(trials)
    for name in params:
        if name not in known:
            listed = ", ".join(sorted(known))
            raise ValueError(f"no trial has a parameter {name!r}; the trials have {listed}")
