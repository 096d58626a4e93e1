"""One search: an Optuna study driven until its budget is spent, and resumed where it stopped.

The budget counts every sample trained, probes included, in full-run equivalents of the target. A
kappa search that starts from the probes of a constant-rate search is charged for those as well.
A full run that no longer fits into the budget is not started.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import optuna
from optuna import Study
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa import run_table
from optuna_kappa.schedules import as_schedule
from optuna_kappa.study.plans import fail_interrupted, kind_of
from optuna_kappa.study.trials import FINISHED
from studies.compare.settings import Job, Part, Settings, lender
from studies.mnist.data import Dataset
from studies.mnist.objective import OTHERS, Objective
from studies.samplers import Target, make

_ROUNDING = 1e-9
_SETTINGS = "settings"  # study attribute: what must not change when a study is resumed


def study_name(settings: Settings, job: Job, data: str) -> str:
    """Name of the study that holds a search; the same settings find it again."""
    target = f"{settings.optimizer} {job.part.schedule} {job.part.epochs} epochs"
    if settings.others:
        target = ", ".join([target, *settings.search])
    return f"compare/{data}/{target}/{job.sampler}/repeat {job.repeat}"


def find_study(storage: BaseStorage, name: str) -> Study | None:
    """The study of this name, None where it is not in the storage."""
    try:
        return optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        return None


def probes(study: Study | None) -> list[FrozenTrial]:
    """The finished probes of a kappa search."""
    trials = study.get_trials(deepcopy=False) if study else []
    return [t for t in trials if kind_of(t) == "probe" and t.state == TrialState.PRUNED]


def borrowed(settings: Settings, job: Job, data: str, storage: BaseStorage) -> list[FrozenTrial]:
    """The probes that a search starts from and is charged for."""
    lent = lender(settings, job)
    return probes(find_study(storage, study_name(settings, lent, data))) if lent else []


def cost(trial: FrozenTrial, horizon: int) -> float:
    """Full-run equivalents that a trial has cost; 0 while it runs or if it was interrupted.

    Counted up to the last evaluation. Training takes whole batches, and the few samples by which
    the last batch goes beyond are not charged, to no sampler.
    """
    if trial.state not in FINISHED:
        return 0.0
    samples = int(trial.user_attrs.get("samples", 0))
    return min(samples, max(trial.intermediate_values, default=samples)) / horizon


def fits(spent: float, part: Part) -> bool:
    """Whether another full run fits into the budget of a part."""
    return spent + 1 <= part.budget + _ROUNDING


class Search:
    """A search and the study that holds it."""

    def __init__(
        self, settings: Settings, job: Job, dataset: Dataset, storage: BaseStorage
    ) -> None:
        """Opens the study, or makes it.

        Raises:
            ValueError: The storage holds this study with other settings, or the probes it starts
                from leave no budget for a full run.
        """
        self.horizon = job.part.epochs * dataset.n_train
        self._job, self._seed = job, settings.seed + job.repeat
        lent = borrowed(settings, job, dataset.name, storage)
        self._sources = [run_table(lent)] if lent else []
        self.offset = sum(cost(trial, self.horizon) for trial in lent)
        if not fits(self.offset, job.part):
            raise ValueError(
                f"the constant-rate probes cost {self.offset:.2g} of the budget of "
                f"{job.part.budget:g} for {job.part.schedule} at {job.part.epochs} epochs; raise "
                f"--schedule-budget to {self.offset + 2:.2g} or more, or --schedule-horizon"
            )
        self.study = optuna.create_study(
            study_name=study_name(settings, job, dataset.name),
            storage=storage,
            load_if_exists=True,
        )
        check_settings(self.study, settings, dataset.n_train, lent)
        self._marks = {_SETTINGS: _stamp(settings, dataset.n_train, lent), "data": dataset.source}
        self._objective = Objective(
            dataset,
            self.horizon,
            as_schedule(job.part.schedule),
            settings.optimizer,
            self._seed,
            settings.lr_range,
            others=settings.others,
        )

    @property
    def spent(self) -> float:
        """Full-run equivalents charged so far, those of borrowed probes included."""
        trials = self.study.get_trials(deepcopy=False)
        return self.offset + sum(cost(trial, self.horizon) for trial in trials)

    def run(self, go_on: Callable[[float], bool] = lambda spent: True) -> None:
        """Goes on until another full run would not fit.

        A trial that an earlier process left running was interrupted: it is marked as failed, is
        not charged, and another one takes its place.

        Args:
            go_on: Called with what is spent, at the start and after each trial; false stops here.
        """
        fail_interrupted(self.study)
        while go_on(self.spent) and fits(self.spent, self._job.part):
            self._mark()
            number = len(self.study.get_trials(deepcopy=False))
            target = Target(
                self.horizon, self._job.part.schedule, self._sources, self._seed, number
            )
            self.study.sampler, self.study.pruner = make(self._job.sampler, target)
            self.study.optimize(self._objective, n_trials=1)

    def _mark(self) -> None:
        """Ties the study to its settings once it has a trial: not before the probes are there."""
        if _SETTINGS not in self.study.user_attrs:
            for name, value in self._marks.items():
                self.study.set_user_attr(name, value)


def check_settings(
    study: Study, settings: Settings, epoch: int, lent: Sequence[FrozenTrial]
) -> None:
    """Raises a ValueError if a study's trials were made with other settings than these."""
    stored = study.user_attrs.get(_SETTINGS)
    if stored is None:
        return
    for name, wanted in _stamp(settings, epoch, lent).items():
        if stored.get(name) != wanted:
            raise ValueError(
                f"the study {study.study_name!r} was made with {name} {stored.get(name)}, not "
                f"{wanted}; start again with --fresh or choose another --storage"
            )


def _stamp(settings: Settings, epoch: int, lent: Sequence[FrozenTrial]) -> dict[str, Any]:
    """What a study's trials depend on beyond its name."""
    started = [trial.datetime_start for trial in lent]
    stamp: dict[str, Any] = {
        "lr range": list(settings.lr_range),
        "seed": settings.seed,
        "epoch of samples": epoch,
        "probes of": str(min(s for s in started if s)) if started else "its own",
    }
    return stamp | {f"{name} range": list(OTHERS[name]) for name in settings.others}
