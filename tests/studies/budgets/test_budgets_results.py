from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from optuna_kappa import read_csv
from studies.budgets import report, searches
from studies.budgets.__main__ import main
from studies.budgets.problem import HORIZON, OPTIMIZERS
from studies.budgets.results import Spread, spread, summarize
from studies.budgets.searches import Handed, Table, search, table
from studies.budgets.sweep import GRID, SEEDS, Recorded, Task, read, tasks
from studies.mnist.training import OptimizerName
from studies.recorded import FOLDER


def recorded(
    optimizer: OptimizerName,
    method: str,
    seed: int = 0,
    *,
    place: int = 0,
    loss: float = 0.2,
    accuracy: float = 0.9,
) -> Recorded:
    return Recorded(Task(optimizer, method, seed, place), 0.1, 1.0, loss, loss, accuracy)


def handed(optimizer: OptimizerName, name: str, spent: float, loss: float) -> Handed:
    return Handed(optimizer, name, 0, spent, 1e-3, loss)


def small() -> tuple[list[Recorded], list[Handed]]:
    runs = []
    models = []
    for optimizer in OPTIMIZERS:
        runs += [recorded(optimizer, "cosine", loss=0.15), recorded(optimizer, "constant", loss=3)]
        for place, accuracy in ((0, 0.8), (12, 0.95), (20, 0.5)):
            runs.append(recorded(optimizer, GRID, place=place, accuracy=accuracy))
        models += [
            handed(optimizer, "kappa told", 2.5, 0.2),
            handed(optimizer, "tpe", 1.0, 0.3),
            handed(optimizer, "tpe", 4.0, 0.1),
        ]
    return runs, models


def test_a_diverged_run_is_the_worst_of_all() -> None:
    assert spread([math.nan, math.nan, 1.0]) == Spread(math.inf, 1.0, math.inf)
    assert spread([math.nan, 0.9, 0.8], worst=0.0).median == 0.8


def test_a_search_has_no_result_before_its_first_model() -> None:
    result = summarize("adam", *small())
    kappa, tpe = result.searches
    assert kappa.budgets[0] == 2.5
    assert [one.median for one in tpe.loss[:2]] == [0.3, 0.3]
    assert tpe.loss[-1].median == 0.1


def test_accuracy_needs_the_whole_range_of_rates() -> None:
    runs, models = small()
    known = summarize("adam", runs, models)
    assert 0.8 < known.searches[0].accuracy[0].median <= 0.95

    middle = [run for run in runs if run.task.place != 20]
    assert summarize("adam", middle, models).searches[0].accuracy == ()


def test_the_page_says_first_where_kappa_loses(tmp_path: Path) -> None:
    text = report.write(*small(), tmp_path).read_text(encoding="utf-8")
    loses = text.index("Where kappa loses")
    assert loses < text.index("![") < text.index("## The best for each budget")
    assert "below 2.5 full runs, kappa has no model" in text
    assert "1e-3, cosine (0.1500)" in text
    assert "TPE is better after 4, 5, 6, 8, 10, 12, 16 full runs" in text
    assert f"**Not finished**: the methods without a search have 1 of {SEEDS} seeds so far" in text
    assert (tmp_path / report.FIGURE).stat().st_size > 0


def test_the_page_needs_results(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing is recorded for adam"):
        report.write([], [], tmp_path)


def test_tasks_are_distinct_and_whole_seeds_come_first() -> None:
    planned = list(tasks())
    assert len(set(planned)) == len(planned)
    assert [task.seed for task in planned] == sorted(task.seed for task in planned)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    path.write_text("optimizer,method\nadam,cosine\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"runs\.csv has a line that is not a result"):
        read(path)


@pytest.mark.parametrize("command", ["sweep --jobs 0", "sweep --seeds 0", "search --repeats 0"])
def test_wrong_numbers_are_refused(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command.split()) == 2
    assert "must be at least 1, got 0" in capsys.readouterr().err


def test_a_missing_package_is_named_before_anything_is_trained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("studies.budgets.__main__._PACKAGES", ("no_such_package",))
    assert main(["sweep"]) == 2
    assert "needs no_such_package; install optuna-kappa with" in capsys.readouterr().err


@pytest.fixture(scope="module")
def adam() -> Table:
    return table("adam")


def test_searches_are_charged_and_stop_at_their_budget(adam: Table) -> None:
    for name in ("random", "grid", "nsga2"):
        models = list(search(adam, name, 0, budget=4))
        assert [model.spent for model in models] == sorted({round(m.spent) for m in models})
        assert models[-1].spent <= 4

    pruned = [model.spent for model in search(adam, "tpe+median", 0, budget=12)]
    assert pruned[-1] % 1 > 0  # pruned trials cost a part of a full run


def test_replays_go_on_where_they_stopped(
    adam: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "NAMES", ("random", "grid"))
    monkeypatch.setattr(searches, "OPTIMIZERS", ("adam",))
    monkeypatch.setattr(searches, "table", lambda optimizer: adam)

    path = tmp_path / "searches.csv"
    assert len(list(searches.replay(path, repeats=1))) == 2
    first = searches.read(path)
    assert {model.name for model in first} == {"random", "grid"}
    assert len(list(searches.replay(path, repeats=2))) == 2
    assert searches.read(path)[: len(first)] == first


def test_a_full_run_has_both_losses_of_one_recorded_run(adam: Table) -> None:
    (model,) = search(adam, "grid", 5, budget=1)
    runs = read_csv(FOLDER / "adam-cosine-test.csv.gz")
    ends = runs.where((runs.horizon == HORIZON) & (runs.step == HORIZON))
    middle = ends.where(np.abs(np.log(ends.lr / model.lr)) < 1e-3)
    assert np.abs(middle.loss - model.test).min() < 1e-4
