"""Trains the planned runs, each exactly once, in as many processes as join in.

The studies are the record: a run is added to its study as a finished trial, in one transaction,
when it has ended, so that a killed process leaves nothing behind. While it is trained, its
process holds a lock of the operating system on a file named after it, which ends with the
process. Who gets the lock looks into the study once more before training.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import optuna
from filelock import FileLock, Timeout
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from optuna_kappa.schedules import as_schedule
from optuna_kappa.study.storage import open_storage
from studies.folders import writable
from studies.mnist.data import ALL, MAX_TRAIN, Dataset, load
from studies.mnist.training import Run, RunConfig, checkpoints
from studies.paper.plan import Group, Plan, Planned

_DONE = (TrialState.COMPLETE, TrialState.PRUNED)
_FIRST_CHECKPOINT = 32  # the first evaluation comes after this part of an epoch


class Sweep:
    """The studies of a plan in a folder; any number of processes may have one on the same."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        """Opens the studies, and makes those that are missing.

        Raises:
            ValueError: The folder cannot be written to, or its database is not one of studies.
        """
        self.plan = plan
        self._locks = writable(folder / "locks", "--out")
        with FileLock(folder / "setup.lock"):
            storage = open_storage(f"sqlite:///{folder / 'sweep.db'}")
            self._studies = {group.name: _study(storage, group) for group in plan.groups}
        self._data: dict[int, Dataset] = {}

    def done(self, group: Group) -> dict[Planned, FrozenTrial]:
        """The finished trials of a group by the run that they are, planned or not.

        Raises:
            ValueError: The study has other trials than runs.
        """
        trials = self._studies[group.name].get_trials(deepcopy=False, states=_DONE)
        try:
            return {Planned(**trial.params): trial for trial in trials}
        except TypeError:
            raise ValueError(
                f"the study {group.name!r} in {self._locks.parent} has trials that are no runs of "
                "a sweep; choose another --out"
            ) from None

    def missing(self) -> list[tuple[Group, Planned]]:
        """The planned runs that are not finished, in the order of the plan."""
        done = {group.name: self.done(group) for group in self.plan.groups}
        return [(group, run) for group, run in self.plan.runs() if run not in done[group.name]]

    def work(
        self,
        go_on: Callable[[], bool] = lambda: True,
        on_run: Callable[[Planned], None] = lambda planned: None,
    ) -> None:
        """Trains runs until none is left that no other process is at.

        Args:
            go_on: Called before each run; false stops here.
            on_run: Called after each run that this process has trained.
        """
        progress = True
        while progress:
            progress = False
            for group, planned in self.missing():
                with self._claim(group, planned) as mine:
                    if not mine:
                        continue
                    if not go_on():
                        return
                    self._studies[group.name].add_trial(self._train(group, planned))
                progress = True
                on_run(planned)

    @contextmanager
    def _claim(self, group: Group, planned: Planned) -> Iterator[bool]:
        """Whether the run is this process's to train."""
        name = "-".join([group.name, *(f"{value:g}" for value in planned)])
        lock = FileLock(self._locks / name)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            yield False
            return
        try:
            yield planned not in self.done(group)
        finally:
            lock.release()
            if planned in self.done(group):
                # Not otherwise: two processes could hold a lock of this name, on different files.
                (self._locks / name).unlink(missing_ok=True)

    def _train(self, group: Group, planned: Planned) -> FrozenTrial:
        """Trains a run from its start to its end."""
        config = RunConfig(
            lr=planned.lr,
            horizon=planned.horizon,
            schedule=as_schedule(group.schedule),
            optimizer=group.optimizer,
            seed=planned.seed,
        )
        steps = checkpoints(planned.horizon, self.plan.epoch, _FIRST_CHECKPOINT)
        started, clock = datetime.now(), time.perf_counter()
        run = Run(config, self._dataset(planned.n_train), steps)
        valid: dict[int, float] = {}
        accuracy: list[float] = []
        test: list[tuple[float, float]] = []
        for evaluation in run.evaluations():
            valid[evaluation.step] = evaluation.loss
            if not run.diverged:
                accuracy.append(evaluation.accuracy)
                test.append(run.test())
        trial = create_trial(
            state=TrialState.PRUNED if run.diverged else TrialState.COMPLETE,
            value=None if run.diverged else valid[planned.horizon],
            params=planned._asdict(),
            distributions=_distributions(group, planned),
            intermediate_values=valid,
            user_attrs={
                "accuracy": accuracy,
                "test_loss": [loss for loss, _ in test],
                "test_accuracy": [share for _, share in test],
                "diverged": run.diverged,
                "samples": run.samples,
                "seconds": time.perf_counter() - clock,
                "data": self._dataset(planned.n_train).source,
            },
        )
        trial.datetime_start = started
        return trial

    def _dataset(self, n_train: int) -> Dataset:
        """The data with this many training images; subsets share their memory."""
        whole = ALL if n_train == ALL else MAX_TRAIN
        if whole not in self._data:
            self._data[whole] = load(self.plan.source, n_train=whole)
        return self._data[whole].first(n_train)


def test_losses(trial: FrozenTrial) -> dict[int, float]:
    """The test loss of a recorded run at each of its checkpoints; NaN where it had diverged."""
    losses = dict.fromkeys(sorted(trial.intermediate_values), math.nan)
    return losses | dict(zip(losses, trial.user_attrs["test_loss"], strict=False))


def _study(storage: RDBStorage, group: Group) -> optuna.Study:
    return optuna.create_study(study_name=group.name, storage=storage, load_if_exists=True)


def _distributions(group: Group, planned: Planned) -> dict[str, BaseDistribution]:
    """Ranges that hold a run's values; its lr is searched over that of the group."""
    fixed = ("seed", "n_train", "horizon")
    counts = {name: IntDistribution(0, max(getattr(planned, name), 1)) for name in fixed}
    return {"lr": FloatDistribution(group.lrs[0], group.lrs[-1], log=True), **counts}
