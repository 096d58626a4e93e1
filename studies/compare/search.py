"""One search: an Optuna study driven until its budget is spent, and resumed where it stopped.

The budget counts every sample trained, probes included, in full-run equivalents of the target. A
kappa search that starts from the probes of a constant-rate search is charged for those as well.
A full run that no longer fits into the budget is not started.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import optuna
from optuna import Study
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa import RunTable, run_table
from optuna_kappa.schedules import as_schedule
from optuna_kappa.trials import kind_of
from studies.compare.samplers import SAMPLERS, Target
from studies.compare.settings import Job, Part, Settings, lender
from studies.mnist.data import Dataset
from studies.mnist.objective import Objective

BATCH_SIZE = 64
ROUNDING = 0.01  # whole batches make a probe cost a little more than planned
_SETTINGS = "settings"  # study attribute: what must not change when a study is resumed


def study_name(settings: Settings, job: Job, data: str) -> str:
    """Name of the study that holds a search; the same settings find it again."""
    target = f"{settings.optimizer} {job.part.schedule} {job.part.epochs} epochs"
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


def cost(trial: FrozenTrial, horizon: int) -> float:
    """Full-run equivalents that a trial has cost; 0 while it runs or if it was interrupted.

    Training takes whole batches, so a full run may see a few samples more than its horizon.
    """
    charged = trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
    full_run = math.ceil(horizon / BATCH_SIZE) * BATCH_SIZE
    return float(trial.user_attrs.get("samples", 0)) / full_run if charged else 0.0


def fits(spent: float, part: Part) -> bool:
    """Whether another full run fits into the budget of a part."""
    return spent + 1 <= part.budget + ROUNDING


class Search:
    """A search and the study that holds it."""

    def __init__(
        self, settings: Settings, job: Job, dataset: Dataset, storage: BaseStorage
    ) -> None:
        """Opens the study, or makes it.

        Raises:
            ValueError: The storage holds this study with other settings.
        """
        self.horizon = job.part.epochs * dataset.n_train
        self._part = job.part
        seed = settings.seed + job.repeat
        lent = lender(settings, job)
        borrowed = (
            probes(find_study(storage, study_name(settings, lent, dataset.name))) if lent else []
        )
        sources: Sequence[RunTable] = [run_table(borrowed)] if borrowed else []
        self.offset = sum(cost(trial, self.horizon) for trial in borrowed)
        target = Target(self.horizon, job.part.schedule, sources, seed)
        sampler, pruner = SAMPLERS[job.sampler](target)
        self.study = optuna.create_study(
            study_name=study_name(settings, job, dataset.name),
            storage=storage,
            sampler=sampler,
            pruner=pruner,
            load_if_exists=True,
        )
        _check_settings(self.study, settings, dataset)
        schedule = as_schedule(job.part.schedule)
        self._objective = Objective(
            dataset,
            self.horizon,
            schedule,
            settings.optimizer,
            seed,
            settings.lr_range,
            BATCH_SIZE,
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
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self.study.tell(trial.number, state=TrialState.FAIL)
        while go_on(self.spent) and fits(self.spent, self._part):
            self.study.optimize(self._objective, n_trials=1)


def _check_settings(study: Study, settings: Settings, dataset: Dataset) -> None:
    wanted = {
        "lr_range": list(settings.lr_range),
        "seed": settings.seed,
        "n_train": dataset.n_train,
        "data": dataset.source,
    }
    stored = study.user_attrs.get(_SETTINGS)
    if stored is None:
        study.set_user_attr(_SETTINGS, wanted)
        return
    for name in ("lr_range", "seed", "n_train"):
        if stored[name] != wanted[name]:
            raise ValueError(
                f"the study {study.study_name!r} was made with {name} {stored[name]}, not "
                f"{wanted[name]}; start again with --fresh or choose another --storage"
            )
