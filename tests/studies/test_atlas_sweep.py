"""The atlas's sweep: each part once, tables that exist are kept, what is recorded of a run."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("filelock")

from optuna_kappa import RunTable, read_csv
from studies.atlas import catalog
from studies.atlas.__main__ import main
from studies.atlas.family import CONSTANT, Family, TableOf, Trained
from studies.atlas.optima import losses_of
from studies.atlas.sweep import LOG, Sweep, as_table
from studies.atlas.synthetic import linear_values

pytestmark = pytest.mark.usefixtures("one_thread")

FAMILY = Family(
    name="line",
    title="a line",
    make=lambda: linear_values(40),
    n_train=40,
    horizon=256,
    batch=4,
    trained=(Trained("sgd", 1e-3, 1e3, (CONSTANT, "cosine")), Trained("adam", 1e-3, 0.1)),
    n_lrs=3,
    n_seeds=2,
)
TABLES = list(catalog.tables((FAMILY,)))
NAMES = ["line-sgd-constant", "line-adam-constant", "line-sgd-cosine"]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """All tables of the family."""
    folder = tmp_path_factory.mktemp("done")
    sweep = Sweep(TABLES, folder / "parts", folder / "tables")
    sweep.work()
    return sweep


def recorded(sweep: Sweep, name: str) -> RunTable:
    return read_csv(sweep.to / f"{name}.csv.gz")


def test_every_table_is_written(done: Sweep) -> None:
    assert not done.missing()
    assert sorted(path.name for path in done.to.iterdir()) == sorted(
        f"{name}.csv.gz" for name in NAMES
    )
    log = (done.parts / LOG).read_text()
    for table in TABLES:
        assert log.count(f"{table.name}, horizon") == len(table.horizons)
        assert log.count(f"{table.name}.csv.gz is complete") == 1


def test_tables_say_what_was_trained(done: Sweep) -> None:
    for table in TABLES:
        runs = recorded(done, table.name)
        assert {name: set(values) for name, values in runs.context.items()} == {
            "optimizer": {table.trained.optimizer},
            "seed": {"0", "1"},
            "n_train": {"40"},
            "family": {"line"},
            "epoch": {"40"},
        }
        assert set(runs.schedule) == {table.schedule}
        assert sorted(set(runs.lr)) == list(table.lrs)
        assert sorted(set(runs.horizon)) == list(table.horizons)
        assert set(runs.horizon) <= set(runs.step)
        assert len(set(runs.run)) == 2 * 3 * len(table.horizons)
        assert losses_of(table.name, runs).loss.shape[:2] == (2, 3)


def test_losses_have_five_digits(done: Sweep) -> None:
    finite = recorded(done, NAMES[1]).loss
    assert all(loss == float(f"{loss:.5g}") for loss in finite[np.isfinite(finite)])


def test_diverged_runs_end_with_nan(done: Sweep) -> None:
    runs = recorded(done, NAMES[0])
    diverged = 0
    for rows in runs.by_run():
        *before, last = runs.loss[rows]
        assert np.isfinite(before).all()
        diverged += math.isnan(last)
        assert runs.lr[rows[0]] == 1e3 or runs.step[rows[-1]] == 256
    assert diverged == 2


def test_what_is_there_is_kept_and_the_rest_is_trained(
    done: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = Sweep(TABLES, tmp_path / "parts", tmp_path / "tables")
    left = iter([True] * 4)
    again.work(lambda: next(left, False))
    assert len(again.missing()) == len(done.tables[2].horizons) - 2
    kept = again.path(TABLES[0])
    before = kept.stat().st_mtime_ns

    trained: list[int] = []
    train = Sweep._train

    def spy(sweep: Sweep, table: TableOf, horizon: int) -> None:
        trained.append(horizon)
        train(sweep, table, horizon)

    monkeypatch.setattr(Sweep, "_train", spy)
    Sweep(TABLES, tmp_path / "parts", tmp_path / "tables").work()
    assert trained == list(TABLES[2].horizons[2:])
    assert kept.stat().st_mtime_ns == before
    for name in NAMES:
        ours, theirs = recorded(again, name), recorded(done, name)
        assert np.array_equal(ours.loss, theirs.loss, equal_nan=True)


def test_a_table_without_its_parts_is_kept(done: Sweep, tmp_path: Path) -> None:
    assert not Sweep(TABLES, tmp_path, done.to).missing()


def test_a_part_that_another_is_at_is_left_to_it(tmp_path: Path) -> None:
    first = Sweep(TABLES[:2], tmp_path / "parts", tmp_path / "tables")
    second = Sweep(TABLES[:2], tmp_path / "parts", tmp_path / "tables")
    asked: list[int] = []

    def go_on() -> bool:
        if not asked:
            asked.append(1)
            second.work()
            assert [table.name for table, _ in second.missing()] == NAMES[:1]
        return True

    first.work(go_on)
    assert not first.missing()


def test_a_family_states_its_data(tmp_path: Path) -> None:
    wrong = dataclasses.replace(FAMILY, n_train=41)
    with pytest.raises(ValueError, match="states 41 training samples, but has 40"):
        Sweep(list(wrong.tables()), tmp_path, tmp_path).work()


def test_fresh_data_have_no_epochs() -> None:
    fresh = dataclasses.replace(FAMILY, n_train=256)
    table = next(fresh.tables())
    runs = as_table(table, 256, np.ones((2, 3, len(table.grid(256).steps))))
    assert "epoch" not in runs.context and set(runs.context["n_train"]) == {"256"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sweep", "no-such-family"], "no table has no-such-family in its name; families: digits"),
        (["sweep", "--jobs", "0"], "jobs must be at least 1"),
        (["sweep", "--minutes", "nan"], "minutes at least 0"),
        (["report", "--from", "{folder}", "--to", "{folder}"], "there are no cases of the atlas"),
    ],
)
def test_wrong_commands(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word.format(folder=tmp_path) for word in arguments]) == 2
    assert message in capsys.readouterr().err


def test_command_stops_in_time(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    places: list[Any] = ["--out", str(tmp_path / "parts"), "--to", str(tmp_path / "tables")]
    limits = ["--jobs", "1", "--minutes", "1e-9"]
    assert main(["sweep", "boosted", *limits, *places]) == 0
    assert "Parts still to do: 2. Run the same command again" in capfd.readouterr().out
    assert not list((tmp_path / "tables").iterdir())
