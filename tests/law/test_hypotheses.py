"""The hypotheses of a law: what they weigh together, and how a ceiling bends the slope."""

from __future__ import annotations

import numpy as np
import pytest

from optuna_kappa.law.hypotheses import BIASES, combine_hypotheses
from optuna_kappa.law.prior import MIXTURE, Prior, SlopeClass


@pytest.mark.parametrize("several_tables", [False, True])
def test_prior_probabilities_are_those_of_the_parts(several_tables: bool) -> None:
    hypotheses = combine_hypotheses(MIXTURE, 64.0, 4.0, several_tables=several_tables)
    assert hypotheses.prior.sum() == pytest.approx(1.0)
    for i, one in enumerate(MIXTURE.slopes):
        assert hypotheses.prior[hypotheses.slope_class == i].sum() == pytest.approx(one.weight)
    steep = hypotheses.slope_mean == 1.0
    unbounded = hypotheses.ceiling > 100
    assert hypotheses.prior[steep & unbounded].sum() == pytest.approx(
        MIXTURE.slopes[0].weight * (1 - MIXTURE.slopes[0].ceiling)
    )
    expected = dict((sd, weight) for weight, sd in BIASES) if several_tables else {0.0: 1.0}
    for sd, weight in expected.items():
        assert hypotheses.prior[hypotheses.bias_sd == sd].sum() == pytest.approx(weight)


def test_a_flat_law_has_no_ceiling() -> None:
    hypotheses = combine_hypotheses(MIXTURE, 64.0, 4.0, several_tables=False)
    assert (hypotheses.slope_mean == 0.0).sum() == 1
    assert hypotheses.ceiling[hypotheses.slope_mean == 0.0] > 100


def test_below_its_ceiling_a_law_is_flat() -> None:
    hypotheses = combine_hypotheses(MIXTURE, 64.0, 4.0, several_tables=False)
    depths = np.array([0.0, 20.0, 30.0])
    lever = hypotheses.lever(depths)
    assert lever[:, 0] == pytest.approx(0.0)
    bounded = hypotheses.ceiling < 100
    assert lever[bounded, 1] == pytest.approx(lever[bounded, 2])
    assert lever[~bounded] == pytest.approx(np.tile(depths, ((~bounded).sum(), 1)))


def test_the_share_at_the_largest_horizon_is_the_slope_of_the_lever() -> None:
    hypotheses = combine_hypotheses(MIXTURE, 64.0, 4.0, several_tables=True)
    lever = hypotheses.lever(np.array([-1e-5, 1e-5]))
    assert np.diff(lever, axis=1)[:, 0] / 2e-5 == pytest.approx(hypotheses.share_at_largest)


def test_a_known_ceiling_stays_where_it_is_as_longer_runs_are_seen() -> None:
    one = SlopeClass("inverse", 1.0, 1.0, 0.2, ceiling=1 - 1e-9, ceiling_at=8.0, ceiling_sd=0.5)
    prior = Prior("known", "a test", (one,))
    for largest in (4.0, 64.0):
        hypotheses = combine_hypotheses(prior, largest, deepest=3.0, several_tables=False)
        horizons = largest * np.exp(-hypotheses.ceiling[hypotheses.ceiling < 100])
        assert np.median(horizons) == pytest.approx(8.0)
        assert np.std(np.log(horizons)) == pytest.approx(0.5, rel=0.1)
