"""Trains the planned runs, each exactly once, in as many processes as join in.

The studies are the only record. A run is added to its study as a finished trial, in one
transaction, when it has ended, so a killed process leaves nothing behind. While a process trains a
run, it holds an operating-system lock on a file named after the run; the lock ends with the
process. A process that gets the lock looks into the study once more before it trains.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from optuna_kappa.schedules import as_schedule
from optuna_kappa.study.storage import open_database
from studies.folders import writable
from studies.mnist.data import ALL, MAX_TRAIN, Dataset, load
from studies.mnist.training import Run, RunConfig, checkpoints
from studies.paper.plan import Group, Plan, Planned
from studies.processes import claim

_DONE = (TrialState.COMPLETE, TrialState.PRUNED)
_FIRST_CHECKPOINT = 32  # the first evaluation is after 1/32 of an epoch


class Sweep:
    """The studies of a plan in a folder. Any number of processes can work in the same folder."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        """Open the studies, and make those that are missing.

        Raises:
            ValueError: The folder cannot be written to, or its database does not hold Optuna
                studies.
        """
        self.plan = plan
        self._locks = writable(folder / "locks", "--out")
        self._data: dict[int, Dataset] = {}

        # Only one process at a time may make the database and its studies.
        with FileLock(folder / "setup.lock"):
            storage = open_database(f"sqlite:///{folder / 'sweep.db'}")
            self._studies = {group.name: _study(storage, group) for group in plan.groups}

    def done(self, group: Group) -> dict[Planned, FrozenTrial]:
        """Return the finished trials of a group by their runs, whether these are planned or not.

        Raises:
            ValueError: The study has trials that are not runs of a sweep.
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
        """Return the planned runs that are not finished, in the order of the plan."""
        done = {group.name: self.done(group) for group in self.plan.groups}
        return [(group, run) for group, run in self.plan.runs() if run not in done[group.name]]

    def work(
        self,
        go_on: Callable[[], bool] = lambda: True,
        on_run: Callable[[Planned], None] = lambda planned: None,
    ) -> None:
        """Train runs until the only ones left are being trained by other processes.

        Args:
            go_on: Called before each run; the work stops when it returns false.
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
                    trial = self._train(group, planned)
                    self._studies[group.name].add_trial(trial)

                progress = True
                on_run(planned)

    @contextmanager
    def _claim(self, group: Group, planned: Planned) -> Iterator[bool]:
        """Lock a run; yield whether this process is the one to train it."""
        values = [f"{value:g}" for value in planned]
        path = self._locks / "-".join([group.name, *values])
        mine = False
        try:
            with claim(path) as mine:
                yield mine and planned not in self.done(group)
        finally:
            # The file of an unfinished run must stay: if it were removed, two processes could
            # each hold a lock of this name, on different files.
            if mine and planned in self.done(group):
                path.unlink(missing_ok=True)

    def _train(self, group: Group, planned: Planned) -> FrozenTrial:
        """Train a run from beginning to end and return it as a finished trial."""
        started = datetime.now()
        clock = time.perf_counter()
        run = self._run(group, planned)
        valid_losses: dict[int, float] = {}
        accuracies: list[float] = []
        test_losses: list[float] = []
        test_accuracies: list[float] = []

        for evaluation in run.evaluations():
            valid_losses[evaluation.step] = evaluation.loss
            # The weights of a diverged run give no meaningful test loss.
            if not run.diverged:
                test_loss, test_accuracy = run.test()
                accuracies.append(evaluation.accuracy)
                test_losses.append(test_loss)
                test_accuracies.append(test_accuracy)

        trial = create_trial(
            state=TrialState.PRUNED if run.diverged else TrialState.COMPLETE,
            value=None if run.diverged else valid_losses[planned.horizon],
            params=planned._asdict(),
            distributions=_distributions(group, planned),
            intermediate_values=valid_losses,
            user_attrs={
                "accuracy": accuracies,
                "test_loss": test_losses,
                "test_accuracy": test_accuracies,
                "diverged": run.diverged,
                "samples": run.samples,
                "seconds": time.perf_counter() - clock,
                "data": self._dataset(planned.n_train).source,
            },
        )
        # `create_trial` takes the time of its call, but the run began earlier.
        trial.datetime_start = started
        return trial

    def _run(self, group: Group, planned: Planned) -> Run:
        config = RunConfig(
            lr=planned.lr,
            horizon=planned.horizon,
            schedule=as_schedule(group.schedule),
            optimizer=group.optimizer,
            seed=planned.seed,
        )
        steps = checkpoints(planned.horizon, self.plan.epoch, _FIRST_CHECKPOINT)
        return Run(config, self._dataset(planned.n_train), steps)

    def _dataset(self, n_train: int) -> Dataset:
        """Return the data with this many training images; subsets share their memory."""
        n_loaded = ALL if n_train == ALL else MAX_TRAIN
        if n_loaded not in self._data:
            self._data[n_loaded] = load(self.plan.source, n_train=n_loaded)

        return self._data[n_loaded].first(n_train)


def test_losses(trial: FrozenTrial) -> dict[int, float]:
    """Test loss of a recorded run at each of its checkpoints; NaN where it had diverged."""
    losses = dict.fromkeys(sorted(trial.intermediate_values), math.nan)
    return losses | dict(zip(losses, trial.user_attrs["test_loss"], strict=False))


def _study(storage: RDBStorage, group: Group) -> optuna.Study:
    return optuna.create_study(study_name=group.name, storage=storage, load_if_exists=True)


def _distributions(group: Group, planned: Planned) -> dict[str, BaseDistribution]:
    """Return ranges that contain a run's values; that of lr is the range of the group."""
    return {
        "lr": FloatDistribution(group.lrs[0], group.lrs[-1], log=True),
        "seed": IntDistribution(0, max(planned.seed, 1)),
        "n_train": IntDistribution(0, max(planned.n_train, 1)),
        "horizon": IntDistribution(0, max(planned.horizon, 1)),
    }
