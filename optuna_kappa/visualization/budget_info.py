"""The data of the figure of budgets: best value and expected regret of searches, summarized."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike

from optuna_kappa._typing import Floats
from optuna_kappa.search.trajectory import Trajectory
from optuna_kappa.visualization import marks
from optuna_kappa.visualization.regret import expected_regret
from optuna_kappa.visualization.searched import Searched
from optuna_kappa.visualization.spending import Unit, best_so_far

QUARTILES = 8  # repeats from which the band shows 25 to 75 % instead of all repeats


class Search(NamedTuple):
    """A quantity of the repeats of a sampler by each budget.

    Attributes:
        sampler: Name of the sampler.
        n_repeats: Number of its repeats.
        budget: Budgets from where half of the repeats have a value, ascending.
        median: Median of the repeats at each of them.
        band_budget: Budgets from where the whole band is finite; empty for one repeat.
        low: Lower edge of the band.
        high: Upper edge of it.

    Example:
        >>> Search("TPE", 1, [1.0, 2.0], [0.5, 0.4], [], [], []).median
        [0.5, 0.4]
    """

    sampler: str
    n_repeats: int
    budget: list[float]
    median: list[float]
    band_budget: list[float]
    low: list[float]
    high: list[float]


class BudgetInfo(NamedTuple):
    """The data of the figure.

    Attributes:
        searches: Best loss of each sampler.
        regrets: Expected regret of each sampler, a fraction of the best loss or in its unit; empty
            where it is not known.
        regret_is_fraction: Which of them.
        reference: Loss at which to draw a dashed line; None for none.
        reference_label: Name of that line.
        log: Whether the scale of losses is logarithmic.
        unit: Unit of the budgets, full-run equivalents ("budget") or seconds ("time").
        maximize: Whether the losses are values with the other sign.

    Example:
        >>> info = BudgetInfo([], [], True, None, "", True, "budget", False)
        >>> info.unit
        'budget'
    """

    searches: list[Search]
    regrets: list[Search]
    regret_is_fraction: bool
    reference: float | None
    reference_label: str
    log: bool
    unit: Unit
    maximize: bool


class _Repeat(Protocol):
    """A quantity of one search that changes with its budget."""

    @property
    def spent(self) -> Floats: ...

    def at(self, budget: ArrayLike) -> Floats: ...


def get_budget_info(
    searches: Mapping[str, Sequence[Trajectory | Searched]],
    reference: float | None,
    reference_label: str,
    *,
    log: bool,
    unit: Unit,
) -> BudgetInfo:
    """What the figure shows of searches.

    Args:
        searches: The repeats of each sampler, by name.
        reference: Loss at which to draw a line.
        reference_label: Name of that line.
        log: Whether to use a logarithmic scale if all losses are positive.
        unit: Unit of the budgets of studies.

    Example:
        >>> from optuna_kappa.search.trajectory import trajectory
        >>> searches = {"TPE": [trajectory(costs=[1, 1], losses=[0.5, 0.4])]}
        >>> info = get_budget_info(searches, None, "", log=True, unit="budget")
        >>> info.searches[0].median
        [0.5, 0.4]
    """
    everything = [one for repeats in searches.values() for one in repeats]
    studies = [one for one in everything if isinstance(one, Searched)]
    maximize = any(known.sign < 0 for known in studies)

    best: dict[str, list[_Repeat]] = {}
    for sampler, repeats in searches.items():
        best[sampler] = [_best(one, unit) for one in repeats]
    shown = _summaries(best)

    regrets: list[Search] = []
    regret = None
    if len(studies) == len(everything):
        regret = expected_regret(studies, unit)
    if regret is not None:
        left = iter(regret.by_study)
        by_sampler = {name: [next(left) for _ in repeats] for name, repeats in searches.items()}
        regrets = _summaries(by_sampler)

    if reference is not None and not np.isfinite(reference):
        reference = None

    # The highs of the bands lie above the medians, so they need no check.
    lowest = 1.0 if reference is None else reference
    for search in shown:
        lowest = min(lowest, *search.median, *search.low)

    return BudgetInfo(
        searches=shown,
        regrets=regrets,
        regret_is_fraction=regret is not None and regret.is_fraction,
        reference=reference,
        reference_label=reference_label,
        log=log and lowest > 0 and not maximize,
        unit=unit,
        maximize=maximize,
    )


def _best(search: Trajectory | Searched, unit: Unit) -> Trajectory:
    return best_so_far(search, unit) if isinstance(search, Searched) else search


def _summaries(searches: Mapping[str, Sequence[_Repeat]]) -> list[Search]:
    """The searches that have a value by some budget."""
    summaries = []
    for sampler, repeats in searches.items():
        with_trials = [repeat for repeat in repeats if len(repeat.spent)]
        if with_trials:
            search = summarize(sampler, with_trials)
            if search.budget:
                summaries.append(search)
    return summaries


def summarize(sampler: str, repeats: Sequence[_Repeat]) -> Search:
    """Summarize the repeats of a sampler at the budgets at which any of their trials ended.

    Args:
        sampler: Name of the sampler.
        repeats: Its repeats, at least one.

    Example:
        >>> from optuna_kappa.search.trajectory import trajectory
        >>> repeats = [trajectory([1, 1], [3.0, 1.0]), trajectory([1, 1], [5.0, 3.0])]
        >>> summarize("TPE", repeats).median
        [4.0, 2.0]
    """
    budget = np.unique(np.concatenate([repeat.spent for repeat in repeats]))
    budget = budget[marks.thin(len(budget))]

    # Values by rank among the repeats (rows) and by budget (columns).
    ranked = np.sort([repeat.at(budget) for repeat in repeats], axis=0)

    many = len(repeats) >= QUARTILES
    low = quantile(ranked, 0.25 if many else 0.0)
    median = quantile(ranked, 0.5)
    high = quantile(ranked, 0.75 if many else 1.0)

    # The best loss of a repeat is infinite until its first full run ends.
    has_median = np.isfinite(median)
    has_band = np.isfinite(high) & (len(repeats) > 1)
    return Search(
        sampler,
        len(repeats),
        budget=budget[has_median].tolist(),
        median=median[has_median].tolist(),
        band_budget=budget[has_band].tolist(),
        low=low[has_band].tolist(),
        high=high[has_band].tolist(),
    )


def quantile(ranked: Floats, p: float) -> Floats:
    """Quantiles of the columns, whose values ascend; infinite if interpolated with infinity.

    Args:
        ranked: Values, shape `(n, m)`.
        p: Which quantile, from 0 to 1.

    Example:
        >>> quantile(np.array([[1.0, 1.0], [2.0, np.inf]]), 0.5).tolist()
        [1.5, inf]
    """
    place = p * (len(ranked) - 1)
    below = ranked[int(np.floor(place))]
    above = ranked[int(np.ceil(place))]
    fraction = place % 1

    # Infinity minus infinity is NaN. The last line replaces it.
    with np.errstate(invalid="ignore"):
        between: Floats = below + fraction * (above - below)
    return np.where(np.isfinite(above), between, np.inf)
