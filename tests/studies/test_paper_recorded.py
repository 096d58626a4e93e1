"""Recorded runs as tables: what is written is what is read."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial

pytest.importorskip("torch")
pytest.importorskip("filelock")

from optuna_kappa import RunTable
from studies.mnist.data import ALL
from studies.paper.plan import Group, Plan, Planned
from studies.paper.recorded import TEST, export, read
from studies.paper.sweep import Sweep, _distributions

HALF = Group("half", "adam", "constant", ((30, 60),), (1e-3, 1e-2))
WHOLE = Group("whole", "sgd", "cosine", ((ALL, ALL),), (1e-2, 1e-1))
PLAN = Plan("digits", 30, 2, (HALF, WHOLE))
# More digits than are kept.
LOSSES = {15: 2.34567891, 30: 1 / 3, 60: 1.23456789e-5}
TEST_LOSSES = [2.5, 0.25, 1e-7 / 3]


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return Sweep(PLAN, tmp_path)


def add(sweep: Sweep, group: Group, run: Planned, diverged_at: int | None = None) -> None:
    """Adds a run as if it had been trained; one that diverged has no test loss there."""
    steps = [step for step in LOSSES if diverged_at is None or step <= diverged_at]
    losses = {step: math.nan if step == diverged_at else LOSSES[step] for step in steps}
    kept = TEST_LOSSES[: len(steps) - (diverged_at is not None)]
    trial = create_trial(
        state=TrialState.COMPLETE if diverged_at is None else TrialState.PRUNED,
        value=losses[60] if diverged_at is None else None,
        params=run._asdict(),
        distributions=_distributions(group, run),
        intermediate_values=losses,
        user_attrs={"test_loss": kept},
    )
    sweep._studies[group.name].add_trial(trial)


def add_seed(sweep: Sweep, group: Group, seed: int = 0) -> None:
    for run in group.runs(seed):
        add(sweep, group, run)


def test_round_trip(sweep: Sweep, tmp_path: Path) -> None:
    runs = list(HALF.runs(0))
    for run in reversed(runs):  # the table is in the order of the plan all the same
        add(sweep, HALF, run)
    written = export(sweep, tmp_path / "tables")
    assert sorted(path.name for path in written) == [f"half{TEST}.csv.gz", "half.csv.gz"]
    table = read("half", tmp_path / "tables")
    assert table.run.tolist() == ["0", "0", "0", "1", "1", "1"]
    assert table.lr.tolist() == [1e-3] * 3 + [1e-2] * 3
    assert set(table.schedule.tolist()) == {"constant"}
    assert table.horizon.tolist() == [60] * 6
    assert table.step.tolist() == [15, 30, 60] * 2
    assert table.loss.tolist() == [2.34568, 0.333333, 1.23457e-5] * 2
    assert {name: set(values.tolist()) for name, values in table.context.items()} == {
        "optimizer": {"adam"},
        "seed": {"0"},
        "n_train": {"30"},
        "epoch": {"30"},
    }
    test = read(f"half{TEST}", tmp_path / "tables")
    assert test.loss.tolist() == [2.5, 0.25, 3.33333e-8] * 2
    for name in ("run", "lr", "schedule", "horizon", "step"):
        assert getattr(test, name).tolist() == getattr(table, name).tolist()


def test_what_diverged_is_recorded_as_such(sweep: Sweep, tmp_path: Path) -> None:
    fine, diverged = HALF.runs(0)
    add(sweep, HALF, fine)
    add(sweep, HALF, diverged, diverged_at=30)
    export(sweep, tmp_path)
    for name in ("half", f"half{TEST}"):
        table = read(name, tmp_path)
        bad = table.where(table.run == "1")
        assert bad.step.tolist() == [15, 30]
        np.testing.assert_array_equal(np.isnan(bad.loss), [False, True])
        assert np.isfinite(table.loss[table.run == "0"]).all()
    # A run may diverge before anything was measured.
    for run in HALF.runs(1):
        add(sweep, HALF, run, diverged_at=15)
    export(sweep, tmp_path)
    table = read(f"half{TEST}", tmp_path)
    np.testing.assert_array_equal(table.loss[table.context["seed"] == "1"], [math.nan] * 2)


def test_runs_on_all_images_have_test_losses_only(sweep: Sweep, tmp_path: Path) -> None:
    add_seed(sweep, WHOLE)
    assert [path.name for path in export(sweep, tmp_path)] == [f"whole{TEST}.csv.gz"]


def test_groups_without_finished_runs_are_left_out(sweep: Sweep, tmp_path: Path) -> None:
    assert export(sweep, tmp_path / "tables") == []
    assert list((tmp_path / "tables").iterdir()) == []
    sweep._studies["half"].ask()  # nobody's, and not finished
    assert export(sweep, tmp_path / "tables") == []


def test_only_planned_runs_of_whole_seeds_are_exported(sweep: Sweep, tmp_path: Path) -> None:
    add(sweep, HALF, next(HALF.runs(0)))
    assert export(sweep, tmp_path) == []  # half a grid would pass for one
    add(sweep, HALF, list(HALF.runs(0))[1])
    for seed in (1, 2):  # the plan has two
        add_seed(sweep, HALF, seed)
    export(sweep, tmp_path)
    assert set(read("half", tmp_path).context["seed"].tolist()) == {"0", "1"}


def test_same_runs_same_bytes(sweep: Sweep, tmp_path: Path) -> None:
    add_seed(sweep, HALF)
    once = [path.read_bytes() for path in export(sweep, tmp_path)]
    assert [path.read_bytes() for path in export(Sweep(PLAN, tmp_path), tmp_path)] == once


def test_a_table_is_replaced_whole_or_not_at_all(
    sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_seed(sweep, HALF)
    tables = tmp_path / "tables"
    before = {path: path.read_bytes() for path in export(sweep, tables)}

    def interrupted(self: object, path: Path) -> None:
        path.write_bytes(b"half a ta")
        raise KeyboardInterrupt

    add_seed(sweep, HALF, 1)
    monkeypatch.setattr(RunTable, "to_csv", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export(sweep, tables)
    assert {path: path.read_bytes() for path in tables.iterdir()} == before


def test_missing_and_damaged_tables(sweep: Sweep, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot read the run table .*half.csv.gz"):
        read("half", tmp_path)
    add_seed(sweep, HALF)
    path = export(sweep, tmp_path)[0]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match=f"cannot read the run table .*{path.name}"):
        read(path.name.removesuffix(".csv.gz"), tmp_path)


def test_tables_that_cannot_be_written(sweep: Sweep, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="cannot write to the folder .*; choose another --to"):
        export(sweep, tmp_path / "file")
