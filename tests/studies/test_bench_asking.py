from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.samplers import RandomSampler

pytest.importorskip("rich")

from optuna_kappa import KappaSampler  # noqa: E402
from optuna_kappa.study.plans import kind_of, plan_of  # noqa: E402
from studies.bench import __main__ as command  # noqa: E402
from studies.bench import asking  # noqa: E402
from studies.bench.asker import Asker, Case, Ended, Worker  # noqa: E402
from studies.bench.asking import CASES, TPE, measure  # noqa: E402
from studies.bench.clock import BASE, OWN, STORAGE, Clock, Spent  # noqa: E402

KAPPA = Case("kappa", "kappa")


class Scripted:
    """A worker that answers from a script: a number of ms, None, or how its process ended."""

    answers: dict[str, list[float | None | Ended]] = {}
    order: list[str] = []

    def __init__(self, case: Case, n_trials: int, folder: Path) -> None:
        self._name = case.name
        self._answers = iter(self.answers[case.name])

    def wait(self) -> None:
        if not self.answers[self._name]:
            raise Ended("its process ended with exit code 1")

    def ask(self, limit: float) -> Spent | None:
        self.order.append(self._name)
        answer = next(self._answers)
        if isinstance(answer, Ended):
            raise answer
        return None if answer is None else Spent(answer, 0.25 * answer, 0.0, 0.75 * answer)

    def stop(self) -> None:
        pass


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> type[Scripted]:
    monkeypatch.setattr(asking, "Worker", Scripted)
    monkeypatch.setattr(Scripted, "answers", {})
    monkeypatch.setattr(Scripted, "order", [])
    return Scripted


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by a second whenever it is looked at."""
    monkeypatch.setattr(time, "perf_counter", itertools.count().__next__)


@pytest.fixture
def asker(tmp_path: Path) -> Iterator[Asker]:
    made = Asker(KAPPA, 30, tmp_path)
    yield made
    made.close()


@pytest.mark.usefixtures("ticking")
def test_time_is_charged_to_the_innermost_part() -> None:
    clock = Clock()
    clock.restart()
    with clock.part(BASE):
        with clock.part(STORAGE), clock.part(OWN):
            pass
    assert clock.read() == Spent(total=7e3, storage=2e3, base=2e3, own=3e3)


@pytest.mark.usefixtures("ticking")
def test_what_a_view_leaves_out_is_own_time() -> None:
    class Reading(RandomSampler):
        def before_trial(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
            study.get_trials(deepcopy=False)

    clock = Clock()
    base, reading = Reading(), Reading()
    clock.watch_base(base)
    studies = [
        optuna.create_study(sampler=KappaSampler(24, base_sampler=one)) for one in (base, reading)
    ]
    for study in studies:
        clock.restart()
        study.ask()
        spent = clock.read()
        assert (spent.base > 0) == (study is studies[0])
        # A second to get there; the two of the view inside, going in and out, are not the base's.
        assert spent.total == spent.own + spent.base and spent.base in (0, 2e3)


def test_asks_are_the_laws_and_change_the_history(asker: Asker) -> None:
    seen = [asker.ask() for _ in range(3)]
    trials = asker.study.trials
    assert len(trials) == 33
    for trial in trials[30:]:
        plan = plan_of(trial)
        assert plan is not None and kind_of(trial) == "law"
        assert len(trial.intermediate_values) == plan.horizon and trial.state.is_finished()
    for spent in seen:
        assert spent.total == pytest.approx(spent.storage + spent.base + spent.own)
        assert min(spent) > 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_all_cases_ask(case: Case, tmp_path: Path) -> None:
    if case.sampler == "gp":
        pytest.importorskip("torch")
    asker = Asker(case, 12, tmp_path)
    assert asker.ask().own > 0
    asker.close()


def test_worker_answers_until_its_process_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    worker = Worker(KAPPA, 12, tmp_path)
    assert os.environ["OMP_NUM_THREADS"] == "3"
    worker.wait()
    spent = worker.ask(limit=60.0)
    assert spent is not None and spent.own > 0
    worker._process.kill()
    worker._process.join()
    with pytest.raises(Ended, match="exit code -9"):
        worker.ask(limit=60.0)
    worker.stop()


def test_cases_are_asked_in_turn(script: type[Scripted], tmp_path: Path) -> None:
    script.answers = {TPE.name: [9.0, 1.0, 3.0, 2.0], "kappa": [90.0, 8.0, 6.0, 10.0]}
    tpe, kappa = measure((TPE, KAPPA), 10, n_asks=3, limit=1.0, folder=tmp_path)
    assert script.order == [TPE.name, "kappa"] * 4
    assert (tpe.ratio, kappa.ratio) == (1.0, 4.0)
    assert kappa.first == Spent(90.0, 22.5, 0.0, 67.5) and kappa.n_asks == 3
    assert kappa.median == Spent(8.0, 2.0, 0.0, 6.0) and (kappa.low, kappa.high) == (6.0, 10.0)


def test_slow_cases_are_given_up_on(script: type[Scripted], tmp_path: Path) -> None:
    ended = Ended("its process ended with exit code -9")
    script.answers = {"a": [None], "b": [900.0, 700.0, 700.0], "c": [5.0, None], "d": [5.0, ended]}
    script.answers["e"] = []
    cases = [Case(name, "kappa") for name in "abcde"]
    a, b, c, d, e = measure(cases, 10, n_asks=5, limit=1.0, folder=tmp_path)
    assert script.order == ["a", "b", "c", "d", "b", "c", "d", "b"]
    assert a.first is None and a.gave_up == "more than 1 s"
    assert b.n_asks == 2 and b.gave_up == ""
    assert c.median is None and c.gave_up == "more than 1 s"
    assert d.n_asks == 0 and "exit code -9" in d.gave_up and "exit code 1" in e.gave_up
    assert [t.ratio for t in (a, b, c, d, e)] == [None] * 5


@pytest.mark.parametrize("as_json", [False, True])
def test_main(as_json: bool, script: type[Scripted], capsys: pytest.CaptureFixture[str]) -> None:
    script.answers = {case.name: [9.0, 8.0, 7.0] for case in CASES}
    script.answers["GP"] = [9.0, 2000.0, None]
    options = ["--trials", "10,20", "--asks", "2", "--limit", "3"]
    assert command.main(["asking", *options, *(["--json"] if as_json else [])]) == 0
    printed = capsys.readouterr().out
    if as_json:
        found = json.loads(printed)["asking"]["timings"]
        names = [case.name for case in CASES]
        assert [t["case"] for t in found] == names * 2
        assert [t["n_trials"] for t in found] == [10] * len(names) + [20] * len(names)
        assert found[0]["median"] == {"total": 7.5, "storage": 1.875, "base": 0.0, "own": 5.625}
        assert found[-1]["gave_up"] == "more than 3 s" and found[-1]["n_asks"] == 1
    else:
        assert "2,000.0" in printed and "GP at 20 trials: then more than 3 s" in printed
