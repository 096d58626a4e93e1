"""KappaPruner: ends trials that will not become the best, and probes at their horizon."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from optuna.pruners import BasePruner
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial

from optuna_kappa.pruning import Decision, Rule, ends_anyway, is_due, judge
from optuna_kappa.study.peers import Peers, group_of
from optuna_kappa.study.plans import kind_of, probe_end, store_pruned
from optuna_kappa.study.private import snapshot_now

# Planned trials that are there for what they tell, not for winning: the law is fitted to probes,
# and trials by the law show whether it holds.
_NOT_JUDGED = ("probe", "law")


class KappaPruner(BasePruner):
    """Ends a trial when its chance to become the best is small.

    At equal steps a high learning rate looks better than the one that will win, and the winner of
    a decayed schedule looks bad until the rate has come down. So a trial is not ranked by where it
    is. Its final loss, as far as it is behind the best one, is forecast from its curve and from
    what finished trials of neighbouring parameters did from the same phase of their run to the
    end; how far such forecasts can be trusted is measured on the finished trials of the study. If
    the probability that it beats the best falls under `epsilon`, it is pruned, and what was known
    is kept as its user attribute `kappa:pruned`.

    Trials that have diverged (NaN, infinite, or risen far above their start) are pruned at once,
    and probes of a `KappaSampler` at their planned horizon. Its trials that follow the law are
    not pruned otherwise, since they show whether it holds. While there are too few trials to
    compare with, nothing else is pruned.

    Works with any sampler, any unit of steps, several processes, and either direction. A decision
    falls at about fifteen phases of a run and reads the storage once; between them nothing is
    read.

    Args:
        epsilon: Probability to become the best under which a trial is pruned.
        margin: Part of the best value by which it would have to be better.
        n_startup_trials: Trials that come to their end before any is pruned for its forecast.
        lr: Name of the learning-rate parameter. It counts on a logarithmic scale, whatever its
            range; the others count in parts of their range.

    Attributes:
        lr: Name of the learning-rate parameter.

    Raises:
        ValueError: An argument is not allowed.
    """

    def __init__(
        self,
        epsilon: float = 0.02,
        margin: float = 0.0,
        n_startup_trials: int = 1,
        lr: str = "lr",
    ) -> None:
        self._rule = Rule(epsilon, margin, n_startup_trials)
        if not isinstance(lr, str):
            raise ValueError(f"lr must be the name of the learning-rate parameter, but is {lr!r}")
        self.lr = lr
        self._forget()

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial should end now.

        Raises:
            RuntimeError: The study has several objectives, as with Optuna's own pruners.
        """
        direction = study.direction
        if ends_anyway(trial.intermediate_values, probe_end(trial)):
            return True
        if kind_of(trial) in _NOT_JUDGED:
            return False
        with self._lock:
            decision = self._decision(study, trial, direction)
        if decision is None or not decision.prune:
            return False
        if not trial.state.is_finished():
            store_pruned(study, trial, decision._asdict())
        return True

    def decisions(self, study: Study, number: int) -> list[Decision]:
        """What was decided about a trial, report by report, worked out again from the study.

        A trial is taken to have been compared with those that finished before it ended. Where
        several trials ran at once, some of them may have finished after an early decision.

        Args:
            study: A study, of any pruner: then what this one would have decided.
            number: Number of the trial.

        Raises:
            RuntimeError: The study has several objectives.
            ValueError: There is no such trial.
        """
        peers = Peers(self.lr, study.direction)
        trials = {trial.number: trial for trial in snapshot_now(study)}
        if number not in trials:
            known = f"its trials are 0 to {max(trials)}" if trials else "it has no trials yet"
            raise ValueError(f"the study {study.study_name!r} has no trial {number}; {known}")
        trial = trials[number]
        peers.update([t for t in trials.values() if _ended_before(t, trial)])
        history = peers.history(group_of(trial))
        step, loss = peers.curve(trial)
        if history is None or kind_of(trial) in _NOT_JUDGED:
            return []
        forecast = partial(peers.forecast, history, trial)
        return [
            judge(history, forecast, step[:n], loss[:n], self._rule, peers.sign)
            for n in range(1, len(step) + 1)
            if is_due(history, step[:n])
        ]

    def _decision(
        self, study: Study, trial: FrozenTrial, direction: StudyDirection
    ) -> Decision | None:
        """What is decided at the trial's last report; None where nothing is to be decided."""
        if study not in self._studies:
            self._studies[study] = Peers(self.lr, direction)
        peers, group = self._studies[study], group_of(trial)
        step, loss = peers.curve(trial)
        if not len(step) or step[-1] < max(trial.intermediate_values):
            return None  # it had diverged and came back
        judged = peers.last_judged(trial)
        # When a trial is first seen, all is read that has finished since, so that what is due
        # follows from the study, not from when this process last looked.
        if judged is not None and not is_due(peers.history(group), step, judged):
            return None
        peers.update(snapshot_now(study))
        history = peers.history(group)
        due = is_due(history, step, judged or 0.0)
        peers.was_judged(trial, float(step[-1]) if due or judged is None else judged)
        if history is None or not due:
            return None
        forecast = partial(peers.forecast, history, trial)
        return judge(history, forecast, step, loss, self._rule, peers.sign)

    def _forget(self) -> None:
        self._studies: WeakKeyDictionary[Study, Peers] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"_rule": self._rule, "lr": self.lr}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()


def _ended_before(trial: FrozenTrial, other: FrozenTrial) -> bool:
    if trial.number == other.number or trial.datetime_complete is None:
        return False
    return other.datetime_complete is None or trial.datetime_complete <= other.datetime_complete
