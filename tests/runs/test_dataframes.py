"""Data frames of three libraries: the same runs, the same law, one sentence for what is wrong."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
from simulated import Simulated, grid

from optuna_kappa import RunTable, fit

LIBRARIES = ("pandas", "polars", "pyarrow")


def frame_of(library: str, columns: dict[str, Any]) -> Any:
    module = pytest.importorskip(library)
    return (module.table if library == "pyarrow" else module.DataFrame)(columns)


def columns_of(runs: RunTable) -> dict[str, Any]:
    names = ("run", "lr", "schedule", "horizon", "step", "loss")
    return {name: getattr(runs, name).tolist() for name in names}


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_law_of_a_frame_is_that_of_the_table(
    library: str, caplog: pytest.LogCaptureFixture
) -> None:
    runs = Simulated(noise=0.1, diverges=20).runs(grid())
    columns = columns_of(runs)
    law = fit(runs)
    assert fit(RunTable.from_dataframe(frame_of(library, columns))).to_json() == law.to_json()
    assert caplog.text == ""

    other_names = {"Name": columns["run"], "learning_rate": columns["lr"]}
    other_names |= {"tokens": columns["step"], "val/loss": columns["loss"]}
    frame = frame_of(library, other_names)
    again = RunTable.from_dataframe(frame, horizon=64, step="tokens", loss="val/loss")
    assert fit(again).to_json() == law.to_json()
    assert "read run from 'Name', lr from 'learning_rate'" in caplog.text


def test_without_horizon_and_run_they_follow_from_the_steps(
    caplog: pytest.LogCaptureFixture,
) -> None:
    runs = Simulated().runs(grid())
    columns = columns_of(runs)
    frame = frame_of("polars", {name: columns[name] for name in ("lr", "step", "loss")})
    table = RunTable.from_dataframe(frame)
    assert set(table.horizon.tolist()) == {64.0}
    assert len(set(table.run.tolist())) == 10
    assert fit(table).to_json() == fit(runs).to_json()
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert "no column tells runs apart" in messages[0]
    assert "each run's is taken to be its last step" in messages[1]


def test_runs_with_one_lr_begin_where_the_step_starts_over() -> None:
    frame = frame_of("pandas", {"lr": [0.1] * 5, "step": [1, 2, 1, 2, 3], "loss": [5, 4, 6, 5, 4]})
    assert RunTable.from_dataframe(frame).run.tolist() == ["0", "0", "1", "1", "1"]
    mixed = frame_of("pandas", {"lr": [0.1] * 6, "step": [1, 1, 2, 2, 3, 3], "loss": [5.0] * 6})
    with pytest.raises(ValueError, match="rows of several runs with the same lr are mixed"):
        RunTable.from_dataframe(mixed)


def test_context_is_what_does_not_change_within_a_run() -> None:
    columns = {"run": ["a", "a", "b"], "lr": [0.1, 0.1, 0.2], "step": [1, 2, 2]}
    columns |= {"loss": [3.0, 2.0, 2.5], "width": [64, 64, None], "grad_norm": [1.5, 2.5, 3.5]}
    frame = frame_of("pandas", columns)
    context = RunTable.from_dataframe(frame).context
    assert {name: values.tolist() for name, values in context.items()} == {
        "width": ["64", "64", ""]
    }
    with pytest.raises(ValueError, match="'grad_norm' changes within run 'a'"):
        RunTable.from_dataframe(frame, context=["grad_norm"])


GOOD = {"run": ["a", "b"], "lr": [0.1, 0.2], "step": [1, 1], "loss": [3.0, 2.0]}


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({}, {"loss": "los"}, "there is no column 'los', which loss names; the columns are run"),
        ({}, {"context": ["size"]}, "there is no column 'size', which context names"),
        ({"lr": ["0.1", "fast"]}, {}, "row 1: lr must be a number, but is 'fast'"),
        ({"lr": [0.1, -0.2]}, {}, "row 1: lr must be finite and at least 0, but is -0.2"),
        ({"lr": [None, np.nan]}, {}, "no run has a learning rate above 0 in the column 'lr'"),
        ({"lr": [0.1, 0.0]}, {}, "1 of 2 runs have no learning rate"),
        ({"step": [1, -1]}, {}, "row 1: step must be finite and at least 0, but is -1"),
        ({"step": [None, None]}, {}, "no row has a step in the column 'step'"),
        ({"loss": [np.nan, None]}, {}, "no run has a loss in the column 'loss'; other columns"),
        ({"loss": ["a", "b"]}, {}, "row 0: loss must be a number, but is 'a'"),
        ({}, {"horizon": 0.5}, "row 0: step must be between 0 and the run's horizon, but is 1"),
        ({}, {"horizon": -3}, "horizon must be a finite number in (0, inf), got -3"),
        ({}, {"lr": 3}, "lr must be a str, got 3: it is the name of a column"),
        (
            {"run": ["a", "a"], "step": [1, 2], "h": [2, 3]},
            {"horizon": "h"},
            "row 1: run 'a' has horizon 3.0 in the column 'h', but 2.0 at row 0; a run has one",
        ),
        ({"val_loss": [1.0, 2.0], "eval/loss": [1.0, 2.0], "loss": None}, {}, "several columns"),
        ({"loss": None}, {}, "column 'loss' is missing; the columns are run, lr, step: say which"),
        ({name: [] for name in GOOD}, {}, "the table has no rows"),
    ],
)
def test_one_sentence(
    columns: dict[str, Any],
    options: dict[str, Any],
    message: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    merged = {name: values for name, values in (GOOD | columns).items() if values is not None}
    frame = frame_of("pandas", merged)
    try:
        RunTable.from_dataframe(frame, **options)
    except ValueError as error:
        said = str(error)
    else:
        said = caplog.text
    assert message in said
    assert "\n" not in said.strip() or said == caplog.text


def test_what_is_no_frame_and_names_given_twice() -> None:
    for wrong in ([1, 2], {"lr": [1]}, None, np.ones(3)):
        with pytest.raises(ValueError, match="frame must be a data frame, got"):
            RunTable.from_dataframe(wrong)
    frame = frame_of("pandas", GOOD)
    frame.columns = ["run", "lr", "lr", "loss"]
    with pytest.raises(ValueError, match="two columns named 'lr'"):
        RunTable.from_dataframe(frame)


def test_infinite_losses_and_gaps_are_kept_as_they_are(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    columns = {"run": ["a"] * 3, "lr": [0.1] * 3, "step": [1, 2, 3]}
    frame = frame_of("polars", columns | {"loss": [3.0, None, np.inf]})
    table = RunTable.from_dataframe(frame, horizon=3)
    np.testing.assert_array_equal(table.loss, [3.0, np.nan, np.inf])
    assert caplog.text == ""
