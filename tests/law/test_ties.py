"""Losses that cannot be told apart locate no optimum."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import ArrayLike
from simulated import joined, table

from optuna_kappa import RunTable, fit
from optuna_kappa.backtest import backtest
from optuna_kappa.law import omissions
from optuna_kappa.law.losses import read
from optuna_kappa.law.observations import observations_of, observe
from optuna_kappa.law.optimum import find_chain

NAN = np.nan


def runs(losses: ArrayLike, horizon: float = 8.0, schedule: str = "constant") -> RunTable:
    losses = np.asarray(losses, dtype=float)
    lr = np.geomspace(1e-4, 1e-1, len(losses))
    labels = [f"{schedule} {horizon} {i}" for i in range(len(lr))]
    return table(labels, lr, horizon, horizon, losses, schedule)


FLAT = {
    "one value": [0.1] * 6,
    "one value, negative": [-0.9] * 6,
    "zeros": [0.0] * 6,
    "rounding to single precision": np.float32(2.302585) * (1 + 1e-7 * np.arange(6)),
    "the same below a wall": [0.1, 0.1, 0.1, 0.1, NAN, NAN],
    "worse in between": [0.1, 0.4, 0.3, 0.1],
}


@pytest.mark.parametrize("losses", FLAT.values(), ids=FLAT)
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_plateau_locates_nothing(losses: ArrayLike, schedule: str) -> None:
    law = fit(runs(losses, schedule=schedule))
    assert law.optima == ()
    assert law.verdict.word == "undecided"


@pytest.mark.parametrize("unit", [1.0, 1.1, 1 / 3, 1e-7, 1e7])
def test_means_that_differ_by_rounding_tie(unit: float) -> None:
    """(0.1 + 0.1 + 0.1) / 3 is not 0.1."""
    rows = [(-7.0, 0.1, str(i)) for i in range(3)] + [(-6.0, 0.1, "b"), (-5.0, 0.1, "c")]
    rows = [(x, unit * loss, run) for x, loss, run in rows]
    for logarithmic in (True, False):
        losses = read(observations_of("constant", 1.0, rows), logarithmic=logarithmic)
        assert losses.tied.tolist() == [0, 1, 2]
        assert (losses.best, losses.is_flat, losses.scale) == (1, True, 0.0)


def test_a_plateau_at_one_horizon_does_not_hide_the_valley_at_another() -> None:
    x = np.log(np.geomspace(1e-4, 1e-1, 7) / 2e-3)
    valley = np.cosh(x / 3)
    alone = fit(runs(valley, 32)).optima
    together = fit(joined(runs([1.0] * 7, 2), runs(valley, 32), runs([1.0] * 7, 128))).optima
    assert together == alone
    assert math.exp(alone[0].ln_lr) == pytest.approx(2e-3, rel=0.1)


@pytest.mark.parametrize("width", [2, 3, 4])
def test_the_error_covers_the_plateau_of_a_coarse_metric(width: int) -> None:
    losses = np.full(8, 0.9)
    losses[2 : 2 + width] = 0.1
    (optimum,) = fit(runs(losses)).optima
    x = np.log(np.geomspace(1e-4, 1e-1, 8))
    low, high = x[2], x[1 + width]
    assert low < optimum.ln_lr < high
    assert optimum.se > 0.99 * (high - low) / math.sqrt(12)
    assert optimum.at_edge == 0


@pytest.mark.parametrize(
    ("losses", "edge"),
    [([1, 1, 1, 5, 9, 9], -1), ([9, 9, 5, 1, 1, 1], 1), ([9, 5, 1, 1, 5, 9], 0)],
)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_plateau_at_the_edge_is_at_the_edge(losses: list[float], edge: int, sign: float) -> None:
    """With -1 the losses are below 0, and are compared without logarithms."""
    losses = [loss if sign > 0 else loss - 10 for loss in losses]
    (optimum,) = fit(runs(losses)).optima
    assert optimum.at_edge == edge
    assert (optimum.se > 0.7) == (edge != 0)


def test_the_scale_is_not_that_of_plateaus() -> None:
    steep = runs([9, 5, 1, 1.1, 5, 9], 32)
    chain = find_chain(observe(joined(*(runs([1.0] * 6, h) for h in (1, 4, 128)), steep)))
    assert chain.scale == find_chain(observe(steep)).scale > 0


def test_a_plateau_is_named() -> None:
    good = runs([9, 5, 1, 2, 5, 9], 32)
    assert omissions(good) == []
    (note,) = omissions(joined(runs([0.1] * 6, 2), runs([0.1] * 6, 4), good))
    assert "at the horizons 2 and 4" in note
    assert "cannot be told apart" in note


def test_a_backtest_hides_no_plateau() -> None:
    good = [runs([9, 5, 1, 2, 5, 9], h) for h in (1, 4)]
    assert backtest(joined(*good)).tested
    outcome = backtest(joined(*good, runs([1.0] * 6, 64)))
    assert "cannot be told apart" in outcome.skipped[0].reason
