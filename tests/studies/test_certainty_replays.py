"""The study of stated probabilities: what is recorded, and the page that is written from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from studies.certainty.__main__ import main
from studies.certainty.report import PAGE, chart
from studies.certainty.statements import (
    FULL_RUNS,
    REGRETS,
    STATEMENTS,
    Stated,
    held,
    read,
    replay,
    tasks,
    write,
)


def stated(probability: float, regret: float, seed: int = 0) -> Stated:
    return Stated("mnist", "a", seed, 1, (probability,) * len(REGRETS), regret)


def test_statements_are_read_as_they_were_written(tmp_path: Path) -> None:
    several = [stated(0.25, 0.015), stated(0.5, 0.001, seed=1)]
    write(several, tmp_path / "statements.csv.gz")
    assert read(tmp_path / "statements.csv.gz") == several


def test_held_counts_what_was_right() -> None:
    several = [stated(0.9, 0.015), stated(0.85, 0.5), stated(0.3, 0.0)]
    n, said, right = held(several, REGRETS.index(0.02), 0.8, 0.95)
    assert (n, right) == (2, 0.5) and said == pytest.approx(0.875)
    assert held(several, 0, 0.95, 1.01)[0] == 0


def test_the_recorded_statements_are_those_of_all_searches() -> None:
    recorded = read()
    searches = {(one.group, one.table, one.seed) for one in recorded}
    assert searches == {(task.group, task.table, task.seed) for task in tasks()}
    assert {one.full_runs for one in recorded} == set(FULL_RUNS)


def test_a_search_states_again_what_is_recorded() -> None:
    task = next(task for task in tasks() if task.table == "autoencoder-adam-constant")
    again = replay(task)
    recorded = [one for one in read() if (one.table, one.seed) == (task.table, task.seed)]
    assert [one.full_runs for one in again] == [one.full_runs for one in recorded]
    # Linear algebra that rounds otherwise may send a search another way after a while.
    assert again[0].probabilities == pytest.approx(recorded[0].probabilities, abs=0.002)
    assert again[0].regret == pytest.approx(recorded[0].regret, rel=0.01)


def test_the_page_is_written_from_what_is_recorded(tmp_path: Path) -> None:
    assert main(["report", "--docs", str(tmp_path)]) == 0
    written = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert written == Path("docs", PAGE).read_text(encoding="utf-8")
    assert len(chart(read()).series) == 3


def test_wrong_jobs_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "--jobs", "0", "--out", str(STATEMENTS)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
