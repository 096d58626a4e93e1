"""A study that goes on while somebody may look at it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import optuna
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from optuna_kappa import KappaPruner, KappaSampler, horizon
from optuna_kappa.search.ladder import N_PROBES, rungs
from optuna_kappa.study.attributes import as_text
from optuna_kappa.study.plans import PLAN, Plan
from optuna_kappa.study.storage import open_database
from studies.bench.history import fill

N_REPORTS = 50  # of a full run

_LR = FloatDistribution(1e-5, 1.0, log=True)


def make_study(path: Path, n_trials: int) -> None:
    """Make a database of one study, as a search with KappaSampler would leave it."""
    storage = open_database(f"sqlite:///{path}")
    fill(storage, "bench", list(_trials(n_trials)))
    with storage.engine.connect() as connection:
        # All of it into the one file that is copied.
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    storage.engine.dispose()


def rate(path: Path, seconds: float) -> float:
    """Trials a second with which a study goes on."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = open_database(f"sqlite:///{path}", create=False)
    sampler = KappaSampler(N_REPORTS, seed=0)
    study = optuna.load_study(
        study_name="bench", storage=storage, sampler=sampler, pruner=KappaPruner()
    )
    study.optimize(_objective, n_trials=2)  # the first ask reads all trials

    n_before = len(study.get_trials(deepcopy=False))
    began = time.perf_counter()
    study.optimize(_objective, timeout=seconds)
    spent = time.perf_counter() - began
    n_after = len(study.get_trials(deepcopy=False))
    storage.engine.dispose()
    done: float = (n_after - n_before) / spent
    return done


def _trials(n: int) -> Iterator[FrozenTrial]:
    horizons = [steps for steps, count in rungs(N_REPORTS, N_PROBES) for _ in range(count)]
    rng = np.random.default_rng(0)
    for number in range(n):
        steps = horizons[number] if number < len(horizons) else N_REPORTS
        is_probe = steps < N_REPORTS
        lr = float(np.exp(rng.uniform(np.log(1e-4), np.log(1e-1))))
        losses = {step: _loss(lr, step) for step in range(1, steps + 1)}
        yield create_trial(
            state=TrialState.PRUNED if is_probe else TrialState.COMPLETE,
            value=losses[steps],
            params={"lr": lr},
            distributions={"lr": _LR},
            user_attrs={
                PLAN: as_text(asdict(Plan(steps, "probe" if is_probe else "law", "constant")))
            },
            intermediate_values=losses,
        )


def _objective(trial: optuna.Trial) -> float:
    lr = trial.suggest_float("lr", _LR.low, _LR.high, log=True)
    loss = math.inf
    for step in range(1, horizon(trial, default=N_REPORTS) + 1):
        loss = _loss(lr, step)
        trial.report(loss, step)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return loss


def _loss(lr: float, step: int) -> float:
    loss: float = step**-0.3 * math.cosh(0.5 * math.log(lr * step / 0.05))
    return loss
