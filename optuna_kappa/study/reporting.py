"""What a study's reports mean: from where their steps count, and what they say about the values.

Both follow from the trials, since nobody can be asked.

**Steps** may be counted from 0 (`optuna_kappa.study.counting`).

**Values.** What a completed run returned is what counts, and its last report should say the same.
It does not where an objective reports the loss and returns the accuracy. Then the reports are
moved to the values by the line through both, which the completed runs give:

    value = offset + slope * report    (slope < 0 where the order is the other one)

The order of runs by their reports stays, or turns as a whole, and no loss is compared with an
accuracy. Whether it turns is seen along the runs: a loss that is reported while the study
maximizes gets worse in nearly all of them. Runs that hardly change, at chance level, count little.
A few runs close to the best rate have no order but noise.

Where values are of the same size as reports but not among them, they are another measurement: a
loss on other data, an average over weights. Their order may differ a little, so they are not
averaged with reports (`optuna_kappa.study.lengths`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa._typing import Floats
from optuna_kappa._validation import LARGEST_LOSS
from optuna_kappa.study.counting import counts_from_0

_ASKED = 64  # completed trials that decide, the first ones, so that what was decided stays
_FEWEST = 3  # trials whose values have an order
_OTHER_SCALE = 3.0  # factor between values and reports beyond which they are different things
_WORSE = 0.8  # part of the runs, by rank, whose reports get worse, if they have the other order
_CONTRARY = -0.6  # correlation below which so many completed trials show the other order
_ENOUGH = 8
_CONFIRMS = -0.3  # correlation below which any do, if reports get worse as well


class Reporting(NamedTuple):
    """How the reports of a study are read.

    Attributes:
        shift: Steps to add to the step of a report: 1 if they are counted from 0, otherwise 0.
        offset: To add to a report, after the slope, so that it is a value.
        slope: Factor of a report.
        kind: Why reports are not values as they are: "sign", "scale" or "order"; '' if they are.
        apart: Whether most completed trials returned what they had not reported.

    Example:
        >>> Reporting(shift=1).step(0)
        1
        >>> Reporting(offset=1.0, slope=-0.1, kind="order").value(2.0)
        0.8
    """

    shift: int = 0
    offset: float = 0.0
    slope: float = 1.0
    kind: str = ""
    apart: bool = False

    def step(self, reported: int) -> int:
        """The training done at a report, in steps."""
        return reported + self.shift

    def value(self, reported: float) -> float:
        """A report as a value of the objective."""
        if not self.kind:
            return reported
        return self.offset + self.slope * reported


AS_REPORTED = Reporting()


def find_reporting(trials: Sequence[FrozenTrial], sign: float = 1.0) -> Reporting:
    """How the reports of some trials are to be read.

    Args:
        trials: Trials of a study, by number.
        sign: -1 if the study maximizes, otherwise 1.

    Example:
        >>> from optuna.trial import create_trial
        >>> plan = {"horizon": 3, "kind": "base", "schedule": "constant"}
        >>> reports = {0: 0.9, 1: 0.7, 2: 0.6}
        >>> attrs = {"kappa:plan": plan}
        >>> trial = create_trial(value=0.6, intermediate_values=reports, user_attrs=attrs)
        >>> find_reporting([trial]).shift
        1
    """
    reported = [trial for trial in trials if trial.intermediate_values]
    complete = [trial for trial in reported if trial.state == TrialState.COMPLETE][:_ASKED]

    shift = int(counts_from_0(complete, reported))
    return _as_values(complete, shift, get_worse=_get_worse(reported, sign))


def _get_worse(reported: Sequence[FrozenTrial], sign: float) -> bool | None:
    """Whether the reports of nearly all runs get worse, or of few; None if nothing tells.

    The runs are weighted by the rank of how far their reports change, as in Wilcoxon's signed-rank
    test: those that stay at chance level would outvote the others.
    """
    changes: list[float] = []
    for trial in reported[: 2 * _ASKED]:
        reports = trial.intermediate_values
        first = reports[min(reports)]
        last = reports[max(reports)]
        if abs(first) <= LARGEST_LOSS and abs(last) <= LARGEST_LOSS and first != last:
            changes.append(sign * (last - first))

    if len(changes) < _FEWEST:
        return None

    changes.sort(key=abs)
    ranks = range(1, len(changes) + 1)
    worse = sum(rank for rank, change in zip(ranks, changes, strict=True) if change > 0)
    part = worse / sum(ranks)
    if part > _WORSE:
        return True
    return False if part < 1 - _WORSE else None


def _as_values(
    complete: Sequence[FrozenTrial],
    shift: int,
    *,
    get_worse: bool | None,
) -> Reporting:
    """How reports become values, by what completed trials returned and reported last."""
    pairs: list[tuple[float, float]] = []
    is_same: list[bool] = []

    for trial in complete:
        last = trial.intermediate_values[max(trial.intermediate_values)]
        returned = float(trial.values[0])
        if abs(last) <= LARGEST_LOSS and abs(returned) <= LARGEST_LOSS:
            pairs.append((returned, last))
            is_same.append(returned in trial.intermediate_values.values())

    # Of three trials, four, eight: a line that moved with each trial would move the law.
    n = len(pairs)
    n_used = n if n < 4 else 2 ** int(math.log2(n))
    if 2 * sum(is_same[:n_used]) > n_used or not n:
        return Reporting(shift)

    value, report = np.array(pairs[:n_used]).T
    correlation = _correlation(value, report)
    kind = _contradiction(value, report, correlation, get_worse)
    if not kind:
        return Reporting(shift, apart=True)

    # Reports that get better are of the right order: it is the trials that differ in it.
    if kind == "order" and get_worse is False:
        return Reporting(shift, kind=kind, apart=True)

    turned = get_worse
    if turned is None:
        turned = correlation < 0 if n_used >= _ENOUGH else kind != "scale"
    with np.errstate(over="ignore", invalid="ignore"):  # of values that hardly differ, or by much
        slope = _slope(value, report, turned=turned)
        offset = float(np.median(value - slope * report))
    if not math.isfinite(offset):
        return Reporting(shift, apart=True)
    return Reporting(shift, offset, slope, kind, apart=True)


def _contradiction(
    value: Floats,
    report: Floats,
    correlation: float,
    get_worse: bool | None,
) -> str:
    """How values and last reports contradict each other, shape `(n,)` each; '' if they do not."""
    confirmed = get_worse and correlation <= _CONFIRMS
    if confirmed or (len(value) >= _ENOUGH and correlation <= _CONTRARY):
        return "order"

    apart = value.max() < 0 < report.min() or report.max() < 0 < value.min()
    if apart:
        return "sign"

    sizes = np.median(np.abs(value)), np.median(np.abs(report))
    return "scale" if max(sizes) > _OTHER_SCALE * min(sizes) else ""


def _correlation(value: Floats, report: Floats) -> float:
    """Correlation of the orders, between -1 and 1; 0 where there are too few or ties only.

    It is the part of the pairs of trials in the same order, minus the part in the other one. Pairs
    are weighted by the rank of the distance of their values: near the best rate, where most trials
    are, two measurements may well disagree.
    """
    if len(value) < _FEWEST:
        return 0.0

    i, j = np.triu_indices(len(value), 1)
    rank = _ranks(value[i] - value[j])

    agree = np.sign(value[i] - value[j]) * np.sign(report[i] - report[j])
    total = rank[agree != 0].sum()
    return float(rank @ agree / total) if total else 0.0


def _ranks(x: Floats) -> Floats:
    """Ranks of absolute values, from 1; equal ones share the highest."""
    size = np.abs(x)
    rank: Floats = np.searchsorted(np.sort(size), size, side="right").astype(np.float64)
    return rank


def _slope(value: Floats, report: Floats, *, turned: bool) -> float:
    """Slope of values over reports, of the known sign.

    It is the median over all pairs of trials, weighted by the rank of the distance between their
    values. At chance level an accuracy hardly moves, whatever the loss: such pairs count little.
    """
    i, j = np.triu_indices(len(value), 1)
    run = report[j] - report[i]
    rise = value[j] - value[i]
    differs = run != 0

    sign = -1.0 if turned else 1.0
    slopes = sign * rise[differs] / run[differs]
    size = _weighted_median(slopes, _ranks(rise[differs])) if len(slopes) >= _FEWEST else 0.0

    # Too few trials, or nothing but noise between them: the sizes tell the scale.
    if not 0 < size < math.inf:
        size = float(np.median(np.abs(value)) / (np.median(np.abs(report)) or 1.0)) or 1.0
    return sign * size


def _weighted_median(x: Floats, weight: Floats) -> float:
    """The least x that has half of the weight up to it."""
    order = np.argsort(x)
    up_to = np.cumsum(weight[order])
    half = np.searchsorted(up_to, up_to[-1] / 2)
    return float(x[order][half])
