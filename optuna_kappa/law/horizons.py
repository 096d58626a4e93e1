"""The horizons at which the curves of runs are compared.

A horizon is one where several learning rates were seen: one alone says nothing about the best one.
So a run that is alone at its horizon (a wrong unit, an import) takes nothing away from the others.

Constant-rate curves are read at a ladder of horizons (`ladder`). Its rungs are where runs ended,
and horizons between. It hangs from the longest run, unless that one is alone far beyond the
others. Runs that are seen at none of its rungs get a ladder of their own. A scheduled run counts
at its own horizon, and horizons that differ by rounding only are one (`planned_together`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optuna_kappa._typing import Bools, Floats
from optuna_kappa.law.curves import ROUNDING, SAME_HORIZON, Curve

# A horizon needs this many learning rates: a single one says nothing about the best one.
FEWEST_RATES = 2

# Rungs are this factor apart, two an octave. Where runs ended there are rungs, too; no two rungs
# of a ladder are closer than half that distance.
_RUNG_SPACING = 2**0.5
_LEAST_SPACING = _RUNG_SPACING**0.5

# Horizons below the top of a ladder by more than this factor say nothing about it.
_DEEPEST = 256

# A run that is alone holds a ladder up if it is at most this factor longer than where several
# rates were seen: a search goes on from its probes to runs up to 24 times as long, one by one.
_WITHIN_REACH = 32

# Planned horizons up to this factor apart are one. They differ by rounding, such as to whole
# batches; how much data that is changes no loss that matters.
SAME_PLAN = 1.001


def ladder(curves: Sequence[Curve]) -> list[float]:
    """Return the horizons at which constant-rate curves are read, ascending.

    Example:
        >>> from optuna_kappa.law.curves import read_curves
        >>> from optuna_kappa.runs import example_runs
        >>> rungs = ladder(list(read_curves(example_runs(horizons=[1, 4]))))
        >>> [round(rung, 1) for rung in rungs]
        [1.0, 1.4, 2.0, 2.8, 4.0]
    """
    reported = [curve for curve in curves if len(curve.step)]
    spans = _Spans(reported)
    waiting = np.ones(len(reported), dtype=np.bool_)
    rungs: list[float] = []

    while waiting.any():
        added = _hang(spans, waiting, rungs)
        if not added:
            break

        rungs += added
        for rung in added:
            waiting &= ~spans.counts_at(rung)

    return sorted(rungs)


def planned_together(curves: Sequence[Curve]) -> list[tuple[float, list[Curve]]]:
    """Group scheduled runs by the horizon that they were planned for, ascending.

    Returns:
        Horizons, each with its runs. Of planned horizons that differ by rounding, it is the middle
        one.

    Example:
        >>> from optuna_kappa.law.curves import read_curves
        >>> from optuna_kappa.runs import example_runs
        >>> runs = example_runs(schedule="cosine", horizons=[4, 4.000001, 16])
        >>> [(horizon, len(group)) for horizon, group in planned_together(list(read_curves(runs)))]
        [(4.0..., 12), (16.0, 6)]
    """
    groups: list[list[Curve]] = []
    for curve in sorted(curves, key=_planned_horizon):
        if groups and curve.horizon <= groups[-1][0].horizon * SAME_PLAN:
            groups[-1].append(curve)
        else:
            groups.append([curve])

    planned = []
    for group in groups:
        middle = group[len(group) // 2]
        planned.append((middle.horizon, group))
    return planned


class _Spans:
    """Where each of n curves was seen, as arrays, since there may be thousands of ends."""

    def __init__(self, curves: Sequence[Curve]) -> None:
        self.first = np.array([curve.step[0] for curve in curves])
        self.end = np.array([curve.step[-1] for curve in curves])
        self._lr = np.array([curve.lr for curve in curves])
        self._diverged = np.array([curve.diverged_at for curve in curves])
        self._known: dict[float, bool] = {}

    def has_several_rates(self, horizon: float) -> bool:
        """Whether several distinct rates were seen at a horizon."""
        if horizon not in self._known:
            rates = self._lr[self._seen_at(horizon)]
            lowest = rates.min(initial=np.inf)
            self._known[horizon] = bool(rates.max(initial=0.0) > lowest * ROUNDING)

        return self._known[horizon]

    def counts_at(self, horizon: float) -> Bools:
        """Whether each run was seen or had diverged at a horizon, shape `(n,)`."""
        had_diverged: Bools = self._diverged <= horizon * ROUNDING
        counts: Bools = had_diverged | self._seen_at(horizon)
        return counts

    def _seen_at(self, horizon: float) -> Bools:
        seen: Bools = (
            (self.first <= horizon * SAME_HORIZON * ROUNDING)
            & (horizon <= self.end * SAME_HORIZON * ROUNDING)
            & (self._diverged > horizon * ROUNDING)
        )
        return seen


def _hang(spans: _Spans, waiting: Bools, others: Sequence[float]) -> list[float]:
    """Return the rungs of a ladder for some curves; none if no end has several rates.

    Args:
        spans: Where all n curves were seen.
        waiting: Whether the ladder is for a curve, shape `(n,)`; at least one.
        others: Rungs of other ladders.
    """
    ends = np.unique(spans.end[waiting])[::-1]
    first = float(spans.first[waiting].min())

    shared = next(filter(spans.has_several_rates, ends.tolist()), None)
    if shared is None:
        return []

    top = float(ends[ends <= shared * _WITHIN_REACH].max())
    lowest = max(first, top / _DEEPEST)

    rungs: list[float] = []
    for end in ends[ends * ROUNDING >= lowest].tolist():
        is_apart = not rungs or rungs[-1] / end * ROUNDING >= _LEAST_SPACING
        if is_apart and spans.has_several_rates(end):
            rungs.append(end)

    n_steps = int(np.floor(np.log(top / lowest * ROUNDING) / np.log(_RUNG_SPACING)))
    between: Floats = top / _RUNG_SPACING ** np.arange(n_steps + 1, dtype=np.float64)
    apart = _are_apart(between, np.array([*rungs, *others]))
    return [*rungs, *between[apart].tolist()]


def _are_apart(horizons: Floats, rungs: Floats) -> Bools:
    """Whether horizons keep the least spacing from all rungs."""
    distance = np.abs(np.log(horizons[:, None] / rungs))
    apart: Bools = (distance >= np.log(_LEAST_SPACING / ROUNDING)).all(axis=1)
    return apart


def _planned_horizon(curve: Curve) -> float:
    return curve.horizon
