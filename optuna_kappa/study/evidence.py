"""Which trials a study's law is fitted to: those that show how good a learning rate is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from optuna.trial import FrozenTrial, TrialState

from optuna_kappa.study.plans import kind_of
from optuna_kappa.study.trials import FINISHED

_MAX_FULL_RUNS = 100  # of all trials but the probes, the last so many count


def select_evidence(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that the law is fitted to: all probes, then the last 100 of the others.

    A failed trial counts if its loss diverged.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> study.optimize(lambda trial: trial.suggest_float("lr", 0, 1), n_trials=3)
        >>> running = study.ask()
        >>> [trial.number for trial in select_evidence(study.trials)]
        [0, 1, 2]
    """
    probes: list[FrozenTrial] = []
    full_runs: list[FrozenTrial] = []

    for trial in trials:
        if not is_evidence(trial):
            continue
        if kind_of(trial) == "probe":
            probes.append(trial)
        else:
            full_runs.append(trial)

    return [*probes, *full_runs[-_MAX_FULL_RUNS:]]


def is_evidence(trial: FrozenTrial) -> bool:
    """Whether a trial counts as evidence: it finished, or it failed after its loss diverged.

    Example:
        >>> import optuna
        >>> is_evidence(optuna.trial.create_trial(state=TrialState.FAIL))
        False
        >>> diverged = {1: float("nan")}
        >>> trial = optuna.trial.create_trial(state=TrialState.FAIL, intermediate_values=diverged)
        >>> is_evidence(trial)
        True
    """
    if trial.state in FINISHED:
        return True

    failed = trial.state == TrialState.FAIL
    return failed and diverged_at(trial) is not None


def diverged_at(trial: FrozenTrial) -> int | None:
    """The first step at which a trial reported NaN or infinity; None if it never did.

    Example:
        >>> import optuna
        >>> losses = {1: 0.5, 2: float("inf"), 3: float("nan")}
        >>> diverged_at(optuna.trial.create_trial(value=0.5, intermediate_values=losses))
        2
    """
    bad_steps = []
    for step, loss in trial.intermediate_values.items():
        if not math.isfinite(loss):
            bad_steps.append(step)
    return min(bad_steps, default=None)
