from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optuna_kappa import KappaSampler, RunTable, read_csv, schedules
from optuna_kappa._validation import one_line, shown
from optuna_kappa.report import write
from optuna_kappa.runs import example_runs
from optuna_kappa.study.decisions import decisions


class Loud:
    """An object whose text controls a terminal."""

    def __repr__(self) -> str:
        return "two\nlines \x1b[31mred"


@pytest.mark.parametrize("value", [Loud(), [Loud()], np.eye(9), [10**5000], "\ud800\n", b"\n"])
def test_values_are_shown_in_one_printable_line(value: Any) -> None:
    assert shown(value).isprintable()
    assert len(shown(value)) <= 100


def test_one_line() -> None:
    assert one_line("a\nb\u2028c") == "a\\nb\\u2028c"


RUNS = example_runs(horizons=[1])


@pytest.mark.parametrize(
    "call",
    [
        lambda: KappaSampler(24, sources=RUNS),  # type: ignore[arg-type]
        lambda: KappaSampler(24, sources=[Loud()]),  # type: ignore[list-item]
        lambda: schedules.step(n=4, period=RUNS),  # type: ignore[call-overload]
        lambda: schedules.from_torch(lambda _: Loud(), n_steps=4),  # type: ignore
        lambda: RunTable.from_columns({"two\nlines": [1]}),
        lambda: read_csv("two\nlines"),
        lambda: RUNS.to_csv("no such folder/two\nlines"),
        lambda: RUNS.to_csv("\ud800"),
        lambda: write("no such folder/two\nlines", "page"),
        lambda: write(Loud(), "page"),  # type: ignore[arg-type]
        lambda: decisions(Loud(), 0),  # type: ignore[arg-type]
    ],
)
def test_errors_are_one_line(call: Any) -> None:
    with pytest.raises(ValueError, match=".") as caught:
        call()
    assert str(caught.value).isprintable()
