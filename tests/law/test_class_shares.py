"""The probabilities of the classes of slopes, in words."""

from __future__ import annotations

import pytest

from optuna_kappa import Law, fit
from optuna_kappa.law.class_shares import shares_of, shares_text
from optuna_kappa.law.prior import Prior, SlopeClass
from optuna_kappa.law.regimes import prior_for
from optuna_kappa.runs import example_runs


def test_the_most_probable_class_comes_first() -> None:
    law = fit(example_runs(slope=0.5), prior=prior_for(optimizer="adam", passes=64, horizon=64))
    shares = shares_of(law)
    assert shares is not None
    assert shares == law.classes
    assert sum(shares.values()) == pytest.approx(1)

    text = shares_text(law)
    best = max(shares, key=lambda name: shares[name])
    assert text.startswith(f"your runs: {100 * shares[best]:.0f} % {best}")
    assert text.endswith("(prior: adaptive, repeated data)")


def test_a_class_that_the_runs_rule_out_is_not_shown() -> None:
    near = SlopeClass("near", 0.5, 0.0, 0.2, ceiling=0.0)
    far = SlopeClass("far", 0.5, 9.0, 0.2, ceiling=0.0)
    law = fit(example_runs(slope=0.0), prior=Prior("two", "a guess", (near, far)))
    assert shares_text(law) == "your runs: 100 % near (prior: two)"


def test_without_optima_the_prior_is_named() -> None:
    assert shares_of(Law(())) is None
    assert shares_text(Law((), prior=prior_for("paper"))) == "prior: paper"


def test_names_stay_in_one_line() -> None:
    classes = (SlopeClass("a\nb", 1.0, 1.0, 0.2),)
    law = fit(example_runs(), prior=Prior("x\ty", "a guess", classes))
    assert shares_text(law).isprintable()
