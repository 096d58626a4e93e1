"""What runs on a plateau have shown."""

from __future__ import annotations

import math

import numpy as np
import pytest

from optuna_kappa.law.observations import Observations, observations_of
from optuna_kappa.law.optimum import Chain, find_chain
from optuna_kappa.search.located import nothing_learned, too_high

RATES = np.log([1e-4, 1e-3, 1e-2, 1e-1])


def chain(*rows: tuple[float, list[float]]) -> Chain:
    seen: list[Observations] = []
    for horizon, losses in rows:
        runs = [(rate, loss, f"{rate}") for rate, loss in zip(RATES, losses, strict=False)]
        seen.append(observations_of("constant", horizon, runs))
    return find_chain(seen)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(1, [1, 0.99, 1, 2]), (2, [1, 0.99, 1, 2])], True),
        ([(1, [1, 0.99, 1, 2])], False),  # longer runs may learn
        ([(1, [1, 0.99, 1, 2]), (1.4, [1, 0.99, 1, 2])], False),
        ([(1, [1, 0.97, 1, 2]), (4, [1, 0.99, 1, 2])], False),  # a valley
        ([(1, [1.1, 0.99, 1, 2]), (4, [1, 0.99, 1, 2])], False),  # the lowest rate is behind
        ([(1, [1, 0.99, 1, 2]), (4, [1, 0.97, 1, 2])], False),  # the plateau is left
        ([(1, [1, 0.996, 1, 2]), (4, [1, 0.995, 1, 2])], True),
        ([(1, [1, 0.996, 1, 2]), (4, [1, 0.99, 1, 2])], False),  # slow, but longer runs gain more
    ],
)
def test_nothing_learned(rows: list[tuple[float, list[float]]], expected: bool) -> None:
    assert nothing_learned(chain(*rows), "constant", since=1) == expected
    assert not nothing_learned(chain(*rows), "cosine", since=1)
    assert not nothing_learned(chain(*rows), "constant", since=100)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([1, 1, 0.99, 1.1], math.inf),
        ([1, 1, 0.99, 1.5], RATES[3]),
        ([1, 1, 1.5, math.nan], RATES[2]),
        ([1, 1.5, 1, math.nan], RATES[3]),  # a rate above the bad one trains
    ],
)
def test_too_high(losses: list[float], expected: float) -> None:
    assert too_high(chain((1, losses)), "constant", since=1) == pytest.approx(expected)
    assert too_high(chain((1, losses)), "cosine", since=1) == math.inf
