"""Pruners asked about the same new trials, at studies of the same finished ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import optuna
from optuna.distributions import FloatDistribution
from optuna.pruners import BasePruner, MedianPruner
from optuna.samplers import RandomSampler
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from optuna_kappa import KappaPruner
from optuna_kappa._typing import Floats
from optuna_kappa.study.storage import open_storage
from studies.bench import history
from studies.replay.objective import LR, Params

N_REPORTS = 50  # of a trial that is not pruned
MEDIAN, KAPPA = "median", "kappa"
PRUNERS: Mapping[str, Callable[[], BasePruner]] = MappingProxyType(
    {MEDIAN: MedianPruner, KAPPA: KappaPruner}
)
STORAGES = "memory", "SQLite"
SPACE: Mapping[str, FloatDistribution] = MappingProxyType(
    {
        LR: FloatDistribution(1e-4, 1.0, log=True),
        "weight_decay": FloatDistribution(1e-6, 1e-2, log=True),
        "dropout": FloatDistribution(0.0, 0.5),
    }
)
_STUDY = "bench"
_NOISE = 0.02  # of a report, in ln loss


class Spent(NamedTuple):
    """Milliseconds that a pruner took for the reports of one trial.

    Attributes:
        first: For the first of them.
        mean: The mean of all.
        slowest: For the one that took longest.
    """

    first: float
    mean: float
    slowest: float


class Timed(BasePruner):
    """A pruner that notes how long each of its decisions took, in milliseconds."""

    def __init__(self, pruner: BasePruner) -> None:
        """Times this one."""
        self.pruner = pruner
        self.ms: list[float] = []

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """What the pruner decides."""
        started = time.perf_counter()
        decision = self.pruner.prune(study, trial)
        self.ms.append(1e3 * (time.perf_counter() - started))
        return decision


def trials(n: int) -> list[FrozenTrial]:
    """Finished trials of a random search, the worse half of them pruned early."""
    rng = np.random.default_rng(0)
    columns = [_drawn(distribution, n, rng) for distribution in SPACE.values()]
    drawn = [dict(zip(SPACE, row, strict=True)) for row in zip(*columns, strict=True)]
    usual = float(np.median([_behind(params) for params in drawn]))
    found = []
    for params in drawn:
        pruned = _behind(params) > usual
        seen = curve(params, rng)[: rng.integers(2, N_REPORTS) if pruned else N_REPORTS]
        trial = create_trial(
            state=TrialState.PRUNED if pruned else TrialState.COMPLETE,
            value=float(seen[-1]),
            params=params,
            distributions=dict(SPACE),
            intermediate_values=dict(enumerate(seen.tolist(), start=1)),
        )
        found.append(trial)
    return found


def curve(params: Params, rng: np.random.Generator) -> Floats:
    """Losses after 1 to `N_REPORTS` steps; high learning rates are fast at first."""
    step = np.arange(1, N_REPORTS + 1)
    speed = (params[LR] / SPACE[LR].high) ** 0.1
    losses = (1 + _behind(params)) * (0.1 + np.exp(-speed * step / 5) + 0.9 / np.sqrt(step))
    return np.asarray(losses * np.exp(rng.normal(0.0, _NOISE, N_REPORTS)))


def _behind(params: Params) -> float:
    """By what part the losses are above those of the best parameters."""
    off = np.log10(params[LR] / 1e-2), np.log10(params["weight_decay"] / 1e-4) / 2
    return float(off[0] ** 2 + off[1] ** 2 + (params["dropout"] - 0.2) ** 2)


def _drawn(distribution: FloatDistribution, n: int, rng: np.random.Generator) -> list[float]:
    low, high = distribution.low, distribution.high
    even = rng.random(n)
    at = low * (high / low) ** even if distribution.log else low + (high - low) * even
    return [float(value) for value in np.clip(at, low, high)]


def spent(storage: str, n_trials: int, n_timed: int, folder: Path) -> dict[str, list[Spent]]:
    """Times the decisions of all pruners about new trials, in turn at each report.

    A new trial is not ended before its last report, whatever the pruners say, and finished before
    the next one begins, so that each finds another history.

    Args:
        storage: One of `STORAGES`.
        n_trials: Finished trials of the studies.
        n_timed: Number of new trials.
        folder: For databases.

    Returns:
        By pruner, trial by trial; the first trial is the first that the pruner sees.
    """
    finished = trials(n_trials)
    with _studies(storage, finished, folder) as studies:
        for _ in range(n_timed):
            _follow([study.ask(dict(SPACE)) for study in studies.values()])
        return {name: _by_trial(study.pruner) for name, study in studies.items()}


def _by_trial(pruner: BasePruner) -> list[Spent]:
    assert isinstance(pruner, Timed)
    rows = np.reshape(pruner.ms, (-1, N_REPORTS))
    return [Spent(float(ms[0]), float(ms.mean()), float(ms.max())) for ms in rows]


def _follow(same: list[Trial]) -> None:
    """Reports to all of these trials in turn, asks each time, and finishes them."""
    losses = curve(same[0].params, np.random.default_rng([0, same[0].number])).tolist()
    for step, loss in enumerate(losses, start=1):
        for trial in same:
            trial.report(loss, step)
            trial.should_prune()
    for trial in same:
        trial.study.tell(trial, losses[-1])


@contextmanager
def _studies(kind: str, finished: list[FrozenTrial], folder: Path) -> Iterator[dict[str, Study]]:
    """A study of its own for each pruner; one on SQLite as a process that comes later opens it."""
    studies: dict[str, Study] = {}
    with ExitStack() as opened:
        for name in PRUNERS:
            storage: BaseStorage = InMemoryStorage()
            if kind == "memory":
                optuna.create_study(study_name=_STUDY, storage=storage).add_trials(finished)
            else:
                url = f"sqlite:///{folder / f'{name}.db'}"
                new = open_storage(url)
                history.fill(new, _STUDY, finished)
                new.engine.dispose()
                storage = again = open_storage(url)
                opened.callback(again.engine.dispose)
            sampler = RandomSampler(seed=0)
            studies[name] = optuna.load_study(
                study_name=_STUDY, storage=storage, sampler=sampler, pruner=Timed(PRUNERS[name]())
            )
        yield studies
