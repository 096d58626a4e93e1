"""What a person sees who opens the page of `optuna-kappa report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hostile_study import EVIL, hostile_study

from optuna_kappa.cli import main
from optuna_kappa.study.example import example_study
from optuna_kappa.study.storage import open_database

if TYPE_CHECKING:
    from conftest import Seen
    from playwright.sync_api import Page

pytest.importorskip("playwright")

DRAWN = """() => [...document.querySelectorAll(".figure.js-plotly-plot")]
    .filter((place) => place.data.length && place.querySelector(".main-svg")).length"""
VALUES = """() => [...document.querySelectorAll("section:last-child tbody tr")]
    .map((row) => row.cells[4].dataset.value).map((value) => value && Number(value))"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("reported")
    url = f"sqlite:///{folder}/kappa.db"
    storage = open_database(url)
    example_study(storage)
    hostile_study(storage)
    storage.engine.dispose()
    assert main(["report", "--storage", url, "--out", f"{folder}/report.html"]) == 0
    return folder / "report.html"


def test_every_figure_is_drawn(report: Path, tab: Page, seen: Seen) -> None:
    tab.goto(report.as_uri())
    n_figures = tab.locator(".figure").count()
    assert n_figures >= 7  # three of each study at least, and the budget of both
    tab.wait_for_function(f"({DRAWN})() === {n_figures}")
    assert seen.errors == []
    assert seen.dialogs == []


def test_nothing_is_requested(report: Path, tab: Page, seen: Seen) -> None:
    tab.goto(report.as_uri())
    tab.wait_for_load_state("networkidle")
    assert {url for url in seen.requests if not url.startswith(("data:", "blob:"))} == {
        report.as_uri()
    }


def test_names_are_shown_as_they_are(report: Path, tab: Page, seen: Seen) -> None:
    tab.goto(report.as_uri())
    assert tab.inner_text("section:last-child h2") == f"Trials of {EVIL}"
    assert f"{EVIL}" in tab.inner_text("section:last-child thead")
    assert tab.locator("section img").count() == 0
    assert seen.dialogs == []


def test_a_click_sorts_the_table(report: Path, tab: Page, seen: Seen) -> None:
    tab.goto(report.as_uri())
    before = tab.evaluate(VALUES)
    heading = tab.locator("section:last-child th", has_text="value")
    assert heading.get_attribute("aria-sort") is None

    heading.get_by_role("button").click()
    up = tab.evaluate(VALUES)
    assert heading.get_attribute("aria-sort") == "ascending"
    assert up == sorted(up) != before

    heading.get_by_role("button").press("Enter")
    assert tab.evaluate(VALUES) == up[::-1]
    assert heading.get_attribute("aria-sort") == "descending"

    # Numbers of which the table shows texts, and names.
    tab.locator("section:last-child th", has_text="trial").first.get_by_role("button").click()
    assert tab.evaluate(VALUES) == before
    assert seen.errors == []
