"""What a search is told of its runs before the first trial."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from searching import TARGET, objective
from simulated import Simulated

from optuna_kappa import KappaPruner, KappaSampler
from optuna_kappa.law import Prior, SlopeClass, prior_for
from optuna_kappa.law.prior import MIXTURE, PRIORS

KNOWN: dict[str, Any] = {"optimizer": "adam", "passes": 64}


def searched(n_trials: int = 12, **known: Any) -> optuna.Study:
    sampler = KappaSampler(TARGET, seed=0, **known)
    study = optuna.create_study(sampler=sampler, pruner=KappaPruner())
    study.optimize(objective(Simulated(slope=0.7)), n_trials=n_trials)
    return study


def lrs(study: optuna.Study) -> list[float]:
    return [trial.params["lr"] for trial in study.trials]


@pytest.fixture(scope="module")
def informed() -> optuna.Study:
    return searched(**KNOWN)


def test_nothing_told_changes_nothing() -> None:
    plain = searched()
    assert lrs(plain) == lrs(searched(prior=None, optimizer=None, passes=None))
    assert lrs(plain) == lrs(searched(prior="mixture"))
    assert KappaSampler(TARGET, seed=0).law(plain).prior is MIXTURE


def test_the_law_has_the_prior(informed: optuna.Study) -> None:
    law = KappaSampler(TARGET, seed=0, **KNOWN).law(informed)
    assert law.prior == prior_for(**KNOWN, horizon=TARGET)
    assert KappaSampler(TARGET, prior="paper").law(informed).prior is PRIORS["paper"]

    mine = Prior("mine", "a guess", (SlopeClass("inverse", 1.0, 1.0, 0.2),))
    assert KappaSampler(TARGET, prior=mine).law(informed).prior is mine


def test_what_is_told_moves_the_probes_that_follow_the_law(informed: optuna.Study) -> None:
    steep, flat = informed, searched(prior="copy")
    # The first rung covers the range whatever is known.
    assert lrs(steep)[:6] == lrs(flat)[:6]
    assert min(lrs(steep)[6:10]) < min(lrs(flat)[6:10])


def test_proposals_depend_on_trials_and_seed_only(informed: optuna.Study) -> None:
    again = optuna.create_study(pruner=KappaPruner())
    for _ in range(12):  # a new sampler for each trial, as after a restart
        again.sampler = KappaSampler(TARGET, seed=0, **KNOWN)
        again.optimize(objective(Simulated(slope=0.7)), n_trials=1)
    assert lrs(again) == lrs(informed)


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"prior": "best"}, "prior must be one of 'mixture'"),
        ({"optimizer": "best"}, "optimizer must be one of"),
        ({"passes": 0}, "passes must be"),
        ({"prior": "paper", "optimizer": "adam"}, "prior must be None where"),
    ],
)
def test_what_is_not_allowed(known: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        KappaSampler(TARGET, **known)


def test_probes_of_a_budget() -> None:
    study = searched(11, probe_budget=0.5)
    horizons = [trial.last_step for trial in study.trials]
    probes = [step for step in horizons if step is not None and step < TARGET]
    assert 0.4 * TARGET <= sum(probes) <= 0.55 * TARGET
    assert len(set(probes)) == 2
    assert horizons[len(probes) :] == [TARGET] * (11 - len(probes))


@pytest.mark.parametrize("budget", [0, -1, float("nan"), "half"])
def test_a_budget_is_positive(budget: Any) -> None:
    with pytest.raises(ValueError, match="probe_budget must be a finite number"):
        KappaSampler(TARGET, probe_budget=budget)


def test_probes_are_given_once() -> None:
    with pytest.raises(ValueError, match="n_probes must be None where probe_budget is given"):
        KappaSampler(TARGET, n_probes=3, probe_budget=0.5)
