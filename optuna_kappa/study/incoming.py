"""Runs from elsewhere as trials.

A run becomes a trial with its learning rate, its reports and a plan: a run that is shorter than
the full runs of the study is a probe, any other one is "imported". As with trials of the study
itself, a full run that reached its end is COMPLETE, and everything else PRUNED, so that
`study.best_trial` is a full run. Trials of another study are copied as they are, and get a plan if
they have none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

from optuna_kappa._typing import Floats, Rows
from optuna_kappa._validation import one_line
from optuna_kappa.runs import RunTable
from optuna_kappa.runs.gaps import without_gaps
from optuna_kappa.study.attributes import as_text
from optuna_kappa.study.evidence import is_evidence, retried_numbers
from optuna_kappa.study.imported import IMPORTED, Origin, origin_of
from optuna_kappa.study.param_ranges import param_value
from optuna_kappa.study.plans import PLAN, Plan, plan_of
from optuna_kappa.study.private import snapshot_now
from optuna_kappa.study.trials import lr_of, run_table
from optuna_kappa.study.whole_steps import whole_steps


class Incoming(NamedTuple):
    """A run that is to be imported.

    Attributes:
        origin: Where it comes from.
        trial: The trial that it becomes.
    """

    origin: Origin
    trial: FrozenTrial


@dataclass(frozen=True)
class Target:
    """What the study that runs are imported into is about.

    Attributes:
        horizon: Steps of its full runs; None for those of the longest run that is imported.
        lr: Name of its learning-rate parameter.
        lr_range: Range of the learning rate; widened where a run lies outside.
        params: Distributions of further parameters, by the name of the column.
        unit: Data that a step of the study stands for, in the unit of the runs.

    Example:
        >>> Target(horizon=24).lr
        'lr'
    """

    horizon: int | None = None
    lr: str = "lr"
    lr_range: FloatDistribution | None = None
    params: Mapping[str, BaseDistribution] | None = None
    unit: float = 1.0


def incoming_runs(runs: RunTable, target: Target, source: str) -> list[Incoming]:
    """The runs of a table as trials.

    Args:
        runs: The table. Lower losses are better.
        target: What the study is about.
        source: Where the table comes from.

    Raises:
        ValueError: Steps are not whole numbers in the unit of the study, or a parameter is not in
            its range.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> incoming = incoming_runs(example_runs(horizons=[8]), Target(horizon=64), "runs.csv")
        >>> incoming[0].trial.user_attrs["kappa:plan"]
        '{"horizon": 8, "kind": "probe", "schedule": "constant"}'
    """
    kept = without_gaps(runs)
    if not len(kept):
        raise ValueError(f"{one_line(source)} has no run with a loss")

    step = whole_steps(kept.step, target.unit, kept)
    horizon = np.maximum(whole_steps(kept.horizon, target.unit, kept), 1)
    full = target.horizon or int(horizon.max())
    rates = _range_of(kept.lr, target.lr_range)

    by_run = sorted(kept.by_run(), key=lambda rows: int(rows.min()))
    return [
        _incoming(kept, rows, step[rows], int(horizon[rows[0]]), full, rates, target, source)
        for rows in by_run
    ]


def _incoming(
    runs: RunTable,
    rows: Rows,
    steps: Rows,
    horizon: int,
    full: int,
    rates: FloatDistribution,
    target: Target,
    source: str,
) -> Incoming:
    """The trial that a run becomes."""
    first = int(rows[0])
    reports = dict(zip(steps.tolist(), runs.loss[rows].tolist(), strict=True))
    params: dict[str, Any] = {target.lr: float(runs.lr[first])}
    distributions: dict[str, BaseDistribution] = {target.lr: rates}
    attrs: dict[str, Any] = {}
    for name, values in runs.context.items():
        text = str(values[first])
        if target.params and name in target.params:
            if text:
                params[name] = param_value(name, text, target.params[name])
                distributions[name] = target.params[name]
        elif name not in (PLAN, IMPORTED):
            attrs[name] = text

    is_full = horizon >= full
    plan = Plan(horizon, "imported" if is_full else "probe", str(runs.schedule[first]))
    label = str(runs.run[first])
    origin = Origin(source, label, _digest(params, plan, attrs, reports))

    last = max(reports)
    value = reports[last]
    is_whole = is_full and last == horizon and math.isfinite(value)
    trial = create_trial(
        state=TrialState.COMPLETE if is_whole else TrialState.PRUNED,
        value=None if math.isnan(value) else value,
        params=params,
        distributions=distributions,
        intermediate_values=reports,
        user_attrs={**attrs, PLAN: as_text(asdict(plan)), IMPORTED: origin.text},
    )
    return Incoming(origin, trial)


def incoming_trials(
    study: Study, lr: str, target: Target, source: str, trained_with: str = "constant"
) -> list[Incoming]:
    """The finished trials of another study that told something, copied.

    Args:
        study: The study.
        lr: Name of its learning-rate parameter.
        target: What the study that they are copied to is about.
        source: Where the study is.
        trained_with: Schedule of trials without a plan.

    Raises:
        ValueError: The study has several objectives.

    Example:
        >>> from optuna_kappa.study.example import example_study
        >>> incoming = incoming_trials(example_study(), "lr", Target(horizon=96), "my.db")
        >>> len(incoming), incoming[0].origin.run
        (13, 'example: 0')
    """
    table = run_table(study, lr=lr, schedule=trained_with)
    planned = dict(zip(table.run.tolist(), table.horizon.tolist(), strict=True))
    full = target.horizon or int(max(planned.values(), default=1))

    trials = snapshot_now(study)
    retried = retried_numbers(trials)
    incoming = []
    for trial in trials:
        told = trial.state.is_finished() and is_evidence(trial) and trial.number not in retried
        if not told or not lr_of(trial, lr):
            continue

        plan = plan_of(trial)
        if plan is None:
            horizon = int(planned.get(str(trial.number), full))
            plan = Plan(horizon, "imported" if horizon >= full else "probe", trained_with)
        label = f"{study.study_name}: {trial.number}"
        incoming.append(_copied(trial, plan, {lr: target.lr}, source, label))
    return incoming


def _copied(
    trial: FrozenTrial, plan: Plan, renamed: Mapping[str, str], source: str, label: str
) -> Incoming:
    """A trial of another study, with a plan."""
    params = {renamed.get(name, name): value for name, value in trial.params.items()}
    ranges = {renamed.get(name, name): value for name, value in trial.distributions.items()}
    attrs = {PLAN: as_text(asdict(plan)), **trial.user_attrs}
    reports = trial.intermediate_values
    digest = _digest(params, plan, {"values": trial.values}, reports)
    # What that study imported itself comes from where it was first.
    origin = origin_of(trial) or Origin(source, label, digest)

    copy = create_trial(
        state=trial.state,
        values=trial.values,
        params=params,
        distributions=ranges,
        intermediate_values=reports,
        user_attrs={**attrs, IMPORTED: origin.text},
    )
    copy.datetime_start = trial.datetime_start
    copy.datetime_complete = trial.datetime_complete
    return Incoming(origin, copy)


def _range_of(rates: Floats, given: FloatDistribution | None) -> FloatDistribution:
    """The range of the learning rate of imported trials."""
    low, high = float(rates.min()), float(rates.max())
    if given is None:
        return FloatDistribution(low, high, log=True)
    if given.low <= low and high <= given.high:
        return given
    return FloatDistribution(min(low, given.low), max(high, given.high), log=given.log)


def _digest(params: Mapping[str, Any], plan: Plan, *parts: Mapping[Any, Any]) -> str:
    """A digest of what was read of a run. What it is to a study, its kind, is not read."""
    told = [params, {"horizon": plan.horizon, "schedule": plan.schedule}, *parts]
    text = repr(
        [sorted((str(name), repr(value)) for name, value in part.items()) for part in told]
    )
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
