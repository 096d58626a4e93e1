"""Trials that died before they told anything: they use up no probe, and their rates are avoided.

A process is killed, a machine runs out of memory, an objective returns NaN without a report: the
trial has a learning rate, but says nothing about it. It is dead if it

- failed without a report of a loss that diverged,
- was pruned without a report, or
- is still RUNNING, but for longer than a trial lives.

Most deaths have nothing to do with the rate, so it is tried again. But where no trial has ever
told anything, the rate may be to blame. So the dead trials of a horizon and of shorter ones are
taken together if no trial that told something lies between them in lr. After the n-th death among
them,

    their rates are avoided by the next 2^n trials.

A rate that always fails is tried again ever more seldom. Where all that died, two at least, lie
above all rates that told anything, three at least, they may well have diverged. As long as they
are avoided, no rate above the lowest of them is tried either.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

from optuna.trial import FrozenTrial, TrialState

from optuna_kappa._validation import POSITIVE
from optuna_kappa.study.evidence import retried_numbers, told_something
from optuna_kappa.study.interrupted import was_interrupted
from optuna_kappa.study.lr_names import LrName
from optuna_kappa.study.plans import plan_of
from optuna_kappa.study.trials import FINISHED, lr_of

# A trial lives for this many times as long as the slowest finished one, step for step, and at
# least for a minute: the first steps of a run may be slow.
_SLOWER = 10.0
_LEAST_LIFE = 60.0  # seconds
_MANY_DEAD = 12  # probes of one horizon, more than one bad day costs
_FEWEST_TOLD = 3  # trials with nothing but dead ones above that make a ceiling, and
_FEWEST_DEAD = 2  # dead ones
_MOST_DOUBLINGS = 30  # more would be longer than any study


def check_dead_after(seconds: object) -> float | None:
    """Return the age at which a RUNNING trial counts as dead; None stands for the default.

    Raises:
        ValueError: It is not a number of seconds above 0.

    Example:
        >>> check_dead_after(3600)
        3600.0
    """
    if seconds is None:
        return None
    remedy = "it is the age in seconds at which a trial that is still running counts as dead"
    return POSITIVE.check("dead_after", seconds, remedy)


class Living:
    """Which trials of a study told something, or still may.

    Attributes:
        dead: The others, if they were given a learning rate.
        by_horizon: Those that told something, or still may, by the horizon of their plan.
        lr: Name of the learning-rate parameter, or several names.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> asked = [study.ask() for _ in range(7)]
        >>> living = Living(study.trials[:-1], study.trials[-1], lr="lr")
        >>> {horizon: len(trials) for horizon, trials in living.by_horizon.items()}
        {1: 6}
    """

    def __init__(
        self,
        others: Sequence[FrozenTrial],
        trial: FrozenTrial,
        lr: LrName,
        dead_after: float | None = None,
    ) -> None:
        """Sort the other trials of a study.

        Args:
            others: The other trials; those without a plan are left out.
            trial: The trial that is planned. Its start is the present, so that a plan depends on
                the stored trials only.
            lr: Name of the learning-rate parameter, or several names.
            dead_after: Seconds after which a RUNNING trial is dead; by default some ten times what
                the slowest finished trial took for as many steps.
        """
        self.lr = lr
        self._number = trial.number
        self.dead: dict[int, list[FrozenTrial]] = {}
        self.by_horizon: dict[int, list[FrozenTrial]] = {}

        retried = retried_numbers(others)
        lives = _Lives(others, trial, dead_after)
        for other in others:
            plan = plan_of(other)
            if plan is None or other.number in retried:
                continue

            died = lives.is_over(other) if other.state == TrialState.RUNNING else is_dead(other)
            if not died:
                self.by_horizon.setdefault(plan.horizon, []).append(other)
            elif lr_of(other, lr) and not was_interrupted(other):
                self.dead.setdefault(plan.horizon, []).append(other)

    def avoided(self, horizon: int) -> list[FrozenTrial]:
        """The dead trials of a horizon whose rates are not tried again yet."""
        here = {trial.number for trial in self.dead.get(horizon, [])}
        if not here:
            return []

        avoided = []
        for together in _together(self._dead(horizon), self._told(horizon), self.lr):
            if self._is_avoided(together):
                avoided += [trial for trial in together if trial.number in here]
        return avoided

    def below_ceiling(self, ln_range: tuple[float, float], horizon: int) -> tuple[float, float]:
        """A range of ln lr without the part above the ceiling of a horizon."""
        low, high = ln_range
        ceiling = math.log(self._ceiling(horizon))
        return low, max(low, min(high, ceiling))

    def _ceiling(self, horizon: int) -> float:
        """The lr above which all died, and which is not tried again yet; infinite without one."""
        dead = self._dead(horizon)
        if len(dead) < _FEWEST_DEAD or not self._is_avoided(dead):
            return math.inf
        told = self._told(horizon)
        if len(told) < _FEWEST_TOLD:
            return math.inf

        highest_told = max(lr_of(trial, self.lr) or 0.0 for trial in told)
        lowest_dead = min(lr_of(trial, self.lr) or math.inf for trial in dead)
        return lowest_dead if lowest_dead > highest_told else math.inf

    def _dead(self, horizon: int) -> list[FrozenTrial]:
        """The dead trials of a horizon and of shorter ones: what killed them would kill others."""
        dead = []
        for shorter, trials in self.dead.items():
            if shorter <= horizon:
                dead += trials
        return dead

    def _told(self, horizon: int) -> list[FrozenTrial]:
        """The trials of a horizon and of shorter ones that told something about their lr."""
        told = []
        for shorter, trials in self.by_horizon.items():
            if shorter > horizon:
                continue
            for trial in trials:
                if told_something(trial) and lr_of(trial, self.lr):
                    told.append(trial)
        return told

    def _is_avoided(self, together: Sequence[FrozenTrial]) -> bool:
        """Whether dead trials that are taken together are not tried again yet."""
        last = max(trial.number for trial in together)
        n_avoided = 2 ** min(len(together), _MOST_DOUBLINGS)
        return bool(self._number <= last + n_avoided)

    def may_probe(self, horizon: int, number: int) -> bool:
        """Whether the trial of this number may be a probe of a horizon, after what others did.

        Where many probes died and none ever told anything, perhaps none can: an objective may
        refuse such short runs. Then every second trial is a full run.
        """
        n_dead = len(self.dead.get(horizon, []))
        trials = self.by_horizon.get(horizon, [])
        is_hopeless = n_dead >= _MANY_DEAD and not any(map(told_something, trials))
        return not (is_hopeless and number % 2)


def _together(
    dead: Sequence[FrozenTrial],
    told: Sequence[FrozenTrial],
    lr: LrName,
) -> list[list[FrozenTrial]]:
    """Dead trials without one that told something between them in lr."""
    by_rate: list[tuple[float, int, FrozenTrial | None]] = []
    for trial in dead:
        by_rate.append((lr_of(trial, lr) or 0.0, trial.number, trial))
    for trial in told:
        by_rate.append((lr_of(trial, lr) or 0.0, trial.number, None))
    by_rate.sort(key=lambda entry: entry[:2])

    groups: list[list[FrozenTrial]] = [[]]
    for _, _, died in by_rate:
        if died is not None:
            groups[-1].append(died)
        elif groups[-1]:
            groups.append([])
    return [group for group in groups if group]


def is_dead(trial: FrozenTrial) -> bool:
    """Whether a trial that has ended told nothing.

    Example:
        >>> import optuna
        >>> is_dead(optuna.trial.create_trial(state=TrialState.FAIL))
        True
        >>> is_dead(optuna.trial.create_trial(value=0.5))
        False
    """
    return trial.state.is_finished() and not told_something(trial)


class _Lives:
    """How long trials live."""

    def __init__(
        self,
        trials: Sequence[FrozenTrial],
        now: FrozenTrial,
        dead_after: float | None,
    ) -> None:
        self._trials = trials
        self._now = now.datetime_start
        self._dead_after = dead_after
        self._slowest: float | None = None  # seconds for a step; worked out if it is needed

    def is_over(self, trial: FrozenTrial) -> bool:
        """Whether a RUNNING trial has run for longer than a trial lives."""
        plan = plan_of(trial)
        if plan is None or self._now is None or trial.datetime_start is None:
            return False

        age = (self._now - trial.datetime_start) / timedelta(seconds=1)
        if self._dead_after is not None:
            return age > self._dead_after
        if age <= _LEAST_LIFE:
            return False

        slowest = self._seconds_for_a_step()
        return slowest > 0 and age > _SLOWER * slowest * plan.horizon

    def _seconds_for_a_step(self) -> float:
        """What the slowest finished trial took for a step; 0 if none has finished."""
        if self._slowest is None:
            self._slowest = 0.0
            for trial in self._trials:
                plan = plan_of(trial)
                duration = trial.duration
                if plan is None or duration is None or trial.state not in FINISHED:
                    continue

                n_steps = max(trial.intermediate_values, default=plan.horizon)
                pace = duration / timedelta(seconds=1) / max(n_steps, 1)
                self._slowest = max(self._slowest, pace)
        return self._slowest
