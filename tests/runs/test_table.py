from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from run_tables import example

from optuna_kappa import RunTable


class Unshowable:
    """An object whose text cannot be had."""

    def __repr__(self) -> str:
        raise RuntimeError("no text")


def test_diverged_losses_are_kept() -> None:
    np.testing.assert_array_equal(example().loss, [2.5, np.nan, np.inf, -np.inf])
    assert len(example()) == 4


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"lr": [0.1, 0.1]}, "all columns must have the same length"),
        ({"batch": [[8], [8], [16], [16]]}, "all columns must have the same length"),
        ({"lr": ["fast"] * 4}, "column 'lr' must hold numbers: .*'fast'"),
        ({"loss": [None, object(), 1, 2]}, "column 'loss' must hold numbers"),
        ({"loss": [1j] * 4}, "column 'loss' must hold numbers: they are complex128"),
        ({"step": np.full(4, "2026", "M8[D]")}, "column 'step' must hold numbers: they are date"),
        ({"run": [Unshowable()] * 4}, "a column must hold texts: no text"),
        ({"lr": [0.1, 0.1, -1.0, 1.0]}, "^row 2: lr must be a positive finite number"),
        ({"run": ["a"] * 4}, "^row 2: run 'a' has lr 0.001, but 0.1 at row 0"),
    ],
)
def test_wrong_columns(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        example(**columns)


def test_names_of_columns_are_shown_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"but got a\\nb$"):
        RunTable.from_columns({"a\nb": [1]})


def test_masked_losses_are_missing() -> None:
    masked = np.ma.array([1.0, 2.0, 3.0, 4.0], mask=[False, True, False, False])
    np.testing.assert_array_equal(example(loss=masked).loss, [1, np.nan, 3, 4])


def test_tables_cannot_be_changed_nor_their_input() -> None:
    loss = np.ones(4)
    table = example(loss=loss)
    loss[0] = 2
    assert table.loss.tolist() == [1, 1, 1, 1]
    with pytest.raises(ValueError, match="read-only"):
        table.lr[0] = 5


def test_where() -> None:
    table = example().where(np.array([False, True, False, True]))
    assert table.run.tolist() == ["a", "c"]
    assert table.context["batch"].tolist() == ["8", "16"]
    assert len(table.where(np.zeros(2, dtype=bool))) == 0


def test_groups() -> None:
    found = [(values, table.run.tolist()) for values, table in example().groups(["batch"])]
    assert found == [({"batch": "16"}, ["b", "c"]), ({"batch": "8"}, ["a", "a"])]
    found = [(values, table.run.tolist()) for values, table in example().groups(["batch", "size"])]
    assert found[0] == ({"batch": "16", "size": ""}, ["b"])
    assert len(found) == 4
    ((values, whole),) = example().groups([])
    assert (values, len(whole)) == ({}, 4)
    with pytest.raises(ValueError, match="'width' is not a context column .* has size, batch"):
        list(example().groups(["width"]))


def test_concatenate_keeps_runs_apart() -> None:
    plain = RunTable.from_columns(
        {"run": ["a"], "lr": [7], "schedule": ["x"], "horizon": [3], "step": [1], "loss": [0]}
    )
    both = RunTable.concatenate([example(), plain])
    assert both.run.tolist() == ["0:a", "0:a", "0:b", "0:c", "1:a"]
    assert both.lr.tolist() == [*example().lr, 7]
    assert both.context["batch"].tolist() == ["8", "8", "16", "16", ""]
    assert len(RunTable.concatenate([])) == len(RunTable.empty()) == 0
    assert len(RunTable.concatenate(iter([RunTable.empty(), plain]))) == 1
