"""Make studies with a long history in seconds, such as a search would leave in its storage."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

import numpy as np
import optuna
from optuna.distributions import FloatDistribution, distribution_to_json
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy import MetaData, select

from optuna_kappa.search.ladder import N_PROBES, rungs
from optuna_kappa.study.attributes import as_text
from optuna_kappa.study.plans import PLAN, Kind, Plan
from studies.bench.recorded import adam, lr_range
from studies.replay.objective import LR, Curve

EPOCHS = 24  # of a full run, which reports after each
_SPREAD = 0.5  # standard deviation of the tried rates about the best one, in ln lr
_DIGITS = 2  # of a rate; the proposals of the law are on a grid too
_FINITE = "FINITE"


def trials(n: int, *, distinct: bool = False) -> Iterator[FrozenTrial]:
    """Make finished trials of a kappa-guided search: probes, then full runs about the best rate.

    Args:
        n: Number of trials.
        distinct: Whether every full run has a rate of its own, as with a sampler that proposes off
            the grid. Otherwise the rates soon repeat.
    """
    objective = adam(EPOCHS)
    rng = np.random.default_rng(0)
    best = float(min(objective.recorded, key=objective.regret)[LR])
    recorded = lr_range(objective)
    low = np.log(recorded.low)
    high = np.log(recorded.high)

    for horizon in _horizons(n):
        full = horizon == EPOCHS
        ln_lr = rng.normal(np.log(best), _SPREAD) if full else rng.uniform(low, high)
        lr = float(np.exp(np.clip(ln_lr, low, high)))
        if not distinct:
            lr = float(f"{lr:.{_DIGITS}g}")

        curve = objective.curve({LR: lr}, horizon, rng)
        kind: Kind = "probe" if not full else "base" if distinct else "law"
        yield _finished(lr, curve, Plan(horizon, kind, "constant"), recorded)


def _horizons(n: int) -> list[int]:
    """Planned horizons of the first n trials of a search, in epochs."""
    probes: list[int] = []
    for horizon, count in rungs(EPOCHS, N_PROBES):
        probes += [horizon] * count

    return [*probes, *[EPOCHS] * n][:n]


def _finished(
    lr: float,
    curve: Curve,
    plan: Plan,
    space: FloatDistribution,
) -> FrozenTrial:
    """A finished trial. Probes end pruned."""
    steps = curve.steps.astype(int).tolist()
    losses = curve.losses.tolist()
    full = plan.horizon == EPOCHS

    return create_trial(
        state=TrialState.COMPLETE if full else TrialState.PRUNED,
        value=losses[-1],
        params={LR: lr},
        distributions={LR: space},
        user_attrs={PLAN: as_text(asdict(plan))},
        intermediate_values=dict(zip(steps, losses, strict=True)),
    )


def fill(
    storage: RDBStorage,
    name: str,
    given: Iterable[FrozenTrial],
) -> None:
    """Create a study, the first of a storage, from finished trials with one value.

    `Study.add_trials` leaves the same in the storage but takes 20 ms for each trial.

    Args:
        storage: New storage.
        name: Name of the study.
        given: Its trials.
    """
    optuna.create_study(study_name=name, storage=storage)
    schema = MetaData()
    schema.reflect(storage.engine)
    rows: dict[str, list[dict[str, Any]]] = {}

    with storage.engine.begin() as connection:
        study_id = connection.execute(select(schema.tables["studies"].c.study_id)).scalar_one()
        for number, trial in enumerate(given):
            key = {"trial_id": number + 1}
            place = {"number": number, "study_id": study_id}
            rows.setdefault("trials", []).append(key | place | _trial_columns(trial))
            for table, columns in _rows(trial):
                rows.setdefault(table, []).append(key | columns)

        for table, values in rows.items():
            connection.execute(schema.tables[table].insert(), values)


def _trial_columns(trial: FrozenTrial) -> dict[str, Any]:
    """What the table of trials holds of a trial, without its number."""
    return {
        "state": trial.state.name,
        "datetime_start": _utc(trial.datetime_start),
        "datetime_complete": _utc(trial.datetime_complete),
    }


def _rows(trial: FrozenTrial) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the other tables of Optuna's relational storage hold of a trial.

    Yields:
        Name of the table, and the columns of a row without the trial's id.
    """
    value = {"objective": 0, "value": trial.value, "value_type": _FINITE}
    yield "trial_values", value

    for name, distribution in trial.distributions.items():
        param = {
            "param_name": name,
            "param_value": distribution.to_internal_repr(trial.params[name]),
            "distribution_json": distribution_to_json(distribution),
        }
        yield "trial_params", param

    for key, attribute in trial.user_attrs.items():
        yield "trial_user_attributes", {"key": key, "value_json": json.dumps(attribute)}

    for step, loss in trial.intermediate_values.items():
        report = {
            "step": step,
            "intermediate_value": loss,
            "intermediate_value_type": _FINITE,
        }
        yield "trial_intermediate_values", report


def _utc(moment: datetime | None) -> datetime | None:
    """A time as the storage keeps it: in UTC, without a time zone."""
    return moment and moment.astimezone(timezone.utc).replace(tzinfo=None)
