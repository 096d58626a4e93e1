"""One search: an Optuna study that is run until its budget is spent, and can be resumed.

The budget counts every sample trained, probes included, in full-run equivalents of the target. A
kappa search that starts from the probes of a constant-rate search is charged for those as well.
A full run that does not fit into the rest of the budget is not started.
"""

from __future__ import annotations

import math
from collections.abc import Callable

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
from studies.compare.sizes import size_of
from studies.compare.stamps import SETTINGS, check_settings, stamp
from studies.compare.turns import Standing
from studies.mnist.data import Dataset
from studies.mnist.objective import Objective, OnReport
from studies.samplers import Known, Target, make

ROUNDING = 1e-9  # costs are fractions, so their sum may be a little off
SIZE = "size"
"""Study attribute: size of the comparison that a study was made for."""


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
    """Return the finished probes that a kappa search ran before its first full run."""
    finished = []
    for trial in study.get_trials(deepcopy=False) if study else []:
        kind = kind_of(trial)
        if kind == "probe" and trial.state == TrialState.PRUNED:
            finished.append(trial)
        if kind not in ("probe", None):
            break

    return finished


def lends(study: Study | None) -> bool:
    """Whether a search has begun its first full run: its first probes are all run by then."""
    trials = study.get_trials(deepcopy=False) if study else []
    return any(kind_of(trial) not in ("probe", None) for trial in trials)


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


def final_loss(trial: FrozenTrial) -> float:
    """Validation loss of a full run; NaN for probes and for runs that were stopped."""
    is_full = trial.state == TrialState.COMPLETE and kind_of(trial) != "probe"
    return float(trial.values[0]) if is_full else math.nan


def fits(spent: float, part: Part) -> bool:
    """Whether another full run fits into the budget of a part."""
    return spent + 1 <= part.budget + ROUNDING


def standing_of(study: Study | None, job: Job, offset: float, horizon: int) -> Standing:
    """How far a search has come.

    Args:
        study: Its study; None if there is none yet.
        job: The search.
        offset: Cost of its borrowed probes, in full-run equivalents.
        horizon: Target horizon in samples.
    """
    trials = study.get_trials(deepcopy=False) if study else []
    spent = offset + sum(cost(trial, horizon) for trial in trials)
    losses = [final_loss(trial) for trial in trials]
    best = min((loss for loss in losses if math.isfinite(loss)), default=math.inf)
    return Standing(spent, best, not fits(spent, job.part), lends(study))


class Abandoned(BaseException):
    """A trial is given up before its end, since the comparison is being stopped.

    No `Exception`, so that Optuna neither counts the trial as failed nor goes on.
    """


class Search:
    """A search and the study that holds it.

    Attributes:
        horizon: Target horizon in samples.
        offset: Cost of the borrowed probes, in full-run equivalents.
        study: The study.
    """

    def __init__(
        self,
        settings: Settings,
        job: Job,
        dataset: Dataset,
        storage: BaseStorage,
        on_report: OnReport | None = None,
    ) -> None:
        """Open the study, or make it.

        Args:
            settings: The comparison.
            job: The search.
            dataset: The data.
            storage: Where the study is.
            on_report: Called after each report of a trial; it may raise `Abandoned`.

        Raises:
            ValueError: The storage holds this study with other settings, or the borrowed probes
                leave no budget for a full run.
        """
        self.horizon = job.part.epochs * dataset.n_train
        self._job = job
        self._seed = settings.seed + job.repeat
        # The model sees its data once an epoch.
        self._known = Known(settings.optimizer, job.part.epochs)
        self._probe_budget = settings.probe_budget

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
            SETTINGS: stamp(settings, dataset.n_train, lent),
            "data": dataset.source,
            SIZE: size_of(settings),
        }
        self._objective = Objective(
            dataset=dataset,
            horizon=self.horizon,
            schedule=as_schedule(job.part.schedule),
            optimizer=settings.optimizer,
            seed=self._seed,
            lr_range=settings.lr_range,
            others=settings.others,
            on_report=on_report,
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

    @property
    def standing(self) -> Standing:
        """How far the search has come."""
        return standing_of(self.study, self._job, self.offset, self.horizon)

    def run(self, go_on: Callable[[float], bool] = lambda spent: True) -> None:
        """Run trials until another full run does not fit into the budget.

        Args:
            go_on: Called with the budget spent, at the start and after each trial; the search
                stops when it returns false.
        """
        while go_on(self.spent) and fits(self.spent, self._job.part):
            self.run_trial()

    def run_trial(self) -> None:
        """Run one trial.

        A trial that an earlier process left running was interrupted. It is marked as failed and
        not charged, and another trial takes its place.

        Raises:
            Abandoned: The trial was given up. It counts as interrupted.
        """
        fail_interrupted(self.study)
        self._mark()
        # A new sampler for each trial: after an interruption, the search goes on as it would have
        # without it.
        target = Target(
            horizon=self.horizon,
            schedule=self._job.part.schedule,
            sources=self._sources,
            seed=self._seed,
            number=len(self.study.get_trials(deepcopy=False)),
            known=self._known,
            probe_budget=None if self._sources else self._probe_budget,
        )
        self.study.sampler, self.study.pruner = make(self._job.sampler, target)

        try:
            self.study.optimize(self._objective, n_trials=1)
        except Abandoned:
            fail_interrupted(self.study)
            raise

    def _mark(self) -> None:
        """Write the settings into the study before its first trial.

        Not earlier, since a study without trials may still get other probes to borrow.
        """
        if SETTINGS in self.study.user_attrs:
            return

        for name, value in self._marks.items():
            self.study.set_user_attr(name, value)
