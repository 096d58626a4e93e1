"""Time pruners that decide about the same new trials, at studies of the same finished trials."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from optuna_kappa.study.storage import open_database
from studies.bench import history
from studies.replay.objective import LR, Params

N_REPORTS = 50  # of a trial that is not pruned
MEDIAN = "median"
KAPPA = "kappa"
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
_NOISE = 0.02  # standard deviation of a report, in ln loss


class Spent(NamedTuple):
    """Milliseconds that a pruner took for the reports of one trial.

    Attributes:
        first: For the first report.
        mean: Mean over all reports.
        slowest: For the report that took longest.
    """

    first: float
    mean: float
    slowest: float


class Timed(BasePruner):
    """A pruner that records how long each of its decisions took.

    Attributes:
        pruner: The pruner that decides.
        ms: Milliseconds of each decision.
    """

    def __init__(self, pruner: BasePruner) -> None:
        """Time the decisions of this pruner."""
        self.pruner = pruner
        self.ms: list[float] = []

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Return what the pruner decides."""
        started = time.perf_counter()
        decision = self.pruner.prune(study, trial)
        self.ms.append(1e3 * (time.perf_counter() - started))
        return decision


def trials(n: int) -> list[FrozenTrial]:
    """Make finished trials of a random search. The worse half of them is pruned early.

    Args:
        n: Number of trials.
    """
    rng = np.random.default_rng(0)
    columns = [_drawn(distribution, n, rng) for distribution in SPACE.values()]
    configurations = [dict(zip(SPACE, row, strict=True)) for row in zip(*columns, strict=True)]
    median = float(np.median([_excess(params) for params in configurations]))

    finished = []
    for params in configurations:
        pruned = _excess(params) > median
        losses = curve(params, rng)
        n_reports = rng.integers(2, N_REPORTS) if pruned else N_REPORTS
        reported = losses[:n_reports].tolist()

        trial = create_trial(
            state=TrialState.PRUNED if pruned else TrialState.COMPLETE,
            value=reported[-1],
            params=params,
            distributions=dict(SPACE),
            intermediate_values=dict(enumerate(reported, start=1)),
        )
        finished.append(trial)

    return finished


def curve(params: Params, rng: np.random.Generator) -> Floats:
    """Losses after 1 to `N_REPORTS` steps. High learning rates are faster at first."""
    step = np.arange(1, N_REPORTS + 1)
    speed = (params[LR] / SPACE[LR].high) ** 0.1
    losses = (1 + _excess(params)) * (0.1 + np.exp(-speed * step / 5) + 0.9 / np.sqrt(step))

    noise = rng.normal(0.0, _NOISE, N_REPORTS)
    return np.asarray(losses * np.exp(noise))


def _excess(params: Params) -> float:
    """Relative excess of the losses over those of the best parameters."""
    lr_off = np.log10(params[LR] / 1e-2)
    decay_off = np.log10(params["weight_decay"] / 1e-4) / 2
    dropout_off = params["dropout"] - 0.2
    return float(lr_off**2 + decay_off**2 + dropout_off**2)


def _drawn(
    distribution: FloatDistribution,
    n: int,
    rng: np.random.Generator,
) -> list[float]:
    """Values drawn at random, evenly on the scale of the distribution."""
    low = distribution.low
    high = distribution.high
    fraction = rng.random(n)
    if distribution.log:
        values = low * (high / low) ** fraction
    else:
        values = low + (high - low) * fraction

    return [float(value) for value in np.clip(values, low, high)]


def spent(
    storage: str,
    n_trials: int,
    n_timed: int,
    folder: Path,
) -> dict[str, list[Spent]]:
    """Time the decisions of all pruners about new trials, in turn at each report.

    A new trial runs to its last report, whatever the pruners decide. It is finished before the
    next one begins, so that each trial finds another history.

    Args:
        storage: One of `STORAGES`.
        n_trials: Finished trials of the studies.
        n_timed: Number of new trials.
        folder: Folder for databases.

    Returns:
        Times by pruner, one entry for each new trial. The first one is the first trial that the
        pruner sees.
    """
    finished = trials(n_trials)
    with _studies(storage, finished, folder) as studies:
        for _ in range(n_timed):
            _follow([study.ask(dict(SPACE)) for study in studies.values()])

        return {name: _by_trial(study.pruner) for name, study in studies.items()}


def _by_trial(pruner: BasePruner) -> list[Spent]:
    """Times of a pruner, one entry for each trial."""
    assert isinstance(pruner, Timed)
    rows = np.reshape(pruner.ms, (-1, N_REPORTS))
    return [Spent(float(ms[0]), float(ms.mean()), float(ms.max())) for ms in rows]


def _follow(same: Sequence[Trial]) -> None:
    """Report to the same trial of each study, ask each pruner at each report, and finish."""
    rng = np.random.default_rng([0, same[0].number])
    losses = curve(same[0].params, rng).tolist()

    for step, loss in enumerate(losses, start=1):
        for trial in same:
            trial.report(loss, step)
            trial.should_prune()

    for trial in same:
        trial.study.tell(trial, losses[-1])


@contextmanager
def _studies(
    kind: str,
    finished: Sequence[FrozenTrial],
    folder: Path,
) -> Iterator[dict[str, Study]]:
    """A study of its own for each pruner.

    Args:
        kind: One of `STORAGES`.
        finished: Its trials.
        folder: Folder for databases.
    """
    studies: dict[str, Study] = {}
    with ExitStack() as opened:
        for name, pruner in PRUNERS.items():
            if kind == "memory":
                storage = _in_memory(finished)
            else:
                storage = _on_sqlite(finished, folder / f"{name}.db", opened)

            studies[name] = optuna.load_study(
                study_name=_STUDY,
                storage=storage,
                sampler=RandomSampler(seed=0),
                pruner=Timed(pruner()),
            )

        yield studies


def _in_memory(finished: Sequence[FrozenTrial]) -> BaseStorage:
    """A storage in memory that holds a study of these trials."""
    storage = InMemoryStorage()
    study = optuna.create_study(study_name=_STUDY, storage=storage)
    study.add_trials(finished)
    return storage


def _on_sqlite(
    finished: Sequence[FrozenTrial],
    file: Path,
    opened: ExitStack,
) -> BaseStorage:
    """A database that holds a study of these trials, opened as a later process would open it."""
    url = f"sqlite:///{file}"
    new = open_database(url)
    history.fill(new, _STUDY, finished)
    new.engine.dispose()

    again = open_database(url)
    opened.callback(again.engine.dispose)
    return again
