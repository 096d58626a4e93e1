"""Optuna's own conformance suite for samplers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from optuna.samplers import BaseSampler, TPESampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    RelativeSamplerTestCase,
    SingleOnlySamplerTestCase,
)

from optuna_kappa import KappaSampler


class TestWithProbes(BasicSamplerTestCase, SingleOnlySamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: KappaSampler(horizon=24, seed=1)


class TestWithoutProbes(BasicSamplerTestCase, SingleOnlySamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: KappaSampler(horizon=24, n_probes=0, seed=1)


class TestRelativeWithProbes(RelativeSamplerTestCase):
    """With a base sampler that samples jointly from its second trial on, as the suite expects."""

    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: KappaSampler(horizon=24, base_sampler=jointly(), seed=1)


class TestRelativeWithoutProbes(RelativeSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: KappaSampler(horizon=24, base_sampler=jointly(), n_probes=0, seed=1)


def jointly() -> BaseSampler:
    return TPESampler(n_startup_trials=0, multivariate=True, seed=1)
