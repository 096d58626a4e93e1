"""Choosing rows of a run table."""

from __future__ import annotations

import re

import pytest

from optuna_kappa import RunTable
from optuna_kappa.runs.selection import in_unit, parse_where, samples_an_epoch, select, varying


def runs(**context: list[str]) -> RunTable:
    return RunTable.from_columns(
        {
            "run": ["0", "0", "1", "1"],
            "lr": [1e-3, 1e-3, 1e-2, 1e-2],
            "schedule": ["constant", "constant", "cosine(floor=0.1)", "cosine(floor=0.1)"],
            "horizon": [80.0] * 4,
            "step": [0.0, 80.0, 20.0, 80.0],
            "loss": [1.0, 2.0, 3.0, 4.0],
            **context,
        }
    )


def test_where_is_read() -> None:
    assert parse_where("") == {}
    assert parse_where("a=1, b = x=y ,") == {"a": "1", "b": "x=y"}
    schedule = "step(drop=0.5, every=0.1)"
    assert parse_where(f"schedule={schedule},a=1") == {"schedule": schedule, "a": "1"}


@pytest.mark.parametrize("text", ["width", "width=", "=64", "a=1,a=2"])
def test_where_written_otherwise(text: str) -> None:
    with pytest.raises(ValueError, match=f"COLUMN=VALUE,..., .* but is {text!r}"):
        parse_where(text)


def test_rows_by_value() -> None:
    table = runs(width=["64", "64", "128", "auto"], kind=["a", "b", "a", "b"])
    assert select(table, {}) is table
    assert select(table, {"width": "64"}).loss.tolist() == [1, 2]
    assert select(table, {"width": "auto", "kind": "b"}).loss.tolist() == [4]
    assert select(table, {"schedule": "constant"}).loss.tolist() == [1, 2]


def test_numbers_may_be_written_in_any_way() -> None:
    assert select(runs(width=["64", "64", "1e3", "1e3"]), {"width": "64.0"}).loss.tolist() == [
        1,
        2,
    ]


def test_no_such_column_or_row() -> None:
    table = runs(width=["64", "64", "128", "128"])
    with pytest.raises(ValueError, match="'depth' is not a context column; the table has width"):
        select(table, {"depth": "2"})
    with pytest.raises(ValueError, match=re.escape("no run has width=32; there are 128, 64")):
        select(table, {"width": "32"})
    with pytest.raises(ValueError, match="no run has schedule=linear; there are constant, cosine"):
        select(table, {"schedule": "linear"})


def test_what_varies() -> None:
    different = ["1", "2", "3", "4"]
    assert varying(runs(seed=different, epoch=different, width=different, a=["1"] * 4)) == [
        "width"
    ]
    assert varying(RunTable.empty()) == []


def test_horizons_in_epochs() -> None:
    table = runs(epoch=["20"] * 4)
    assert samples_an_epoch(table) == 20
    assert in_unit(table, 3) == 60
    assert in_unit(table, 20) == 20  # the first report is at 20: no epochs
    assert in_unit(runs(), 3) == 3
    assert samples_an_epoch(runs(epoch=["20", "20", "30", "30"])) == 0
    assert samples_an_epoch(runs(epoch=["ten"] * 4)) == 0
