"""The sweep: each run once, whoever shares the folder; what is recorded of a run."""

from __future__ import annotations

import math
import threading
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState, create_trial

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("filelock")

from optuna_kappa.study.storage import open_storage
from studies.mnist.training import checkpoints
from studies.paper import sweep as module
from studies.paper.plan import Group, Plan, Planned
from studies.paper.sweep import Sweep, test_losses

pytestmark = pytest.mark.usefixtures("one_thread")
losses_on_test = test_losses
del test_losses  # or pytest would take it for one of ours

EPOCH = 480
ADAM = Group("adam", "adam", "constant", ((EPOCH, 2 * EPOCH),), (1e-3, 1e-2))
SGD = Group("sgd", "sgd", f"halving(period={EPOCH})", ((EPOCH, 2 * EPOCH),), (1e-2, 1e10))
PLAN = Plan("digits", EPOCH, 2, (ADAM, SGD))
DIVERGED = Planned(1e10, 0, EPOCH, 2 * EPOCH)


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """All runs of the plan."""
    sweep = Sweep(PLAN, tmp_path_factory.mktemp("done"))
    sweep.work()
    return sweep


def recorded(folder: Path) -> list[tuple[str, Planned]]:
    """All trials there are, read anew."""
    storage = open_storage(f"sqlite:///{folder / 'sweep.db'}")
    studies = [optuna.load_study(study_name=g.name, storage=storage) for g in PLAN.groups]
    return [(s.study_name, Planned(**t.params)) for s in studies for t in s.trials]


def assert_each_once(folder: Path) -> None:
    planned = [(group.name, run) for group, run in PLAN.runs()]
    assert sorted(recorded(folder)) == sorted(planned)
    assert not Sweep(PLAN, folder).missing()
    assert not list((folder / "locks").iterdir())


def test_seed_by_seed_and_stopped_when_told(tmp_path: Path) -> None:
    left = iter([True] * 5)
    trained: list[Planned] = []
    Sweep(PLAN, tmp_path).work(lambda: next(left, False), trained.append)
    assert [(run.seed, run.lr) for run in trained] == [
        *((0, 1e-3), (0, 1e-2), (0, 1e-2), (0, 1e10)),
        (1, 1e-3),
    ]
    rest = Sweep(PLAN, tmp_path)
    assert [run for _, run in rest.missing()] == [run for _, run in PLAN.runs()][5:]
    rest.work()
    assert_each_once(tmp_path)


def test_a_run_that_another_is_at_is_left_to_it(tmp_path: Path) -> None:
    """Asked to go on, the first process holds a run; meanwhile the other trains all others."""
    mine: list[Planned] = []
    theirs: list[Planned] = []
    asked: list[bool] = []

    def go_on() -> bool:
        if not asked:
            asked.append(True)
            other = Sweep(PLAN, tmp_path)
            other.work(on_run=theirs.append)
            assert len(other.missing()) == 1
        return True

    # The first one's list of what is missing is out of date from then on.
    Sweep(PLAN, tmp_path).work(go_on, mine.append)
    assert mine == [next(run for _, run in PLAN.runs())]
    assert len(theirs) == len(list(PLAN.runs())) - 1
    assert_each_once(tmp_path)


def test_shared_by_threads(tmp_path: Path) -> None:
    threads = [threading.Thread(target=Sweep(PLAN, tmp_path).work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_each_once(tmp_path)


def test_a_failed_run_is_left_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="no memory"):
        patch.setattr(module, "Run", fail)
        Sweep(PLAN, tmp_path).work()
    assert recorded(tmp_path) == []
    Sweep(PLAN, tmp_path).work()
    assert_each_once(tmp_path)


def fail(*_: object) -> None:
    raise RuntimeError("no memory")


def test_what_is_recorded_of_a_run(done: Sweep) -> None:
    trials = done.done(ADAM)
    steps = checkpoints(2 * EPOCH, EPOCH, first=32)
    assert steps[0] == EPOCH // 32 and len(steps) == 7
    for run, trial in trials.items():
        assert trial.state == TrialState.COMPLETE
        assert tuple(trial.intermediate_values) == steps
        assert trial.value == trial.intermediate_values[run.horizon]
        assert tuple(losses_on_test(trial)) == steps
        assert all(math.isfinite(loss) for loss in losses_on_test(trial).values())
        attributes = trial.user_attrs
        assert [len(attributes[name]) for name in ("accuracy", "test_loss", "test_accuracy")] == [
            len(steps)
        ] * 3
        assert all(0 <= share <= 1 for share in attributes["accuracy"])
        assert attributes["diverged"] is False and attributes["samples"] == 2 * EPOCH
        assert 0 < attributes["seconds"] < 60 and "digits" in attributes["data"]
        assert trial.datetime_start is not None and trial.datetime_complete is not None
        assert trial.datetime_start < trial.datetime_complete
    assert losses_on_test(trials[Planned(1e-2, 0, EPOCH, 2 * EPOCH)])[960] < 2


def test_what_is_recorded_of_a_run_that_diverged(done: Sweep) -> None:
    trial = done.done(SGD)[DIVERGED]
    assert trial.state == TrialState.PRUNED and trial.user_attrs["diverged"] is True
    *finite, (last_step, last) = sorted(trial.intermediate_values.items())
    assert math.isnan(last) and all(math.isfinite(loss) for _, loss in finite)
    assert trial.user_attrs["samples"] < 2 * EPOCH
    test = losses_on_test(trial)
    assert math.isnan(test[last_step]) and list(test) == [step for step, _ in finite] + [last_step]
    assert len(trial.user_attrs["test_loss"]) == len(finite)


def test_subsets_of_the_data(tmp_path: Path) -> None:
    group = Group("adam", "adam", "constant", ((240, EPOCH), (EPOCH, EPOCH)), (1e-2,))
    sweep = Sweep(Plan("digits", EPOCH, 1, (group,)), tmp_path)
    sweep.work()
    half, whole = sweep.done(group).values()
    assert half.params["n_train"] == 240 and whole.params["n_train"] == EPOCH
    assert half.value != whole.value


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_folders_that_cannot_be_written_to(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="cannot write to the folder .*; choose another --out"):
        Sweep(PLAN, tmp_path / place)


def test_studies_of_another_program(tmp_path: Path) -> None:
    sweep = Sweep(PLAN, tmp_path)
    storage = open_storage(f"sqlite:///{tmp_path / 'sweep.db'}")
    other = optuna.load_study(study_name="sgd", storage=storage)
    other.add_trial(create_trial(value=1.0))
    with pytest.raises(ValueError, match="'sgd' .* no runs of a sweep; choose another --out"):
        sweep.missing()
