"""What a misled search costs: kappa searches with a wrong source beside plain TPE, seed by seed.

The time of a search is what it has spent, in full-run equivalents, by the first trial from which
on the regret of what it recommends stays at or under `LEVEL`. A search that ends above it is
censored: its time is somewhere beyond the budget. Then

- a median counts it as infinite, which is exact as long as less than half of them are;
- the delay of a repeat, kappa's time minus TPE's, is the largest that it may be: infinite where
  kappa is censored, measured from the budget where only TPE is. `surely_late` counts those that
  are late however censored searches would have gone on.

The time of TPE is mostly luck, and so is a delay: with other seeds TPE is itself more than two
full runs later in a third to a half of the repeats. `luck` is what comes of TPE with other seeds
in kappa's place, `by_rank` compares kappa's fastest search with TPE's fastest, and so on to the
slowest, censored ones as above; in the tail of few repeats that is noisy too.

Nothing is charged for sources: what is tested is what believing them costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from optuna_kappa._typing import Floats
from studies.replay.results import Json, Replay, Sources, no_sources, searched
from studies.replay.search import Searched
from studies.replay.statistics import interval, median, number, stays_under
from studies.samplers import KAPPA

LEVEL = 0.02  # regret
MOST_RATIO = 1.25  # of the median times, kappa's over TPE's
MOST_DELAY = 2.0  # full runs
MOST_LATE = 0.05  # of the repeats may be later than that
_BASE = "tpe"


def misled(
    replay: Replay,
    scenarios: Mapping[str, Sources],
    budget: float,
    on_done: Callable[[int], None],
) -> Json:
    """Searches with each scenario's sources, and with TPE by the same seeds and by as many others.

    Args:
        replay: What is searched, and how often.
        scenarios: Sources by name.
        budget: Full-run equivalents of each search.
        on_done: Called with the number of searches done.
    """
    twice = replay._replace(repeats=2 * replay.repeats)
    plain = searched(twice, {_BASE: (_BASE, no_sources)}, budget, on_done)[_BASE]
    base, others = np.split(times(plain), 2)
    wanted = {name: (KAPPA, sources) for name, sources in scenarios.items()}
    found = searched(replay, wanted, budget, on_done)
    return {
        "budget": budget,
        "level": LEVEL,
        "tpe": _times(base),
        "luck": compared(others, base, budget),
        "scenarios": {name: compared(times(one), base, budget) for name, one in found.items()},
    }


def times(found: Sequence[Searched]) -> Floats:
    """The time of each search, shape `(n,)`; infinite if censored."""
    return np.array([stays_under(one.spent, one.regret, LEVEL) for one in found])


def compared(kappa: Floats, base: Floats, budget: float) -> Json:
    """What came of one scenario.

    Args:
        kappa: Times of the kappa searches, shape `(n,)`.
        base: Times of the base sampler's with the same seeds, shape `(n,)`.
        budget: After which searches are censored.
    """
    pairs = np.stack([kappa, base], axis=1)
    no_later = np.minimum(pairs, budget)
    delays, surely = kappa - no_later[:, 1], no_later[:, 0] - base
    statistics: dict[str, tuple[Callable[[Floats], Floats], Floats]] = {
        "ratio": (_ratio, pairs),
        "delay": (median, delays),
        "delay_95": (_percentile, delays),
        "late": (_late, delays),
        "late_by_rank": (lambda drawn: _late_by_rank(drawn, budget), pairs),
    }
    found = {name: float(statistic(values)) for name, (statistic, values) in statistics.items()}
    fast = found["ratio"] <= MOST_RATIO
    return {
        **_times(kappa),
        **{name: number(value) for name, value in found.items()},
        "surely_late": float(_late(surely)),
        "held": fast and found["late"] <= MOST_LATE,
        "held_by_rank": fast and found["late_by_rank"] <= MOST_LATE,
        "intervals": {
            name: [number(float(end)) for end in interval(statistic, values)]
            for name, (statistic, values) in statistics.items()
        },
    }


def _times(found: Floats) -> Json:
    """The times of a sampler, None for those beyond the budget."""
    return {
        "median": number(float(median(found))),
        "censored": int(np.isinf(found).sum()),
        "times": [number(time) for time in found],
    }


def _ratio(pairs: Floats) -> Floats:
    """Ratio of the medians of kappa's times and TPE's, from shape `(n, ..., 2)`.

    Infinite where kappa's median is beyond the budget, whatever the other one is.
    """
    kappa, base = np.moveaxis(median(pairs), -1, 0)
    ratio: Floats = np.full(np.shape(kappa), np.inf)
    np.divide(kappa, base, out=ratio, where=np.isfinite(kappa))
    return ratio


def _percentile(delays: Floats) -> Floats:
    """The least delay that is exceeded in no more repeats than may be late."""
    allowed = int(MOST_LATE * len(delays) + 1e-9)
    return np.asarray(np.sort(delays, axis=0)[len(delays) - 1 - allowed])


def _late(delays: Floats) -> Floats:
    """Part of the repeats that are too late."""
    return np.asarray((delays > MOST_DELAY).mean(axis=0))


def _late_by_rank(pairs: Floats, budget: float) -> Floats:
    """Part of the ranks at which kappa is too late, from times of shape `(n, ..., 2)`."""
    kappa, base = np.moveaxis(np.sort(pairs, axis=0), -1, 0)
    return _late(kappa - np.minimum(base, budget))
