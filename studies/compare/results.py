"""What the searches found, read back from their studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa import Law, Proposal, RunTable, fit, run_table
from optuna_kappa.search.trajectory import Trajectory, trajectory
from optuna_kappa.study.plans import kind_of
from optuna_kappa.study.trials import FINISHED
from studies.compare.search import (
    borrowed,
    check_settings,
    cost,
    find_study,
    fits,
    probes,
    study_name,
)
from studies.compare.settings import Job, Part, Settings, jobs

BASELINE = "tpe"
"""The sampler that the others are compared with."""


@dataclass(frozen=True, eq=False)
class Found:
    """What one search found.

    Attributes:
        job: The search.
        trajectory: Best validation loss against budget spent, borrowed probes included.
        params: Parameters of the best full run, by name; empty if there is no full run.
        loss: Validation loss of the best full run, in nats.
        test_accuracy: Accuracy of the best full run on the test images, in [0, 1].
        runs: All finished trials.
        probes: The probes, own or borrowed, that the law rested on before the first target trial.
    """

    job: Job
    trajectory: Trajectory
    params: Mapping[str, float]
    loss: float
    test_accuracy: float
    runs: RunTable
    probes: RunTable

    @property
    def lr(self) -> float:
        """Learning rate of the best full run; NaN if there is none."""
        return self.params.get("lr", np.nan)

    @property
    def spent(self) -> float:
        """Budget spent, in full-run equivalents."""
        return float(self.trajectory.spent[-1])

    @cached_property
    def law(self) -> Law:
        """The law before the first target trial."""
        return fit(self.probes)


@dataclass(frozen=True, eq=False)
class Row:
    """The results of a sampler at one target, with one value for each repeat.

    Attributes:
        sampler: Its name.
        budget: Median budget spent, in full-run equivalents.
        loss: Best validation losses.
        lr: Learning rates of the best full runs.
        test_accuracy: Test accuracies of the best full runs.
        to_match: Full-run equivalents until the loss was at most the baseline's final median;
            infinite if it never was. None for the baseline itself, or if the baseline did not
            run.
    """

    sampler: str
    budget: float
    loss: Sequence[float]
    lr: Sequence[float]
    test_accuracy: Sequence[float]
    to_match: Sequence[float] | None


def is_done(settings: Settings, job: Job, data: str, epoch: int, storage: BaseStorage) -> bool:
    """Whether a search has spent its budget; the arguments are those of `read`."""
    search = read(settings, job, data, epoch, storage)
    return search is not None and not fits(search.spent, job.part)


def read(
    settings: Settings, job: Job, data: str, epoch: int, storage: BaseStorage
) -> Found | None:
    """Read what a search has found so far; None if none of its trials has finished.

    Args:
        settings: The comparison.
        job: The search.
        data: Name of the data.
        epoch: Samples in an epoch.
        storage: Where the studies are.

    Raises:
        ValueError: The study was made with other settings.
    """
    study = find_study(storage, study_name(settings, job, data))
    if study is None:
        return None
    lent = borrowed(settings, job, data, storage)
    check_settings(study, settings, epoch, lent)
    trials = study.get_trials(deepcopy=False, states=FINISHED)
    if not trials:
        return None

    horizon = job.part.epochs * epoch
    costs = [cost(trial, horizon) for trial in trials]
    losses = [_final_loss(trial) for trial in trials]
    # Borrowed probes are charged before the first trial.
    path = trajectory(costs, losses, offset=sum(cost(trial, horizon) for trial in lent))
    best = trials[int(np.nanargmin(losses))] if np.isfinite(losses).any() else None

    return Found(
        job=job,
        trajectory=path,
        params=best.params if best else {},
        loss=float(path.best[-1]),
        test_accuracy=float(best.user_attrs["test_accuracy"]) if best else np.nan,
        runs=run_table(trials, schedule=job.part.schedule),
        probes=run_table(lent or probes(study)),
    )


def read_all(settings: Settings, data: str, epoch: int, storage: BaseStorage) -> list[Found]:
    """Read what the searches that have spent their budget found, in the order of `jobs`."""
    finished = []
    for job in jobs(settings):
        search = read(settings, job, data, epoch, storage)
        if search is not None and not fits(search.spent, job.part):
            finished.append(search)

    return finished


def of_part(found: Sequence[Found], part: Part, samplers: Sequence[str]) -> dict[str, list[Found]]:
    """Return the searches at one target by sampler, for the repeats that all samplers finished.

    Args:
        found: What the searches found.
        part: The target.
        samplers: Names of the samplers.
    """
    searches: dict[str, dict[int, Found]] = {name: {} for name in samplers}
    for search in found:
        if search.job.part == part:
            searches[search.job.sampler][search.job.repeat] = search

    common = set.intersection(*map(set, searches.values())) if searches else set()
    if not common:
        return {}

    return {name: [repeats[r] for r in sorted(common)] for name, repeats in searches.items()}


def baseline_loss(searches: dict[str, list[Found]]) -> float | None:
    """Median over repeats of the baseline's final loss, None if the baseline did not run."""
    if BASELINE not in searches:
        return None

    return float(np.median([search.loss for search in searches[BASELINE]]))


def rows(searches: dict[str, list[Found]]) -> list[Row]:
    """Return the table of one target, one row for each sampler."""
    goal = baseline_loss(searches)
    table = []
    for name, repeats in searches.items():
        to_match = None
        if goal is not None and name != BASELINE:
            to_match = [search.trajectory.budget_to(goal) for search in repeats]

        row = Row(
            sampler=name,
            budget=float(np.median([search.spent for search in repeats])),
            loss=[search.loss for search in repeats],
            lr=[search.lr for search in repeats],
            test_accuracy=[search.test_accuracy for search in repeats],
            to_match=to_match,
        )
        table.append(row)

    return table


def proposal(found: Found, epoch: int) -> Proposal | None:
    """What the law proposed at the target before the first target trial; None without probes."""
    if not found.law.optima:
        return None

    horizon = found.job.part.epochs * epoch
    return found.law.propose(horizon, found.job.part.schedule)


def _final_loss(trial: FrozenTrial) -> float:
    """Validation loss of a full run; NaN for probes and for runs that were stopped."""
    is_full = trial.state == TrialState.COMPLETE and kind_of(trial) != "probe"
    return float(trial.values[0]) if is_full else np.nan
