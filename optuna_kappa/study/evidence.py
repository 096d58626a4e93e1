"""Which trials a study's law is fitted to: those that show how good a learning rate is.

Full runs soon crowd around the best rate, and it is the few others that say where the valley is.
So as full runs become many, they are thinned by place, not by age. Full runs alike (of one
horizon, outcome and choice of categories) are sorted into cells of ln lr; a cell keeps its first
runs, then fewer and fewer of the later ones:

    the i-th run of a cell is kept if i <= 8, or if i = 2^k (1 + j / 8) for whole k and j

Cells are as narrow as the number of full runs that may be kept allows. What is kept does not
depend on later trials, except where the cells have to become wider.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa._typing import Bools, Floats, Rows
from optuna_kappa._validation import LARGEST_LOSS
from optuna_kappa.study.lr_names import LrName, name_used
from optuna_kappa.study.plans import PLAN, has_unreadable_plan, plan_of
from optuna_kappa.study.trials import lr_of

_MAX_FULL_RUNS = 100  # the cost of a fit grows with their number
_FIRST_IN_CELL = 8  # kept of each cell in any case; later ones are kept eight an octave
_NARROWEST = 0.01  # first width of cells in ln lr: no run can tell such rates apart


def select_evidence(trials: Sequence[FrozenTrial], lr: LrName = "lr") -> list[FrozenTrial]:
    """The trials that the law is fitted to: all probes, then at most some 100 of the others.

    Full runs are chosen by what they tell, so that those far from the best rate are kept. A failed
    trial counts if its loss diverged.

    Args:
        trials: All trials of a study, by number.
        lr: Name of the learning-rate parameter, or several names.

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

    retried = retried_numbers(trials)
    for trial in trials:
        plan = plan_of(trial)
        is_readable = plan is not None or PLAN not in trial.user_attrs
        if is_readable and told_something(trial) and trial.number not in retried:
            is_probe = plan is not None and plan.is_probe
            (probes if is_probe else full_runs).append(trial)

    return [*probes, *_thinned(full_runs, lr)]


def _thinned(full_runs: list[FrozenTrial], lr: LrName) -> list[FrozenTrial]:
    """Those of some full runs that bound the answer."""
    if len(full_runs) <= _MAX_FULL_RUNS:
        return full_runs

    rates = [lr_of(trial, lr) or math.nan for trial in full_runs]
    ln_lr = np.log(rates)
    groups: dict[Hashable, int] = {}
    for_each = [groups.setdefault(_alike(trial, lr), len(groups)) for trial in full_runs]
    group = np.array(for_each)

    kept = _outermost(ln_lr, group) | _spread(ln_lr, group)
    return [full_runs[i] for i in np.flatnonzero(kept)]


def _alike(trial: FrozenTrial, lr: LrName) -> Hashable:
    """What two full runs share that can stand for each other at equal learning rates."""
    choices = []
    for name, distribution in trial.distributions.items():
        if isinstance(distribution, CategoricalDistribution):
            choices.append((name, str(trial.params[name])))

    # A pruned trial has the value of its last report, if that is a number.
    values = trial.values
    finite = values is not None and math.isfinite(values[0])
    used = name_used(trial.params, lr)
    return plan_of(trial), trial.state, finite, used, tuple(choices)


def _spread(ln_lr: Floats, group: Rows) -> Bools:
    """A choice of runs over all of ln lr, in the narrowest cells that keep it small enough.

    Args:
        ln_lr: Natural logarithms of the learning rates, shape `(n,)`; NaN where there is none.
        group: Runs alike have the same number, shape `(n,)`.
    """
    known = np.isfinite(ln_lr)
    first = ln_lr[known][0] if known.any() else 0.0  # so that the unit of lr does not matter
    distance = np.where(known, ln_lr - first, 0.0)

    width = _NARROWEST
    widest = 2 * np.ptp(distance) + _NARROWEST
    while True:
        cell = np.floor(distance / width + 0.5)
        kept = _is_early(_arrivals(group, cell)) & known
        if kept.sum() <= _MAX_FULL_RUNS:
            return np.asarray(kept)
        if width > widest:
            break
        width *= 2

    # Hundreds of groups: no group can be followed by itself.
    if group.any():
        return _spread(ln_lr, np.zeros_like(group))
    return np.asarray(kept)


