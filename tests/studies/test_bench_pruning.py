from __future__ import annotations

import json
from pathlib import Path

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

pytest.importorskip("rich")

from studies.bench import __main__ as command  # noqa: E402
from studies.bench import decider, pruning  # noqa: E402
from studies.bench.decider import N_REPORTS, PRUNERS, STORAGES, Spent, spent, trials  # noqa: E402

FINISHED, NEW = 12, 3


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple[int, int]]]:
    """Number and last step of each trial that a pruner was asked about, by pruner."""
    found: dict[str, list[tuple[int, int]]] = {}

    class Watched(decider.Timed):
        def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
            assert trial.last_step is not None
            before = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            assert len(before) == trial.number - FINISHED // 2
            name = type(self.pruner).__name__
            found.setdefault(name, []).append((trial.number, trial.last_step))
            return super().prune(study, trial)

    monkeypatch.setattr(decider, "Timed", Watched)
    return found


def test_history_is_that_of_a_search_with_pruning() -> None:
    found = trials(40)
    assert [t.state for t in found].count(TrialState.PRUNED) == 20
    for trial in found:
        reports = trial.intermediate_values
        assert list(reports) == list(range(1, len(reports) + 1))
        assert (len(reports) == N_REPORTS) == (trial.state == TrialState.COMPLETE)
        assert trial.value == reports[len(reports)] > 0
        assert len(trial.params) == 3 and len(reports) >= 2
    best, worst = (
        {t.state for t in sorted(found, key=lambda t: float(t.value or 0))[part]}
        for part in (slice(5), slice(-5, None))
    )
    assert best == {TrialState.COMPLETE} and worst == {TrialState.PRUNED}


@pytest.mark.parametrize("storage", STORAGES)
def test_all_pruners_are_asked_about_the_same_trials(
    storage: str, asked: dict[str, list[tuple[int, int]]], tmp_path: Path
) -> None:
    found = spent(storage, FINISHED, NEW, tmp_path)
    assert list(found) == list(PRUNERS) and len(asked) == len(PRUNERS)
    everything = [(number, step) for number in (12, 13, 14) for step in range(1, N_REPORTS + 1)]
    assert all(seen == everything for seen in asked.values())
    for rows in found.values():
        assert len(rows) == NEW
        assert all(0 < one.mean <= one.slowest and 0 < one.first <= one.slowest for one in rows)


def test_measured_in_a_process_of_its_own() -> None:
    found = pruning.measure("memory", 4, 1)
    assert list(found) == list(PRUNERS) and [len(rows) for rows in found.values()] == [2, 2]


def test_medians_leave_the_first_trial_out() -> None:
    kappa = [Spent(90.0, 9.0, 90.0), Spent(1.0, 2.0, 8.0), Spent(1.0, 3.0, 6.0)]
    median = [Spent(0.5, 0.5, 0.5), Spent(1.0, 1.0, 2.0), Spent(1.0, 1.0, 2.0)]
    one, two = pruning.timings("memory", 100, {"median": median, "kappa": kappa})
    assert (one.mean_ratio, one.slowest_ratio, one.first_ms) == (1.0, 1.0, 0.5)
    assert (two.mean_ms, two.slowest_ms, two.first_ms, two.n_timed) == (2.5, 7.0, 90.0, 2)
    assert (two.mean_ratio, two.slowest_ratio) == (2.5, 3.5)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(storage: str, n_trials: int, n_timed: int) -> dict[str, list[Spent]]:
        ms = {"median": 1.0, "kappa": 1.25 + 1000 * (n_trials == 20)}
        return {name: [Spent(9.0, t, 4 * t)] * (1 + n_timed) for name, t in ms.items()}

    monkeypatch.setattr(pruning, "measure", measure)


@pytest.mark.usefixtures("scripted")
@pytest.mark.parametrize("as_json", [False, True])
def test_main(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--trials", "10,20", "--asks", "2", *(["--json"] if as_json else [])]
    assert command.main(["pruning", *options]) == 0
    printed = capsys.readouterr().out
    if as_json:
        found = json.loads(printed)["pruning"]["timings"]
        rows = [(t["n_trials"], t["storage"], t["pruner"]) for t in found]
        assert rows == [(n, storage, p) for n in (10, 20) for storage in STORAGES for p in PRUNERS]
        assert [t["mean_ratio"] for t in found[:2]] == [1.0, 1.25]
    else:
        assert "1,001.25" in printed and "at most twice the MedianPruner's" in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--trials", "100;1000"], "such as 100,1000"),
        (["--trials", "0"], "must be at least 1"),
        (["--asks", "0"], "must be at least 1"),
    ],
)
def test_wrong_input(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["pruning", *options]) == 2
    assert message in capsys.readouterr().err
