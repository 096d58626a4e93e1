"""What grows with the trials of a study: time of a worker, memory and files."""

from __future__ import annotations

import math
import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import FloatDistribution
from optuna.storages import BaseStorage, InMemoryStorage, get_storage
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa import KappaSampler
from optuna_kappa.study.attributes import as_text
from optuna_kappa.study.plans import PLAN
from optuna_kappa.study.private import append_trial
from optuna_kappa.study.storage import open_storage
from studies.scale import task

_LR = FloatDistribution(1e-5, 1e-1, log=True)
_START = datetime(2026, 1, 1)
_N_ASKS = 5
_KINDS = ("memory", "sqlite", "journal")


@dataclass(frozen=True)
class Growth:
    """What a worker of a study with so many finished trials of 24 reports needs.

    Attributes:
        storage: Kind of the storage.
        n_trials: Finished trials.
        first_ask: CPU seconds until a new process has its first learning rate.
        ask: CPU seconds for a learning rate after that, one trial having been told; the median.
        decision: CPU seconds of the slowest decision of the pruner in a full run.
        recommend: CPU seconds for a recommendation.
        renewed: CPU seconds for a learning rate in a new study that has this one as its source,
            the second one: the source is read once.
        memory: Peak megabytes of the process.
        file: Megabytes of the files; 0 in memory.
    """

    storage: str
    n_trials: int
    first_ask: float
    ask: float
    decision: float
    recommend: float
    renewed: float
    memory: float
    file: float

    def as_dict(self) -> dict[str, Any]:
        """As plain values, rounded."""
        return {
            name: float(f"{value:.3g}") if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def measure(kind: str, n_trials: int, folder: Path) -> Growth:
    """Fill a storage with trials and measure a worker of it, in a process of its own.

    Args:
        kind: "memory", "sqlite" or "journal".
        n_trials: Finished trials.
        folder: Where the files may be.

    Raises:
        ValueError: There is no such kind.
    """
    if kind not in _KINDS:
        raise ValueError(f"growth is measured in {', '.join(_KINDS)}, got {kind!r}")
    path = folder / f"{kind}-{n_trials}"
    url = "" if kind == "memory" else f"{kind}:///{path}"
    context = multiprocessing.get_context("spawn")
    if url:
        filler = context.Process(target=_fill, args=(url, n_trials))
        filler.start()
        filler.join()

    ours, theirs = context.Pipe()
    worker = context.Process(target=_measure, args=(kind, url, n_trials, theirs))
    worker.start()
    theirs.close()
    times, memory = ours.recv()
    worker.join()
    size = sum(one.stat().st_size for one in folder.glob(f"{path.name}*")) / 1e6
    first, ask, decision, recommend, renewed = times
    return Growth(kind, n_trials, first, ask, decision, recommend, renewed, memory, size)


def _study(storage: BaseStorage) -> optuna.Study:
    return optuna.create_study(
        storage=storage,
        study_name="grown",
        sampler=task.sampler(),
        pruner=task.pruner(),
        load_if_exists=True,
    )


def _fill(url: str, n_trials: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    _fill_study(_study(get_storage(open_storage(url))), n_trials)


def _fill_study(study: optuna.Study, n_trials: int) -> None:
    """Ten probes, and full runs about the best rate."""
    rng = np.random.default_rng(0)
    ladder = [horizon for horizon, n in task.sampler().rungs for _ in range(n)]
    for number in range(n_trials):
        is_probe = number < len(ladder)
        horizon = ladder[number] if is_probe else task.TARGET
        best = math.log(task.BEST_LR * task.TARGET / horizon)
        lr = math.exp(np.clip(rng.normal(best, 1.0), math.log(_LR.low), math.log(_LR.high)))
        append_trial(study, _trial(lr, horizon, "probe" if is_probe else "law", number))


def _trial(lr: float, horizon: int, kind: str, number: int) -> FrozenTrial:
    plan = {"horizon": horizon, "kind": kind, "schedule": "constant"}
    reports = {step: task.loss_at(lr, step) for step in range(1, horizon + 1)}
    is_full = horizon == task.TARGET
    begin = _START + timedelta(seconds=number)
    return FrozenTrial(
        number=-1,
        trial_id=-1,
        state=TrialState.COMPLETE if is_full else TrialState.PRUNED,
        value=reports[horizon] if is_full else None,
        datetime_start=begin,
        datetime_complete=begin + timedelta(seconds=1),
        params={"lr": lr},
        distributions={"lr": _LR},
        user_attrs={PLAN: as_text(plan)},
        system_attrs={},
        intermediate_values=reports,
    )


def _measure(kind: str, url: str, n_trials: int, pipe: Any) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if kind == "memory":
        study = _study(InMemoryStorage())
        _fill_study(study, n_trials)
        study = _study(study._storage)  # with a sampler that has seen nothing
        first, trial = _timed(lambda: _asked(study))
    else:
        first, (study, trial) = _timed(lambda: _opened_and_asked(url))

    # Trials by the law are never ended for their forecast.
    plan = {"horizon": task.TARGET, "kind": "base", "schedule": "constant"}
    trial.set_user_attr(PLAN, as_text(plan))
    decisions = []
    for step in range(1, task.TARGET + 1):
        trial.report(task.loss_at(trial.params["lr"], step), step)
        decisions.append(_timed(trial.should_prune)[0])
    study.tell(trial, task.loss_at(trial.params["lr"], task.TARGET))

    asks = []
    for _ in range(_N_ASKS):
        seconds, trial = _timed(lambda: _asked(study))
        study.tell(trial, task.loss_at(trial.params["lr"], task.TARGET))
        asks.append(seconds)
    recommend, _ = _timed(lambda: task.sampler().recommend(study))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3  # kilobytes on Linux
    new = optuna.create_study(sampler=KappaSampler(task.TARGET, seed=0, sources=[study]))
    _asked(new)
    renewed, _ = _timed(lambda: _asked(new))
    seconds_of = (first, float(np.median(asks)), max(decisions), recommend, renewed)
    pipe.send((seconds_of, memory))


def _opened_and_asked(url: str) -> tuple[optuna.Study, optuna.Trial]:
    study = _study(get_storage(open_storage(url, heartbeat=None)))
    return study, _asked(study)


def _asked(study: optuna.Study) -> optuna.Trial:
    trial = study.ask()
    trial.suggest_float("lr", _LR.low, _LR.high, log=True)
    return trial


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    result = call()
    return time.process_time() - began, result
