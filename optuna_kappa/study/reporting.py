"""What a study's reports mean: from where their steps count, and what they say about the values.

Both follow from the trials, since nobody can be asked.

**Steps** may be counted from 0 (`optuna_kappa.study.counting`).

**Values.** What a completed run returned is what counts, and its last report should say the same.
It does not where an objective reports the loss and returns the accuracy. Then the reports are
moved to the values by the line through both, which the completed runs give:

    value = offset + slope * report    (slope < 0 where the order is the other one)

The order of runs by their reports stays, or turns as a whole, and no loss is compared with an
accuracy. Whether it turns is seen along the runs: a loss that is reported while the study
maximizes gets worse in nearly all of them. A few runs close to the best rate have no order but
noise.
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
_WORSE = 0.8  # part of the runs whose reports get worse, if they have the other order
_CONTRARY = -0.6  # rank correlation below which values and reports have the other order,
_ENOUGH = 8  # if reports get worse, or if there are so many completed trials


class Reporting(NamedTuple):
    """How the reports of a study are read.

    Attributes:
        shift: Steps to add to the step of a report: 1 if they are counted from 0, otherwise 0.
        offset: To add to a report, after the slope, so that it is a value.
        slope: Factor of a report.
        kind: Why reports are not values as they are: "sign", "scale" or "order"; '' if they are.

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
    """Whether the reports of nearly all runs get worse, or of few; None if nothing tells."""
    n_worse = 0
    n_seen = 0
    for trial in reported[: 2 * _ASKED]:
        reports = trial.intermediate_values
        first = reports[min(reports)]
        last = reports[max(reports)]
        if len(reports) > 1 and math.isfinite(first) and math.isfinite(last):
            n_seen += 1
            n_worse += sign * last > sign * first

    if n_seen < _FEWEST:
        return None
    if n_worse > _WORSE * n_seen:
        return True
    return False if n_worse < (1 - _WORSE) * n_seen else None


def _as_values(
    complete: Sequence[FrozenTrial],
    shift: int,
    *,
    get_worse: bool | None,
) -> Reporting:
    """How reports become values, by what completed trials returned and reported last."""
    values: list[float] = []
    reports: list[float] = []
    n_same = 0

    for trial in complete:
        last = trial.intermediate_values[max(trial.intermediate_values)]
        returned = float(trial.values[0])
        if abs(last) <= LARGEST_LOSS and abs(returned) <= LARGEST_LOSS:
            values.append(returned)
            reports.append(last)
            n_same += returned in trial.intermediate_values.values()

    n = len(values)
    if 2 * n_same > n or not n:
        return Reporting(shift)

    # Of three trials, four, eight: a line that moved with each trial would move the law.
    n_used = n if n < 4 else 2 ** int(math.log2(n))
    value = np.array(values[:n_used])
    report = np.array(reports[:n_used])
    correlation = _correlation(value, report)
    kind = _contradiction(value, report, correlation, get_worse)
    if not kind:
        return Reporting(shift)

    turned = get_worse
    if turned is None:
        turned = correlation < 0 if n_used >= _ENOUGH else kind != "scale"
    with np.errstate(over="ignore", invalid="ignore"):  # of values that hardly differ, or by much
        slope = _slope(value, report, turned=turned)
        offset = float(np.median(value - slope * report))
    return Reporting(shift, offset, slope, kind) if math.isfinite(offset) else Reporting(shift)


def _contradiction(
    value: Floats,
    report: Floats,
    correlation: float,
    get_worse: bool | None,
) -> str:
    """How values and last reports contradict each other, shape `(n,)` each; '' if they do not."""
    is_sure = get_worse or (get_worse is None and len(value) >= _ENOUGH)
    if is_sure and correlation <= _CONTRARY:
        return "order"

    apart = value.max() < 0 < report.min() or report.max() < 0 < value.min()
    if apart:
        return "sign"

    sizes = np.median(np.abs(value)), np.median(np.abs(report))
    return "scale" if max(sizes) > _OTHER_SCALE * min(sizes) else ""


def _correlation(value: Floats, report: Floats) -> float:
    """Rank correlation, between -1 and 1; 0 where there are too few or ties only."""
    if len(value) < _FEWEST:
        return 0.0

    agree = np.sign(value[:, None] - value) * np.sign(report[:, None] - report)
    n_pairs = np.count_nonzero(agree)
    return float(agree.sum() / n_pairs) if n_pairs else 0.0


def _slope(value: Floats, report: Floats, *, turned: bool) -> float:
    """Slope of values over reports: the median over all pairs of trials, of the known sign."""
    i, j = np.triu_indices(len(value), 1)
    run = report[j] - report[i]
    rise = value[j] - value[i]
    differs = run != 0

    sign = -1.0 if turned else 1.0
    slopes = sign * rise[differs] / run[differs]
    size = float(np.median(slopes)) if len(slopes) >= _FEWEST else 0.0

    # Too few trials, or nothing but noise between them: the sizes tell the scale.
    if not 0 < size < math.inf:
        size = float(np.median(np.abs(value)) / (np.median(np.abs(report)) or 1.0)) or 1.0
    return sign * size
