"""Studies with a long history: what a search would have left in its storage, but in seconds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

import numpy as np
import optuna
from optuna.distributions import distribution_to_json
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy import MetaData, select

from optuna_kappa.search.ladder import N_PROBES, rungs
from optuna_kappa.study.plans import PLAN, Kind, Plan
from studies.bench.recorded import adam, lr_range
from studies.replay.objective import LR

EPOCHS = 24  # of a full run, which reports after each
_SPREAD = 0.5  # of the rates that were tried about the best one, in ln lr
_DIGITS = 2  # of a rate; the law's proposals are on a grid as well
_FINITE = "FINITE"


def trials(n: int, *, distinct: bool = False) -> Iterator[FrozenTrial]:
    """Finished trials of a kappa-guided search: probes, then full runs about the best rate.

    Args:
        n: Number of trials.
        distinct: Whether every full run has a rate of its own, as where a sampler that knows no
            grid proposed them; if not, they soon repeat.
    """
    objective, rng = adam(EPOCHS), np.random.default_rng(0)
    best = float(min(objective.recorded, key=objective.regret)[LR])
    found = lr_range(objective)
    low, high = np.log(found.low), np.log(found.high)
    probes = [horizon for horizon, count in rungs(EPOCHS, N_PROBES) for _ in range(count)]
    for horizon in [*probes, *[EPOCHS] * n][:n]:
        full = horizon == EPOCHS
        ln_lr = rng.normal(np.log(best), _SPREAD) if full else rng.uniform(low, high)
        lr = float(np.exp(np.clip(ln_lr, low, high)))
        lr = lr if distinct else float(f"{lr:.{_DIGITS}g}")
        curve = objective.curve({LR: lr}, horizon, rng)
        kind: Kind = "probe" if not full else "base" if distinct else "law"
        yield create_trial(
            state=TrialState.COMPLETE if full else TrialState.PRUNED,
            value=float(curve.losses[-1]),
            params={LR: lr},
            distributions={LR: found},
            user_attrs={PLAN: asdict(Plan(horizon, kind, "constant"))},
            intermediate_values=dict(
                zip(curve.steps.astype(int).tolist(), curve.losses.tolist(), strict=True)
            ),
        )


def fill(storage: RDBStorage, name: str, given: Iterable[FrozenTrial]) -> None:
    """Makes a study, the first of a storage, of finished trials with one value.

    `Study.add_trials` leaves the same in the storage, but takes 20 ms for each trial.

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
            row = {"trial_id": number + 1, "number": number, "study_id": study_id}
            for table, columns in _rows(trial):
                rows.setdefault(table, []).append(
                    row | columns if table == "trials" else {"trial_id": number + 1} | columns
                )
        for table, values in rows.items():
            connection.execute(schema.tables[table].insert(), values)


def _rows(trial: FrozenTrial) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the tables of Optuna's relational storage hold of a trial, but for its number."""
    yield (
        "trials",
        {
            "state": trial.state.name,
            "datetime_start": _utc(trial.datetime_start),
            "datetime_complete": _utc(trial.datetime_complete),
        },
    )
    value = {"objective": 0, "value": trial.value, "value_type": _FINITE}
    yield "trial_values", value
    for name, distribution in trial.distributions.items():
        yield (
            "trial_params",
            {
                "param_name": name,
                "param_value": distribution.to_internal_repr(trial.params[name]),
                "distribution_json": distribution_to_json(distribution),
            },
        )
    for key, attribute in trial.user_attrs.items():
        yield "trial_user_attributes", {"key": key, "value_json": json.dumps(attribute)}
    for step, loss in trial.intermediate_values.items():
        seen = {"intermediate_value": loss, "intermediate_value_type": _FINITE}
        yield "trial_intermediate_values", {"step": step} | seen


def _utc(moment: datetime | None) -> datetime | None:
    return moment and moment.astimezone(timezone.utc).replace(tzinfo=None)
