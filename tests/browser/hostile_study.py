"""A study whose names and values would run a script wherever they are taken for HTML."""

from __future__ import annotations

import optuna
from optuna.storages import BaseStorage
from searching import TARGET, objective

from optuna_kappa import KappaPruner, KappaSampler

EVIL = "<script>alert(1)</script>"
IMAGE = "<img src=x onerror=alert(1)>"
LINK = "[x](javascript:alert(1)) ![y](http://example.org/z.png)"


def hostile_study(storage: BaseStorage) -> optuna.Study:
    """Search with another parameter and attributes of bad names and values."""

    def train(trial: optuna.Trial) -> float:
        trial.suggest_categorical(EVIL, [IMAGE, LINK])
        trial.set_user_attr(EVIL, EVIL)
        trial.set_user_attr(IMAGE, LINK)
        return objective()(trial)

    study = optuna.create_study(
        study_name=EVIL,
        storage=storage,
        sampler=KappaSampler(TARGET, seed=0),
        pruner=KappaPruner(),
    )
    study.set_user_attr(EVIL, IMAGE)
    study.optimize(train, n_trials=14)
    return study
