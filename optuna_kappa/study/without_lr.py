"""Trials without a learning rate: full runs of the base sampler.

An objective may have a choice for which there is nothing to learn a rate for, such as an optimizer
that finds its own. A trial is planned before its parameters are known, so it may be planned as a
probe and then turn out to be such a trial. Then

- `KappaPruner` does not end it as a probe (`is_cut_as_probe`),
- its plan is changed as soon as its parameters, compared with those of finished trials, show that
  it will have no learning rate (`expect_no_lr`), and
- at the latest at its end, when it has none (`settle_without_lr`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import CategoricalDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa.study.asked import was_asked
from optuna_kappa.study.evidence import is_evidence
from optuna_kappa.study.lr_names import LrName, name_used
from optuna_kappa.study.plans import Plan, is_exempt, plan_of, probe_end, store_plan
from optuna_kappa.study.private import snapshot


def is_cut_as_probe(study: Study, trial: FrozenTrial) -> bool:
    """Whether a trial ends at the horizon of its probe: it is planned as one and has an lr.

    The names of the learning rate are those of the study's sampler. If it is unknown, as when it
    is wrapped in another one, every probe is ended.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> trial = study.ask()
        >>> is_cut_as_probe(study, study.trials[0])
        False
        >>> lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
        >>> is_cut_as_probe(study, study.trials[0])
        True
    """
    if probe_end(trial) is None:
        return False
    lr: LrName | None = getattr(study.sampler, "lr", None)
    return lr is None or name_used(trial.params, lr) is not None


def expect_no_lr(
    study: Study,
    trial: FrozenTrial,
    params: Mapping[str, Any],
    lr: LrName,
    full: int,
) -> None:
    """Plan a trial as a full run if its choices have always come without a learning rate.

    Args:
        study: The study of the trial.
        trial: The trial, still running.
        params: What was just chosen for it.
        lr: Name of the learning-rate parameter, or several names.
        full: Steps of a full run.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> trial = study.ask()
        >>> expect_no_lr(study, study.trials[0], {}, "lr", full=24)
        >>> plan_of(study.trials[0]).kind  # nothing is known yet
        'probe'
    """
    known = {**trial.params, **params}
    if not is_exempt(trial) or name_used(known, lr) is not None:
        return

    # Most often the last trial has a learning rate, and no other one is looked at.
    seen = False
    for other in reversed(snapshot(study)):
        if other.number == trial.number or not is_evidence(other) or not _alike(other, known):
            continue
        if name_used(other.params, lr) is not None:
            return
        seen = True
    if seen:
        _store_full(study, trial, full)


def settle_without_lr(study: Study, trial: FrozenTrial, lr: LrName, full: int) -> None:
    """Change the plan of a trial that ends without a learning rate: it was a full run.

    One that has trained for no longer than its probe was planned for stays a probe.

    Args:
        study: The study of the trial.
        trial: The trial, at its end.
        lr: Name of the learning-rate parameter, or several names.
        full: Steps of a full run.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> trial = study.ask()
        >>> trial.report(0.5, step=24)
        >>> settle_without_lr(study, study.trials[0], "lr", full=24)
        >>> plan_of(study.trials[0])
        Plan(horizon=24, kind='base', schedule='constant')
    """
    is_running = trial.state == TrialState.RUNNING
    if not is_running or not is_exempt(trial) or name_used(trial.params, lr) is not None:
        return

    end = probe_end(trial)
    reports = trial.intermediate_values
    if end is not None:
        was_probe = max(reports) <= end if reports else was_asked(trial)
        if was_probe:
            return
    _store_full(study, trial, full)


def _alike(other: FrozenTrial, known: Mapping[str, Any]) -> bool:
    """Whether a trial has all the choices that are known of another one."""
    for name, distribution in other.distributions.items():
        is_choice = isinstance(distribution, CategoricalDistribution)
        if is_choice and name in known and other.params[name] != known[name]:
            return False
    return True


def _store_full(study: Study, trial: FrozenTrial, full: int) -> None:
    plan = plan_of(trial)
    assert plan is not None
    store_plan(study, trial, Plan(full, "base", plan.schedule))
