"""Where trials become rows: a study's trials as a run table, and what one trial tells."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from typing import Any

from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa.runs import COLUMNS, RunTable
from optuna_kappa.study.plans import horizon, plan_of
from optuna_kappa.study.private import direction_of, require_single_objective, snapshot_now

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


def sign_of(direction: StudyDirection) -> float:
    """Factor that turns a study's values into losses, and back: -1 where it maximizes, else 1."""
    return -1.0 if direction == StudyDirection.MAXIMIZE else 1.0


def run_table(
    trials: Study | Sequence[FrozenTrial],
    *,
    direction: StudyDirection = StudyDirection.MINIMIZE,
    lr: str = "lr",
    schedule: str = "constant",
    states: Container[TrialState] = (*FINISHED, TrialState.FAIL, TrialState.RUNNING),
) -> RunTable:
    """The trials of a study as a run table.

    Every reported value is a row. A trial without reports has one row, its value, at its planned
    horizon. A NaN or infinite value says that the run diverged; a failed trial counts only if it
    reported one. When the study maximises, the sign is turned, so that lower is better. A trial
    without a plan, one of another sampler, is taken to have been planned for the largest step of
    all trials.

    Args:
        trials: A study, or some of one's trials.
        direction: Direction of the objective; a study brings its own.
        lr: Name of the learning-rate parameter; trials without it are left out.
        schedule: Schedule of trials that have no plan, those of other samplers.
        states: States of the trials to take.

    Returns:
        Rows by trial number, then step, with context columns for the other parameters.
    """
    if isinstance(trials, Study):
        require_single_objective(trials, "a run table")
        direction = direction_of(trials)
        trials = snapshot_now(trials)

    sign = sign_of(direction)
    taken = [trial for trial in trials if trial.state in states and lr_of(trial, lr)]
    reports = {trial.number: _reports(trial) for trial in taken}
    full = max((max(steps, default=0) for steps in reports.values()), default=0)

    others = sorted({name for trial in taken for name in trial.params} - {lr, *COLUMNS})
    columns: dict[str, list[Any]] = {name: [] for name in (*COLUMNS, *others)}

    for trial in taken:
        plan, values = plan_of(trial), reports[trial.number]
        planned = max(plan.horizon if plan else full, *values, 1)
        n = len(values)

        columns["run"] += [str(trial.number)] * n
        columns["lr"] += [float(trial.params[lr])] * n
        columns["schedule"] += [plan.schedule if plan else schedule] * n
        columns["horizon"] += [planned] * n
        columns["step"] += list(values)
        columns["loss"] += [sign * value for value in values.values()]
        for name in others:
            columns[name] += [str(trial.params.get(name, ""))] * n

    return RunTable.from_columns(columns)


def _reports(trial: FrozenTrial) -> Mapping[int, float]:
    """Values by step, ascending, of the reports or, without any, of the result.

    A finite loss at step 0 is that of no training, and left out.
    """
    values = {step: float(value) for step, value in trial.intermediate_values.items()}
    reports = {step: v for step, v in values.items() if step > 0 or not math.isfinite(v)}
    if trial.state == TrialState.FAIL and all(math.isfinite(v) for v in reports.values()):
        return {}

    plan = plan_of(trial)
    if not reports and plan is not None and trial.state == TrialState.COMPLETE:
        return {plan.horizon: float(trial.values[0])}
    return dict(sorted(reports.items()))


def fixed_params(trial: FrozenTrial) -> Mapping[str, Any]:
    """The parameters that the user fixed by `study.enqueue_trial`."""
    fixed: Mapping[str, Any] = trial.system_attrs.get("fixed_params", {})
    return fixed


def lr_of(trial: FrozenTrial, name: str) -> float | None:
    """A trial's learning rate, None where it has none, or one that is no positive number."""
    lr = trial.params.get(name)
    return float(lr) if isinstance(lr, (int, float)) and lr > 0 else None


def tells(trial: FrozenTrial) -> bool:
    """Whether a trial has something to tell: it ended, or it failed after it had diverged."""
    failed = trial.state == TrialState.FAIL
    return trial.state in FINISHED or (failed and diverged_at(trial) is not None)


def diverged_at(trial: FrozenTrial) -> int | None:
    """The step at which a trial first reported NaN or infinity, None if it never did."""
    bad = (step for step, loss in trial.intermediate_values.items() if not math.isfinite(loss))
    return min(bad, default=None)


def best_params(study: Study, trials: Sequence[FrozenTrial], full: int) -> Mapping[str, Any]:
    """The parameters of the best completed trial of a horizon; none while there is none."""
    sign = sign_of(direction_of(study))
    done = [
        t for t in trials if t.state == TrialState.COMPLETE and horizon(t, default=full) == full
    ]
    return min(done, key=lambda t: sign * t.values[0]).params if done else {}


def known_params(params: Mapping[str, Any], trials: Sequence[FrozenTrial]) -> None:
    """Raise a ValueError for a parameter that no trial has."""
    known = {name for trial in trials for name in trial.params}
    for name in params:
        if name not in known:
            raise ValueError(
                f"no trial has a parameter {name!r}; the trials have {', '.join(sorted(known))}"
            )
