"""Whether workers that ask at once are given plans and learning rates of their own."""

from __future__ import annotations

import collections
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from optuna.trial import FrozenTrial

from optuna_kappa.study.plans import plan_of
from studies.scale import task

_ALIKE = 0.02  # difference of ln lr that no run can tell, as in optuna_kappa.search.picking


@dataclass(frozen=True)
class Shared:
    """How several workers shared a study.

    Attributes:
        n_trials: Trials.
        n_repeated: Trials whose rate an earlier trial of the same horizon has, to the last digit.
        n_at_once: Pairs of trials of one horizon whose rates no run can tell apart, and of which
            the later one began before the earlier one ended.
        probes: Number of probes that were planned, by horizon.
        n_cells: Cells of the range that the first rung covers, of six.
        seconds: From the first start to the last end.
        off: Factor between the rate of the best full run and the best rate, at least 1.
    """

    n_trials: int
    n_repeated: int
    n_at_once: int
    probes: dict[int, int]
    n_cells: int
    seconds: float
    off: float


def count_shared(trials: Sequence[FrozenTrial]) -> Shared:
    """Count what the workers of a study did twice."""
    planned = [trial for trial in trials if plan_of(trial) and trial.params]
    horizons = [_horizon(trial) for trial in planned if plan_of(trial).is_probe]  # type: ignore[union-attr]
    rates = collections.Counter((_horizon(trial), trial.params["lr"]) for trial in planned)

    full = [trial for trial in planned if trial.values and _horizon(trial) == task.TARGET]
    best = min(full, key=lambda trial: trial.values[0]) if full else None
    off = abs(math.log(best.params["lr"] / task.BEST_LR)) if best else math.inf

    starts = [trial.datetime_start for trial in trials if trial.datetime_start]
    ends = [trial.datetime_complete for trial in trials if trial.datetime_complete]
    return Shared(
        n_trials=len(trials),
        n_repeated=sum(count - 1 for count in rates.values()),
        n_at_once=_count_at_once(planned),
        probes=dict(sorted(collections.Counter(horizons).items())),
        n_cells=_count_cells([trial for trial in planned if _horizon(trial) == min(horizons)]),
        seconds=(max(ends) - min(starts)).total_seconds(),
        off=math.exp(off),
    )


def _horizon(trial: FrozenTrial) -> int:
    plan = plan_of(trial)
    assert plan is not None
    return plan.horizon


def _count_at_once(trials: Sequence[FrozenTrial]) -> int:
    """Pairs of trials at one horizon that ran at the same time at rates that are alike."""
    n_pairs = 0
    for i, trial in enumerate(trials):
        for other in trials[:i]:
            if _horizon(trial) != _horizon(other) or not _overlap(trial, other):
                continue
            distance = abs(math.log(trial.params["lr"] / other.params["lr"]))
            n_pairs += distance < _ALIKE
    return n_pairs


def _overlap(trial: FrozenTrial, other: FrozenTrial) -> bool:
    """Whether the later one of two trials began before the earlier one ended."""
    begins = [each.datetime_start for each in (trial, other) if each.datetime_start]
    ends = [each.datetime_complete for each in (trial, other) if each.datetime_complete]
    return not ends or max(begins) < min(ends)


def _count_cells(trials: Sequence[FrozenTrial], n_cells: int = 6) -> int:
    """How many of the equal cells of the range the trials' rates lie in."""
    cells = set()
    for trial in trials:
        lr_range = trial.distributions["lr"]
        low, high = np.log(lr_range.low), np.log(lr_range.high)  # type: ignore[attr-defined]
        cells.add(int((np.log(trial.params["lr"]) - low) / (high - low) * n_cells))
    return len(cells)
