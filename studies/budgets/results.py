"""Medians and bands of what each method comes to, by the budget it spends."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.interpolate import PchipInterpolator

from optuna_kappa._typing import Floats
from studies.budgets.problem import RATES
from studies.budgets.searches import NAMES, Handed
from studies.budgets.sweep import GRID, Recorded
from studies.mnist.training import OptimizerName

BUDGETS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0)
"""Budgets at which searches are looked at, in full-run equivalents."""

_BAND = (0.1, 0.9)
_ROUNDING = 1e-6


class Spread(NamedTuple):
    """Median and 10 to 90 % band of some values.

    Attributes:
        median: Median; infinite if half of the runs diverged.
        low: 10 % quantile.
        high: 90 % quantile.
    """

    median: float
    low: float
    high: float


class Single(NamedTuple):
    """What a method without a search comes to.

    Attributes:
        name: Name of the method.
        spent: Full-run equivalents that it costs.
        seeds: Number of its seeds.
        loss: Test loss in nats.
        accuracy: Fraction of the test images recognized.
    """

    name: str
    spent: float
    seeds: int
    loss: Spread
    accuracy: Spread


class Searched(NamedTuple):
    """What a search comes to.

    Attributes:
        name: Name of the search.
        budgets: Budgets at which every repeat has a model, ascending.
        loss: Test loss at each of them.
        accuracy: Fraction of the test images recognized; empty if accuracies are not recorded.
    """

    name: str
    budgets: tuple[float, ...]
    loss: tuple[Spread, ...]
    accuracy: tuple[Spread, ...]


class Results(NamedTuple):
    """All results of an optimizer.

    Attributes:
        optimizer: "adam" or "sgd".
        singles: Methods without a search.
        searches: Searches.
    """

    optimizer: OptimizerName
    singles: tuple[Single, ...]
    searches: tuple[Searched, ...]


def summarize(
    optimizer: OptimizerName, runs: Sequence[Recorded], handed: Sequence[Handed]
) -> Results:
    """Summarize the results of an optimizer.

    Args:
        optimizer: "adam" or "sgd".
        runs: Recorded runs of the methods and of the accuracy grid.
        handed: Models that searches handed over.
    """
    mine = [one for one in runs if one.task.optimizer == optimizer]
    accuracy_at = _accuracy([one for one in mine if one.task.method == GRID], optimizer)

    by_method: defaultdict[str, list[Recorded]] = defaultdict(list)
    for one in mine:
        if one.task.method != GRID:
            by_method[one.task.method].append(one)

    by_search: defaultdict[str, list[Handed]] = defaultdict(list)
    for model in handed:
        if model.optimizer == optimizer:
            by_search[model.name].append(model)

    singles = tuple(_single(name, of_method) for name, of_method in by_method.items())
    searches = tuple(_searched(name, by_search[name], accuracy_at) for name in NAMES)
    return Results(optimizer, singles, tuple(search for search in searches if search.budgets))


def spread(values: Sequence[float], worst: float = math.inf) -> Spread:
    """Return the median and the band of values.

    Args:
        values: Values, at least one.
        worst: What NaN counts as.

    Example:
        >>> spread([3.0, 1.0, 2.0, float("nan"), 2.5])
        Spread(median=2.5, low=1.0, high=inf)
    """
    counted = [worst if math.isnan(value) else value for value in values]
    # Quantiles that are one of the values: between a number and infinity there is none.
    low, high = np.quantile(counted, _BAND, method="inverted_cdf")
    return Spread(float(np.median(counted)), float(low), float(high))


def _single(name: str, runs: Sequence[Recorded]) -> Single:
    return Single(
        name,
        max(run.spent for run in runs),
        len(runs),
        spread([run.test for run in runs]),
        spread([run.accuracy for run in runs], worst=0.0),
    )


def _searched(
    name: str, handed: Sequence[Handed], accuracy_at: PchipInterpolator | None
) -> Searched:
    by_repeat: defaultdict[int, list[Handed]] = defaultdict(list)
    for model in handed:
        by_repeat[model.repeat].append(model)

    budgets = []
    losses = []
    accuracies = []
    for budget in BUDGETS:
        models = _at(by_repeat, budget)
        if not models or len(models) < len(by_repeat):
            continue
        budgets.append(budget)
        losses.append(spread([model.test for model in models]))
        if accuracy_at is not None:
            lrs = np.array([model.lr for model in models])
            accuracies.append(spread(accuracy_at(np.log(lrs)).tolist()))

    return Searched(name, tuple(budgets), tuple(losses), tuple(accuracies))


def _at(by_repeat: Mapping[int, Sequence[Handed]], budget: float) -> list[Handed]:
    """The model of each repeat that has one by this budget."""
    models = []
    for handed in by_repeat.values():
        ready = [model for model in handed if model.spent <= budget + _ROUNDING]
        if ready:
            models.append(ready[-1])
    return models


def _accuracy(grid: Sequence[Recorded], optimizer: OptimizerName) -> PchipInterpolator | None:
    """Mean accuracy as a function of ln lr; None unless it is known over the whole range."""
    by_place: defaultdict[int, list[float]] = defaultdict(list)
    for run in grid:
        by_place[run.task.place].append(0.0 if math.isnan(run.accuracy) else run.accuracy)

    rates: Floats = RATES[optimizer]
    places = sorted(by_place)
    if not places or places[0] != 0 or places[-1] != len(rates) - 1:
        return None

    means = [float(np.mean(by_place[place])) for place in places]
    return PchipInterpolator(np.log(rates[places]), means)
