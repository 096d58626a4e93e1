"""The prior of optima: a valid covariance, and the moments of the slope that follow from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optuna_kappa.law.moments import Moments
from optuna_kappa.law.optimum import Optimum

SEEN = [
    Optimum("constant", 4.0, ln_lr=-4.0, se=0.1, n=6, at_edge=0, mean=1.0, peak=1.0),
    Optimum("constant", 64.0, ln_lr=-6.0, se=0.1, n=6, at_edge=0, mean=1.0, peak=1.0),
    Optimum("cosine", 64.0, ln_lr=-5.5, se=0.1, n=6, at_edge=0, mean=0.5, peak=1.0),
]
ELSEWHERE = replace(SEEN[0], context=(("width", "64"),))
FROM_ANOTHER_TABLE = replace(SEEN[0], table=1)


@pytest.mark.parametrize("more", [[], [ELSEWHERE], [FROM_ANOTHER_TABLE]])
def test_covariances_are_symmetric_and_positive(more: list[Optimum]) -> None:
    seen = [*SEEN, *more]
    context = (("width", "128"),) if more == [ELSEWHERE] else ()
    own = [replace(o, context=context) if o.context == () else o for o in seen]
    covariance = Moments(own, context=context).covariance(own, own)
    assert covariance == pytest.approx(covariance.swapaxes(1, 2))
    assert np.linalg.eigvalsh(covariance).min() > -1e-9


def test_covariances_of_a_part_are_part_of_the_covariances() -> None:
    moments = Moments(SEEN)
    whole = moments.covariance(SEEN, SEEN)
    assert moments.covariance(SEEN[:1], SEEN) == pytest.approx(whole[:, :1])


def test_the_slope_is_the_derivative_of_the_law_at_the_largest_horizon() -> None:
    moments = Moments(SEEN[:2])
    step = 1e-5
    ends = [replace(SEEN[1], horizon=64.0 * np.exp(sign * step)) for sign in (-1, 1)]
    mean = moments.mean(ends)
    assert (mean[:, 0] - mean[:, 1]) / (2 * step) == pytest.approx(moments.slope.mean, abs=1e-4)
    cross = moments.covariance(ends, SEEN[:2])
    derivative = (cross[:, 0] - cross[:, 1]) / (2 * step)
    assert derivative == pytest.approx(moments.slope.cross, abs=1e-4)
