"""Between Optuna and the law: trials become run tables, and plans are kept on trials.

This is the one place that touches Optuna's private names:

- `study._get_trials(use_cache=True)`: the public `get_trials` reads the storage again at every
  call; Optuna's own samplers share one read an ask by this one.
- `study._storage` and `trial._trial_id`: an attribute has to be stored before the first suggest,
  and a sampler is handed a `FrozenTrial`, whose `set_user_attr` changes memory only.
- `study._directions`: the public property deep-copies.
- `object.__getattribute__(study, "__dict__")`: a study seen through a filter shares everything
  else with the original, also when that is one of Hyperband's bracket studies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal

from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState

from optuna_kappa.runs import RunTable

PLAN = "kappa:plan"
PRUNED = "kappa:pruned"
INTERRUPTED = "kappa:interrupted"
MAX_STEP = 2**31 - 1
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)

Kind = Literal["probe", "law", "base", "enqueued"]


@dataclass(frozen=True)
class Plan:
    """What a trial was planned to be, stored as its user attribute `kappa:plan`.

    Attributes:
        horizon: Steps (in the unit of `trial.report`) it should train for.
        kind: "probe" (below the target's horizon), "law" (at the target, lr from the law),
            "base" (at the target, lr from the base sampler) or "enqueued" (lr from the user).
        schedule: Name of the schedule it runs.
    """

    horizon: int
    kind: Kind
    schedule: str

    @property
    def is_probe(self) -> bool:
        """Whether the trial is for a horizon below the target's."""
        return self.kind == "probe"


_plan = lru_cache(Plan)  # thousands of trials share a few plans


def plan_of(trial: Trial | FrozenTrial) -> Plan | None:
    """The plan stored on a trial, None for a trial of another sampler."""
    stored = trial.user_attrs.get(PLAN)
    if stored is None:
        return None
    try:
        return _plan(**stored)
    except TypeError as error:
        raise ValueError(
            f"the attribute {PLAN!r} of trial {trial.number} is {stored!r}, not a plan; "
            "KappaSampler writes it, and it is not meant to be set by hand"
        ) from error


def kind_of(trial: FrozenTrial) -> str | None:
    """The kind of a planned trial, None for a trial of another sampler."""
    plan = plan_of(trial)
    return None if plan is None else plan.kind


def probe_end(trial: FrozenTrial) -> int | None:
    """The step at which a probe ends; None for a full run, or a trial of another sampler."""
    plan = plan_of(trial)
    return plan.horizon if plan is not None and plan.is_probe else None


def horizon(trial: Trial | FrozenTrial, default: int | None = None) -> int:
    """How long a trial should plan to train: what a scheduled objective builds its schedule for.

    Args:
        trial: The trial given to the objective.
        default: Answer for trials of other samplers, normally the full horizon.

    Returns:
        Horizon in the unit of `trial.report`'s step.

    Raises:
        ValueError: The trial has no planned horizon and there is no default.
    """
    plan = plan_of(trial)
    if plan is not None:
        return plan.horizon
    if default is None:
        raise ValueError(
            f"trial {trial.number} has no planned horizon, because its study's sampler is not a "
            "KappaSampler; give horizon(trial, default=...) the full horizon"
        )
    return default


def store_plan(study: Study, trial: FrozenTrial, plan: Plan) -> None:
    """Keeps a plan on a running trial, in the storage and on the trial in hand."""
    stored = asdict(plan)
    study._storage.set_trial_user_attr(trial._trial_id, PLAN, stored)
    trial.user_attrs[PLAN] = stored


def store_pruned(study: Study, trial: FrozenTrial, why: Mapping[str, Any]) -> None:
    """Keeps why a running trial was pruned, in the storage and on the trial in hand."""
    study._storage.set_trial_user_attr(trial._trial_id, PRUNED, dict(why))
    trial.user_attrs[PRUNED] = dict(why)


def fail_interrupted(study: Study) -> None:
    """Marks the trials that a process left running when it was killed as failed, and as such.

    Only for studies that no other process is working on. Samplers that know the mark plan these
    trials again; a trial that failed by itself says something about its learning rate.
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study._storage.set_trial_user_attr(trial._trial_id, INTERRUPTED, True)
        study.tell(trial.number, state=TrialState.FAIL)


def was_interrupted(trial: FrozenTrial) -> bool:
    """Whether `fail_interrupted` marked this trial."""
    return bool(trial.user_attrs.get(INTERRUPTED, False))


def snapshot(study: Study) -> list[FrozenTrial]:
    """All trials of a study, not copied, by one storage read an ask."""
    return study._get_trials(deepcopy=False, use_cache=True)


def require_single_objective(study: Study, who: str) -> None:
    """Raises a ValueError for a study with several objectives."""
    if len(study._directions) > 1:
        raise ValueError(
            f"{who} needs a study with one objective, the loss, but this one has "
            f"{len(study._directions)}; keep the others as user attributes"
        )


class _FilteredStudy(Study):
    """A study that shows a sampler only some of its trials."""

    _original: Study
    _keep: Callable[[FrozenTrial], bool]

    def stop(self) -> None:
        self._original.stop()

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
        use_cache: bool = False,
    ) -> list[FrozenTrial]:
        trials = super()._get_trials(deepcopy, states, use_cache)
        return [trial for trial in trials if self._keep(trial)]

    def get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        return self._get_trials(deepcopy, states)


def at_horizon(study: Study, horizon: int) -> Study:
    """The study as a base sampler should see it: values of other horizons cannot be compared."""

    def keep(trial: FrozenTrial) -> bool:
        plan = plan_of(trial)
        return plan is None or plan.horizon == horizon

    view = object.__new__(_FilteredStudy)
    view.__dict__.update(object.__getattribute__(study, "__dict__"))
    view._original, view._keep = study, keep
    return view


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
        direction = trials._directions[0]
        trials = snapshot_now(trials)
    sign = -1.0 if direction == StudyDirection.MAXIMIZE else 1.0
    columns: dict[str, list[Any]] = {
        name: [] for name in ("run", "lr", "schedule", "horizon", "step", "loss")
    }
    taken = [t for t in trials if t.state in states and lr_of(t, lr)]
    seen = {trial.number: _seen(trial) for trial in taken}
    full = max((max(values, default=0) for values in seen.values()), default=0)
    others = sorted({name for trial in taken for name in trial.params} - {lr, *columns})
    columns |= {name: [] for name in others}
    for trial in taken:
        plan, values = plan_of(trial), seen[trial.number]
        n = len(values)
        columns["run"] += [str(trial.number)] * n
        columns["lr"] += [float(trial.params[lr])] * n
        columns["schedule"] += [plan.schedule if plan else schedule] * n
        columns["horizon"] += [max(plan.horizon if plan else full, *values, 1)] * n
        columns["step"] += list(values)
        columns["loss"] += [sign * value for value in values.values()]
        for name in others:
            columns[name] += [str(trial.params.get(name, ""))] * n
    return RunTable.from_columns(columns)


def snapshot_now(study: Study) -> list[FrozenTrial]:
    """All trials as the storage holds them now, not copied."""
    return study._get_trials(deepcopy=False)


def _seen(trial: FrozenTrial) -> Mapping[int, float]:
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


def best_params(study: Study, trials: Sequence[FrozenTrial], full: int) -> Mapping[str, Any]:
    """The parameters of the best completed trial of a horizon; none while there is none."""
    sign = -1.0 if study._directions[0] == StudyDirection.MAXIMIZE else 1.0
    done = [
        t for t in trials if t.state == TrialState.COMPLETE and horizon(t, default=full) == full
    ]
    return min(done, key=lambda t: sign * t.values[0]).params if done else {}


def diverged_at(trial: FrozenTrial) -> int | None:
    """The step at which a trial first reported NaN or infinity, None if it never did."""
    bad = (step for step, loss in trial.intermediate_values.items() if not math.isfinite(loss))
    return min(bad, default=None)
