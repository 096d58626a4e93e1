"""Streams of simulated training curves, and what a pruner decides on them."""

from __future__ import annotations

import functools
import math
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import optuna
from optuna.pruners import BasePruner
from optuna.samplers import RandomSampler
from optuna.storages import BaseStorage, InMemoryStorage, RDBStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial
from sqlalchemy import event

Direction = Literal["minimize", "maximize"]
Curve = Mapping[int, float]  # loss by step, in the order of the reports
Decisions = set[tuple[int, int]]  # number and step of each trial that was pruned

STATES = {
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "running": TrialState.RUNNING,
    "waiting": TrialState.WAITING,
}
OTHERS = (*STATES, "none", "completed", "unreported", "at other steps", "nan", "inf", "-inf")


def falling(
    level: float, n_reports: int = 8, unit: int = 100, floor: float = 0.3
) -> dict[int, float]:
    """Falls from `level` towards `floor` of it, with reports after 1, 2, 4, ... units of steps."""
    return {unit << i: level * (floor + (1 - floor) * 2 ** (-i / 2)) for i in range(n_reports)}


def improving(sign: float = 1.0) -> list[dict[int, float]]:
    """Ten curves of one shape, each below the one before it; the last starts at 1."""
    return times([falling(level) for level in np.geomspace(3.0, 1.0, 10).tolist()], sign)


def stream(n_trials: int = 20, unit: int = 100) -> list[dict[int, float]]:
    """Noisy curves that cross. The first four are short, and the 10th and the 16th diverge."""
    rng = np.random.default_rng(0)
    curves = []
    for number in range(n_trials):
        n_reports = 3 if number < 4 else 8
        level, floor = math.exp(rng.uniform(-0.7, 1.4)), rng.uniform(0.0, 0.9)
        noise = np.exp(rng.normal(0.0, 0.05, n_reports)).tolist()
        curve = falling(level, n_reports, unit, floor)
        curves.append({s: loss * e for (s, loss), e in zip(curve.items(), noise, strict=True)})
    for curve, loss in zip(curves[9::6], (math.nan, math.inf), strict=False):
        curve |= dict.fromkeys(list(curve)[4:], loss)
    return curves


def times(curves: Iterable[Curve], factor: float) -> list[dict[int, float]]:
    """The curves with all losses multiplied."""
    return [{step: factor * loss for step, loss in curve.items()} for curve in curves]


def others_of(kind: str) -> list[FrozenTrial]:
    """Ten trials of one kind of `OTHERS`: a state, or what is reported."""
    state = STATES.get(kind, TrialState.COMPLETE)
    curves = [falling(1.0 + i / 10, unit=1) for i in range(10)]
    if kind == "none":
        curves = []
    elif kind in ("waiting", "unreported"):
        curves = [{}] * 10
    elif kind == "at other steps":
        curves = [falling(1.0 + i / 10, unit=1_000_003) for i in range(10)]
    elif kind in ("nan", "inf", "-inf"):
        curves = [dict.fromkeys(curve, float(kind)) for curve in curves]
    value = 1.0 if state == TrialState.COMPLETE else None
    return [create_trial(state=state, value=value, intermediate_values=c) for c in curves]


def new_study(
    pruner: BasePruner,
    direction: Direction = "minimize",
    storage: BaseStorage | None = None,
    name: str = "stream",
) -> Study:
    """An empty study. Its name is given because a pruner may choose by it, as Hyperband does."""
    return optuna.create_study(
        storage=storage or InMemoryStorage(),
        sampler=RandomSampler(seed=0),
        pruner=pruner,
        study_name=name,
        direction=direction,
    )


def reloaded(study: Study, storage: BaseStorage, pruner: BasePruner) -> Study:
    """The same study in another process, so to say: from a storage, with a pruner."""
    sampler = RandomSampler(seed=0)
    name = study.study_name
    return optuna.load_study(study_name=name, storage=storage, sampler=sampler, pruner=pruner)


def continued(study: Study, storage: BaseStorage, number: int) -> Trial:
    """The running trial of a number, in a study loaded from this storage."""
    study_id = storage.get_study_id_from_name(study.study_name)
    return Trial(study, storage.get_trial_id_from_study_id_trial_number(study_id, number))


def follow(trial: Trial, curve: Curve, obey: bool = True) -> int | None:
    """Reports and asks up to where the pruner ends the trial: that step; None if it never does."""
    for step, loss in curve.items():
        trial.report(loss, step)
        if trial.should_prune() and obey:
            return step
    return None


def tell(study: Study, trial: Trial, curve: Curve, pruned_at: int | None) -> Decisions:
    """Ends a trial as an objective would; a diverged one that was not pruned has failed."""
    if pruned_at is not None:
        study.tell(trial, state=TrialState.PRUNED)
        return {(trial.number, pruned_at)}
    final = list(curve.values())[-1]
    if math.isfinite(final):
        study.tell(trial, final)
    else:
        study.tell(trial, state=TrialState.FAIL)
    return set()


def run(study: Study, curves: Iterable[Curve], obey: bool = True) -> Decisions:
    """Trains one trial after the other, asking at each report; all to the end unless `obey`."""
    decisions: Decisions = set()
    for curve in curves:
        trial = study.ask()
        decisions |= tell(study, trial, curve, follow(trial, curve, obey))
    return decisions


@functools.cache
def _empty_database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "empty.db")
        RDBStorage(f"sqlite:///{path}").engine.dispose()
        return path.read_bytes()


def sqlite(path: Path) -> RDBStorage:
    """Opens a file, made if it is not there, without what takes time: tables, checks, waiting."""
    if not path.exists():
        path.write_bytes(_empty_database())
    url = f"sqlite:///{path}"
    storage = RDBStorage(url, skip_compatibility_check=True, skip_table_creation=True)
    event.listen(storage.engine, "connect", lambda c, _: c.execute("PRAGMA synchronous=OFF"))
    storage.engine.dispose()  # connections that were made before
    return storage
