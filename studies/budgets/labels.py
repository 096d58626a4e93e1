"""How optimizers, methods and searches are called on the page and in the figure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from studies.mnist.training import OptimizerName

OPTIMIZERS: Mapping[OptimizerName, str] = MappingProxyType({"adam": "Adam", "sgd": "SGD"})
"""Optimizers by name."""

SEARCHES: Mapping[str, str] = MappingProxyType(
    {
        "kappa told": "kappa, told optimizer and passes",
        "kappa": "kappa",
        "tpe": "TPE",
        "tpe+median": "TPE, median pruner",
        "nsga2": "NSGA-II",
        "random": "random",
        "grid": "grid",
    }
)
"""Searches by name."""

_RULES = {
    "plateau": "ReduceLROnPlateau",
    "raise-or-cut": "raise or cut",
    "greedy": "GreedyLR",
    "lr-find": "lr_find, cosine",
}

METHODS: Mapping[OptimizerName, Mapping[str, str]] = MappingProxyType(
    {
        "adam": {
            "constant": "1e-3, constant",
            "cosine": "1e-3, cosine",
            **_RULES,
            "prodigy": "Prodigy, cosine",
            "d-adapt": "D-Adaptation, cosine",
            "schedule-free": "Schedule-Free AdamW",
        },
        "sgd": {
            "low-constant": "0.01, constant",
            "low-cosine": "0.01, cosine",
            "constant": "0.1, constant",
            "cosine": "0.1, cosine",
            **_RULES,
            "d-adapt": "D-Adaptation, cosine",
            "schedule-free": "Schedule-Free SGD",
            "dog": "DoG, averaged",
        },
    }
)
"""Methods without a search, by optimizer and name."""
