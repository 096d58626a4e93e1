"""The decisions of a `KappaPruner` about a trial, worked out again from the study.

They are not stored while a trial runs: only the last one is, if it ended the trial.
"""

from __future__ import annotations

from functools import partial
from numbers import Integral

from optuna.study import Study
from optuna.trial import FrozenTrial

from optuna_kappa._validation import check_type
from optuna_kappa.pruning import Decision, is_due, judge
from optuna_kappa.study.groups import group_of
from optuna_kappa.study.peers import Peers
from optuna_kappa.study.plans import is_exempt
from optuna_kappa.study.private import direction_of, require_single_objective, snapshot_now
from optuna_kappa.study.pruner import KappaPruner


def decisions(study: Study, number: int, pruner: KappaPruner | None = None) -> list[Decision]:
    """What a pruner decides about a trial, phase by phase.

    The trial is compared with those that finished before it ended. If several trials ran at once,
    some of these may have finished only after an early decision.

    Args:
        study: A study, of any pruner.
        number: Number of the trial.
        pruner: The pruner to ask; by default a `KappaPruner` with default arguments.

    Raises:
        ValueError: There is no such trial, or the study has several objectives.

    Example:
        >>> import optuna
        >>> def objective(trial):
        ...     for step in (1, 2, 3, 4):
        ...         trial.report(1 / step, step)
        ...     return 1 / step
        >>> study = optuna.create_study()
        >>> study.optimize(objective, n_trials=2)
        >>> [decision.prune for decision in decisions(study, number=1)]
        [False, False, False]
    """
    require_single_objective(study, "an explanation")
    if pruner is None:
        pruner = KappaPruner()
    check_type("pruner", pruner, KappaPruner, "only its decisions can be computed again")
    check_type("number", number, Integral, "it is that of a trial")
    peers = Peers(pruner.lr, direction_of(study))

    trials = {trial.number: trial for trial in snapshot_now(study)}
    if number not in trials:
        known = f"its trials are 0 to {max(trials)}" if trials else "it has no trials yet"
        raise ValueError(f"the study {study.study_name!r} has no trial {number}; {known}")

    # The pruner itself does not look at such trials.
    trial = trials[number]
    if is_exempt(trial):
        return []

    peers.update([other for other in trials.values() if _ended_before(other, trial)])
    return _judged(peers, trial, pruner)


def _judged(peers: Peers, trial: FrozenTrial, pruner: KappaPruner) -> list[Decision]:
    """The decisions about a trial that is compared with these peers."""
    history = peers.history(group_of(trial))
    if history is None:
        return []

    step, loss = peers.curve(trial)
    forecast = partial(peers.forecast, history, trial)

    decided: list[Decision] = []
    for n in range(1, len(step) + 1):
        if is_due(history, step[:n]):
            decision = judge(
                history,
                forecast,
                step[:n],
                loss[:n],
                pruner.rule,
                peers.sign,
            )
            decided.append(decision._replace(step=decision.step - peers.reporting.shift))
    return decided


def _ended_before(trial: FrozenTrial, other: FrozenTrial) -> bool:
    if trial.number == other.number or trial.datetime_complete is None:
        return False
    if other.datetime_complete is None:
        return True
    return trial.datetime_complete <= other.datetime_complete
