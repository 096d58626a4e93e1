"""The charts of the pages about searches and pruners, as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle

import numpy as np

from optuna_kappa.visualization.theme import BLUE, GREEN, GREY, OTHERS, SAMPLERS
from studies.charts import Axis, Chart, Series
from studies.replay.results import Json

_BANDS = ("kappa", "tpe")  # bands of the other samplers would hide these
_OVERVIEW = {"kappa": "optuna-kappa", "tpe": "TPE"}  # samplers and their labels
_BUDGETS = (1, 2, 3, 4, 6, 8, 12, 16, 24)  # ticks
_REGRETS = (0.1, 200.0)  # range of the median regrets, in %
_CAUSED = (-1.0, 6.0)  # range of the regrets that pruners cause, in %
_PRUNER_COLOURS = (BLUE, *OTHERS[:4], GREEN, GREY, OTHERS[5])


def regret_chart(title: str, searches: Json) -> Chart:
    """Chart of median regret against budget, a line for each sampler.

    Args:
        title: Title.
        searches: What `studies.replay.results.searches` returns.
    """
    others = cycle(OTHERS)
    series = []
    for name, sampler in searches["samplers"].items():
        colour = SAMPLERS.get(name) or next(others)
        points = list(_regret_points(searches["budgets"], sampler))
        if not points:
            continue

        x, y, low, high = zip(*points, strict=True)
        band = (low, high) if name in _BANDS else ((), ())
        series.append(Series(name, x, y, "line", colour, *band))

    return Chart(
        title,
        Axis("budget, full-run equivalents", ticks=_BUDGETS),
        Axis("median regret, %", range=_REGRETS),
        tuple(series),
    )


def overview_chart(several: Sequence[Json]) -> Chart:
    """Chart of the middle problem's median regret against budget, for kappa and TPE.

    A band goes from the best to the worst of the problems.

    Args:
        several: What `studies.replay.results.searches` returns, for each problem.
    """
    series = []
    for name, label in _OVERVIEW.items():
        x = []
        rows = []
        for place, budget in enumerate(several[0]["budgets"]):
            medians = [one["samplers"][name]["median_regret"][place] for one in several]
            if None not in medians:
                x.append(budget)
                percents = [100 * max(regret, _REGRETS[0] / 100) for regret in medians]
                rows.append(np.quantile(percents, [0, 0.5, 1]).tolist())

        low, middle, high = zip(*rows, strict=True)
        series.append(Series(label, x, middle, "line", SAMPLERS[name], low, high))

    return Chart(
        f"Regret of the recommended rate on {len(several)} problems",
        Axis("budget, full-run equivalents", ticks=_BUDGETS),
        Axis("median regret, %", range=_REGRETS),
        tuple(series),
    )


def _regret_points(budgets: Sequence[float], sampler: Json) -> Iterator[tuple[float, ...]]:
    """Budget, median regret in %, and the ends of its interval, wherever all are known."""
    columns = budgets, sampler["median_regret"], sampler["intervals"]
    for budget, median, interval in zip(*columns, strict=True):
        regrets = (median, *interval)
        if None not in regrets:
            # A regret below the range, such as 0, is drawn at its lower end.
            yield budget, *(100 * max(regret, _REGRETS[0] / 100) for regret in regrets)


def pareto_chart(family: Json, settings: Mapping[str, Sequence[str]]) -> Chart:
    """Chart of regret caused against data saved: a line for each pruner, a point for each setting.

    Args:
        family: Title and pruners of a table.
        settings: Names of the settings of each pruner.
    """
    pruners = family["pruners"]
    series = []
    colours = dict(zip(settings, _PRUNER_COLOURS, strict=True))
    for name, several in settings.items():
        known = [pruners[setting] for setting in several if setting in pruners]
        if not known:
            continue

        x = []
        y = []
        for saved, regret in sorted((one["saved"], one["regret"]) for one in known):
            x.append(100 * saved)
            y.append(min(100 * regret, _CAUSED[1]))
        series.append(Series(name, x, y, "line", colours[name]))

    edge = f"(above {_CAUSED[1]:g}: at the edge)"
    return Chart(
        f"{family['title']}: what pruning saves and costs",
        Axis("data saved, %", log=False, range=(0, 100)),
        Axis(f"regret caused, % {edge}", log=False, range=_CAUSED),
        tuple(series),
    )


def reliability_chart(families: Json) -> Chart:
    """Chart of how often trials won against the stated probability.

    Each table has a line of its own. One line is for all tables together.

    Args:
        families: Tables by name, with the bins of their reliability.
    """
    series = [Series("as stated", (0, 100), (0, 100), "guide", GREEN)]
    pooled: dict[float, list[Json]] = {}

    for family in families.values():
        bins = family["reliability"]
        for b in bins:
            pooled.setdefault(b["low"], []).append(b)

        x = [100 * b["stated"] for b in bins]
        y = [100 * b["won"] for b in bins]
        label = "" if len(series) > 1 else "each table"
        series.append(Series(label, x, y, "line", GREY))

    x = []
    y = []
    for _, bins in sorted(pooled.items()):
        x.append(_pooled_percent(bins, "stated"))
        y.append(_pooled_percent(bins, "won"))
    series.append(Series("all together", x, y, "line", BLUE))

    return Chart(
        "Of trials given a probability to win, how many won",
        Axis("probability stated, %", log=False, range=(0, 100)),
        Axis("won, %", log=False, range=(0, 100)),
        tuple(series),
    )


def _pooled_percent(bins: Sequence[Json], field: str) -> float:
    """Mean of a fraction over several bins, weighted by their numbers of decisions, in %."""
    total = 0.0
    n = 0
    for b in bins:
        total += b[field] * b["n"]
        n += b["n"]

    return 100 * total / n
