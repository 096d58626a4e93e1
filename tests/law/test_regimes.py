"""Priors of regimes: which one follows from what is known, and what it does to a proposal."""

from __future__ import annotations

from typing import Any

import pytest

from optuna_kappa import fit
from optuna_kappa.law.prior import MIXTURE, PRIORS
from optuna_kappa.law.regimes import CLASSES, WEIGHTS, kind_of_optimizer, prior_for
from optuna_kappa.runs import example_runs


@pytest.mark.parametrize("regime", WEIGHTS)
def test_probabilities_of_the_classes(regime: tuple[str, str]) -> None:
    assert len(WEIGHTS[regime]) == len(CLASSES)
    assert sum(WEIGHTS[regime]) == pytest.approx(1)
    assert min(WEIGHTS[regime]) > 0.01


@pytest.mark.parametrize(
    ("name", "kind"),
    [("Adam", "adaptive"), ("adamw_torch", "adaptive"), (" RMSprop", "adaptive")]
    + [("SGD", "plain"), ("sgd_momentum", "plain"), ("FusedAdam", "adaptive")],
)
def test_optimizers_by_any_name(name: str, kind: str) -> None:
    assert kind_of_optimizer(name) == kind


@pytest.mark.parametrize("name", ["", "lr", None, 3])
def test_an_unknown_optimizer(name: Any) -> None:
    with pytest.raises(ValueError, match="optimizer must be"):
        kind_of_optimizer(name)


def test_nothing_known_is_the_mixture() -> None:
    assert prior_for() is MIXTURE
    assert prior_for("paper") is PRIORS["paper"]


def test_a_prior_stands_alone() -> None:
    with pytest.raises(ValueError, match="prior must be None where optimizer or passes"):
        prior_for("paper", passes=3, horizon=3)


@pytest.mark.parametrize("passes", [0, -1, float("nan"), "many"])
def test_passes_are_positive(passes: Any) -> None:
    with pytest.raises(ValueError, match="passes must be"):
        prior_for(passes=passes, horizon=24)


def test_passes_need_a_horizon() -> None:
    with pytest.raises(ValueError, match="horizon must be"):
        prior_for(passes=24)


def test_the_optimum_falls_further_where_data_repeat() -> None:
    runs = example_runs(slope=0.3, horizons=[1, 2])
    fresh, repeated = (
        fit(runs, prior=prior_for(optimizer="adam", passes=passes, horizon=64)).propose(64).lr
        for passes in (1, 64)
    )
    assert repeated < fresh / 1.5


def test_runs_overrule_a_wrong_regime() -> None:
    runs = example_runs(slope=0.0, horizons=[1, 4, 16, 64])
    told = prior_for(optimizer="adam", passes=256, horizon=64)
    law = fit(runs, prior=told)
    median, low, high = law.slope
    assert low < 0 < high
    assert median < 0.2
    assert law.classes["inverse after some passes"] < 0.05


def test_the_unit_of_horizons_does_not_matter() -> None:
    epochs = fit(example_runs(), prior=prior_for(passes=30, horizon=64)).propose(640)
    scaled = example_runs(horizons=[1000, 4000, 16000, 64000])
    samples = fit(scaled, prior=prior_for(passes=30, horizon=64000)).propose(640_000)
    assert samples.kappa is not None and epochs.kappa is not None
    assert samples.high / samples.lr == pytest.approx(epochs.high / epochs.lr, rel=0.05)
