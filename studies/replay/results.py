"""Summarize replayed searches and pruners by medians and means, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.law import Prior
from studies.replay.oneshot import RULES, OneShot
from studies.replay.pruning import Outcome, as_array
from studies.replay.search import Searched
from studies.replay.statistics import Statistic, interval, mean, median, number, stays_under
from studies.replay.workers import (
    OnDone,
    Pruned,
    Replay,
    no_sources,
    one_shots,
    outcomes,
    searched,
    statements,
)

BUDGETS = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 12.0, 16.0, 24.0)
LEVELS = (0.05, 0.02, 0.01)
STATED = (0.0, 0.01, 0.05, 0.2, 0.5, 1.01)  # ends of the bins of stated probabilities
_FINE = 0.25  # resolution of the budget to a level, in full-run equivalents

Json = dict[str, Any]


def searches(
    replay: Replay,
    names: Sequence[str],
    budget: float,
    on_done: OnDone,
) -> Json:
    """Search with each sampler and summarize the regret at `BUDGETS`.

    Args:
        replay: What is searched, and how often.
        names: Names of the samplers.
        budget: Full-run equivalents of each search.
        on_done: Called with the number of searches done.
    """
    wanted = {name: (name, no_sources) for name in names}
    searches_of = searched(replay, wanted, budget, on_done)

    budgets = np.array([b for b in BUDGETS if b <= budget])
    samplers = {}
    for name in names:
        samplers[name] = _summary(searches_of[name], budgets, budget)

    return {"budgets": budgets.tolist(), "samplers": samplers}


def proposals(
    replay: Replay,
    budgets: Sequence[float],
    prior: Prior | None,
    on_done: OnDone,
) -> Json:
    """Propose one learning rate after a ladder of each budget, and summarize the regrets.

    Args:
        replay: What is proposed for, and how often.
        budgets: Full-run equivalents of the ladders.
        prior: Prior of the informed law; None for the law's own.
        on_done: Called with the number of repeats done.
    """
    shots = one_shots(replay, budgets, prior, on_done)
    by_budget = list(zip(*shots, strict=True))
    return {
        "budgets": list(budgets),
        "rules": {rule: _regrets(rule, by_budget) for rule in RULES},
        "cost": [_mean_of(several, "cost") for several in by_budget],
        "coverage90": [_mean_of(several, "covered") for several in by_budget],
        "has_law": [_mean_of(several, "has_law") for several in by_budget],
    }


def prunings(
    replay: Replay,
    names: Sequence[str],
    stream: Pruned,
    on_done: OnDone,
) -> Json:
    """Try each pruner on the same streams and summarize the outcomes.

    Args:
        replay: What is replayed, and how often.
        names: Names of the pruners, with or without settings.
        stream: How the streams are made.
        on_done: Called with the number of streams done.
    """
    outcomes_of = outcomes(replay, names, stream, on_done)
    pruners = {}
    for name in names:
        pruners[name] = _means(as_array(outcomes_of[name]))

    return {"pruners": pruners}


def reliability(replay: Replay, pruner: str, stream: Pruned) -> list[Json]:
    """Compare the probabilities that a KappaPruner states with how often the trials won.

    Args:
        replay: What is replayed, and how often.
        pruner: Name of the pruner, with or without a setting.
        stream: How the streams are made.

    Returns:
        A dictionary for each bin of `STATED`, without empty bins.
    """
    pairs = []
    for stream_statements in statements(replay, pruner, stream):
        for statement in stream_statements:
            pairs.append((statement.probability, statement.won))

    table = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    probability = table[:, 0]
    bins = []
    for low, high in pairwise(STATED):
        inside = (probability >= low) & (probability < high)
        if not inside.any():
            continue

        stated, won = table[inside].mean(axis=0).tolist()
        bins.append(
            {
                "low": low,
                "high": high,
                "stated": stated,
                "won": won,
                "n": int(inside.sum()),
            }
        )

    return bins


def _regrets(rule: str, by_budget: Sequence[Sequence[OneShot]]) -> Json:
    """Regret of one rule at each budget.

    Args:
        rule: Name of the rule.
        by_budget: What came of the ladders of each budget.
    """
    table = []
    for several in by_budget:
        table.append([shot.regrets[rule] for shot in several])

    regrets = np.array(table).T
    p90 = np.quantile(regrets, 0.9, axis=0)
    return {
        "median_regret": [number(value) for value in median(regrets)],
        "mean_regret": [number(value) for value in mean(regrets)],
        "p90_regret": [number(value) for value in p90],
        "intervals": _intervals(median, regrets),
        "mean_intervals": _intervals(mean, regrets),
    }


def _mean_of(shots: Sequence[OneShot], field: str) -> float:
    """Mean of a field over the ladders of one budget."""
    return float(np.mean([getattr(shot, field) for shot in shots]))


def _means(fields: Floats) -> Json:
    """Means of the fields of `Outcome`, with their intervals.

    Args:
        fields: Outcomes as an array of shape `(n, 6)`.
    """
    low, high = interval(mean, fields)
    ends = np.stack([low, high], axis=1).tolist()

    names = Outcome._fields
    means: Json = dict(zip(names, mean(fields).tolist(), strict=True))
    means["intervals"] = dict(zip(names, ends, strict=True))
    return means


def _summary(
    searches: Sequence[Searched],
    budgets: Floats,
    budget: float,
) -> Json:
    """Regret of one sampler.

    Args:
        searches: Its searches.
        budgets: Budgets to report the regret at, in full-run equivalents.
        budget: Budget of each search.
    """
    regrets = np.array([search.at(budgets) for search in searches])

    fine_budgets = np.arange(_FINE, budget + _FINE / 2, _FINE)
    fine_regrets = np.array([search.at(fine_budgets) for search in searches])
    medians = median(fine_regrets)
    budget_to = {}
    for level in LEVELS:
        budget_to[f"{level:g}"] = number(stays_under(fine_budgets, medians, level))

    ask_ms = np.concatenate([search.ask_ms for search in searches])
    return {
        "median_regret": [number(value) for value in median(regrets)],
        "mean_regret": [number(value) for value in mean(regrets)],
        "intervals": _intervals(median, regrets),
        "mean_intervals": _intervals(mean, regrets),
        "budget_to": budget_to,
        "ask_ms": float(np.mean(ask_ms)),
    }


def _intervals(statistic: Statistic, values: Floats) -> list[list[float | None]]:
    """Intervals for JSON, one for each column of the values."""
    ends = []
    for low, high in zip(*interval(statistic, values), strict=True):
        ends.append([number(low), number(high)])

    return ends
