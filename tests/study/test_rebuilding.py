"""The sampler of a study, made again from what is stored."""

from __future__ import annotations

import json
import logging
from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import create_trial
from searching import TARGET, search

from optuna_kappa import KappaSampler
from optuna_kappa.study.rebuilding import SETTINGS, lr_name_of, sampler_of, settings_of
from optuna_kappa.study.summary import recommendation

RATE = FloatDistribution(1e-6, 1e-1, log=True)


def with_settings(study: optuna.Study, **settings: Any) -> optuna.Study:
    study.set_user_attr(SETTINGS, json.dumps(settings))
    return study


def test_recommends_what_the_sampler_of_the_search_does() -> None:
    sampler = KappaSampler(TARGET, seed=3)
    study = search(sampler, n_trials=14)
    assert sampler_of(study).recommend(study) == sampler.recommend(study)


def test_the_prior_follows_from_the_settings() -> None:
    sampler = KappaSampler(TARGET, optimizer="adam", passes=32, seed=3)
    study = search(sampler, n_trials=12)
    with_settings(study, horizon=TARGET, optimizer="adam", passes=32, seed=3, workers=4)
    assert sampler_of(study).law(study) == sampler.law(study)
    assert sampler_of(study, prior="copy").law(study).prior.name == "copy"


def test_what_is_given_comes_first() -> None:
    study = with_settings(search(n_trials=12), horizon=TARGET, schedule="cosine")
    found = recommendation(study, sampler_of(study))
    assert (found.horizon, found.schedule) == (TARGET, "cosine")
    given = recommendation(study, sampler_of(study, horizon=2 * TARGET, schedule="constant"))
    assert (given.horizon, given.schedule) == (2 * TARGET, "constant")


@pytest.mark.parametrize("stored", ["garbage", "[1]", "{}", '{"horizon": [3]}', 3, None])
def test_settings_of_others_are_left_out(stored: Any) -> None:
    study = search(n_trials=12)
    study.set_user_attr(SETTINGS, stored)
    assert settings_of(study) == {}
    assert recommendation(study, sampler_of(study)).horizon == TARGET


def test_settings_that_are_not_allowed_are_named(caplog: pytest.LogCaptureFixture) -> None:
    study = with_settings(search(n_trials=12), horizon=-3, prior="no such prior")
    with caplog.at_level(logging.WARNING):
        assert recommendation(study, sampler_of(study)).horizon == TARGET
    assert "cannot be used" in caplog.text


def test_trials_of_another_sampler_tell_the_horizon() -> None:
    study = search(optuna.samplers.RandomSampler(seed=0), n_trials=8)
    assert recommendation(study, sampler_of(study)).horizon == TARGET


def test_nothing_tells_the_horizon() -> None:
    study = optuna.create_study()
    with pytest.raises(ValueError, match="nothing tells how long a full run"):
        sampler_of(study)
    with pytest.raises(ValueError, match="one objective"):
        sampler_of(optuna.create_study(directions=["minimize"] * 2))


@pytest.mark.parametrize(
    ("ranges", "name"),
    [
        ({"lr": RATE, "decay": RATE}, "lr"),
        ({"decay": RATE, "learning_rate": RATE}, "learning_rate"),
        ({"rate": RATE, "momentum": FloatDistribution(1e-6, 1.0)}, "rate"),
        ({"rate": RATE, "decay": RATE}, "lr"),
        ({"lr": IntDistribution(0, 1), "rate": RATE}, "rate"),
    ],
)
def test_name_of_the_learning_rate(ranges: dict[str, Any], name: str) -> None:
    study = optuna.create_study()
    params = {}
    for key, values in ranges.items():
        params[key] = 1 if isinstance(values, IntDistribution) else 1e-3
    study.add_trial(create_trial(value=1.0, params=params, distributions=ranges))
    assert lr_name_of(study) == name
    with_settings(study, lr=["a", "b"])
    assert lr_name_of(study) == ("a", "b")
