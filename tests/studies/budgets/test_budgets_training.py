from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from optuna_kappa.schedules import as_schedule
from studies.budgets import methods, range_test, training
from studies.budgets.labels import METHODS as LABELS
from studies.budgets.problem import BATCH
from studies.budgets.rules import GreedyLR, RaiseOrCut
from studies.mnist.data import Dataset, load
from studies.mnist.training import OptimizerName, Run, RunConfig

N_STEPS = 24


@pytest.fixture
def digits(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setattr(training, "N_STEPS", N_STEPS)
    monkeypatch.setattr(methods, "N_STEPS", N_STEPS)
    return load("digits", n_train=500)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_run_at_one_rate_is_the_run_of_the_recorded_sweep(
    digits: Dataset, optimizer: OptimizerName
) -> None:
    config = RunConfig(0.01, N_STEPS * BATCH, as_schedule("cosine"), optimizer, seed=3)
    recorded = Run(config, digits, ())
    recorded.advance(config.horizon)

    outcome = training.train(digits, 3, methods.at_rate(optimizer, 0.01, "cosine"))
    assert (outcome.test, outcome.accuracy) == recorded.test()


def test_a_run_that_diverges_has_no_loss(digits: Dataset) -> None:
    outcome = training.train(digits, 0, methods.at_rate("sgd", 1e30, "constant"))
    assert all(math.isnan(value) for value in outcome)


def test_rules_look_as_often_as_they_should(digits: Dataset) -> None:
    losses: list[float] = []

    def plan(model: nn.Module) -> training.Plan:
        return training.Plan(torch.optim.SGD(model.parameters(), lr=0.1), at_look=losses.append)

    training.train(digits, 0, plan)
    assert len(losses) == training.N_LOOKS


def test_the_range_test_is_charged_and_stays_in_its_range(digits: Dataset) -> None:
    lr, samples = range_test.find(
        digits, 0, lambda model: torch.optim.SGD(model.parameters(), lr=1.0)
    )
    assert 0 < samples <= 100 * BATCH
    assert 1e-8 <= lr <= 1.0


def test_every_method_has_a_label() -> None:
    for optimizer, names in methods.METHODS.items():
        assert list(names) == list(LABELS[optimizer])


def rate(optimizer: torch.optim.Optimizer) -> float:
    return float(optimizer.param_groups[0]["lr"])


def sgd() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)


def test_raise_or_cut_compares_with_the_loss_before() -> None:
    optimizer = sgd()
    rule = RaiseOrCut(optimizer)
    rates = []
    for loss in (3.0, 2.0, 2.5, 2.4):
        rule.step(loss)
        rates.append(rate(optimizer))
    assert rates == pytest.approx([0.11, 0.121, 0.0605, 0.06655])


def test_greedy_cuts_after_many_failures_in_a_row() -> None:
    optimizer = sgd()
    rule = GreedyLR(optimizer)
    rule.step(1.0)
    for _ in range(10):
        rule.step(2.0)
    assert rate(optimizer) == 0.1
    rule.step(2.0)
    assert rate(optimizer) == pytest.approx(0.095)


def test_greedy_stays_within_its_bounds() -> None:
    optimizer = sgd()
    rule = GreedyLR(optimizer)
    for step in range(3000):
        rule.step(-float(step))
    assert 9.0 < rate(optimizer) <= 10.0
