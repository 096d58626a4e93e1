"""A study's finished trials, as the runs that a trial under way is compared with.

Everything here is derived from the trials. A finished trial does not change, so what was read of
it is kept, and a decision in a long study reads only what is new.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa._typing import Floats
from optuna_kappa._validation import LARGEST_LOSS
from optuna_kappa.pruning import Forecast, History, Run, forecast, learn
from optuna_kappa.study.groups import Group, begins_as, group_of
from optuna_kappa.study.lr_names import LrName
from optuna_kappa.study.plans import has_unreadable_plan
from optuna_kappa.study.reporting import AS_REPORTED, find_reporting
from optuna_kappa.study.search_space import Space, place_of, space_of
from optuna_kappa.study.trials import FINISHED, sign_of

_MAX_FORECASTS = 16  # kept for the trials that run at the same time
_MOST_ASKED = 256  # trials, the first ones, that show how reports are to be read
_MAX_JUDGED = 1000  # trials whose last decision is remembered


class _KeptHistory(NamedTuple):
    n_trials: int  # of the study, when it was learned
    history: History | None


class _KeptForecast(NamedTuple):
    history: History
    n_params: int
    forecast: Forecast


class Peers:
    """The finished trials of one study.

    Attributes:
        sign: Factor that turns the study's values into losses, and back: -1 if it maximizes.
        reporting: How the reports of the study are read.

    Example:
        >>> import optuna
        >>> def objective(trial):
        ...     for step in (1, 2, 3, 4):
        ...         trial.report(1 / step, step)
        ...     return 1 / step
        >>> study = optuna.create_study()
        >>> study.optimize(objective, n_trials=2)
        >>> peers = Peers("lr", study.direction)
        >>> peers.update(study.trials)
        >>> peers.history(None).best
        0.25
    """

    def __init__(self, lr: LrName, direction: StudyDirection) -> None:
        """Start without any trials.

        Args:
            lr: Name of the learning-rate parameter, or several names.
            direction: Direction of the study.
        """
        self._lr = lr
        self.sign = sign_of(direction)
        self.reporting = AS_REPORTED

        # Finished trials by number, all of them and those of each group.
        self._trials: dict[int, FrozenTrial] = {}
        self._by_group: dict[Group, dict[int, FrozenTrial]] = {}
        self._n_settled = 0  # the first so many trials are all finished and have been read
        # Completed trials without a plan, by their last step: nobody has said how long a run is.
        self._n_by_length: Counter[int] = Counter()
        self._space: Space = {}

        # Derived from these.
        self._runs: dict[tuple[int, bool], Run] = {}
        self._histories: dict[Group, _KeptHistory] = {}

        # Of trials under way, by number.
        self._judged: dict[int, float] = {}  # step of the last decision
        self._forecasts: dict[int, _KeptForecast] = {}

    def update(self, trials: Sequence[FrozenTrial]) -> None:
        """Take in the trials that have finished since the last update.

        Args:
            trials: All trials of the study, by number.
        """
        unsettled = trials[self._n_settled :]
        for trial in unsettled:
            if not trial.state.is_finished():
                break
            self._n_settled += 1

        new = []
        for trial in unsettled:
            is_new = trial.state in FINISHED and trial.number not in self._trials
            if is_new and not has_unreadable_plan(trial):
                self._add(trial)
                new.append(trial)

        if new and self._is_read_otherwise():
            self._n_by_length.clear()
            for trial in self._trials.values():
                self._count_length(trial)
            self._forget_runs()

        # A new range moves the coordinates of all runs.
        if self._has_new_ranges(new):
            in_order = [self._trials[number] for number in sorted(self._trials)]
            self._space = space_of(in_order)
            self._forget_runs()

    def history(self, group: Group) -> History | None:
        """The finished runs of a group, and shorter ones that begin alike.

        None as long as no run of the group has completed.
        """
        kept = self._histories.get(group, _KeptHistory(0, None))
        n_trials = len(self._trials)
        if kept.n_trials == n_trials:
            return kept.history

        horizon = group[0] if group else self._usual_length
        history = None
        if horizon:
            runs = self._comparable(group)
            history = learn(runs, horizon, kept.history)

        self._histories[group] = _KeptHistory(n_trials, history)
        return history

    def last_judged(self, trial: FrozenTrial) -> float | None:
        """The step at which a trial under way was last judged; None if it never was."""
        return self._judged.get(trial.number)

    def note_judged(self, trial: FrozenTrial, step: float) -> None:
        """Remember the step at which a trial under way was judged.

        Example:
            >>> import optuna
            >>> trial = optuna.trial.create_trial(value=0.5)
            >>> peers = Peers("lr", StudyDirection.MINIMIZE)
            >>> peers.note_judged(trial, step=8.0)
            >>> peers.last_judged(trial)
            8.0
        """
        self._judged.pop(trial.number, None)  # so that it is the newest entry again
        self._judged[trial.number] = step
        _drop_oldest(self._judged, _MAX_JUDGED)

    def curve(self, trial: FrozenTrial) -> tuple[Floats, Floats]:
        """Steps above 0, ascending, and losses there, up to the first that is not finite.

        Example:
            >>> import optuna
            >>> reports = {0: 2.0, 1: 0.5, 2: float("nan"), 3: 0.25}
            >>> trial = optuna.trial.create_trial(value=0.5, intermediate_values=reports)
            >>> Peers("lr", StudyDirection.MAXIMIZE).curve(trial)
            (array([1.]), array([-0.5]))
        """
        reports = trial.intermediate_values
        reporting = self.reporting
        reported = sorted(step for step in reports if reporting.step(step) > 0)
        steps = [reporting.step(step) for step in reported]
        losses = [reporting.value(reports[step]) for step in reported]

        step = np.array(steps, dtype=np.float64)
        loss = np.array(losses, dtype=np.float64)
        bad = ~(np.abs(loss) <= LARGEST_LOSS)
        n = int(np.argmax(bad)) if bad.any() else len(loss)
        return step[:n], self.sign * loss[:n]

    def forecast(self, history: History, trial: FrozenTrial) -> Forecast:
        """The forecast of a trial under way; kept until the history changes."""
        n_params = len(trial.params)  # an objective may suggest more on the way
        kept = self._forecasts.get(trial.number)
        if kept is not None and kept.history is history and kept.n_params == n_params:
            return kept.forecast

        place = place_of(trial, self._space, self._lr)
        new = forecast(history, place)
        self._forecasts[trial.number] = _KeptForecast(history, n_params, new)
        _drop_oldest(self._forecasts, _MAX_FORECASTS)
        return new

    def _add(self, trial: FrozenTrial) -> None:
        self._trials[trial.number] = trial

        group = group_of(trial)
        alike = self._by_group.setdefault(group, {})
        alike[trial.number] = trial
        self._count_length(trial)

    def _count_length(self, trial: FrozenTrial) -> None:
        if trial.state == TrialState.COMPLETE and group_of(trial) is None:
            reports = trial.intermediate_values
            length = self.reporting.step(max(reports)) if reports else 0
            self._n_by_length[length] += 1

    def _is_read_otherwise(self) -> bool:
        """Whether the first trials show that reports mean something else than was thought."""
        known = self.reporting
        first = sorted(self._trials)[:_MOST_ASKED]
        self.reporting = find_reporting([self._trials[number] for number in first], self.sign)
        return self.reporting != known

    def _forget_runs(self) -> None:
        self._runs.clear()
        self._histories.clear()

    def _has_new_ranges(self, trials: Sequence[FrozenTrial]) -> bool:
        """Whether trials have a parameter, or a range of one, that is not in the space."""
        for trial in trials:
            for name, distribution in trial.distributions.items():
                if self._space.get(name) != distribution:
                    return True
        return False

    def _comparable(self, group: Group) -> list[Run]:
        """Runs that a trial of a group may be compared with, by number."""
        runs: dict[int, Run] = {}
        for other_group, trials in self._by_group.items():
            if not begins_as(other_group, group):
                continue

            # A completed run of a shorter horizon is the beginning of a run of this group.
            whole = other_group == group
            for number, trial in trials.items():
                runs[number] = self._run(trial, whole=whole)

        return [runs[number] for number in sorted(runs)]

    @property
    def _usual_length(self) -> int:
        """The most common last step of completed trials; of several, the longest."""
        n_trials = self._n_by_length
        return max(n_trials, key=lambda length: (n_trials[length], length), default=0)

    def _run(self, trial: FrozenTrial, *, whole: bool) -> Run:
        """A trial as a run.

        Args:
            trial: A finished trial.
            whole: Whether a completed trial counts as a whole run; False if whole runs are longer.
        """
        whole = whole and trial.state == TrialState.COMPLETE
        key = trial.number, whole
        if key not in self._runs:
            final = math.nan
            if whole and abs(trial.values[0]) <= LARGEST_LOSS:
                final = self.sign * float(trial.values[0])

            step, loss = self.curve(trial)
            place = place_of(trial, self._space, self._lr)
            self._runs[key] = Run(step, loss, place, final)
        return self._runs[key]


def _drop_oldest(kept: dict[int, Any], at_most: int) -> None:
    """Remove the entries that were added first, until there are no more than `at_most`."""
    while len(kept) > at_most:
        oldest = next(iter(kept))
        del kept[oldest]
