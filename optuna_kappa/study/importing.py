"""Runs from elsewhere, added to a study.

What was imported before is recognised by its label and a digest of what was read of it, so the
same import can be repeated, or goes on where it broke off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial

from optuna_kappa.study.imported import is_imported, origin_of
from optuna_kappa.study.incoming import Incoming
from optuna_kappa.study.private import snapshot_now
from optuna_kappa.study.reporting import find_reporting
from optuna_kappa.study.trials import sign_of


class Added(NamedTuple):
    """What an import did.

    Attributes:
        added: Runs that were added.
        present: Runs that were there already.
        changed: Labels of runs that were imported before, and have other losses or settings now.

    Example:
        >>> Added([], [], []).added
        []
    """

    added: Sequence[Incoming]
    present: Sequence[Incoming]
    changed: Sequence[str]


def add_runs(study: Study, incoming: Iterable[Incoming]) -> Added:
    """Add the runs that a study does not have yet.

    Args:
        study: The study.
        incoming: What is to be imported.

    Raises:
        ValueError: A parameter of the study has another kind of range.

    Example:
        >>> import optuna
        >>> from optuna_kappa.runs import example_runs
        >>> from optuna_kappa.study.incoming import Target, incoming_runs
        >>> study = optuna.create_study()
        >>> incoming = incoming_runs(example_runs(), Target(), "runs.csv")
        >>> len(add_runs(study, incoming).added), len(add_runs(study, incoming).added)
        (24, 0)
    """
    trials = snapshot_now(study)
    origins = [origin for origin in map(origin_of, trials) if origin is not None]
    known = {(origin.run, origin.digest) for origin in origins}
    labels = {(origin.source, origin.run) for origin in origins}
    own = [trial for trial in trials if not is_imported(trial)]
    shift = find_reporting(own, sign_of(study.direction)).shift
    ranges = {name: values for trial in own for name, values in trial.distributions.items()}

    added: list[Incoming] = []
    present: list[Incoming] = []
    changed: list[str] = []
    for run in incoming:
        origin = run.origin
        if (origin.run, origin.digest) in known:
            present.append(run)
        elif (origin.source, origin.run) in labels:
            changed.append(origin.run)
        else:
            study.add_trial(_on_scale(_counted_as(run.trial, shift), ranges))
            added.append(run)
    return Added(added, present, changed)


def _counted_as(trial: FrozenTrial, shift: int) -> FrozenTrial:
    """A trial that counts its steps as those of the study, which may count from 0."""
    if not shift or not trial.intermediate_values:
        return trial
    reports = trial.intermediate_values
    trial.intermediate_values = {
        step - shift: loss for step, loss in reports.items() if step >= shift
    }
    return trial


def _on_scale(trial: FrozenTrial, ranges: Mapping[str, BaseDistribution]) -> FrozenTrial:
    """A trial whose ranges are logarithmic where those of the study are, as Optuna demands."""
    distributions = dict(trial.distributions)
    for name, values in distributions.items():
        known = ranges.get(name)
        if isinstance(values, FloatDistribution) and isinstance(known, FloatDistribution):
            distributions[name] = FloatDistribution(values.low, values.high, log=known.log)
    trial.distributions = distributions
    return trial