def _arrivals(group: Rows, cell: Floats) -> Rows:
    """For each run, how many runs of its group and cell there are up to it, shape `(n,)`."""
    order = np.lexsort((cell, group))  # stable: by number within a cell
    starts = np.ones(len(order), dtype=np.bool_)
    same_group = np.diff(group[order]) == 0
    same_cell = np.diff(cell[order]) == 0
    starts[1:] = ~(same_group & same_cell)

    places = np.arange(len(order))
    begin = np.maximum.accumulate(np.where(starts, places, 0))
    arrivals = np.empty(len(order), dtype=np.int64)
    arrivals[order] = places - begin + 1
    return arrivals


def _is_early(arrival: Rows) -> Bools:
    """Whether the i-th run of a cell is kept: the first ones, then some in each octave."""
    octave = np.floor(np.log2(arrival)).astype(np.int64)
    between = np.maximum(2**octave // _FIRST_IN_CELL, 1)
    return np.asarray(arrival % between == 0)


def _outermost(ln_lr: Floats, group: Rows) -> Bools:
    """The runs of each group with its lowest and its highest rate, shape `(n,)`."""
    kept = np.zeros(len(ln_lr), dtype=np.bool_)
    order = np.lexsort((ln_lr, group))
    order = order[np.isfinite(ln_lr[order])]

    changes = np.flatnonzero(np.diff(group[order]))
    if len(order):
        kept[order[[0, -1, *changes, *(changes + 1)]]] = True
    return kept


def is_evidence(trial: FrozenTrial) -> bool:
    """Whether a trial told something about its learning rate, and its plan can be read.

    Example:
        >>> import optuna
        >>> is_evidence(optuna.trial.create_trial(state=TrialState.FAIL))
        False
    """
    return told_something(trial) and not has_unreadable_plan(trial)


def told_something(trial: FrozenTrial) -> bool:
    """Whether a trial told something about its learning rate.

    A completed trial did, and so did a pruned one with a report. A failed one did if its loss
    diverged.

    Example:
        >>> import optuna
        >>> diverged = {1: float("nan")}
        >>> trial = optuna.trial.create_trial(state=TrialState.FAIL, intermediate_values=diverged)
        >>> told_something(trial)
        True
    """
    if trial.state == TrialState.COMPLETE:
        return True
    if trial.state == TrialState.PRUNED:
        return bool(trial.intermediate_values)

    failed = trial.state == TrialState.FAIL
    return failed and diverged_at(trial) is not None


def retried_numbers(trials: Sequence[FrozenTrial]) -> set[int]:
    """Numbers of the trials that Optuna's retry callbacks ran again; only the last one counts.

    Example:
        >>> import optuna
        >>> attrs = {"failed_trial": 3, "retry_history": [3, 5]}
        >>> retry = optuna.trial.create_trial(value=0.5, system_attrs=attrs)
        >>> sorted(retried_numbers([retry]))
        [3, 5]
    """
    numbers: set[int] = set()
    for trial in trials:
        if not trial.system_attrs:
            continue

        history = trial.system_attrs.get("retry_history")
        earlier = history if isinstance(history, list) else []
        for number in (trial.system_attrs.get("failed_trial"), *earlier):
            if isinstance(number, int):
                numbers.add(number)
    return numbers


def diverged_at(trial: FrozenTrial, shift: int = 0) -> int | None:
    """The training done when a trial first reported NaN or infinity; None if it never did.

    Args:
        trial: A trial.
        shift: Steps to add to the step of a report: 1 if the study counts from 0
            (`optuna_kappa.study.reporting.Reporting`).

    Example:
        >>> import optuna
        >>> losses = {1: 0.5, 2: float("inf"), 3: float("nan")}
        >>> trial = optuna.trial.create_trial(value=0.5, intermediate_values=losses)
        >>> diverged_at(trial), diverged_at(trial, shift=1)
        (2, 3)
    """
    bad_steps = []
    for step, loss in trial.intermediate_values.items():
        if not abs(loss) <= LARGEST_LOSS:
            bad_steps.append(step + shift)
    return min(bad_steps, default=None)
