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
from optuna_kappa.study.counting import starts_from_0
from optuna_kappa.study.groups import group_of
from optuna_kappa.study.lr_names import LrName, check_lr
from optuna_kappa.study.peers import Peers
from optuna_kappa.study.plans import is_exempt, probe_end, store_pruned
from optuna_kappa.study.private import snapshot_now
from optuna_kappa.study.without_lr import is_cut_as_probe


class KappaPruner(BasePruner):
    """Ends a trial when it has little chance to become the best.

    Comparing losses at equal steps is unfair to the best learning rate. Early in a run a higher
    rate often looks better, and with a decaying schedule the winner looks bad until its rate has
    come down. So this pruner asks how the trial will *end*:

    1. It forecasts the trial's final loss relative to the best one, from the trial's own curve
       and from how finished trials with similar parameters went on from the same phase.
    2. It measures on the study's finished trials how far such forecasts can be trusted.
    3. If the probability that the trial beats the best is below `epsilon`, it ends the trial and
       stores the reason as the user attribute `kappa:pruned`.

    Two kinds of trials end without a forecast: those that have diverged (the loss is NaN,
    infinite, or far above its start), and probes of a `KappaSampler` at their planned horizon.
    Trials of a `KappaSampler` that follow the law are never pruned for their forecast, because
    they show whether the law holds. As long as there are too few trials to compare with, nothing
    is pruned for its forecast.

    The pruner works with any sampler, any unit of steps, several processes and both directions.
    It decides at about fifteen phases of a run and reads the storage once for each; between them
    it reads nothing.

    Args:
        epsilon: Prune a trial if its probability to become the best is below this.
        margin: Part of the best value by which a trial has to be better to count as the best.
        n_startup_trials: Trials that have to run to their end before any trial is pruned for its
            forecast.
        lr: Name of the learning-rate parameter, or a tuple of names of which each trial has one,
            as those of the `KappaSampler`. It counts on a logarithmic scale, whatever its
            range; the other parameters count in parts of their range.

    Attributes:
        lr: Name of the learning-rate parameter, or several names.
        rule: When a trial is ended.

    Raises:
        ValueError: An argument is not allowed.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaPruner
        >>> def objective(trial):
        ...     lr = trial.suggest_float("lr", 1e-3, 1.0, log=True)
        ...     for step in range(1, 21):
        ...         loss = 1 / (1 + lr * step)
        ...         trial.report(loss, step)
        ...         if trial.should_prune():
        ...             raise optuna.TrialPruned()
        ...     return loss
        >>> sampler = optuna.samplers.RandomSampler(seed=0)
        >>> study = optuna.create_study(sampler=sampler, pruner=KappaPruner())
        >>> study.optimize(objective, n_trials=12)
        >>> [trial.state.name for trial in study.trials].count("PRUNED")
        8
    """

    def __init__(
        self,
        epsilon: float = 0.02,
        margin: float = 0.0,
        n_startup_trials: int = 1,
        lr: LrName | list[str] = "lr",
    ) -> None:
        self.rule = Rule(epsilon, margin, n_startup_trials)
        self.lr = check_lr(lr)
        self._forget()

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial should end now; `trial.should_prune()` calls it.

        Raises:
            RuntimeError: The study has several objectives, as with Optuna's own pruners.

        Example:
            >>> import optuna
            >>> study = optuna.create_study(pruner=KappaPruner())
            >>> trial = study.ask()
            >>> trial.report(float("nan"), step=1)
            >>> study.pruner.prune(study, study.trials[0])
            True
        """
        direction = study.direction  # raises an error for several objectives
        end = probe_end(trial) if is_cut_as_probe(study, trial) else None
        if ends_anyway(trial.intermediate_values, end):
            return True
        if end is not None and self._ends_from_0(study, trial, end, direction):
            return True
        if is_exempt(trial):
            return False

        with self._lock:  # trials of several threads share what was read of the study
            decision = self._decision(study, trial, direction)
        if decision is None or not decision.prune:
            return False

        # A finished trial may be asked about as well, but its attributes are final.
        if not trial.state.is_finished():
            store_pruned(study, trial, decision._asdict())
        return True

    def _ends_from_0(
        self,
        study: Study,
        trial: FrozenTrial,
        end: int,
        direction: StudyDirection,
    ) -> bool:
        """Whether a probe is at its end in a study whose steps are counted from 0."""
        if max(trial.intermediate_values, default=end) != end - 1:
            return False
        shown = starts_from_0(trial)
        if shown is not None:
            return shown

        with self._lock:
            peers = self._peers_of(study, direction)
            if not peers.reporting.shift:
                peers.update(snapshot_now(study))
            return bool(peers.reporting.shift)

    def _peers_of(self, study: Study, direction: StudyDirection) -> Peers:
        if study not in self._peers:
            self._peers[study] = Peers(self.lr, direction)
        return self._peers[study]

    def _decision(
        self,
        study: Study,
        trial: FrozenTrial,
        direction: StudyDirection,
    ) -> Decision | None:
        """The decision at the trial's last report; None if none is due."""
        peers = self._peers_of(study, direction)
        group = group_of(trial)
        step, loss = peers.curve(trial)
        last_step = max(trial.intermediate_values, default=0)
        if not len(step) or step[-1] < peers.reporting.step(last_step):
            return None  # nothing to judge, or the loss diverged and came back

        # When a trial is first seen, everything that has finished since is read. What is due then
        # follows from the study, not from when this process last looked.
        judged = peers.last_judged(trial)
        if judged is not None:
            history = peers.history(group)
            if not is_due(history, step, judged):
                return None

        peers.update(snapshot_now(study))
        step, loss = peers.curve(trial)  # the new trials may show that it is read otherwise
        if not len(step):
            return None  # or that none of it can be compared with what they returned

        history = peers.history(group)
        due = is_due(history, step, judged or 0.0)
        if due or judged is None:
            judged = float(step[-1])
        peers.note_judged(trial, judged)
        if history is None or not due:
            return None

        forecast = partial(peers.forecast, history, trial)
        decision = judge(history, forecast, step, loss, self.rule, peers.sign)
        return decision._replace(step=last_step)

    def _forget(self) -> None:
        self._peers: WeakKeyDictionary[Study, Peers] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"rule": self.rule, "lr": self.lr}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()
