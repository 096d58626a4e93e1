"""Studies move whole from one storage to another, and the search goes on as before."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import Trial, TrialState
from searching import LR, TARGET, objective

from optuna_kappa import KappaPruner, KappaSampler
from optuna_kappa.study.copying import copy_study, trial_digest
from optuna_kappa.study.plans import plan_of
from optuna_kappa.study.private import set_study_attr, study_attrs
from optuna_kappa.study.storage import close_storage, open_storage


def train(trial: Trial) -> float:
    trial.suggest_float("lr", LR.low, LR.high, log=True)
    trial.suggest_categorical("optimizer", ["adam", "sgd", None])
    trial.suggest_int("batch", 1, 64, log=True)
    return objective()(trial)


def opened(storage: BaseStorage) -> Study:
    return optuna.create_study(
        study_name="mine",
        storage=storage,
        sampler=KappaSampler(TARGET, seed=7),
        pruner=KappaPruner(),
        load_if_exists=True,
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    """A study in its middle: some trials failed, one is waiting and one running."""
    url = f"sqlite:///{tmp_path_factory.mktemp('source') / 'kappa.db'}"
    made = opened(open_storage(url, heartbeat=None))
    made.optimize(train, n_trials=11)
    made.set_user_attr("note", {"by": ["me"]})
    set_study_attr(made, "artifacts:1", '{"artifact_id": "1"}')
    diverged = made.ask({"lr": LR})
    diverged.report(math.nan, 1)
    diverged.report(math.inf, 2)
    made.tell(diverged, state=TrialState.FAIL)
    running = made.ask({"lr": LR})
    running.report(0.1 + 0.2, 1)
    running.set_user_attr("host", "a")
    made.enqueue_trial({"lr": 1e-3}, user_attrs={"by": "hand"})
    yield made
    close_storage(made._storage)


def test_everything_is_there(study: Study, new_url: str) -> None:
    storage = open_storage(new_url, heartbeat=None)
    copied = copy_study(study, storage)
    assert (copied.n_trials, copied.n_new, copied.n_running) == (14, 14, 1)

    there = opened(storage)
    assert there.user_attrs == study.user_attrs
    assert study_attrs(there) == study_attrs(study)
    for trial, other in zip(study.trials, there.trials, strict=True):
        assert trial_digest(trial) == trial_digest(other)
        assert (trial.datetime_start, trial.datetime_complete) == (
            other.datetime_start,
            other.datetime_complete,
        )

    close_storage(storage)


def test_the_search_goes_on_as_if_nothing_had_been(
    study: Study, new_url: str, tmp_path: Path
) -> None:
    first = open_storage(f"sqlite:///{tmp_path / 'first.db'}", heartbeat=None)
    second = open_storage(new_url, heartbeat=None)
    copy_study(study, first)
    copy_study(opened(first), second)

    proposed = []
    for storage in (first, second):
        copied = opened(storage)
        asked = [copied.ask(), copied.ask()]  # the one that waits, then one that is planned
        rates = [trial.suggest_float("lr", LR.low, LR.high, log=True) for trial in asked]
        proposed.append((rates, [plan_of(trial) for trial in asked]))
        close_storage(storage)
    assert proposed[0] == proposed[1]
    assert proposed[0][0][0] == 1e-3


def test_a_copy_that_was_interrupted_goes_on(study: Study, tmp_path: Path) -> None:
    storage = open_storage(f"journal:///{tmp_path / 'copy.log'}")

    def interrupt(n_there: int, n_trials: int) -> None:
        if n_there == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_study(study, storage, interrupt)
    assert len(opened(storage).trials) == 5
    assert copy_study(study, storage).n_new == len(study.trials) - 5
    assert copy_study(study, storage).n_new == 0


def test_another_study_of_this_name_is_left_alone(study: Study, tmp_path: Path) -> None:
    storage = open_storage(f"journal:///{tmp_path / 'copy.log'}")
    other = opened(storage)
    other.optimize(objective(), n_trials=1)
    with pytest.raises(ValueError, match="trial 0 of 'mine' is there already"):
        copy_study(study, storage)
    assert len(other.trials) == 1
    other.optimize(objective(), n_trials=20)
    with pytest.raises(ValueError, match="has 21 trials there already"):
        copy_study(study, storage)

    upwards = open_storage(f"journal:///{tmp_path / 'upwards.log'}")
    optuna.create_study(study_name="mine", direction="maximize", storage=upwards)
    with pytest.raises(ValueError, match="with other directions"):
        copy_study(study, upwards)


def test_what_differs_is_an_error(study: Study) -> None:
    """A storage that changes what it is given, say."""

    class Changing(optuna.storages.InMemoryStorage):
        def create_new_trial(
            self, study_id: int, template_trial: optuna.trial.FrozenTrial | None = None
        ) -> int:
            changed = copy.deepcopy(template_trial)
            assert changed is not None
            if changed.number == 3:
                changed.user_attrs["note"] = "another"
            return super().create_new_trial(study_id, changed)

    with pytest.raises(ValueError, match=r"differs: 14 of 14 trials, digest .* differ: 3"):
        copy_study(study, Changing())
