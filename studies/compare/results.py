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


@dataclass(frozen=True, eq=False)
class Found:
    """What one search found.

    Attributes:
        job: The search.
        trajectory: Best validation loss against budget spent, borrowed probes included.
        params: Parameters of the best full run, by name; none without one.
        loss: Its validation loss in nats.
        test_accuracy: Its accuracy on the test images, in [0, 1].
        runs: All finished trials.
        probes: The probes that the law rested on before the first target trial, own or borrowed.
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
        """Learning rate of the best full run; NaN without one."""
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
    """A sampler at one target, over its repeats. Medians with the lowest and the highest.

    Attributes:
        sampler: Its name.
        budget: Spent, in full-run equivalents.
        loss: Best validation loss.
        lr: Learning rate of the best full run.
        test_accuracy: Test accuracy of the best full run.
        to_match: Full-run equivalents until the loss was at most the baseline's final median;
            infinite where it never was. None for the baseline itself, and without it.
    """

    sampler: str
    budget: float
    loss: Sequence[float]
    lr: Sequence[float]
    test_accuracy: Sequence[float]
    to_match: Sequence[float] | None


def is_done(settings: Settings, job: Job, data: str, epoch: int, storage: BaseStorage) -> bool:
    """Whether a search has spent its budget; arguments as for `read`."""
    found = read(settings, job, data, epoch, storage)
    return found is not None and not fits(found.spent, job.part)


def read(
    settings: Settings, job: Job, data: str, epoch: int, storage: BaseStorage
) -> Found | None:
    """What a search found so far; None if none of its trials has finished.

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
    horizon = job.part.epochs * epoch
    trials = study.get_trials(deepcopy=False, states=FINISHED)
    if not trials:
        return None
    losses = [_final_loss(trial) for trial in trials]
    path = trajectory(
        [cost(trial, horizon) for trial in trials],
        losses,
        offset=sum(cost(trial, horizon) for trial in lent),
    )
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
    """What the searches that spent their budget found, in the order of `jobs`."""
    found = (read(settings, job, data, epoch, storage) for job in jobs(settings))
    return [s for s in found if s is not None and not fits(s.spent, s.job.part)]


def of_part(found: Sequence[Found], part: Part, samplers: Sequence[str]) -> dict[str, list[Found]]:
    """The searches at one target by sampler, in the repeats that all samplers finished."""
    searches: dict[str, dict[int, Found]] = {name: {} for name in samplers}
    for search in found:
        if search.job.part == part:
            searches[search.job.sampler][search.job.repeat] = search
    common = set.intersection(*map(set, searches.values())) if searches else set()
    return {
        name: [repeats[r] for r in sorted(common)] for name, repeats in searches.items() if common
    }


def baseline_loss(searches: dict[str, list[Found]]) -> float | None:
    """The median over repeats of the baseline's final loss, None if it did not run."""
    if BASELINE not in searches:
        return None
    return float(np.median([search.loss for search in searches[BASELINE]]))


def rows(searches: dict[str, list[Found]]) -> list[Row]:
    """The table of one target."""
    goal = baseline_loss(searches)
    return [
        Row(
            sampler=name,
            budget=float(np.median([search.spent for search in repeats])),
            loss=[search.loss for search in repeats],
            lr=[search.lr for search in repeats],
            test_accuracy=[search.test_accuracy for search in repeats],
            to_match=(
                None
                if goal is None or name == BASELINE
                else [search.trajectory.budget_to(goal) for search in repeats]
            ),
        )
        for name, repeats in searches.items()
    ]


def proposal(found: Found, epoch: int) -> Proposal | None:
    """What the law expected at the target before the first target trial; None without probes."""
    if not found.law.optima:
        return None
    return found.law.propose(found.job.part.epochs * epoch, found.job.part.schedule)


def _final_loss(trial: FrozenTrial) -> float:
    """Validation loss of a full run, NaN for probes and runs that were stopped."""
    full = trial.state == TrialState.COMPLETE and kind_of(trial) != "probe"
    return float(trial.values[0]) if full else np.nan
