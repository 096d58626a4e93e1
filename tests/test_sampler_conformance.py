"""Optuna's own conformance suite for samplers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    RelativeSamplerTestCase,
    SingleOnlySamplerTestCase,
)

from optuna_kappa import KappaSampler


class _Conforms(BasicSamplerTestCase, RelativeSamplerTestCase, SingleOnlySamplerTestCase):
    pass


class TestWithProbes(_Conforms):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: KappaSampler(horizon=24, seed=1)


class TestWithoutProbes(_Conforms):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: KappaSampler(horizon=24, n_probes=0, seed=1)
