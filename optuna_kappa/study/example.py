"""A small study with a known law, to try things on. The examples of the command line use it."""

from __future__ import annotations

import math

import optuna
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import Trial

from optuna_kappa.study.plans import horizon
from optuna_kappa.study.pruner import KappaPruner
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.study.storage import open_storage

_EPOCHS = 24
_LR_AT_1 = 0.02  # the best learning rate of a run of 1 epoch; that of n epochs is 1 / n of it
_STEEPNESS = 0.1  # of the loss, in squared ln lr


def example_study(
    storage: str | BaseStorage | None = None,
    name: str | None = "example",
    n_trials: int = 13,
) -> Study:
    """Search for the learning rate of runs of 24 epochs, whose losses are made up.

    Args:
        storage: Storage, or the URL of a database, which is made if it does not exist. None for
            memory.
        name: Name of the study; one of this name is continued.
        n_trials: Trials to run. Ten probes come first.

    Raises:
        ValueError: The database cannot be opened.

    Example:
        >>> study = example_study()
        >>> round(study.best_params["lr"], 4)
        0.0009
    """
    opened = open_storage(storage) if isinstance(storage, str) else storage
    study = optuna.create_study(
        study_name=name,
        storage=opened,
        sampler=KappaSampler(_EPOCHS, seed=0),
        pruner=KappaPruner(),
        load_if_exists=True,
    )
    study.optimize(_train, n_trials=n_trials)
    return study


def _train(trial: Trial) -> float:
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    loss = math.nan
    for epoch in range(1, horizon(trial, default=_EPOCHS) + 1):
        loss = 1 / epoch + _STEEPNESS * math.log(lr * epoch / _LR_AT_1) ** 2
        trial.report(loss, step=epoch)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return loss
