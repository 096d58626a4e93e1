"""What descents tell, estimated from cases whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from optuna_kappa.law.descent import LEAST, Descent
from optuna_kappa.law.optimum import Optimum
from studies.atlas.cases import Case
from studies.atlas.descents import estimate_descent

TRUTH = Descent(shape=2.0, ln_mean=-0.5, per_slope=-1.5)


def case(family: str, slope: float, descent: float) -> Case:
    probes = []
    for horizon in (1.0, 2.0):
        ln_loss = -descent * float(np.log(horizon))
        probes.append(Optimum("constant", horizon, -6.0, 0.3, 6, 0, ln_loss=ln_loss))
    return Case(
        table=f"{family}-sgd-constant",
        family=family,
        regime=("plain", "repeated"),
        target=24.0,
        longest=24.0,
        one_pass=1.0,
        ln_lr=-7.0,
        se=0.1,
        slope=slope,
        probes=tuple(probes),
    )


def drawn(n: int) -> list[Case]:
    rng = np.random.default_rng(0)
    cases = []
    for i, slope in enumerate(rng.uniform(0, 1, n).tolist()):
        mean = np.exp(TRUTH.ln_mean + TRUTH.per_slope * slope)
        descent = rng.gamma(TRUTH.shape, mean / TRUTH.shape) - LEAST
        cases.append(case(f"family-{i}", slope, descent))
    return cases


def test_numbers_that_are_known() -> None:
    found = estimate_descent(drawn(2000))
    assert found is not None
    assert found.shape == pytest.approx(TRUTH.shape, rel=0.15)
    assert found.ln_mean == pytest.approx(TRUTH.ln_mean, abs=0.1)
    assert found.per_slope == pytest.approx(TRUTH.per_slope, abs=0.15)


def test_each_family_weighs_the_same() -> None:
    cases = drawn(8)
    often = [*cases, *cases[:1] * 50]
    once, again = estimate_descent(cases), estimate_descent(often)
    assert once is not None and again is not None
    assert again.per_slope == pytest.approx(once.per_slope, abs=0.02)


def test_too_few_families() -> None:
    assert estimate_descent(drawn(3)) is None
    assert estimate_descent([]) is None
