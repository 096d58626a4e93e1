"""Methods that need one full run: defaults, rules, and optimizers that find their own rate.

Everything is used as its documentation says, with its default settings. Nothing was tuned on this
problem. The rates of SGD are the two that are common in tutorials.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from optuna_kappa.schedules import as_schedule
from studies.budgets import range_test
from studies.budgets.problem import HORIZON, SCHEDULE
from studies.budgets.rules import GreedyLR, RaiseOrCut
from studies.budgets.training import N_STEPS, Outcome, Plan, train
from studies.mnist.data import Dataset
from studies.mnist.training import OptimizerName

ADAM_RATE = 1e-3
"""PyTorch's default rate of Adam."""
SGD_RATE = 0.1
"""Rate at which rules for SGD start."""
_LOW_SGD_RATE = 0.01
_PATIENCE = 2  # looks, out of 16; torch's default of 10 epochs exceeds the run
_PLATEAU_FACTOR = 0.5


class Result(NamedTuple):
    """What a method came to.

    Attributes:
        outcome: How its full run ended.
        spent: Full-run equivalents that it cost.
        lr: Learning rate it started from or chose; 1 where the optimizer chooses.
    """

    outcome: Outcome
    spent: float
    lr: float


Method = Callable[[Dataset, int], Result]
"""Runs a method on some images with a seed."""


def at_rate(optimizer: OptimizerName, lr: float, schedule: str) -> Callable[[nn.Module], Plan]:
    """Plan a run at one base learning rate.

    Args:
        optimizer: "adam" or "sgd".
        lr: Base learning rate.
        schedule: Name of the schedule.
    """
    factors = _factors(schedule)
    return lambda model: Plan(_make(optimizer, lr, model), factors)


def _make(optimizer: OptimizerName, lr: float, model: nn.Module) -> Optimizer:
    kind = torch.optim.Adam if optimizer == "adam" else torch.optim.SGD
    return kind(model.parameters(), lr=lr, fused=True)


def _once(plan: Callable[[nn.Module], Plan], lr: float = 1.0) -> Method:
    return lambda data, seed: Result(train(data, seed, plan), 1.0, lr)


def _default(optimizer: OptimizerName, lr: float, schedule: str) -> Method:
    return _once(at_rate(optimizer, lr, schedule), lr)


def _plateau(optimizer: OptimizerName, lr: float) -> Method:
    def plan(model: nn.Module) -> Plan:
        made = _make(optimizer, lr, model)
        rule = ReduceLROnPlateau(made, factor=_PLATEAU_FACTOR, patience=_PATIENCE)
        return Plan(made, at_look=rule.step)

    return _once(plan, lr)


def _raise_or_cut(optimizer: OptimizerName, lr: float) -> Method:
    def plan(model: nn.Module) -> Plan:
        made = _make(optimizer, lr, model)
        return Plan(made, at_look=RaiseOrCut(made).step)

    return _once(plan, lr)


def _greedy(optimizer: OptimizerName, lr: float) -> Method:
    def plan(model: nn.Module) -> Plan:
        made = _make(optimizer, lr, model)
        return Plan(made, after_step=GreedyLR(made).step)

    return _once(plan, lr)


def _range_test(optimizer: OptimizerName) -> Method:
    def run(data: Dataset, seed: int) -> Result:
        lr, samples = range_test.find(data, seed, lambda model: _make(optimizer, 1.0, model))
        outcome = train(data, seed, at_rate(optimizer, lr, SCHEDULE))
        return Result(outcome, 1.0 + samples / HORIZON, lr)

    return run


def _prodigy(model: nn.Module) -> Plan:
    from prodigyopt import Prodigy

    return Plan(Prodigy(model.parameters()), _factors(SCHEDULE))


def _d_adapt_adam(model: nn.Module) -> Plan:
    from dadaptation import DAdaptAdam

    return Plan(DAdaptAdam(model.parameters()), _factors(SCHEDULE))


def _d_adapt_sgd(model: nn.Module) -> Plan:
    from dadaptation import DAdaptSGD

    return Plan(DAdaptSGD(model.parameters()), _factors(SCHEDULE))


def _schedule_free(optimizer: OptimizerName) -> Callable[[nn.Module], Plan]:
    def plan(model: nn.Module) -> Plan:
        from schedulefree import AdamWScheduleFree, SGDScheduleFree

        kind = AdamWScheduleFree if optimizer == "adam" else SGDScheduleFree
        made = kind(model.parameters())
        made.train()
        return Plan(made, finish=made.eval)  # which moves the weights to their average

    return plan


def _dog(model: nn.Module) -> Plan:
    from dog import DoG, PolynomialDecayAverager

    averager = PolynomialDecayAverager(model)
    return Plan(
        DoG(model.parameters()),
        after_step=lambda loss: averager.step(),
        finish=lambda: averager.averaged_model,
    )


def _factors(schedule: str) -> list[float]:
    """Factor of the rate at each step."""
    factors: list[float] = as_schedule(schedule).resolve(HORIZON).factors(N_STEPS).tolist()
    return factors


def _with_rules(optimizer: OptimizerName, lr: float) -> dict[str, Method]:
    return {
        "plateau": _plateau(optimizer, lr),
        "raise-or-cut": _raise_or_cut(optimizer, lr),
        "greedy": _greedy(optimizer, lr),
        "lr-find": _range_test(optimizer),
    }


METHODS: Mapping[OptimizerName, Mapping[str, Method]] = MappingProxyType(
    {
        "adam": {
            "constant": _default("adam", ADAM_RATE, "constant"),
            "cosine": _default("adam", ADAM_RATE, "cosine"),
            **_with_rules("adam", ADAM_RATE),
            "prodigy": _once(_prodigy),
            "d-adapt": _once(_d_adapt_adam),
            "schedule-free": _once(_schedule_free("adam")),
        },
        "sgd": {
            "low-constant": _default("sgd", _LOW_SGD_RATE, "constant"),
            "low-cosine": _default("sgd", _LOW_SGD_RATE, "cosine"),
            "constant": _default("sgd", SGD_RATE, "constant"),
            "cosine": _default("sgd", SGD_RATE, "cosine"),
            **_with_rules("sgd", SGD_RATE),
            "d-adapt": _once(_d_adapt_sgd),
            "schedule-free": _once(_schedule_free("sgd")),
            "dog": _once(_dog),
        },
    }
)
"""Methods by optimizer and name."""
