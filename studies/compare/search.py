"""One search: an Optuna study that is run until its budget is spent, and can be resumed.

The budget counts every sample trained, probes included, in full-run equivalents of the target. A
kappa search that starts from the probes of a constant-rate search is charged for those as well.
A full run that does not fit into the rest of the budget is not started.
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
from optuna_kappa.study.interrupted import fail_interrupted
from optuna_kappa.study.plans import kind_of
from optuna_kappa.study.trials import FINISHED
from studies.compare.settings import Job, Part, Settings, lender
from studies.mnist.data import Dataset
from studies.mnist.objective import OTHERS, Objective
from studies.samplers import Known, Target, make

_ROUNDING = 1e-9  # costs are fractions, so their sum may be a little off
_SETTINGS = "settings"  # study attribute: what must not change when a study is resumed


def study_name(settings: Settings, job: Job, data: str) -> str:
    """Name of the study that holds a search; the same settings give the same name."""
    target = f"{settings.optimizer} {job.part.schedule} {job.part.epochs} epochs"
    if settings.others:
        target = ", ".join([target, *settings.search])

    return f"compare/{data}/{target}/{job.sampler}/repeat {job.repeat}"


def find_study(storage: BaseStorage, name: str) -> Study | None:
    """Return the study of this name, None if it is not in the storage."""
    try:
        return optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        return None


def probes(study: Study | None) -> list[FrozenTrial]:
    """Return the finished probes of a kappa search."""
    if study is None:
        return []

    finished = []
    for trial in study.get_trials(deepcopy=False):
        if kind_of(trial) == "probe" and trial.state == TrialState.PRUNED:
            finished.append(trial)

    return finished


def borrowed(settings: Settings, job: Job, data: str, storage: BaseStorage) -> list[FrozenTrial]:
    """Return the probes that a search starts from and is charged for."""
    lending_job = lender(settings, job)
    if lending_job is None:
        return []

    return probes(find_study(storage, study_name(settings, lending_job, data)))


def cost(trial: FrozenTrial, horizon: int) -> float:
    """Cost of a trial in full-run equivalents; 0 while it runs, or if it was interrupted.

    Samples count up to the last evaluation. Training takes whole batches; no sampler is charged
    for the few samples by which the last batch goes beyond the evaluation.
    """
    if trial.state not in FINISHED:
        return 0.0

    samples = int(trial.user_attrs.get("samples", 0))
    last_step = max(trial.intermediate_values, default=samples)
    return min(samples, last_step) / horizon


def fits(spent: float, part: Part) -> bool:
    """Whether another full run fits into the budget of a part."""
    return spent + 1 <= part.budget + _ROUNDING


class Search:
    """A search and the study that holds it.

    Attributes:
        horizon: Target horizon in samples.
        offset: Cost of the borrowed probes, in full-run equivalents.
        study: The study.
    """

    def __init__(
        self, settings: Settings, job: Job, dataset: Dataset, storage: BaseStorage
    ) -> None:
        """Open the study, or make it.

        Raises:
            ValueError: The storage holds this study with other settings, or the borrowed probes
                leave no budget for a full run.
        """
        self.horizon = job.part.epochs * dataset.n_train
        self._job = job
        self._seed = settings.seed + job.repeat
        # The model sees its data once an epoch.
        self._known = Known(settings.optimizer, job.part.epochs)

        lent = borrowed(settings, job, dataset.name, storage)
        self._sources = [run_table(lent)] if lent else []
        self.offset = sum(cost(trial, self.horizon) for trial in lent)
        self._check_budget()

        self.study = optuna.create_study(
            study_name=study_name(settings, job, dataset.name),
            storage=storage,
            load_if_exists=True,
        )
        check_settings(self.study, settings, dataset.n_train, lent)
        self._marks = {
            _SETTINGS: _stamp(settings, dataset.n_train, lent),
            "data": dataset.source,
        }
        self._objective = Objective(
            dataset=dataset,
            horizon=self.horizon,
            schedule=as_schedule(job.part.schedule),
            optimizer=settings.optimizer,
            seed=self._seed,
            lr_range=settings.lr_range,
            others=settings.others,
        )

    def _check_budget(self) -> None:
        part = self._job.part
        if not fits(self.offset, part):
            raise ValueError(
                f"the constant-rate probes cost {self.offset:.2g} of the budget of "
                f"{part.budget:g} for {part.schedule} at {part.epochs} epochs; raise "
                f"--schedule-budget to {self.offset + 2:.2g} or more, or --schedule-horizon"
            )

    @property
    def spent(self) -> float:
        """Full-run equivalents charged so far, including those of borrowed probes."""
        trials = self.study.get_trials(deepcopy=False)
        return self.offset + sum(cost(trial, self.horizon) for trial in trials)

    def run(self, go_on: Callable[[float], bool] = lambda spent: True) -> None:
        """Run trials until another full run does not fit into the budget.

        A trial that an earlier process left running was interrupted. It is marked as failed and
        not charged, and another trial takes its place.

        Args:
            go_on: Called with the budget spent, at the start and after each trial; the search
                stops when it returns false.
        """
        fail_interrupted(self.study)
        while go_on(self.spent) and fits(self.spent, self._job.part):
            self._mark()
            # A new sampler for each trial: after an interruption, the search goes on as it
            # would have without it.
            target = Target(
                horizon=self.horizon,
                schedule=self._job.part.schedule,
                sources=self._sources,
                seed=self._seed,
                number=len(self.study.get_trials(deepcopy=False)),
                known=self._known,
            )
            self.study.sampler, self.study.pruner = make(self._job.sampler, target)
            self.study.optimize(self._objective, n_trials=1)

    def _mark(self) -> None:
        """Write the settings into the study before its first trial.

        Not earlier, since a study without trials may still get other probes to borrow.
        """
        if _SETTINGS in self.study.user_attrs:
            return

        for name, value in self._marks.items():
            self.study.set_user_attr(name, value)


def check_settings(
    study: Study, settings: Settings, epoch: int, lent: Sequence[FrozenTrial]
) -> None:
    """Raise a ValueError if a study's trials were made with other settings than these.

    Args:
        study: The study.
        settings: The comparison.
        epoch: Samples in an epoch.
        lent: The probes that the search starts from.
    """
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
    """Return what a study's trials depend on, besides what its name says."""
    starts = [trial.datetime_start for trial in lent if trial.datetime_start]
    stamp: dict[str, Any] = {
        "lr range": list(settings.lr_range),
        "seed": settings.seed,
        "epoch of samples": epoch,
        "probes of": str(min(starts)) if lent else "its own",
    }
    for name in settings.others:
        stamp[f"{name} range"] = list(OTHERS[name])

    return stamp
