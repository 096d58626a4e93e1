"""A study's finished trials as runs that others are compared with.

Everything follows from the trials. What was read of a trial is kept, since a finished trial does
not change, so that a decision in a long study reads only what is new.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import takewhile
from operator import itemgetter

import numpy as np
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa._typing import Floats
from optuna_kappa.pruning import Forecast, History, Run, forecast, learn
from optuna_kappa.schedules import find_schedule
from optuna_kappa.study.plans import plan_of
from optuna_kappa.study.search_space import Space, place_of, space_of
from optuna_kappa.study.trials import FINISHED, sign_of

_FORECASTS = 16  # kept: of the trials that run at the same time
_JUDGED = 1000

Group = tuple[int, str] | None  # horizon and schedule of a planned trial, None without a plan


def group_of(trial: FrozenTrial) -> Group:
    """What a trial is a run of: only runs alike are compared."""
    plan = plan_of(trial)
    return (plan.horizon, plan.schedule) if plan else None


class Peers:
    """The finished trials of one study.

    Attributes:
        sign: -1 where the study maximises, otherwise 1: times a value it is a loss, and back.
    """

    def __init__(self, lr: str, direction: StudyDirection) -> None:
        """Knows no trials yet.

        Args:
            lr: Name of the learning-rate parameter.
            direction: Direction of the study.
        """
        self._lr = lr
        self.sign = sign_of(direction)
        self._trials: dict[int, FrozenTrial] = {}
        self._alike: dict[Group, dict[int, FrozenTrial]] = {}  # the same, by group
        self._n_settled = 0  # trials, from the first on, of which nothing new will be heard
        self._lengths: Counter[int] = Counter()  # of whole trials without a plan
        self._judged: dict[int, float] = {}  # the step at which a trial was last judged
        self._space: Space = {}
        self._runs: dict[tuple[int, bool], Run] = {}
        self._histories: dict[Group, tuple[int, History | None]] = {}
        self._forecasts: dict[int, tuple[History, int, Forecast]] = {}

    def update(self, trials: Sequence[FrozenTrial]) -> None:
        """Takes note of trials that have finished since.

        Args:
            trials: Those of the study, by number.
        """
        rest = trials[self._n_settled :]
        self._n_settled += sum(1 for _ in takewhile(lambda t: t.state.is_finished(), rest))
        new = [t for t in rest if t.state in FINISHED and t.number not in self._trials]
        for trial in new:
            group = group_of(trial)
            self._trials[trial.number] = trial
            self._alike.setdefault(group, {})[trial.number] = trial
            if group is None:
                self._lengths[_length(trial)] += trial.state == TrialState.COMPLETE
        if any(self._space.get(n) != d for t in new for n, d in t.distributions.items()):
            in_order = [self._trials[number] for number in sorted(self._trials)]
            self._space = space_of(in_order)
            self._runs.clear()
            self._histories.clear()

    def history(self, group: Group) -> History | None:
        """What is known of runs of this group; None while no such run is whole."""
        n, before = self._histories.get(group, (0, None))
        if n != len(self._trials):
            numbered = [
                (number, self._run(trial, whole=of == group))
                for of, trials in self._alike.items()
                if _begins_as(of, group)
                for number, trial in trials.items()
            ]
            runs = [run for _, run in sorted(numbered, key=itemgetter(0))]
            horizon = group[0] if group else self._usual_length
            before = learn(runs, horizon, before) if horizon else None
            self._histories[group] = len(self._trials), before
        return before

    @property
    def _usual_length(self) -> int:
        """The commonest last step of whole trials, the longest of several."""
        return max(self._lengths, key=lambda n: (self._lengths[n], n), default=0)

    def last_judged(self, trial: FrozenTrial) -> float | None:
        """The step at which a trial under way was last judged; None if it never was."""
        return self._judged.get(trial.number)

    def was_judged(self, trial: FrozenTrial, step: float) -> None:
        """Takes note of the step at which a trial under way was judged."""
        self._judged.pop(trial.number, None)
        self._judged[trial.number] = step
        while len(self._judged) > _JUDGED:
            del self._judged[next(iter(self._judged))]

    def curve(self, trial: FrozenTrial) -> tuple[Floats, Floats]:
        """Steps above 0, ascending, and losses, up to the first that is not finite."""
        reports = sorted(step for step in trial.intermediate_values if step > 0)
        loss = np.array([trial.intermediate_values[step] for step in reports], dtype=np.float64)
        bad = ~np.isfinite(loss)
        n = int(np.argmax(bad)) if bad.any() else len(loss)
        return np.array(reports[:n], dtype=np.float64), self.sign * loss[:n]

    def forecast(self, history: History, trial: FrozenTrial) -> Forecast:
        """The forecast of a trial under way; kept until the history changes."""
        kept = self._forecasts.get(trial.number)
        n_params = len(trial.params)  # more may be suggested on the way
        if kept is None or kept[0] is not history or kept[1] != n_params:
            made = forecast(history, place_of(trial, self._space, self._lr))
            kept = self._forecasts[trial.number] = history, n_params, made
            while len(self._forecasts) > _FORECASTS:
                del self._forecasts[next(iter(self._forecasts))]
        return kept[2]

    def _run(self, trial: FrozenTrial, *, whole: bool) -> Run:
        """A trial as a run; not as a whole one where that would be longer."""
        whole = whole and trial.state == TrialState.COMPLETE
        key = trial.number, whole
        if key not in self._runs:
            final = self.sign * float(trial.values[0]) if whole else math.nan
            final = final if math.isfinite(final) else math.nan
            place = place_of(trial, self._space, self._lr)
            self._runs[key] = Run(*self.curve(trial), place, final)
        return self._runs[key]


def _length(trial: FrozenTrial) -> int:
    """The last step of a trial."""
    return max(trial.intermediate_values, default=0)


def _begins_as(group: Group, whole: Group) -> bool:
    """Whether runs of a group are runs of another one, or what such runs begin with."""
    if group == whole or group is None or whole is None:
        return group == whole
    return group[1] == whole[1] and group[0] < whole[0] and _same_beginning(group[1])


@lru_cache
def _same_beginning(schedule: str) -> bool:
    """Whether a schedule's runs of all horizons begin alike, as far as its name tells."""
    shape = find_schedule(schedule)
    return shape is not None and shape.beginning_is_shorter_run
