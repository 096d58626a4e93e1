"""The page of the pruners, from results made by hand, and from a small replay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from simulated import Simulated, grid

from studies.recorded import FOLDER
from studies.replay import pruning_report
from studies.replay.pruning_report import SETTINGS, Family, families, kept_of, replay, save, write
from studies.replay.results import Json

FIELDS = ("survival", "survival_1pct", "regret", "saved", "lr_shift")
EVERY = [one for several in SETTINGS.values() for one in several]


def results(names: list[str], value: float = 0.25) -> Json:
    one = {f: value for f in FIELDS} | {"intervals": {f: [0.125, 0.5] for f in FIELDS}}
    bins = [{"low": 0.05, "high": 0.2, "stated": 0.1, "won": 0.125, "n": 8}]
    return {"pruners": {name: one for name in names}, "reliability": bins}


FAMILY = Family("mine", "My runs", Path("mine.csv"), None)


def test_the_page_has_every_pruner_and_family(tmp_path: Path) -> None:
    save(FAMILY, results(EVERY), 100, tmp_path)
    page = write(tmp_path)
    text = page.read_text()
    assert page == tmp_path / "pruning.md"
    for name in SETTINGS:
        assert f"| {name} | 25 (12 to 50) |" in text
    assert "## My runs" in text and "![](pruning/mine.svg)" in text
    assert "| My runs | 12 of 8 |" in text
    assert "| | 5 to 20 % |" in text.replace("|  |", "| |")
    for figure in ("mine", "reliability"):
        assert 1_000 < (tmp_path / "pruning" / f"{figure}.svg").stat().st_size < 60_000


def test_results_are_joined_and_those_of_other_repeats_forgotten(tmp_path: Path) -> None:
    save(FAMILY, results(EVERY), 100, tmp_path)
    save(FAMILY, results(["kappa"], 0.5), 100, tmp_path)
    pruners = kept_of(tmp_path)["families"]["mine"]["pruners"]
    assert pruners["kappa"]["saved"] == 0.5 and pruners["median"]["saved"] == 0.25
    save(FAMILY, results(["median"]), 7, tmp_path)
    with pytest.raises(ValueError, match="no results of .*kappa:0.05.* for mine; replay without"):
        write(tmp_path)


def test_pruners_that_were_not_replayed_are_left_out(tmp_path: Path) -> None:
    save(FAMILY, results([*SETTINGS["kappa"], "median"]), 100, tmp_path)
    text = write(tmp_path).read_text()
    assert "| median | 25" in text and "| sha |" not in text


def test_nothing_was_kept(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there are no results in .*results\.json"):
        write(tmp_path)


def test_families_are_the_recorded_tables_and_more(tmp_path: Path) -> None:
    more = tmp_path / "mine.csv.gz"
    more.touch()
    found = families(Path(FOLDER), [more])
    assert len(found) == 9
    assert found[0].path == Path(FOLDER) / "adam-constant.csv.gz"
    assert found[-1] == Family("mine", "mine", more, None)


def test_a_small_replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "small.csv"
    Simulated(noise=0.02).runs(grid(), horizon=64.0).to_csv(path)
    monkeypatch.setattr(pruning_report, "N_TRIALS", 8)
    told: list[str] = []
    found = replay(Family("small", "Small", path, None), 3, 1, told.append, ["kappa", "median"])
    assert told == ["Small"]
    assert set(found["pruners"]) == {*SETTINGS["kappa"], *SETTINGS["median"]}
    assert all(0 <= b["won"] <= 1 and b["n"] > 0 for b in found["reliability"])
    json.dumps(found, allow_nan=False)
