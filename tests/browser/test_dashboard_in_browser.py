"""What a person sees who starts `optuna-kappa dashboard` and looks at a study."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import optuna
import pytest
from hostile_study import EVIL, hostile_study

from optuna_kappa.dashboard.content import content_of
from optuna_kappa.study.example import example_study
from optuna_kappa.study.storage import open_database

if TYPE_CHECKING:
    from conftest import Seen
    from playwright.sync_api import Page

pytest.importorskip("optuna_dashboard")
pytest.importorskip("playwright")

FIGURES = "[id^='user-defined-plot:kappa-']"
DRAWN = f"""() => [...document.querySelectorAll("{FIGURES}")]
    .filter((place) => place.matches(".js-plotly-plot") && place.data.length
            && place.querySelector(".main-svg"))
    .map((place) => place.id.replace("user-defined-plot:", ""))"""
PAGES = ("", "/analytics", "/trials", "/trialTable", "/note")
SECONDS = 90  # within which a busy machine starts a process and draws a study


class Started:
    """The dashboard of a storage, started by the command."""

    def __init__(self, url: str) -> None:
        self.storage = url
        self.process = subprocess.Popen(
            [sys.executable, "-m", "optuna_kappa", "dashboard", url, "--port=0", "--no-browser"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Whoever runs the tests in the background may have them ignore the signal.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert " is shown at http://127.0.0.1:" in line, line
        self.url = line.partition(" is shown at ")[2].split()[0]

    def detail(self, study: int) -> dict[str, Any]:
        """What the page is told about a study, once it has been drawn."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            with urlopen(f"{self.url}api/studies/{study}") as answer:
                detail: dict[str, Any] = json.load(answer)
            if detail["plotly_graph_objects"]:
                return detail
            time.sleep(0.2)
        raise AssertionError("nothing was drawn")


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    url = f"sqlite:///{tmp_path_factory.mktemp('watched')}/kappa.db"
    storage = open_database(url)
    example_study(storage)
    hostile_study(storage)
    storage.engine.dispose()

    dashboard = Started(url)
    yield dashboard
    dashboard.process.send_signal(signal.SIGINT)
    out, err = dashboard.process.communicate(timeout=SECONDS)
    assert (dashboard.process.returncode, out, err) == (130, "", "")


def ids_of(detail: dict[str, Any]) -> list[str]:
    return sorted(figure["id"] for figure in detail["plotly_graph_objects"])


@pytest.mark.parametrize("study", [1, 2])
def test_every_figure_is_drawn(started: Started, tab: Page, seen: Seen, study: int) -> None:
    expected = ids_of(started.detail(study))
    tab.goto(f"{started.url}dashboard/studies/{study}")
    tab.wait_for_function(f"({DRAWN})().length === {len(expected)}")
    assert sorted(tab.evaluate(DRAWN)) == expected
    assert seen.dialogs == []
    assert all(url.startswith((started.url, "data:", "blob:")) for url in seen.requests)


def test_the_figures_are_those_of_the_study(started: Started) -> None:
    study = optuna.load_study(study_name="example", storage=started.storage)
    content = content_of(study)
    detail = started.detail(1)
    assert ids_of(detail) == sorted(content.figures)
    assert content.note in detail["note"]["body"]


def test_the_note_is_shown(started: Started, tab: Page, seen: Seen) -> None:
    started.detail(1)
    tab.goto(f"{started.url}dashboard/studies/1/note")
    tab.get_by_text("Recommended lr:").wait_for()
    shown = tab.inner_text("body")
    assert "Verdict: holds" in shown and "What decides next:" in shown
    assert "90 % interval" in shown and "inverse:" in shown
    assert "optuna-kappa" not in shown and "\\" not in shown
    assert seen.dialogs == []


@pytest.mark.parametrize("page", PAGES)
def test_names_run_nothing(started: Started, tab: Page, seen: Seen, page: str) -> None:
    started.detail(2)
    tab.goto(f"{started.url}dashboard/studies/2{page}")
    tab.get_by_text(EVIL).first.wait_for()
    if page == "/note":
        tab.get_by_text("Recommended lr:").wait_for()
        assert f"{EVIL}=" in tab.inner_text("body")
        assert tab.locator("main a[href^=javascript], main img").count() == 0
    assert seen.dialogs == []
    assert all(url.startswith((started.url, "data:", "blob:")) for url in seen.requests)
