"""Under a storage that fails, sampler, pruner, recommendation and `tune` keep their rules."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from clocks import Clock
from faulty import WAYS, Faults, FaultyStorage, faulty_storage
from optuna.trial import FrozenTrial, Trial, TrialState

from optuna_kappa.launch.limits import Limits
from optuna_kappa.launch.overview import Overview
from optuna_kappa.launch.progress import Progress
from optuna_kappa.launch.search import Search, open_study
from optuna_kappa.launch.settings import Settings
from optuna_kappa.study import patience
from optuna_kappa.study.interrupted import fail_interrupted
from optuna_kappa.study.plans import horizon, kind_of, plan_of
from optuna_kappa.study.storage import open_storage
from optuna_kappa.study.troubles import StorageError
from studies.scale.task import loss_at

SETTINGS = Settings(horizon=24, seed=0)
TRIALS = 14  # ten probes and four full runs


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    made = Clock()
    monkeypatch.setattr(patience, "time", made)
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    yield made
    optuna.logging.set_verbosity(optuna.logging.INFO)


class Diary:
    """What an objective reported, by the number of the trial."""

    def __init__(self) -> None:
        self.reports: dict[int, dict[int, float]] = {}

    def objective(self, trial: Trial) -> float:
        lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
        reports = self.reports.setdefault(trial.number, {})
        for step in range(1, 25):
            trial.report(loss_at(lr, step), step)
            reports[step] = loss_at(lr, step)
            if trial.should_prune():
                raise optuna.TrialPruned()
        return loss_at(lr, 24)


def search(storage: optuna.storages.BaseStorage, diary: Diary, trials: int = TRIALS) -> Search:
    study, settings = open_study(storage, "mine", SETTINGS)
    sampler = settings.sampler()
    study.sampler = sampler
    limits = Limits(trials=trials)
    progress = Progress(study, Overview(study, sampler, "lr", limits), "lr")
    return Search(study, sampler, diary.objective, limits, progress)


def kept(storage: FaultyStorage) -> list[FrozenTrial]:
    """The trials, as they are behind the faults."""
    study_id = storage.behind.get_study_id_from_name("mine")
    return storage.behind.get_all_trials(study_id)


def check_told(trials: list[FrozenTrial], diary: Diary) -> None:
    """Each trial that has ended has the reports that its objective made."""
    assert [trial.number for trial in trials] == list(range(len(trials)))
    for trial in trials:
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
            assert trial.intermediate_values == diary.reports[trial.number]
        if trial.state == TrialState.COMPLETE:
            assert trial.value == diary.reports[trial.number][24]


def outline(trials: list[FrozenTrial]) -> list[tuple[object, ...]]:
    """Plan, rate and result of each trial, in the order in which they were begun."""
    return [
        (plan_of(trial), trial.params.get("lr"), trial.value, trial.state.name)
        for trial in trials
        if plan_of(trial) is not None
    ]


@pytest.fixture(scope="module")
def undisturbed() -> list[tuple[object, ...]]:
    storage = optuna.storages.InMemoryStorage()
    search(storage, Diary()).run()
    return outline(storage.get_all_trials(0))


@pytest.mark.parametrize("behind", ["memory", "journal", "sqlite"])
@pytest.mark.parametrize("seed", range(2))
def test_calls_that_have_no_effect(
    behind: str, seed: int, tmp_path: Path, undisturbed: list[tuple[object, ...]]
) -> None:
    """All is as without them: the same plans, rates and results."""
    url = f"{behind}:///{tmp_path / 'kappa.db'}"
    inner = None
    if behind != "memory":
        inner = optuna.storages.get_storage(open_storage(url, heartbeat=None))
    storage = faulty_storage(Faults(seed, 0.1, ("raises", "delays")), inner)
    diary = Diary()
    searched = search(storage, diary)
    searched.run()

    assert storage.faults.seen.total() > 20
    check_told(kept(storage), diary)
    assert outline(kept(storage)) == undisturbed
    assert all(len(plans) == 1 for plans in storage.plans.values())


@pytest.mark.parametrize("behind", ["memory", "journal", "sqlite"])
@pytest.mark.parametrize("seed", range(2))
def test_calls_that_have_an_effect_twice(behind: str, seed: int, tmp_path: Path) -> None:
    """A trial that was begun without anybody hearing of it is left behind, and has no plan."""
    url = f"{behind}:///{tmp_path / 'kappa.db'}"
    inner = None
    if behind != "memory":
        inner = optuna.storages.get_storage(open_storage(url, heartbeat=None))
    storage = faulty_storage(Faults(seed, 0.1, WAYS), inner)
    diary = Diary()
    search(storage, diary, trials=20).run()

    trials = kept(storage)
    check_told(trials, diary)
    assert all(len(plans) == 1 for plans in storage.plans.values())
    left = [trial for trial in trials if trial.state == TrialState.RUNNING]
    assert all(plan_of(trial) is None and not trial.params for trial in left)
    n_lost = sum(storage.faults.seen[way, "create_new_trial"] for way in ("loses", "twice"))
    assert len(left) == n_lost

    # One that is left takes up a place for a minute, as one that is being planned.
    told = Counter(horizon(trial) for trial in trials if trial.number in diary.reports)
    assert told[1] + told[8] <= 10
    assert told[1] + told[8] + n_lost >= 10


def test_several_workers_at_once() -> None:
    """No rate is given twice, and no trial has two plans."""
    storage = faulty_storage(Faults(7, 0.1, ("raises", "delays")))
    diary = Diary()
    search(storage, diary, trials=1).run()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            search(storage, diary, trials=20).run()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    trials = kept(storage)
    check_told(trials, diary)
    assert all(len(plans) == 1 for plans in storage.plans.values())
    assert Counter(horizon(trial) for trial in trials if kind_of(trial) == "probe") == {1: 6, 8: 4}
    rates = Counter((horizon(trial), trial.params["lr"]) for trial in trials)
    assert rates.most_common(1)[0][1] == 1


@pytest.mark.parametrize("after", [0, 1, 7, 40, 200, 300])
def test_a_storage_that_fails_for_good(after: int, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence; once the storage is back, the search goes on and nothing is lost."""
    faults = Faults(0)
    storage = faulty_storage(faults)
    diary = Diary()
    searched = search(storage, diary)
    answered, n_calls = faults.around, 0

    def dying(name: str, call: object) -> object:
        nonlocal n_calls
        n_calls += 1
        faults.is_dead = n_calls > after
        return answered(name, call)  # type: ignore[arg-type]

    faults.around = dying  # type: ignore[method-assign]
    with pytest.raises(StorageError) as caught:
        searched.run()
    assert str(caught.value).startswith("the storage faulty ")
    assert str(caught.value).isprintable()
    assert "Traceback" not in capsys.readouterr().err

    before = {trial.number: trial for trial in kept(storage) if trial.state.is_finished()}
    faults.around = answered  # type: ignore[method-assign]
    faults.is_dead = False
    again = search(storage, diary, trials=len(before) + 12)
    fail_interrupted(again.study)  # its process would be gone
    again.run()

    trials = kept(storage)
    for number, trial in before.items():
        assert trials[number] == trial
    probes = [trial for trial in trials if kind_of(trial) == "probe"]
    told = Counter(horizon(trial) for trial in probes if trial.state == TrialState.PRUNED)
    assert told == {1: 6, 8: 4}


@pytest.mark.parametrize("seed", range(3))
def test_a_recommendation(seed: int) -> None:
    storage = faulty_storage(Faults(seed))
    searched = search(storage, Diary())
    searched.run()
    expected = searched.sampler.recommend(searched.study)
    storage.faults = Faults(seed, 0.3)
    for _ in range(10):
        assert SETTINGS.sampler().recommend(searched.study) == expected
    assert storage.faults.seen.total() > 2
