"""Tells of a search: as a block that is updated in place on a terminal, line by line elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa._validation import one_line
from optuna_kappa.launch.overview import KINDS, Overview, steps
from optuna_kappa.launch.screen import Screen
from optuna_kappa.study.interrupted import was_interrupted
from optuna_kappa.study.lr_names import LrName
from optuna_kappa.study.plans import horizon, kind_of
from optuna_kappa.study.trials import lr_of

_SILENCE = 30.0  # seconds after which a running trial is told of again, line by line
_OFTEN = 0.5  # seconds between two looks at the study, for the block
_SHARE = 0.1  # of a processor, at most, that these looks take


class Progress:
    """Tells of the trials of a study, on the error stream, so that results stay apart.

    Args:
        study: The study.
        overview: Puts the search into words.
        lr: Name of its learning-rate parameter.
        screen: The terminal in which to show a block; None for lines alone.
    """

    def __init__(
        self, study: Study, overview: Overview, lr: LrName, screen: Screen | None = None
    ) -> None:
        """Tell of nothing yet."""
        self.screen = screen
        self._study = study
        self._overview = overview
        self._lr = lr
        self._told: dict[int, float] = {}  # when something was told of each trial that runs
        self._lock = threading.Lock()  # of these

    def say(self, text: str) -> None:
        """Print a line at once."""
        if self.screen is None:
            print(one_line(text), file=sys.stderr, flush=True)
        else:
            self.screen.say(one_line(text))

    @contextmanager
    def of_search(self) -> Iterator[None]:
        """Tell of the trials that run, again and again."""
        done = threading.Event()
        teller = threading.Thread(target=self._tell, args=(done,), daemon=True)
        teller.start()
        try:
            yield
        finally:
            done.set()
            teller.join()
            if self.screen is not None:
                self.screen.show([])

    def began(self, number: int) -> None:
        """Say that a trial has begun."""
        with self._lock:
            self._told[number] = time.monotonic()
        if self.screen is None:
            trial = self._frozen(number)
            kind = KINDS.get(kind_of(trial) or "", "full run")
            self.say(f"trial {number}: {kind}, {steps(horizon(trial, default=0))}")

    def ended(self, number: int) -> None:
        """Say what came of a trial."""
        self._forget(number)
        trial = self._frozen(number)
        rate = lr_of(trial, self._lr)
        lr = "" if rate is None else f" at lr {rate:.3g}"
        spent = f"; {self._overview.spent}" if self.screen is None else ""  # the block has it
        self.say(f"trial {number}: {_outcome(trial)}{lr}{spent}")

    def lost(self, what: str, number: int) -> None:
        """Say what happened to a trial whose process has ended, and that it is planned again."""
        self._forget(number)
        self.say(f"{what}; it runs again")

    def _forget(self, number: int) -> None:
        with self._lock:
            self._told.pop(number, None)

    def _frozen(self, number: int) -> FrozenTrial:
        return self._study.get_trials(deepcopy=False)[number]

    def _tell(self, done: threading.Event) -> None:
        pause = 0.0
        while not done.wait(pause):
            began = time.thread_time()
            try:
                self._look()
            except Exception as error:  # the search meets it, too, or can do without the block
                if self.screen is not None:
                    self.screen.show([f"no overview: {type(error).__name__}: {error}"])
            pause = max(_OFTEN, (time.thread_time() - began) / _SHARE)

    def _look(self) -> None:
        """Show how far the search has come, or tell of trials that have been silent for long."""
        if self.screen is not None:
            with self._lock:
                running = list(self._told)
            # Half of the terminal is for what is printed.
            lines = self._overview.lines(running, self.screen.width, self.screen.height // 2)
            self.screen.show(lines)
            return

        now = time.monotonic()
        with self._lock:
            silent = [number for number, told in self._told.items() if now - told >= _SILENCE]
            self._told.update(dict.fromkeys(silent, now))
        for number in silent:
            self._still(number)

    def _still(self, number: int) -> None:
        """Say how far a trial has come that still runs."""
        trial = self._frozen(number)
        step = trial.last_step
        at = "no report yet" if step is None else f"step {step}"
        loss = "" if step is None else f", {trial.intermediate_values[step]:.4g}"
        self.say(f"trial {number}: {at}{loss}; {self._overview.spent}")


def _outcome(trial: FrozenTrial) -> str:
    """What came of a trial, in words."""
    step = trial.last_step
    last = "" if step is None else f"{trial.intermediate_values[step]:.4g} after {steps(step)}"
    if trial.state == TrialState.COMPLETE:
        return f"{trial.values[0]:.4g}"
    if trial.state == TrialState.PRUNED:
        return f"{last}, ended" if last else "ended without a report"
    if trial.state == TrialState.FAIL:
        how = "interrupted" if was_interrupted(trial) else "failed"
        return f"{how}, {last}" if last else how
    return "still running"
