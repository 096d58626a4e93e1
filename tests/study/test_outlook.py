"""How sure the recommendation of a study is, and when a search may stop."""

from __future__ import annotations

import math

import numpy as np
import optuna
import pytest
from searching import SIMPLE, TARGET, objective, search

from optuna_kappa import Certified, KappaPruner, KappaSampler
from optuna_kappa.law import Verdict
from optuna_kappa.search.certainty import Certainty
from optuna_kappa.study import certainty, outlook
from optuna_kappa.study.outlook import certainty_text, probability_text


def test_certainty_is_that_of_the_recommended_rate() -> None:
    study = search(n_trials=20)
    assert isinstance(study.sampler, KappaSampler)
    found = outlook(study)
    assert found is not None
    assert found.lr == pytest.approx(study.sampler.recommend(study))

    now = certainty(study)
    assert now is not None and now.within(0.02) == found.certainty.within(0.02)
    off = abs(math.log(found.lr / SIMPLE.optimum(TARGET)))
    assert off < 0.3 and now.within(0.05) > 0.9


def test_a_study_that_was_loaded_takes_the_sampler_given() -> None:
    study = search(n_trials=12)
    sampler = study.sampler
    study.sampler = optuna.samplers.RandomSampler()
    assert isinstance(sampler, KappaSampler)
    now = certainty(study, sampler)
    assert now is not None and 0 < now.within(0.05) <= 1
    with pytest.raises(ValueError, match="sampler must be a KappaSampler, got .*RandomSampler"):
        certainty(study)


def test_nothing_is_certain_before_a_law() -> None:
    study = search(n_trials=2)
    assert certainty(study) is None and outlook(study) is None


@pytest.mark.parametrize("regret", [0, -0.1, math.nan, "2 %"])
def test_a_wrong_regret_is_refused(regret: float) -> None:
    with pytest.raises(ValueError, match="regret must be a .*number"):
        outlook(search(n_trials=1), regret=regret)
    with pytest.raises(ValueError, match="regret must be a .*number"):
        Certified(regret=regret)


@pytest.mark.parametrize("probability", [0, 1, 1.5, math.nan, None])
def test_a_wrong_probability_is_refused(probability: float) -> None:
    with pytest.raises(ValueError, match="probability must be a .*number"):
        Certified(probability=probability)


def test_a_search_stops_when_it_is_sure_enough() -> None:
    study = optuna.create_study(sampler=KappaSampler(TARGET, seed=0), pruner=KappaPruner())
    certified = Certified(probability=0.9, regret=0.05)
    study.optimize(objective(), n_trials=60, callbacks=[certified])
    assert len(study.trials) < 60

    now = certainty(study)
    assert now is not None and now.within(0.05) >= 0.9
    assert certified.reached(study) == now.within(0.05)


def test_a_search_that_is_not_sure_goes_on() -> None:
    study = optuna.create_study(sampler=KappaSampler(TARGET, seed=0), pruner=KappaPruner())
    study.optimize(objective(), n_trials=8, callbacks=[Certified(0.999, regret=1e-6)])
    assert len(study.trials) == 8


def test_a_study_of_another_sampler_is_refused() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    with pytest.raises(ValueError, match="give the one that the study was searched with"):
        study.optimize(objective(), n_trials=1, callbacks=[Certified()])


@pytest.mark.parametrize(
    ("probability", "text"),
    [(1.0, "> 99 %"), (0.991, "> 99 %"), (0.99, "99 %"), (0.01, "1 %"), (0.009, "< 1 %")],
)
def test_no_probability_is_said_to_be_certain(probability: float, text: str) -> None:
    assert probability_text(probability) == text


@pytest.mark.parametrize("word", ["holds", "flat", "undecided", "broken"])
@pytest.mark.parametrize("probability", [0.5, 1.0])
def test_a_good_rate_is_told_from_the_law(word: str, probability: float) -> None:
    found = Certainty(np.array([0.0, 1.0]), np.array([probability, 1 - probability]))
    text = certainty_text(found, Verdict(word, "", ""))
    assert text.startswith(f"with probability {probability_text(probability)}, the loss of a full")
    is_odd = probability == 1.0 and word in ("undecided", "broken")
    assert (f"that may be {word} although this lr is good" in text) == is_odd
