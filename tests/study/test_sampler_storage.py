"""Everything follows from the storage and the seed, and the storage is left in peace."""

from __future__ import annotations

import collections
import shutil
import subprocess
import sys
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.samplers import BaseSampler, RandomSampler
from optuna.storages import InMemoryStorage, RDBStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState
from searching import LR, SIMPLE, TARGET, kinds, lrs, objective, search
from simulated import Simulated, grid

from optuna_kappa import KappaPruner, KappaSampler
from optuna_kappa.search.ladder import N_PROBES

N_TRIALS = N_PROBES + 6
ELSEWHERE = """
import sys
import optuna
from searching import LR, TARGET
from optuna_kappa import KappaSampler
from optuna_kappa.study import plan_of

BATCH = optuna.distributions.IntDistribution(1, 64)
optuna.logging.set_verbosity(optuna.logging.ERROR)
sampler = KappaSampler(TARGET, seed=7)
study = optuna.load_study(study_name=None, storage=sys.argv[1], sampler=sampler)
trial = study.ask({"lr": LR, "batch": BATCH})
print(trial.params, plan_of(trial).kind, end="")
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Study]]:
    """A search that was never interrupted, with the file as it was before each trial."""
    folder = tmp_path_factory.mktemp("recorded")
    with_storage = opened(folder / "kappa.db")
    for number in range(N_TRIALS):
        shutil.copy(folder / "kappa.db", folder / f"before_{number}.db")
        with_storage.optimize(train, n_trials=1)
    yield folder, with_storage
    close(with_storage)


def train(trial: Trial) -> float:
    trial.suggest_float("lr", LR.low, LR.high, log=True)
    trial.suggest_int("batch", 1, 64)
    return objective()(trial)


def params(study: Study) -> list[dict[str, Any]]:
    return [trial.params for trial in study.trials]


def opened(path: Path, sampler: BaseSampler | None = None) -> Study:
    return optuna.create_study(
        study_name="only",
        storage=RDBStorage(f"sqlite:///{path}"),
        sampler=sampler or KappaSampler(TARGET, seed=7),
        pruner=KappaPruner(),
        load_if_exists=True,
    )


def close(study: Study) -> None:
    """Lets go of the SQLite file."""
    storage: Any = study._storage
    getattr(storage, "_backend", storage).engine.dispose()


@pytest.mark.parametrize("n_before", [2, N_PROBES - 1, N_PROBES, N_PROBES + 3])
def test_the_same_proposals_after_reopening(
    recorded: tuple[Path, Study], tmp_path: Path, n_before: int
) -> None:
    folder, whole = recorded
    shutil.copy(folder / f"before_{n_before}.db", tmp_path / "kappa.db")
    study = opened(tmp_path / "kappa.db")
    study.optimize(train, n_trials=N_TRIALS - n_before)
    assert params(study) == params(whole)
    assert kinds(study) == kinds(whole)
    close(study)


@pytest.mark.parametrize("n_before", [N_PROBES - 6, N_PROBES + 1])
def test_the_same_proposal_in_another_process(
    recorded: tuple[Path, Study], tmp_path: Path, n_before: int
) -> None:
    folder, whole = recorded
    path = tmp_path / "kappa.db"
    shutil.copy(folder / f"before_{n_before}.db", path)
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, f"sqlite:///{path}"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": f"{Path(__file__).parents[1]}:{Path(__file__).parents[2]}"},
    )
    assert done.stdout == f"{params(whole)[n_before]} {kinds(whole)[n_before]}"


def test_another_seed_proposes_otherwise(recorded: tuple[Path, Study], tmp_path: Path) -> None:
    folder, whole = recorded
    shutil.copy(folder / "before_0.db", tmp_path / "kappa.db")
    study = opened(tmp_path / "kappa.db", KappaSampler(TARGET, seed=8))
    study.optimize(train, n_trials=2)
    assert lrs(study)[0] != lrs(whole)[0]
    close(study)


def test_without_a_seed_no_two_samplers_are_alike() -> None:
    def first() -> float:
        return float(
            optuna.create_study(sampler=KappaSampler(TARGET)).ask({"lr": LR}).params["lr"]
        )

    assert first() != first()


def test_one_sampler_serves_two_studies_at_once() -> None:
    """What it remembers of one study is not taken for the other."""
    shared = KappaSampler(TARGET, seed=7)
    together = [optuna.create_study(sampler=shared, pruner=KappaPruner()) for _ in range(2)]
    problems = [Simulated(1.0), Simulated(0.0)]
    for _ in range(N_TRIALS):
        for study, problem in zip(together, problems, strict=True):
            study.optimize(objective(problem), n_trials=1)
    for study, problem in zip(together, problems, strict=True):
        alone = search(KappaSampler(TARGET, seed=7), N_TRIALS, problem)
        assert lrs(study) == lrs(alone)
    assert lrs(together[0]) != lrs(together[1])


class Counting(InMemoryStorage):
    """Counts reads of all trials, but for those that `study.ask` makes for waiting ones."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: collections.Counter[str] = collections.Counter()

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        if states is None or TrialState.COMPLETE in states:
            self.calls["read"] += 1
        return super().get_all_trials(study_id, deepcopy, states)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        self.calls["user attribute"] += 1
        super().set_trial_user_attr(trial_id, key, value)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self.calls["system attribute"] += 1
        super().set_trial_system_attr(trial_id, key, value)

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self.calls["study attribute"] += 1
        super().set_study_user_attr(study_id, key, value)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self.calls["study attribute"] += 1
        super().set_study_system_attr(study_id, key, value)


def test_one_read_and_one_attribute_a_trial() -> None:
    storage = Counting()
    study = optuna.create_study(
        storage=storage,
        sampler=KappaSampler(TARGET, base_sampler=RandomSampler(seed=0), seed=0),
        pruner=KappaPruner(),
    )
    for _ in range(N_TRIALS):
        storage.calls.clear()
        trial = study.ask({"lr": LR})
        trial.suggest_int("batch", 1, 64)
        assert storage.calls == {"read": 1, "user attribute": 1}
        for step in (1, 2):
            trial.report(1.0, step)
            trial.should_prune()
        study.tell(trial, abs(trial.params["lr"] - 1e-3))
        # The pruner reads for a decision about a full run, at most once a report.
        decisions = 0 if kinds(study)[-1] == "probe" else 2
        assert storage.calls.pop("read") <= 1 + decisions + 1  # and this test's own read
        assert storage.calls == {"user attribute": 1}
    assert {"probe", "law"} <= set(kinds(study))


def test_batched_asks_spread(tmp_path: Path) -> None:
    """Trials that are asked before any of them suggests do not all take the same lr."""
    storage = f"sqlite:///{tmp_path / 'kappa.db'}"
    sampler = KappaSampler(TARGET, sources=[SIMPLE.runs(grid())], seed=0)
    study = optuna.create_study(storage=storage, sampler=sampler)
    batch = [study.ask() for _ in range(4)]
    chosen = [trial.suggest_float("lr", 1e-5, 1e-1, log=True) for trial in batch]
    assert len(set(chosen)) == 4


def test_a_study_made_anew_is_not_taken_for_the_old_one() -> None:
    sampler = KappaSampler(TARGET, n_probes=3, seed=0)
    first = optuna.create_study(study_name="a", sampler=sampler, pruner=KappaPruner())
    first.optimize(objective(), n_trials=4)
    second = optuna.create_study(study_name="a", sampler=sampler, pruner=KappaPruner())
    second.optimize(objective(), n_trials=3)
    assert sampler.law(second) == KappaSampler(TARGET, n_probes=3, seed=0).law(second)
