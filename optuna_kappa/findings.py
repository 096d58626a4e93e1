"""What the finished trials of a study and its sources say: the law, and what follows from it.

Made once from a set of trials and asked many times; the sampler keeps the last one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import Any, NamedTuple

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from optuna_kappa import trials as door
from optuna_kappa.law import Law, Surrogate, fit, surrogate
from optuna_kappa.law.effects import Effects, find_effects
from optuna_kappa.runs import RunTable
from optuna_kappa.schedules import AnySchedule

_MOST = 100  # of the longest trials, the last that many count: more would not move the optimum


class Problem(NamedTuple):
    """What a study is about.

    Attributes:
        horizon: Steps of a full run.
        schedule: Schedule of the runs.
        lr: Name of the learning-rate parameter.
        sources: Runs of other studies.
        direction: Direction of the study's objective.
    """

    horizon: int
    schedule: AnySchedule
    lr: str
    sources: Sequence[RunTable]
    direction: StudyDirection


class Findings:
    """What some finished trials say, for the average of the other parameters.

    Attributes:
        trials: The finished trials that count.
    """

    def __init__(self, problem: Problem, finished: Sequence[FrozenTrial]) -> None:
        """Reads nothing yet."""
        self._problem = problem
        self.trials = finished

    @cached_property
    def law(self) -> Law:
        """The law of the trials and the sources."""
        schedule = self._problem.schedule
        return fit([*self._problem.sources, self._runs], {schedule.name: schedule})

    @cached_property
    def effects(self) -> Effects:
        """What the other parameters do."""
        return find_effects(self._raw, sorted(self._others))

    @cached_property
    def se_at_target(self) -> float:
        """Standard error of the optimum (ln lr) as the full runs alone locate it.

        Infinite if there are too few, or the best of them is the outermost.
        """
        full = self._runs.where(self._runs.horizon >= self._problem.horizon)
        optima = fit(full).optima
        return optima[-1].se if optima and not optima[-1].at_edge else math.inf

    @cache  # noqa: B019 (as long-lived as what it is about)
    def surrogate(self, horizon: int, low: float, high: float) -> Surrogate | None:
        """What runs of a horizon would lose, over a range of ln lr; None while there is no law."""
        if not self.law.optima:
            return None
        return surrogate(self._runs, self.law, horizon, self._problem.schedule, low, high)

    def wall(self, horizon: int) -> float:
        """The lowest ln lr that diverged by this horizon above all that did not; or infinity."""
        lr = self._problem.lr
        known = [trial for trial in self.trials if trial.params.get(lr, 0.0) > 0]
        at = {trial.number: door.diverged_at(trial) for trial in known}
        fine = [t for t in known if at[t.number] is None and door.horizon(t, 0) == horizon]
        top = max((self.centred(t) for t in fine), default=-math.inf)
        walls = [
            self.centred(t)
            for t in known
            if (step := at[t.number]) is not None and step <= horizon
        ]
        return min((wall for wall in walls if wall > top), default=math.inf)

    def centred(self, trial: FrozenTrial) -> float:
        """A trial's ln lr, moved to the average of the other parameters."""
        return math.log(trial.params[self._problem.lr]) - self.shift(trial.params)

    def shift(self, params: Mapping[str, Any]) -> float:
        """How far other parameters move the optimal ln lr."""
        return self.effects.shift(params)

    @cached_property
    def _others(self) -> set[str]:
        names = {name for trial in self.trials for name in trial.params}
        return names & set(self._raw.context)

    @cached_property
    def _raw(self) -> RunTable:
        problem = self._problem
        return door.run_table(
            self.trials,
            direction=problem.direction,
            lr=problem.lr,
            schedule=problem.schedule.name,
        )

    @cached_property
    def _runs(self) -> RunTable:
        return self.effects.adjusted(self._raw)


def that_count(problem: Problem, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The finished trials that count: all probes, and the last of the others."""
    finished = [trial for trial in trials if trial.state.is_finished()]
    full = [t for t in finished if door.kind_of(t) != "probe"]
    if len(full) <= _MOST:
        return finished
    oldest = full[-_MOST].number
    return [t for t in finished if t.number >= oldest or door.kind_of(t) == "probe"]
