"""The descent of the loss, and what it tells of hypotheses and predictions."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from optuna_kappa import fit
from optuna_kappa.law import Law
from optuna_kappa.law.descent import Descent, descent_of
from optuna_kappa.law.moments import Moments
from optuna_kappa.law.optimum import Optimum
from optuna_kappa.law.prior import Prior, SlopeClass
from optuna_kappa.runs import example_runs

TOLD = Descent(shape=2.0, ln_mean=-0.6, per_slope=-1.5)
CLASSES = (
    SlopeClass("flat", 0.5, 0.0, 0.1, ceiling=0.0, drift=0.1, steepening=0.0),
    SlopeClass("inverse", 0.5, 1.0, 0.1, ceiling=0.0, drift=0.1),
)
SILENT = Prior("silent", "a test", CLASSES)
TELLING = replace(SILENT, descent=TOLD)


def found(horizon: float, exponent: float, schedule: str = "constant", **other: Any) -> Optimum:
    """An optimum whose lowest loss falls with an exponent, with an uncertain rate."""
    ln_loss = -exponent * float(np.log(horizon))
    one = Optimum(schedule, horizon, -6.0, 0.5, 6, 0, mean=1.0, peak=1.0, ln_loss=ln_loss)
    return replace(one, **other)


def test_the_largest_horizon_is_compared_with_about_half_of_it() -> None:
    losses = {1.0: 0.0, 4.0: -0.1, 7.0: -0.2, 9.0: -0.5, 16.0: -0.9}
    optima = [found(d, 0.0, ln_loss=ln_loss) for d, ln_loss in losses.items()]
    assert descent_of(optima) == pytest.approx(0.4 / np.log(16 / 9))
    assert descent_of(optima[:-2]) == pytest.approx(0.1 / np.log(7 / 4))


def test_schedules_are_not_compared_with_each_other() -> None:
    optima = [found(1.0, 0.5), found(2.0, 0.5), found(8.0, 0.1, "cosine")]
    assert descent_of(optima) is None
    assert descent_of([*optima, found(4.0, 0.1, "cosine")]) == pytest.approx(0.1)


@pytest.mark.parametrize(
    "other",
    [{"table": 1}, {"context": (("batch", "16"),)}, {"ln_loss": None}, {"horizon": 1.1}],
)
def test_what_tells_nothing(other: dict[str, Any]) -> None:
    assert descent_of([found(1.0, 0.5), replace(found(2.0, 0.5), **other)]) is None
    assert descent_of([]) is None


def test_a_loss_that_still_falls_speaks_for_an_optimum_that_stays() -> None:
    falling = [found(1.0, 0.6), found(2.0, 0.6)]
    stalled = [found(1.0, 0.0), found(2.0, 0.0)]
    assert Law(falling, prior=TELLING).classes["flat"] > 0.8
    assert Law(stalled, prior=TELLING).classes["flat"] < 0.2
    assert Law(falling, prior=SILENT).classes == Law(stalled, prior=SILENT).classes

    expected = [Law(seen, prior=TELLING).predict(24).moments[0] for seen in (falling, stalled)]
    assert expected[0] > expected[1] + 1


def test_an_optimum_at_an_edge_still_has_a_loss() -> None:
    inside = [found(1.0, 0.0), found(2.0, 0.0)]
    # It says nothing new of the rate: the others place the optimum beyond it.
    edge = found(4.0, 0.0, ln_lr=-5.0, at_edge=-1, ln_loss=-1.0)
    assert Law([*inside, edge], prior=TELLING).classes["flat"] > 0.8
    assert Law(inside, prior=TELLING).classes["flat"] < 0.2


def test_hypotheses_keep_a_sum_of_one() -> None:
    moments = Moments([found(1.0, 0.5), found(2.0, 0.5)], TELLING, descent=0.5)
    assert moments.hypotheses.prior.sum() == pytest.approx(1)
    unknown = Moments([found(1.0, 0.5)], TELLING)
    assert (
        unknown.hypotheses.prior.tolist()
        == Moments(unknown.seen, SILENT).hypotheses.prior.tolist()
    )


@pytest.mark.parametrize("descent", [-1e6, -1.0, 0.0, 1.0, 1e6])
@pytest.mark.parametrize("sd", [0.0, 0.1, 1e6])
def test_likelihoods_are_finite(descent: float, sd: float) -> None:
    likelihood = TOLD.likelihood(descent, np.array([-1e6, 0.0, 1.0, 1e6]), np.full(4, sd))
    assert np.isfinite(likelihood).all() and likelihood.max() == 1


def test_fit_knows_the_lowest_loss() -> None:
    runs = example_runs()
    for optimum in fit(runs).optima:
        lowest = runs.loss[runs.step == optimum.horizon].min()
        assert optimum.ln_loss == pytest.approx(np.log(lowest))

    negative = replace(runs, loss=runs.loss - 10)
    assert {optimum.ln_loss for optimum in fit(negative).optima} == {None}


def test_files_keep_both() -> None:
    law = Law([found(1.0, 0.5), found(2.0, 0.5)], prior=TELLING)
    assert Law.from_json(law.to_json()) == law

    data = json.loads(law.to_json())
    del data["prior"]["descent"]
    for one in data["optima"]:
        del one["ln_loss"]
    old = Law.from_json(json.dumps(data))  # as version 0.1 wrote it
    assert old.prior == SILENT and {one.ln_loss for one in old.optima} == {None}


@pytest.mark.parametrize(
    ("name", "value"), [("shape", 0.0), ("ln_mean", np.nan), ("per_slope", 99)]
)
def test_what_a_descent_may_be(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        replace(TOLD, **{name: value})
