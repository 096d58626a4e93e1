"""The page of the replays, from results made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studies.replay.charts import overview_chart
from studies.replay.report import Replayed, bias, save, write
from studies.replay.targets import INFORMED, PRUNED, SEARCHED, Target
from studies.samplers import Known


def found(last: float | None, low: float | None, high: float | None) -> dict[str, Any]:
    """A sampler's results at two budgets, the first of them without any."""
    return {
        "median_regret": [None, last],
        "mean_regret": [None, last],
        "intervals": [[None, None], [low, high]],
        "budget_to": {"0.05": 3.25, "0.02": None, "0.01": None},
        "ask_ms": 0.5,
    }


def replayed(**searched: dict[str, Any]) -> Replayed:
    samplers = {name: found(0.02, 0.015, 0.025) for name in (*SEARCHED, INFORMED)} | searched
    return Replayed(
        Target("adam-constant", 24),
        {"budgets": [1.0, 24.0], "samplers": samplers},
    )


@pytest.mark.parametrize(
    ("pruned", "expected"),
    [
        (found(0.08, 0.026, 0.1), "**above TPE**: 8 (2.6 to 10)"),
        (found(0.08, 0.024, 0.1), "no difference: 8 (2.4 to 10)"),
        (found(0.01, 0.005, 0.014), "below TPE: 1 (0.5 to 1.4)"),
        (found(0.03, 0.03, None), "**above TPE**: 3 (3 to -)"),
        (found(None, None, None), "**above TPE**: - (- to -)"),
    ],
)
def test_a_pruner_is_judged_by_intervals(pruned: dict[str, Any], expected: str) -> None:
    verdicts = dict(bias(replayed(**{"tpe+median": pruned})))
    assert verdicts["median"] == expected
    assert verdicts["sha"] == "no difference: 2 (1.5 to 2.5)"


def test_the_page_has_all_samplers_and_pruners(tmp_path: Path) -> None:
    page = write([replayed()], repeats=100, docs=tmp_path).read_text()
    for name in (*SEARCHED, INFORMED):
        assert f"| {name} |" in page
    assert "svg" in (tmp_path / "replay" / "overview.svg").read_text()
    assert "| Adam, constant, 24 epochs | 2 (1.5 to 2.5) |" in page
    assert "| kappa | - | 2 | 3.25 | - | - | 0.5 |" in page
    (row,) = [line for line in page.splitlines() if line.startswith("| Adam, constant,")]
    assert len(PRUNED) + 2 == row.count("|") - 1
    figure = tmp_path / "replay" / "adam-constant.svg"
    assert f"![]({figure.relative_to(tmp_path)})" in page
    assert figure.stat().st_size < 60_000


def test_results_are_kept_and_joined(tmp_path: Path) -> None:
    everything = replayed()
    save(everything, 100, tmp_path)
    again = Replayed(
        everything.target,
        everything.searches | {"samplers": {"kappa": found(0.01, 0.01, 0.01)}},
    )
    joined = save(again, 100, tmp_path)
    assert list(joined.searches["samplers"]) == ["kappa", INFORMED, *SEARCHED[1:]]
    assert joined.searches["samplers"]["kappa"]["median_regret"][-1] == 0.01
    assert joined.searches["samplers"]["tpe"] == everything.searches["samplers"]["tpe"]
    # Of another number of repeats, results cannot stand in one table.
    with pytest.raises(ValueError, match="replay without --only first"):
        save(again, 50, tmp_path)


def test_the_overview_is_the_middle_of_the_problems() -> None:
    several = []
    for regret in (0.0001, 0.02, 0.5):
        several.append(replayed(kappa=found(regret, regret, regret)).searches)

    kappa, tpe = overview_chart(several).series
    assert (kappa.x, kappa.y, kappa.low, kappa.high) == ([24.0], (2.0,), (0.1,), (50.0,))
    assert tpe.y == (2.0,)


def test_an_informed_search_is_told_what_its_table_is_of() -> None:
    assert Target("sgd-cosine", 16).known == Known("sgd", 16)
