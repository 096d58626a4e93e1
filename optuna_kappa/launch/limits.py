"""When a launched study ends."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass, field

from optuna.study import Study
from optuna.trial import TrialState

from optuna_kappa._validation import MAX_STEP, POSITIVE, check_count
from optuna_kappa.study.certified import Certified
from optuna_kappa.study.evidence import retried_numbers
from optuna_kappa.study.interrupted import was_interrupted
from optuna_kappa.study.planning import Planner
from optuna_kappa.study.plans import horizon
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.study.summary import counts

BUDGET = 10.0  # full runs, if nothing else is said
_ROUNDING = 1e-9
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Limits:
    """The limits of a search; the first one that is reached ends it.

    Attributes:
        budget: Full-run equivalents that all trials may cost; the last trial may exceed it.
        trials: Number of trials, without those that were interrupted.
        seconds: Seconds from now on, after which no trial is begun.
        certified: How sure the recommendation has to be.
        started: When the search began, of `time.monotonic()`.

    Raises:
        ValueError: A number is not allowed.

    Example:
        >>> Limits(budget=4.0).text
        '4 full runs'
    """

    budget: float | None = None
    trials: int | None = None
    seconds: float | None = None
    certified: Certified | None = None
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        if self.budget is not None:
            POSITIVE.check("--budget", self.budget, "it is in full runs")
        if self.trials is not None:
            check_count("--trials", self.trials, "it is a number of trials", 1, MAX_STEP)

    @property
    def text(self) -> str:
        """The limits in words.

        Example:
            >>> Limits(trials=20, seconds=600.0).text
            '20 trials, or 600 s'
        """
        words = []
        if self.budget is not None:
            words.append(f"{self.budget:g} full runs")
        if self.trials is not None:
            words.append(f"{self.trials} trials")
        if self.seconds is not None:
            words.append(f"{self.seconds:g} s")
        if self.certified is not None:
            part, regret = self.certified.probability, 100 * self.certified.regret
            words.append(f"a probability of {part:g} to be within {regret:g} % of the best")
        return ", or ".join(words)

    def reached(self, study: Study, sampler: KappaSampler) -> bool:
        """Whether no further trial is to be begun.

        What the running trials of other workers are still to cost counts as spent.

        Example:
            >>> import optuna
            >>> sampler = KappaSampler(24)
            >>> study = optuna.create_study(sampler=sampler)
            >>> Limits(trials=1).reached(study, sampler)
            False
        """
        return self.reason(study, sampler) is not None

    def reason(self, study: Study, sampler: KappaSampler) -> str | None:
        """Why no further trial is to be begun, and what to ask for to go on; None if one is.

        Example:
            >>> import optuna
            >>> sampler = KappaSampler(24)
            >>> study = optuna.create_study(sampler=sampler)
            >>> study.add_trial(optuna.trial.create_trial(value=0.5))
            >>> Limits(trials=1).reason(study, sampler)
            'it has 1 of 1 trials; a larger --trials goes on with it'
        """
        if self.seconds is not None and time.monotonic() - self.started >= self.seconds:
            return "the time of --timeout is over"
        n = n_trials(study)
        if self.trials is not None and n >= self.trials:
            return f"it has {n} of {self.trials} trials; a larger --trials goes on with it"
        if self.budget is not None:
            spent = counts(study, sampler).spent + promised(study, sampler)
            if spent >= self.budget - _ROUNDING:
                return (
                    f"{spent:.3g} of {self.budget:g} full runs are spent; a larger --budget goes "
                    "on with it"
                )
        if self.certified is not None and self.certified.reached(study) is not None:
            return "it is as sure as --certify asks for; a higher probability goes on with it"
        return None

    def cost_left(self, study: Study, sampler: KappaSampler) -> float:
        """Full runs that are still to be trained, at most; infinite if nothing says.

        Example:
            >>> import optuna
            >>> sampler = KappaSampler(24)
            >>> study = optuna.create_study(sampler=sampler)
            >>> Limits(budget=2.0).cost_left(study, sampler)
            2.0
            >>> trials = Limits(trials=11)  # six of 1 step, four of 8, one of 24
        >>> round(24 * trials.cost_left(study, sampler))
            62
        """
        costs = []
        if self.budget is not None:
            costs.append(self.budget - counts(study, sampler).spent)
        if self.trials is not None:
            left = max(0, self.trials - n_trials(study))
            costs.append(promised(study, sampler) + _cost_of(left, study, sampler))
        # The trials that run are not cut off.
        return max(promised(study, sampler), min(costs, default=math.inf))


def n_trials(study: Study) -> int:
    """Number of trials of a study that have begun; one that was run again counts once.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> study.optimize(lambda trial: 0.5, n_trials=2)
        >>> n_trials(study)
        2
    """
    trials = study.get_trials(deepcopy=False)
    retried = retried_numbers(trials)
    n = 0
    for trial in trials:
        runs_again = was_interrupted(trial) or trial.number in retried
        n += trial.state != TrialState.WAITING and not runs_again
    return n


def promised(study: Study, sampler: KappaSampler) -> float:
    """What the running trials are still to cost, in full runs.

    Example:
        >>> import optuna
        >>> sampler = KappaSampler(24)
        >>> study = optuna.create_study(sampler=sampler)
        >>> trial = study.ask()  # a probe of 1 step
        >>> promised(study, sampler) * 24
        1.0
    """
    trials = study.get_trials(deepcopy=False)
    target = sampler.study_law(study, trials).problem.horizon
    left = 0
    for trial in trials:
        if trial.state == TrialState.RUNNING:
            left += max(0, horizon(trial, default=target) - (trial.last_step or 0))
    return left / target


def _cost_of(n: int, study: Study, sampler: KappaSampler) -> float:
    """What the next n trials will cost if they run to their ends, in full runs."""
    trials = study.get_trials(deepcopy=False)
    target = sampler.study_law(study, trials).problem.horizon
    probes = Planner(sampler.lr, sampler.rungs).probes_left(trials, target)[:n]
    return sum(probes) / target + (n - len(probes))


def parse_seconds(text: str, name: str = "--timeout") -> float:
    """Seconds of a time such as 90, 10m or 2h.

    Args:
        text: The time.
        name: The option that it is given by, for the message.

    Raises:
        ValueError: The text is something else.

    Example:
        >>> parse_seconds("10m")
        600.0
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if match is None or not float(match[1]):
        raise ValueError(f"{name} must be seconds, or a time such as 10m or 2h, got {text!r}")
    return float(match[1]) * _SECONDS[match[2]]


def parse_certified(text: str) -> Certified:
    """How sure a recommendation has to be, from PROBABILITY:REGRET.

    Raises:
        ValueError: The text is something else.

    Example:
        >>> parse_certified("0.9:0.02").regret
        0.02
    """
    probability, colon, regret = text.partition(":")
    try:
        return Certified(float(probability), float(regret))
    except ValueError as error:
        why = f": {error}" if colon else ""
        raise ValueError(
            f"--certify must be PROBABILITY:REGRET, such as 0.9:0.02, got {text!r}{why}"
        ) from None
