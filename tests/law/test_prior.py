"""Priors: their checks, the named ones, and what they do to a law."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from optuna_kappa import fit
from optuna_kappa.law import Law, Prior, SlopeClass
from optuna_kappa.law.prior import MIXTURE, PRIORS, as_prior
from optuna_kappa.runs import RunTable, example_runs

FLAT = SlopeClass("flat", 1.0, 0.0, 0.15)


@pytest.mark.parametrize("name", PRIORS)
def test_a_named_prior_may_be_overruled(name: str) -> None:
    slopes = PRIORS[name].slopes
    assert sum(one.weight for one in slopes) == pytest.approx(1)
    assert max(one.sd for one in slopes) >= 1.0
    assert PRIORS[name].source


def test_a_prior_counts_for_more_the_fewer_the_runs() -> None:
    few, many = example_runs(slope=0.5, horizons=[16, 32]), example_runs(slope=0.5)
    assert _ratio(few) > _ratio(many) > 1


def _ratio(runs: RunTable) -> float:
    """How far the proposals of two priors for a long run are apart."""
    flat, inverse = (fit(runs, prior=name).propose(512).lr for name in ("copy", "paper"))
    return flat / inverse


@pytest.mark.parametrize(("slope", "name"), [(0.0, "flat"), (1.0, "inverse")])
def test_runs_tell_the_classes_apart(slope: float, name: str) -> None:
    classes = fit(example_runs(slope=slope)).classes
    assert classes[name] == max(classes.values())
    assert sum(classes.values()) == pytest.approx(1)


def test_a_law_keeps_its_prior_in_its_file() -> None:
    prior = Prior("mine", "a guess", (replace(FLAT, drift=0.2, steepening=0.0),), shift=0.1)
    law = fit(example_runs(), prior=prior)
    again = Law.from_json(law.to_json())
    assert again == law
    assert again.prior == prior
    assert again.propose(512) == law.propose(512)


def test_a_file_without_a_prior_has_the_mixture() -> None:
    data = json.loads(fit(example_runs(), prior="paper").to_json())
    del data["prior"]
    assert Law.from_json(json.dumps(data)).prior == MIXTURE


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shift": "much"}, "shift must be"),
        ({"slopes": []}, "weights of slopes must sum to 1"),
        ({"slopes": [{"name": "flat"}]}, "a slope class must have the fields"),
        ({"more": 1}, "a prior must have the fields"),
        ({"name": 3}, "name must be"),
    ],
)
def test_a_file_with_a_prior_that_makes_no_sense(change: dict[str, object], message: str) -> None:
    data = json.loads(fit(example_runs()).to_json())
    data["prior"] |= change
    with pytest.raises(ValueError, match=message):
        Law.from_json(json.dumps(data))


@pytest.mark.parametrize("weight", [0.0, 1.5, float("nan")])
def test_weights_are_probabilities(weight: float) -> None:
    with pytest.raises(ValueError, match="weight must be"):
        replace(FLAT, weight=weight)


def test_weights_sum_to_1() -> None:
    with pytest.raises(ValueError, match="sum to 1, got 0.4"):
        Prior("half", "a guess", (replace(FLAT, weight=0.4),))


@pytest.mark.parametrize("prior", ["Paper", "", None, 1.0])
def test_priors_are_found_by_name_only(prior: object) -> None:
    with pytest.raises(ValueError, match="prior must be one of 'mixture', 'paper'"):
        as_prior(prior)


@pytest.mark.parametrize(("name", "slope"), [("copy", 0.0), ("bjorck", 0.32), ("paper", 1.0)])
def test_a_named_prior_keeps_its_slope_far_beyond_the_runs(name: str, slope: float) -> None:
    law = fit(example_runs(slope=slope, horizons=[1, 2]), prior=name)
    moved = law.propose(2.0).lr / law.propose(48.0).lr
    assert np.log(moved) / np.log(24.0) == pytest.approx(slope, abs=0.05)
