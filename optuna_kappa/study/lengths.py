"""How long runs were, and their losses by step.

What a completed run returned is its loss at the horizon it was planned for: it may have stopped
early, or reported at coarse intervals. A run without a plan, of another sampler or added by hand,
counts as a full run. How long that is follows from the sampler's horizon, if it is known, or from
the last step that most completed runs without a plan share.

Where completed runs return what they have not reported, such as a loss on other data, the value
is not part of the curve of reports. At a constant rate the law averages a curve over the time
before a horizon, and would put reports in the place of the value. So the value is a curve of its
own there, of one loss (`curves_of`). A scheduled run is read at its end only, where its value is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from optuna.trial import FrozenTrial, TrialState

from optuna_kappa.law.curves import SAME_HORIZON
from optuna_kappa.law.observations import canonical
from optuna_kappa.schedules import CONSTANT
from optuna_kappa.study.counting import interval_of
from optuna_kappa.study.plans import plan_of
from optuna_kappa.study.reporting import Reporting


class Lengths:
    """Lengths of the runs of a study, in steps.

    Attributes:
        reporting: How reports are read.
        full: Steps of a full run; 0 if nothing tells.

    Example:
        >>> from optuna.trial import create_trial
        >>> whole = create_trial(value=0.1, intermediate_values={8: 0.2, 16: 0.1})
        >>> stopped_early = create_trial(value=0.2, intermediate_values={8: 0.2})
        >>> lengths = Lengths([whole, whole, stopped_early], Reporting())
        >>> lengths.end(stopped_early)
        16
    """

    def __init__(
        self,
        trials: Sequence[FrozenTrial],
        reporting: Reporting,
        full: int | None = None,
    ) -> None:
        """Find how long full runs are.

        Args:
            trials: Trials of the study.
            reporting: How their reports are read.
            full: Steps of a full run, if they are known.
        """
        self.reporting = reporting
        plans = [plan_of(trial) for trial in trials]
        longest_plan = max((plan.horizon for plan in plans if plan), default=0)
        known = full or longest_plan

        unplanned = []
        for trial, plan in zip(trials, plans, strict=True):
            if plan is None and trial.intermediate_values:
                unplanned.append(trial)
        self._usual = self._usual_length(unplanned, known)
        self.full = known or self._usual or self._longest(unplanned)

    def planned(self, trial: FrozenTrial) -> int:
        """The horizon for which a trial was planned."""
        plan = plan_of(trial)
        if plan is not None:
            return plan.horizon
        return self._usual or self.full

    def end(self, trial: FrozenTrial) -> int:
        """The horizon at which a completed trial has the loss that it returned; 0 if unknown."""
        planned = self.planned(trial)
        last = self._last_step(trial)
        if not last:
            return planned

        # An objective that does not care for its plan trains for as long as any.
        went_on = last > planned and self._is_full(trial, self.full)
        return self.full if went_on else max(planned, last)

    def _last_step(self, trial: FrozenTrial) -> int:
        """The training done at the last report of a trial; 0 without reports."""
        if not trial.intermediate_values:
            return 0
        return self.reporting.step(max(trial.intermediate_values))

    def _is_full(self, trial: FrozenTrial, full: int) -> bool:
        """Whether no report of a full run is missing after the last one of a trial."""
        last = self._last_step(trial)
        return last <= full < last + interval_of(trial)

    def _usual_length(self, unplanned: Sequence[FrozenTrial], known: int) -> int:
        """The last step that most completed runs without a plan share; 0 if there is none."""
        complete = [trial for trial in unplanned if trial.state == TrialState.COMPLETE]
        counts = Counter(map(self._last_step, complete))
        for length, n_trials in counts.most_common(1):
            if 2 * n_trials > len(complete):
                example = next(t for t in complete if self._last_step(t) == length)
                return known if self._is_full(example, known) else length
        return 0

    def _longest(self, unplanned: Sequence[FrozenTrial]) -> int:
        """The last step of all runs without a plan."""
        return max(map(self._last_step, unplanned), default=0)


def losses_by_step(trial: FrozenTrial, lengths: Lengths) -> Mapping[int, float]:
    """Values of a trial by step, ascending: what it returned at its end, and its reports before.

    A finite loss at step 0 was measured before any training and is left out.

    Example:
        >>> from optuna.trial import create_trial
        >>> attrs = {"kappa:plan": {"horizon": 24, "kind": "base", "schedule": "cosine"}}
        >>> coarse = {10: 0.5, 20: 0.3}
        >>> trial = create_trial(value=0.25, intermediate_values=coarse, user_attrs=attrs)
        >>> losses_by_step(trial, Lengths([trial], Reporting()))
        {10: 0.5, 20: 0.3, 24: 0.25}
    """
    reporting = lengths.reporting
    losses: dict[int, float] = {}
    for reported, value in sorted(trial.intermediate_values.items()):
        step = reporting.step(reported)
        if step > 0 or not math.isfinite(value):
            losses[step] = reporting.value(float(value))

    # Why a trial failed is not known, unless its loss diverged.
    all_finite = all(map(math.isfinite, losses.values()))
    if trial.state == TrialState.FAIL and all_finite:
        return {}

    end = lengths.end(trial)
    if trial.state == TrialState.COMPLETE and end and not _diverged_for_good(losses):
        losses[end] = float(trial.values[0])
    return losses


def curves_of(
    trial: FrozenTrial,
    lengths: Lengths,
    schedule: str,
) -> Mapping[str, Mapping[int, float]]:
    """Values by step of the runs that a trial counts as: one, or two if its value is kept apart.

    Args:
        trial: A trial.
        lengths: Lengths of the runs of the study.
        schedule: Name of its schedule.

    Returns:
        By label: the number of the trial for its reports, and with "returned" for its value.

    Example:
        >>> from optuna.trial import create_trial
        >>> trial = create_trial(value=0.25, intermediate_values={8: 0.6, 16: 0.4})
        >>> trial.number = 7
        >>> curves_of(trial, Lengths([trial], Reporting(apart=True)), "constant")
        {'7': {8: 0.6}, '7 returned': {16: 0.25}}
    """
    label = str(trial.number)
    losses = losses_by_step(trial, lengths)

    end = lengths.end(trial)
    is_finished = trial.state == TrialState.COMPLETE and end and not _diverged_for_good(losses)
    if not (lengths.reporting.apart and is_finished and canonical(schedule) == CONSTANT):
        return {label: losses}

    # A report this close to the end would count there.
    before = {step: loss for step, loss in losses.items() if step * SAME_HORIZON < end}
    return {label: before, f"{label} returned": {end: losses[end]}}


def _diverged_for_good(losses: Mapping[int, float]) -> bool:
    """Whether a run ended with a loss that is not finite, and had none before it that came back.

    What such a run returned, often the best loss before, is not its loss at the end.
    """
    bad = [not math.isfinite(loss) for loss in losses.values()]
    if not bad or not bad[-1]:
        return False
    first_bad = bad.index(True)
    return all(bad[first_bad:])
