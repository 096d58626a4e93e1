"""Workers that are killed and started again while they share a study; what is left is counted."""

from __future__ import annotations

import collections
import json
import math
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa.study.interrupted import fail_interrupted
from optuna_kappa.study.plans import plan_of
from optuna_kappa.study.storage import close_storage, database_files
from studies.scale import task
from studies.scale.workers import join_study, start_worker

_NEVER = 10**9  # trials: a worker goes on until it is killed
_LONGEST_START = 120.0  # seconds
_POLL = 0.1
_N_RESTARTS = 2
_MOST_TRIALS = 60  # of the one worker that completes the study at the end


@dataclass(frozen=True)
class Chaos:
    """What is left of a study whose workers were killed.

    Attributes:
        n_kills: Workers that were killed while others went on.
        n_ended: Workers that had ended by themselves before they were to be killed.
        n_trials: Trials.
        n_told: Trials that a worker says it has told.
        lost: Numbers of those that are not stored with their value and their reports.
        twice: Numbers that several trials have.
        retried: Trials that were run again, with their plan and rate.
        probes: Probes that told something, by horizon.
        planned: Probes that were to be run, by horizon.
        intact: Whether the check of the database finds nothing; True where there is none.
        off: Factor between the recommended and the best learning rate, at least 1.
        regret: Loss of a full run at the recommended rate above that of the best, as a part of it.
    """

    n_kills: int
    n_ended: int
    n_trials: int
    n_told: int
    lost: list[int]
    twice: list[int]
    retried: int
    probes: Mapping[int, int]
    planned: Mapping[int, int]
    intact: bool
    off: float
    regret: float

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def run(
    url: str,
    folder: Path,
    *,
    n_workers: int = 4,
    seconds: float = 10.0,
    kill_every: float = 2.0,
    full_run: float = 0.2,
    seed: int = 0,
    heartbeat: int | None = None,
    restart: Callable[[], None] | None = None,
) -> Chaos:
    """Kill workers of a study and start others, then complete it by one worker.

    Args:
        url: URL of the storage.
        folder: Where the workers write what they have told.
        n_workers: Workers that run at the same time.
        seconds: How long.
        kill_every: Seconds between two kills.
        full_run: Seconds that a full run takes.
        seed: Seed of who is killed.
        heartbeat: Seconds between two signs of life of a trial; None for none.
        restart: Restarts the server of the storage, which is done twice; None if it has none.
    """
    given = (url, _NEVER, full_run, str(folder), heartbeat)
    rng = np.random.default_rng(seed)
    workers = [start_worker(*given) for _ in range(n_workers)]
    n_kills = n_ended = 0

    try:
        _wait_until_at_work(folder)
        restarts = np.linspace(0, seconds, _N_RESTARTS + 2)[1:-1].tolist()
        begin = time.monotonic()
        while time.monotonic() + kill_every <= begin + seconds:
            time.sleep(kill_every)
            if restart is not None and restarts and time.monotonic() > begin + restarts[0]:
                restarts.pop(0)
                restart()
            victim = int(rng.integers(n_workers))
            n_ended += not _kill(workers[victim])
            workers[victim] = start_worker(*given)
            n_kills += 1
    finally:
        for worker in workers:
            _kill(worker)

    study = join_study(url, heartbeat)
    _complete(study)
    chaos = _count(study, url, folder, (n_kills, n_ended))
    close_storage(study._storage)
    return chaos


def _wait_until_at_work(folder: Path) -> None:
    """Wait until a trial has been told: on a busy machine, workers take seconds to start."""
    end = time.monotonic() + _LONGEST_START
    while not read_told(folder) and time.monotonic() < end:
        time.sleep(_POLL)


def _kill(worker: BaseProcess) -> bool:
    """Kill a worker; whether it was still at work."""
    was_alive = worker.is_alive()
    worker.kill()
    worker.join()
    return was_alive


def _complete(study: optuna.Study) -> None:
    """Run what the killed workers left, until all probes have told something."""
    fail_interrupted(study)
    rungs = dict(task.sampler().rungs)
    for _ in range(_MOST_TRIALS):
        if _told_probes(study.get_trials(deepcopy=False)) >= collections.Counter(rungs):
            return
        study.optimize(task.objective(0.0), n_trials=1)


def _count(study: optuna.Study, url: str, folder: Path, victims: tuple[int, int]) -> Chaos:
    trials = study.get_trials(deepcopy=False)
    told = read_told(folder)
    by_number = {trial.number: trial for trial in trials}
    lost = [number for number, said in told.items() if not _is_kept(by_number.get(number), said)]

    numbers = collections.Counter(trial.number for trial in trials)
    recommended = task.sampler().recommend(study)
    return Chaos(
        n_kills=victims[0],
        n_ended=victims[1],
        n_trials=len(trials),
        n_told=len(told),
        lost=lost,
        twice=[number for number, count in numbers.items() if count > 1],
        retried=sum("failed_trial" in trial.system_attrs for trial in trials),
        probes=dict(sorted(_told_probes(trials).items())),
        planned=dict(task.sampler().rungs),
        intact=_is_intact(url),
        off=math.exp(abs(math.log(recommended / task.BEST_LR))),
        regret=task.loss_at(recommended, task.TARGET) / task.loss_at(task.BEST_LR, task.TARGET)
        - 1,
    )


def _told_probes(trials: Sequence[FrozenTrial]) -> collections.Counter[int]:
    counts: collections.Counter[int] = collections.Counter()
    for trial in trials:
        plan = plan_of(trial)
        ended = trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
        if plan is not None and plan.is_probe and ended and trial.intermediate_values:
            counts[plan.horizon] += 1
    return counts


def read_told(folder: Path) -> dict[int, dict[str, Any]]:
    """What workers have told, by the number of the trial; half a line does not count."""
    told = {}
    for path in sorted(folder.glob("told-*")):
        for line in path.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                said = json.loads(line)
                told[said["number"]] = said
    return told


def _is_kept(trial: FrozenTrial | None, said: Mapping[str, Any]) -> bool:
    if trial is None:
        return False
    reports = {str(step): value for step, value in trial.intermediate_values.items()}
    stored = (trial.value, trial.state.name, trial.params, reports)
    return stored == (said["value"], said["state"], said["params"], said["reports"])


def _is_intact(url: str) -> bool:
    """What SQLite says of its file; a journal or a server has no such check."""
    files = database_files(url)
    if not files:
        return True
    with closing(sqlite3.connect(files[0])) as connection:
        found = [tuple(row) for row in connection.execute("PRAGMA integrity_check")]
    return found == [("ok",)]
