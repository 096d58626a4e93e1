"""Measure what it costs a kappa search to be misled, compared with plain TPE, seed by seed.

What misleads is a source, or what the search is told: an optimizer, passes over the data, a prior.

The time of a search is the number of full-run equivalents that it has spent by the first trial
from which on the regret of its recommendation stays at or under `LEVEL`. A search that ends above
that level is censored: all that is known is that its time is beyond the budget. Then

- a median counts its time as infinite. That is exact as long as fewer than half are censored;
- the delay of a repeat, kappa's time minus TPE's, is taken as the largest that is possible:
  infinite if kappa is censored, measured from the budget if only TPE is. `surely_late` counts the
  repeats that are late no matter how the censored searches would have continued.

The time of TPE is mostly luck, and so is a delay: with other seeds, TPE itself is more than two
full runs later in a third to a half of the repeats. Two figures help to judge a delay:

- `luck` is the result for TPE with other seeds in place of kappa;
- `by_rank` compares kappa's fastest search with TPE's fastest, and so on to the slowest, with
  censored searches as above. With few repeats, its tail is noisy too.

Sources cost nothing here: the test is what it costs to believe them. A search that is only told
something has its own probes, which are charged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from optuna_kappa._typing import Floats
from studies.replay.results import Json
from studies.replay.search import Searched
from studies.replay.statistics import Statistic, interval, median, number, stays_under
from studies.replay.workers import OnDone, Replay, Sources, no_sources, searched
from studies.samplers import KAPPA, Known

LEVEL = 0.02  # regret that a search is to reach
MOST_RATIO = 1.25  # largest ratio of the median times, kappa's to TPE's
MOST_DELAY = 2.0  # full runs; a repeat with a larger delay is late
MOST_LATE = 0.05  # largest fraction of late repeats
_BASE = "tpe"
NOBODY: Mapping[str, Known] = MappingProxyType({})


def misled(
    replay: Replay,
    scenarios: Mapping[str, Sources],
    budget: float,
    on_done: OnDone,
    told: Mapping[str, Known] = NOBODY,
) -> Json:
    """Compare kappa, with the sources of each scenario or told something, to TPE.

    TPE searches twice: with the seeds of the kappa searches, and with as many other seeds.

    Args:
        replay: What is searched, and how often.
        scenarios: Sources by the name of the scenario.
        budget: Full-run equivalents of each search.
        on_done: Called with the number of searches done.
        told: What kappa is told where it starts without a source, by the name of the scenario.
    """
    twice = replay._replace(repeats=2 * replay.repeats)
    plain = searched(twice, {_BASE: (_BASE, no_sources)}, budget, on_done)
    base, others = np.split(times(plain[_BASE]), 2)

    wanted = {name: (KAPPA, sources) for name, sources in scenarios.items()}
    guided = searched(replay, wanted, budget, on_done)
    for name, known in told.items():
        knowing = replay._replace(known=known)
        guided |= searched(knowing, {name: (KAPPA, no_sources)}, budget, on_done)

    results = {}
    for name, searches in guided.items():
        results[name] = compared(times(searches), base, budget)

    return {
        "budget": budget,
        "level": LEVEL,
        "tpe": _times(base),
        "luck": compared(others, base, budget),
        "scenarios": results,
    }


def times(searches: Sequence[Searched]) -> Floats:
    """The time of each search, shape `(n,)`; infinite if it is censored."""
    ends = []
    for search in searches:
        ends.append(stays_under(search.spent, search.regret, LEVEL))

    return np.array(ends)


def compared(kappa: Floats, base: Floats, budget: float) -> Json:
    """Compare the times of one scenario with those of TPE.

    Args:
        kappa: Times of the kappa searches, shape `(n,)`.
        base: Times of TPE with the same seeds, shape `(n,)`.
        budget: Full-run equivalents of each search.
    """
    pairs = np.stack([kappa, base], axis=1)
    kappa_at_least, base_at_least = np.minimum(pairs, budget).T
    delays = kappa - base_at_least
    sure_delays = kappa_at_least - base

    statistics: dict[str, tuple[Statistic, Floats]] = {
        "ratio": (_ratio, pairs),
        "delay": (median, delays),
        "delay_95": (_percentile, delays),
        "late": (_late, delays),
        "late_by_rank": (lambda resampled: _late_by_rank(resampled, budget), pairs),
    }
    values = {}
    intervals = {}
    for name, (statistic, sample) in statistics.items():
        values[name] = float(statistic(sample))
        intervals[name] = [number(float(end)) for end in interval(statistic, sample)]

    fast = values["ratio"] <= MOST_RATIO
    return {
        **_times(kappa),
        **{name: number(value) for name, value in values.items()},
        "surely_late": float(_late(sure_delays)),
        "held": fast and values["late"] <= MOST_LATE,
        "held_by_rank": fast and values["late_by_rank"] <= MOST_LATE,
        "intervals": intervals,
    }


def _times(values: Floats) -> Json:
    """The times of a sampler for JSON, with None for those beyond the budget."""
    return {
        "median": number(float(median(values))),
        "censored": int(np.isinf(values).sum()),
        "times": [number(time) for time in values],
    }


def _ratio(pairs: Floats) -> Floats:
    """Ratio of the median time of kappa to that of TPE.

    It is infinite if kappa's median is beyond the budget, whatever TPE's median is.

    Args:
        pairs: Times of kappa and of TPE, shape `(n, ..., 2)`.
    """
    kappa, base = np.moveaxis(median(pairs), -1, 0)
    ratio: Floats = np.full(np.shape(kappa), np.inf)
    np.divide(kappa, base, out=ratio, where=np.isfinite(kappa))
    return ratio


def _percentile(delays: Floats) -> Floats:
    """The smallest delay that no more than `MOST_LATE` of the repeats exceed."""
    # The product may come out just below a whole number.
    n_allowed = int(MOST_LATE * len(delays) + 1e-9)
    ascending = np.sort(delays, axis=0)
    return np.asarray(ascending[len(delays) - 1 - n_allowed])


def _late(delays: Floats) -> Floats:
    """Fraction of the repeats that are late."""
    return np.asarray((delays > MOST_DELAY).mean(axis=0))


def _late_by_rank(pairs: Floats, budget: float) -> Floats:
    """Fraction of the ranks at which kappa is late.

    Args:
        pairs: Times of kappa and of TPE, shape `(n, ..., 2)`.
        budget: Full-run equivalents of each search.
    """
    ranked = np.sort(pairs, axis=0)
    kappa, base = np.moveaxis(ranked, -1, 0)
    return _late(kappa - np.minimum(base, budget))
