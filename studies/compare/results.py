"""What the searches found, read back from their studies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from optuna_kappa import Law, Proposal, RunTable, fit, run_table
from optuna_kappa.law import Prior, prior_for
from optuna_kappa.search.trajectory import Trajectory, trajectory
from optuna_kappa.study.trials import FINISHED
from studies.compare.search import (
    ROUNDING,
    borrowed,
    cost,
    final_loss,
    find_study,
    probes,
    standing_of,
    study_name,
)
from studies.compare.settings import Job, Part, Settings, jobs
from studies.compare.stamps import check_settings
from studies.compare.turns import Standing, share


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
        standing: How far it has come by now, beyond what is read of it too.
        prior: What a kappa search was told before its first trial.
    """

    job: Job
    trajectory: Trajectory
    params: Mapping[str, float]
    loss: float
    test_accuracy: float
    runs: RunTable
    probes: RunTable
    standing: Standing
    prior: Prior

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
        return fit(self.probes, prior=self.prior)


@dataclass(frozen=True, eq=False)
class Results:
    """What can be compared.

    Attributes:
        found: The searches, in the order of `jobs`: the same repeats of each.
        limits: Budget up to which the searches at each target are read, in full-run equivalents.
        is_finished: Whether all searches of the comparison have spent their budgets.
    """

    found: Sequence[Found]
    limits: Mapping[Part, float]
    is_finished: bool

    def of(self, part: Part, samplers: Sequence[str]) -> dict[str, list[Found]]:
        """Return the searches at one target by sampler: the repeats that all samplers have.

        Args:
            part: The target.
            samplers: Names of the samplers.
        """
        searches: dict[str, dict[int, Found]] = {name: {} for name in samplers}
        for search in self.found:
            if search.job.part == part:
                searches[search.job.sampler][search.job.repeat] = search

        common = sorted(set.intersection(*map(set, searches.values())))
        if not common:
            return {}
        return {name: [found[repeat] for repeat in common] for name, found in searches.items()}


def read(
    settings: Settings,
    job: Job,
    data: str,
    epoch: int,
    storage: BaseStorage,
    limit: float = math.inf,
) -> Found | None:
    """Read what a search has found so far; None if none of its trials has finished.

    Args:
        settings: The comparison.
        job: The search.
        data: Name of the data.
        epoch: Samples in an epoch.
        storage: Where the studies are.
        limit: Budget up to which it is read, in full-run equivalents.

    Raises:
        ValueError: The study was made with other settings.
    """
    study = find_study(storage, study_name(settings, job, data))
    if study is None:
        return None

    lent = borrowed(settings, job, data, storage)
    check_settings(study, settings, epoch, lent)
    horizon = job.part.epochs * epoch
    offset = sum(cost(trial, horizon) for trial in lent)
    trials = _within(study.get_trials(deepcopy=False, states=FINISHED), limit - offset, horizon)
    if not trials:
        return None

    losses = [final_loss(trial) for trial in trials]
    # Borrowed probes are charged before the first trial.
    path = trajectory([cost(trial, horizon) for trial in trials], losses, offset=offset)
    best = trials[int(np.nanargmin(losses))] if np.isfinite(losses).any() else None

    return Found(
        job=job,
        trajectory=path,
        params=best.params if best else {},
        loss=float(path.best[-1]),
        test_accuracy=float(best.user_attrs["test_accuracy"]) if best else np.nan,
        runs=run_table(trials, schedule=job.part.schedule),
        probes=run_table(lent or probes(study)),
        standing=standing_of(study, job, offset, horizon),
        # The model sees its data once an epoch.
        prior=prior_for(optimizer=settings.optimizer, passes=job.part.epochs, horizon=horizon),
    )


def _within(trials: Sequence[FrozenTrial], budget: float, horizon: int) -> list[FrozenTrial]:
    """Return the first trials, as many as a budget pays."""
    paid = []
    spent = 0.0
    for trial in trials:
        spent += cost(trial, horizon)
        if spent > budget + ROUNDING:
            break
        paid.append(trial)

    return paid


def read_all(settings: Settings, data: str, epoch: int, storage: BaseStorage) -> Results:
    """Read what can be compared: the same repeats of all samplers at all targets.

    Where searches have not spent their budgets, all are read up to what each of them has spent.
    Repeats that are far behind are left out: of the most advanced 1, 2, ... repeats, those are
    shown that have spent most, their number times the share that the last of them has spent.

    Args:
        settings: The comparison.
        data: Name of the data.
        epoch: Samples in an epoch.
        storage: Where the studies are.

    Raises:
        ValueError: A study was made with other settings.
    """
    standings = read_standings(settings, data, epoch, storage)
    shown = _worth_showing(settings, standings)

    limits: dict[Part, float] = {}
    found: list[Found] = []
    for part in settings.parts:
        of_this = [job for job in jobs(settings) if job.part == part and job.repeat in shown]
        if not of_this:
            continue

        is_done = all(standings[job].is_done for job in of_this)
        limit = part.budget if is_done else min(standings[job].spent for job in of_this)
        limits[part] = limit
        for job in of_this:
            search = read(settings, job, data, epoch, storage, limit)
            if search is not None:
                found.append(search)

    return Results(found, limits, all(standing.is_done for standing in standings.values()))


def read_standings(
    settings: Settings, data: str, epoch: int, storage: BaseStorage
) -> dict[Job, Standing]:
    """Read how far each search has come; the arguments and errors are those of `read_all`."""
    standings = {}
    for job in jobs(settings):
        study = find_study(storage, study_name(settings, job, data))
        lent = borrowed(settings, job, data, storage)
        if study is not None:
            check_settings(study, settings, epoch, lent)

        horizon = job.part.epochs * epoch
        offset = sum(cost(trial, horizon) for trial in lent)
        standings[job] = standing_of(study, job, offset, horizon)

    return standings


def _worth_showing(settings: Settings, standings: Mapping[Job, Standing]) -> set[int]:
    """Return the repeats that are shown."""
    shares = [1.0] * settings.repeats
    for job, standing in standings.items():
        shares[job.repeat] = min(shares[job.repeat], share(job, standing))

    by_share = sorted(range(settings.repeats), key=lambda repeat: -shares[repeat])
    worths = [(i + 1) * shares[repeat] for i, repeat in enumerate(by_share)]
    n_shown = 1 + int(np.argmax(worths))
    return set(by_share[:n_shown]) if max(worths) > 0 else set()


def proposal(found: Found, epoch: int) -> Proposal | None:
    """What the law proposed at the target before the first target trial; None without probes."""
    if not found.law.optima:
        return None

    horizon = found.job.part.epochs * epoch
    return found.law.propose(horizon, found.job.part.schedule)
