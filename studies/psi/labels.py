"""How methods and optimizers are called on the page and in the figure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from studies.mnist.training import OptimizerName
from studies.psi.cells import CLOSED, OPEN

OPTIMIZERS: Mapping[OptimizerName, str] = MappingProxyType({"adam": "Adam", "sgd": "SGD"})
"""Optimizers by name."""

METHODS: Mapping[str, str] = MappingProxyType(
    {
        OPEN: "Psi, open loop",
        CLOSED: "Psi, closed loop",
        "constant": "constant",
        "cosine": "cosine",
        "linear": "linear",
        "halving": "halving, 8 stages",
        "wsd": "warm-up-stable-decay",
        "plateau": "ReduceLROnPlateau",
        "greedy": "GreedyLR",
        "schedule-free": "Schedule-Free",
    }
)
"""Methods by name."""
