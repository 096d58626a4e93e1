"""The regret to expect of a ladder, from the prior alone."""

from __future__ import annotations

import pytest

from optuna_kappa.law.prior import PRIORS
from optuna_kappa.schedules import as_schedule
from optuna_kappa.search.expectation import expected_regret

CONSTANT = as_schedule("constant")
SHORT, LONG = [(1, 6), (2, 3)], [(1, 6), (8, 4)]


def test_longer_probes_and_surer_priors_lose_less() -> None:
    mixture, sure = PRIORS["mixture"], PRIORS["copy"]
    short = expected_regret(SHORT, 24, CONSTANT, mixture, n_draws=60)
    long = expected_regret(LONG, 24, CONSTANT, mixture, n_draws=60)
    told = expected_regret(SHORT, 24, CONSTANT, sure, n_draws=60)
    assert long.quantile(0.5) < short.quantile(0.5)
    assert told.quantile(0.5) < short.quantile(0.5)
    assert short.regret.min() >= 0


def test_is_the_same_each_time_and_in_any_unit() -> None:
    mixture = PRIORS["mixture"]
    once = expected_regret(SHORT, 24, CONSTANT, mixture, n_draws=10)
    again = expected_regret(SHORT, 24, CONSTANT, mixture, n_draws=10)
    scaled = [(1000 * d, n) for d, n in SHORT]
    other = expected_regret(scaled, 24_000, CONSTANT, mixture, n_draws=10)
    assert once.regret.tolist() == again.regret.tolist()
    assert other.regret.tolist() == pytest.approx(once.regret.tolist(), rel=1e-4)


def test_takes_a_schedule() -> None:
    regret = expected_regret(SHORT, 24, as_schedule("cosine"), PRIORS["mixture"], n_draws=5)
    assert len(regret.regret) == 5
