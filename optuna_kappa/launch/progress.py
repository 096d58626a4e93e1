"""Tells of a search, line by line: what is run, what came of it, how much is left."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa._validation import one_line
from optuna_kappa.study.lr_names import LrName
from optuna_kappa.study.plans import horizon, kind_of
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.study.summary import counts
from optuna_kappa.study.trials import lr_of

SILENCE = 30.0
"""Seconds after which a running trial is told of again."""

_KINDS = {
    "probe": "probe",
    "law": "full run, by the law",
    "base": "full run, by the base sampler",
    "cover": "full run, to cover the range",
    "enqueued": "full run, enqueued",
}


class Progress:
    """Prints lines about the trials of a study, on the error stream, so that results stay apart.

    Args:
        study: The study.
        sampler: Its sampler.
        lr: Name of its learning-rate parameter.
        budget: Full runs that it may cost; None if it has another limit.

    Example:
        >>> import optuna
        >>> sampler = KappaSampler(24)
        >>> Progress(optuna.create_study(sampler=sampler), sampler, "lr").spent
        '0 full runs spent'
    """

    def __init__(
        self, study: Study, sampler: KappaSampler, lr: LrName, budget: float | None = None
    ) -> None:
        """Begin to measure time."""
        self._study = study
        self._sampler = sampler
        self._lr = lr
        self._budget = budget
        self._began = time.monotonic()
        self._spent_before = counts(study, sampler).spent

    def say(self, text: str) -> None:
        """Print a line at once."""
        print(one_line(text), file=sys.stderr, flush=True)

    @contextmanager
    def of(self, number: int) -> Iterator[None]:
        """Tell of a trial: that it began, that it still runs, and what came of it."""
        done = threading.Event()
        teller = threading.Thread(target=self._while_running, args=(number, done), daemon=True)
        self.began(number)
        teller.start()
        try:
            yield
        finally:
            done.set()
            teller.join()
            self.ended(number)

    def began(self, number: int) -> None:
        """Say that a trial has begun."""
        trial = self._frozen(number)
        kind = _KINDS.get(kind_of(trial) or "", "full run")
        self.say(f"trial {number}: {kind}, {_steps(horizon(trial, default=0))}")

    def still(self, number: int) -> None:
        """Say how far a trial has come that still runs."""
        trial = self._frozen(number)
        step = trial.last_step
        at = "no report yet" if step is None else f"step {step}"
        loss = "" if step is None else f", {trial.intermediate_values[step]:.4g}"
        self.say(f"trial {number}: {at}{loss}; {self.spent}")

    def ended(self, number: int) -> None:
        """Say what came of a trial."""
        trial = self._frozen(number)
        rate = lr_of(trial, self._lr)
        lr = "" if rate is None else f" at lr {rate:.3g}"
        self.say(f"trial {number}: {_outcome(trial)}{lr}; {self.spent}")

    @property
    def spent(self) -> str:
        """What has been spent so far and, if there is a budget, how long the rest may take."""
        spent = counts(self._study, self._sampler).spent
        if self._budget is None:
            return f"{spent:.3g} full runs spent"

        text = f"{spent:.3g} of {self._budget:g} full runs spent"
        since = spent - self._spent_before
        left = max(0.0, self._budget - spent)
        if not since or not left:
            return text

        seconds = (time.monotonic() - self._began) / since * left
        return f"{text}, about {duration(seconds)} left"

    def _frozen(self, number: int) -> FrozenTrial:
        return self._study.get_trials(deepcopy=False)[number]

    def _while_running(self, number: int, done: threading.Event) -> None:
        """Tell of a trial whenever it has been silent for a while."""
        while not done.wait(SILENCE):
            self.still(number)


def duration(seconds: float) -> str:
    """A time in words.

    Example:
        >>> duration(42), duration(600), duration(7260)
        ('42 s', '10 min', '2 h 1 min')
    """
    if seconds < 100 or not math.isfinite(seconds):
        return f"{seconds:.0f} s"

    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _steps(n: int) -> str:
    return "1 step" if n == 1 else f"{n} steps"


def _outcome(trial: FrozenTrial) -> str:
    """What came of a trial, in words."""
    step = trial.last_step
    last = "" if step is None else f"{trial.intermediate_values[step]:.4g} after {_steps(step)}"
    if trial.state == TrialState.COMPLETE:
        return f"{trial.values[0]:.4g}"
    if trial.state == TrialState.PRUNED:
        return f"{last}, ended" if last else "ended without a report"
    if trial.state == TrialState.FAIL:
        return f"failed, {last}" if last else "failed"
    return "still running"
