"""A study's finished trials, as the runs that a trial under way is compared with.

Everything here is derived from the trials. A finished trial does not change, so what was read of
it is kept, and a decision in a long study reads only what is new.
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

_MAX_FORECASTS = 16  # kept for the trials that run at the same time
_MAX_JUDGED = 1000  # trials whose last decision is remembered

Group = tuple[int, str] | None  # horizon and schedule of a planned trial; None without a plan


def group_of(trial: FrozenTrial) -> Group:
    """Horizon and schedule of a trial; None without a plan. Only trials alike are compared.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> trial = study.ask()
        >>> group_of(study.trials[0])
        (1, 'constant')
    """
    plan = plan_of(trial)
    return (plan.horizon, plan.schedule) if plan else None


class Peers:
    """The finished trials of one study.

    Attributes:
        sign: Factor that turns the study's values into losses, and back: -1 if it maximizes.

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

    def __init__(self, lr: str, direction: StudyDirection) -> None:
        """Start without any trials.

        Args:
            lr: Name of the learning-rate parameter.
            direction: Direction of the study.
        """
        self._lr = lr
        self.sign = sign_of(direction)

        # Finished trials by number, all of them and those of each group.
        self._trials: dict[int, FrozenTrial] = {}
        self._by_group: dict[Group, dict[int, FrozenTrial]] = {}
        self._n_settled = 0  # the first so many trials are all finished and have been read
        self._lengths: Counter[int] = Counter()  # of completed trials without a plan
        self._space: Space = {}

        # Derived from these.
        self._runs: dict[tuple[int, bool], Run] = {}
        self._histories: dict[Group, tuple[int, History | None]] = {}

        # Of trials under way, by number.
        self._judged: dict[int, float] = {}  # step of the last decision
        self._forecasts: dict[int, tuple[History, int, Forecast]] = {}

    def update(self, trials: Sequence[FrozenTrial]) -> None:
        """Take in the trials that have finished since the last update.

        Args:
            trials: All trials of the study, by number.
        """
        unsettled = trials[self._n_settled :]
        for _ in takewhile(lambda trial: trial.state.is_finished(), unsettled):
            self._n_settled += 1

        new = [t for t in unsettled if t.state in FINISHED and t.number not in self._trials]
        for trial in new:
            self._add(trial)

        if self._has_new_ranges(new):
            in_order = [self._trials[number] for number in sorted(self._trials)]
            self._space = space_of(in_order)
            self._runs.clear()
            self._histories.clear()

    def history(self, group: Group) -> History | None:
        """The finished runs of a group, and shorter ones that begin alike.

        None as long as no run of the group has completed.
        """
        n_read, history = self._histories.get(group, (0, None))
        if n_read != len(self._trials):
            horizon = group[0] if group else self._usual_length
            history = learn(self._comparable(group), horizon, history) if horizon else None
            self._histories[group] = len(self._trials), history
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
        self._judged.pop(trial.number, None)
        self._judged[trial.number] = step
        while len(self._judged) > _MAX_JUDGED:
            del self._judged[next(iter(self._judged))]

    def curve(self, trial: FrozenTrial) -> tuple[Floats, Floats]:
        """Steps above 0, ascending, and losses there, up to the first that is not finite.

        Example:
            >>> import optuna
            >>> reports = {0: 2.0, 1: 0.5, 2: float("nan"), 3: 0.25}
            >>> trial = optuna.trial.create_trial(value=0.5, intermediate_values=reports)
            >>> Peers("lr", StudyDirection.MAXIMIZE).curve(trial)
            (array([1.]), array([-0.5]))
        """
        steps = sorted(step for step in trial.intermediate_values if step > 0)
        loss = np.array([trial.intermediate_values[step] for step in steps], dtype=np.float64)

        bad = ~np.isfinite(loss)
        n = int(np.argmax(bad)) if bad.any() else len(loss)
        return np.array(steps[:n], dtype=np.float64), self.sign * loss[:n]

    def forecast(self, history: History, trial: FrozenTrial) -> Forecast:
        """The forecast of a trial under way; kept until the history changes."""
        n_params = len(trial.params)  # an objective may suggest more on the way
        kept_history, kept_n_params, kept = self._forecasts.get(trial.number, (None, 0, None))
        if kept is not None and kept_history is history and kept_n_params == n_params:
            return kept

        new = forecast(history, place_of(trial, self._space, self._lr))
        self._forecasts[trial.number] = history, n_params, new
        while len(self._forecasts) > _MAX_FORECASTS:
            del self._forecasts[next(iter(self._forecasts))]
        return new

    def _add(self, trial: FrozenTrial) -> None:
        group = group_of(trial)
        self._trials[trial.number] = trial
        self._by_group.setdefault(group, {})[trial.number] = trial
        if group is None:
            self._lengths[_length(trial)] += trial.state == TrialState.COMPLETE

    def _has_new_ranges(self, trials: Sequence[FrozenTrial]) -> bool:
        """Whether trials have a parameter, or a range of one, that is not in the space."""
        for trial in trials:
            for name, distribution in trial.distributions.items():
                if self._space.get(name) != distribution:
                    return True
        return False

    def _comparable(self, group: Group) -> list[Run]:
        """Runs that a trial of a group may be compared with, by number."""
        numbered: list[tuple[int, Run]] = []
        for other_group, trials in self._by_group.items():
            if _begins_as(other_group, group):
                whole = other_group == group
                numbered += [(n, self._run(trial, whole=whole)) for n, trial in trials.items()]

        numbered.sort(key=itemgetter(0))
        return [run for _, run in numbered]

    @property
    def _usual_length(self) -> int:
        """The most common last step of completed trials; of several, the longest."""
        return max(self._lengths, key=lambda n: (self._lengths[n], n), default=0)

    def _run(self, trial: FrozenTrial, *, whole: bool) -> Run:
        """A trial as a run.

        Args:
            trial: A finished trial.
            whole: Whether a completed trial counts as a whole run; False if whole runs are longer.
        """
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


def _begins_as(group: Group, other: Group) -> bool:
    """Whether runs of a group are the same as runs of another group, or as their beginning."""
    if group == other or group is None or other is None:
        return group == other

    horizon, schedule = group
    other_horizon, other_schedule = other
    if schedule != other_schedule or horizon >= other_horizon:
        return False
    return _begins_alike(schedule)


@lru_cache
def _begins_alike(schedule: str) -> bool:
    """Whether runs of a schedule begin alike at all horizons; False if its shape is not known."""
    shape = find_schedule(schedule)
    return shape is not None and shape.beginning_is_shorter_run
