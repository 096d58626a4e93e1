"""Joining a study: how it is searched, what another version has stored, and waiting for it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, cast

import optuna
import pytest

from optuna_kappa import KappaPruner
from optuna_kappa.launch.joining import LIMITS, join, keep_limits, limits_of, wait_for_study
from optuna_kappa.launch.limits import Limits
from optuna_kappa.launch.search import begin_trial, open_place, open_study
from optuna_kappa.launch.settings import Settings
from optuna_kappa.study.certified import Certified
from optuna_kappa.study.rebuilding import SETTINGS
from optuna_kappa.study.storage import close_storage
from studies.scale.places import Place

RANGE = (1e-5, 1e-1)


def study_with(settings: Any) -> optuna.Study:
    study = optuna.create_study(study_name="mine")
    if settings is not None:
        study.set_user_attr(SETTINGS, settings)
    return study


def test_the_settings_are_those_of_the_study(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'kappa.db'}"
    wanted = Settings(24, schedule="cosine", lr="eta", optimizer="adam", passes=24.0, seed=3)
    alone, _ = open_study(optuna.storages.InMemoryStorage(), "mine", wanted)
    expected = [begin_trial(alone).suggest_float("eta", *RANGE, log=True) for _ in range(2)]

    begun = open_place(url)
    first, _ = open_study(begun, "mine", wanted)
    storage, study = wait_for_study(url, None, seconds=0)
    rates = [begin_trial(one).suggest_float("eta", *RANGE, log=True) for one in (first, study)]
    assert rates == expected
    assert cast("KappaPruner", study.pruner).lr == "eta"
    close_storage(storage)
    close_storage(begun)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (None, "does not say how it is searched"),
        ("{", "does not say how it is searched"),
        ("{}", "does not say how it is searched"),
        ('{"horizon": 24, "seed": 0, "speed": 2}', "the setting speed 2, which this version"),
        ('{"horizon": [24], "seed": 0}', r"the setting horizon \[24\], which this version"),
        ('{"horizon": 24}', "have no seed"),
        ('{"seed": 0}', "have no horizon"),
        ('{"horizon": 24, "seed": 0, "optimizer": "newest"}', "cannot be used by this version"),
        ('{"horizon": 24, "seed": 0, "schedule": "newest"}', "cannot be used by this version"),
        ('{"horizon": 24, "seed": 0, "speed": null}', None),
        ('{"horizon": 24, "seed": 0, "n_probes": 4}', None),
    ],
)
def test_what_this_version_does_not_know(settings: Any, says: str | None) -> None:
    if says is None:
        join(study_with(settings))
        return
    with pytest.raises(ValueError, match=says) as caught:
        join(study_with(settings))
    assert str(caught.value).isprintable()


def test_all_settings_count() -> None:
    sampler = join(study_with('{"horizon": 24, "seed": 0, "n_probes": 4}'))
    assert sum(n for _, n in sampler.rungs) == 4


def test_several_objectives() -> None:
    study = optuna.create_study(directions=["minimize", "minimize"])
    with pytest.raises(ValueError, match="one objective"):
        join(study)


@pytest.mark.parametrize(
    ("kept", "given", "text"),
    [
        (Limits(budget=4.0), Limits(), "4 full runs"),
        (Limits(trials=9), Limits(), "9 trials"),
        (Limits(seconds=9.0), Limits(), "10 full runs"),
        (Limits(budget=4.0), Limits(seconds=9.0), "4 full runs, or 9 s"),
        (Limits(budget=4.0), Limits(trials=9), "9 trials"),
        (
            Limits(certified=Certified(0.8, 0.05)),
            Limits(),
            "a probability of 0.8 to be within 5 % of the best",
        ),
    ],
    ids=["budget", "trials", "time", "own time", "own trials", "certified"],
)
def test_limits(kept: Limits, given: Limits, text: str) -> None:
    study = optuna.create_study()
    keep_limits(study, kept)
    assert limits_of(study, given).text == text


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        ('{"carbon": 3}', "the limit carbon 3, which this version"),
        ('{"budget": -1}', "cannot be used"),
        ('{"budget": "four"}', "cannot be used"),
        ('{"trials": 0.5}', "cannot be used"),
        ('{"certify": 9}', "cannot be used"),
    ],
)
def test_limits_that_cannot_be_used(stored: str, says: str) -> None:
    study = optuna.create_study()
    study.set_user_attr(LIMITS, stored)
    with pytest.raises(ValueError, match=says):
        limits_of(study, Limits())


def test_a_study_that_is_begun_meanwhile(place: Place) -> None:
    """The worker was started first: there is no file yet, or an empty database."""
    url = place.url
    told: list[str] = []

    def begin() -> None:
        while not told:
            time.sleep(0.01)
        storage = open_place(url)
        open_study(storage, "mine", Settings(24, seed=0))
        close_storage(storage)

    starter = threading.Thread(target=begin)
    starter.start()
    storage, study = wait_for_study(url, "mine", seconds=120, say=told.append)
    starter.join()
    close_storage(storage)
    assert study.study_name == "mine"
    (line,) = told
    assert "there is no " in line and "waiting for it for 120 s" in line


def test_a_study_that_never_comes(tmp_path: Path) -> None:
    path = tmp_path / "kappa.db"
    with pytest.raises(ValueError, match="there is no database"):
        wait_for_study(f"sqlite:///{path}", "mine", seconds=0)
    assert not path.exists()

    optuna.create_study(storage=f"sqlite:///{path}", study_name="other")
    with pytest.raises(ValueError, match="there is no study 'mine' in .*tune begins one"):
        wait_for_study(f"sqlite:///{path}", "mine", seconds=0)


def test_nobody_waits_for_what_cannot_come(tmp_path: Path) -> None:
    path = tmp_path / "kappa.db"
    for name in ("one", "other"):
        optuna.create_study(storage=f"sqlite:///{path}", study_name=name)
    told: list[str] = []
    with pytest.raises(ValueError, match="there are 2 studies in .*choose one by --study"):
        wait_for_study(f"sqlite:///{path}", None, seconds=600, say=told.append)
    with pytest.raises(ValueError, match="cannot open the storage"):
        wait_for_study("postgresql+nodriver://me@host/kappa", "mine", 600, told.append)
    study = optuna.load_study(study_name="one", storage=f"sqlite:///{path}")
    study.set_user_attr(SETTINGS, '{"horizon": 24, "seed": 0, "speed": 2}')
    with pytest.raises(ValueError, match="which this version of optuna-kappa does not know"):
        wait_for_study(f"sqlite:///{path}", "one", seconds=600, say=told.append)
    assert told == []
