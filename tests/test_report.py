from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import optuna
import plotly.graph_objects as go
import pytest
from optuna.trial import TrialState, create_trial

from optuna_kappa.law import Law, Optimum
from optuna_kappa.report import Cell, Section, Table, page, write
from optuna_kappa.runs import RunTable
from optuna_kappa.search.trajectory import trajectory
from optuna_kappa.visualization import (
    TransferPoint,
    plot_budget,
    plot_law,
    plot_lr_curves,
    plot_pruning,
    plot_transfer,
)

EVIL = "</script><script>alert(1)</script><b>x"
CHROMIUM = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--enable-logging=stderr --v=0 --virtual-time-budget=20000 --dump-dom"
)


class Parsed(HTMLParser):
    """Text by tag, and what the page refers to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.n_scripts = 0
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.n_scripts += tag == "script"
        self.links += [str(value) for name, value in attrs if name in ("src", "href", "srcset")]
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data.strip()))

    def of(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]


def figures() -> list[go.Figure]:
    """All figures, with a study and a schedule of a bad name."""
    lrs = np.geomspace(1e-4, 1e-2, 5)
    text, nine, loss = np.array([EVIL] * 5), np.full(5, 9.0), np.array([3, 2, 1, 2, np.nan])
    runs = RunTable(lrs.astype(str), lrs, text, nine, nine, loss)
    law = Law((Optimum(EVIL, 9.0, -7.0, 0.1, 5, 0),))
    study = optuna.create_study()
    why = {"kappa:pruned": {"probability": 0.01, "reason": EVIL}}
    reports = {1: 3.0, 2: 2.0}
    study.add_trial(
        create_trial(state=TrialState.PRUNED, intermediate_values=reports, user_attrs=why)
    )
    return [
        plot_lr_curves(runs, law=law, schedule=EVIL, unit=EVIL),
        plot_lr_curves(RunTable.empty(), schedule=EVIL),
        plot_law(law, targets=[(20.0, EVIL)], truth=[(20.0, 1e-3, EVIL)], unit=EVIL),
        plot_budget(
            {EVIL: [trajectory([1, 1], [2.0, 1.0])] * 3}, reference=1.0, reference_label=EVIL
        ),
        plot_transfer([TransferPoint(EVIL, EVIL, 2e-4, 1e-4, 4e-4, 3e-4, 2e-4)]),
        plot_pruning(study),
    ]


def evil_page() -> str:
    table = Table((EVIL, "n"), [(EVIL, 1)])
    section = Section(EVIL, [EVIL], figures(), [table])
    return page(EVIL, EVIL, [section], {EVIL: EVIL})


def test_texts_are_escaped() -> None:
    parsed = Parsed(evil_page())
    # One a figure, plotly.js, the one that draws and the one that sorts.
    assert parsed.n_scripts == len(figures()) + 3
    for tag in ("title", "h1", "h2", "dt", "dd", "button", "td"):
        assert EVIL in parsed.of(tag)
    assert parsed.of("p").count(EVIL) == 2
    assert parsed.open == []


def test_figures_show_names_as_they_are() -> None:
    html = evil_page()
    assert "\\u003c/script" not in html
    assert "<b>x" not in html
    assert "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;b&gt;x" in html


def test_figure_of_others_cannot_leave_its_script() -> None:
    html = page("t", sections=[Section("s", figures=[go.Figure(go.Scatter(name=EVIL))])])
    assert Parsed(html).n_scripts == 3
    assert "<script>alert" not in html


def test_page_refers_to_nothing() -> None:
    html = evil_page()
    assert Parsed(html).links == ["data:,"]
    policy = policy_of(html)
    for name in ("default-src", "base-uri", "form-action"):
        assert policy[name] == "'none'"


def policy_of(html: str) -> dict[str, str]:
    (content,) = re.findall('"Content-Security-Policy" content="([^"]*)"', html)
    return dict(rule.strip().split(" ", 1) for rule in content.split(";"))


def test_only_the_scripts_of_the_page_may_run() -> None:
    html = evil_page()
    allowed = policy_of(html)["script-src"].split()
    scripts = re.findall("<script>(.*?)</script>", html, re.DOTALL)
    hashes = [hashlib.sha256(script.encode()).digest() for script in scripts]
    assert allowed == [f"'sha256-{b64encode(digest).decode()}'" for digest in hashes]
    assert "script-src" not in policy_of(page("Title"))


def test_same_content_same_page() -> None:
    assert evil_page() == evil_page()


def test_page_without_figures_has_no_script() -> None:
    html = page("Title", "Lead", [Section("One", ["Text"])], {"Trials": "12"})
    assert Parsed(html).n_scripts == 0
    assert len(html) < 5000
    assert "<dt>Trials</dt><dd>12</dd>" in html


@pytest.mark.parametrize(
    ("column", "numeric"),
    [
        ([1, 2.5, float("nan")], True),
        (["12 %", "-3.1 %", "—"], True),
        (["1.8e-3", "1,024", "22.5k", "1.2×", "± 3", "> 24", "inf"], True),
        (["1", "one"], False),
        (["2.1e-4 to 3.2e-4"], False),
        (["—", ""], False),
        ([], False),
    ],
)
def test_columns_of_numbers_are_right_aligned(column: list[Cell], numeric: bool) -> None:
    table = Table(["name", "value"], [("a", cell) for cell in column])
    html = page("t", sections=[Section("s", tables=[table])])
    assert ('<th scope="col" class="number"><button>value</button></th>' in html) is numeric
    assert html.count('<td class="number"') == (len(column) if numeric else 0)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (0.25, "0.25"),
        (3, "3.0"),
        ("1.8e-3", "0.0018"),
        ("1,024", "1024.0"),
        ("22.5k", "22500.0"),
        ("1.2×", "1.2"),
        ("± 3", "3.0"),
        ("> 24", "24.0"),
        ("−3.1 %", "-3.1"),
        ("1e−3", "0.001"),
    ],
)
def test_rows_are_sorted_by_numbers(cell: Cell, value: str) -> None:
    html = page("t", sections=[Section("s", tables=[Table(["value"], [(cell,), ("–",)])])])
    assert re.findall('data-value="([^"]*)"', html) == [value]


def test_cells() -> None:
    table = Table(["value"], [(3.14159,), (7,), (float("nan"),), ("0.50",), (np.float64(1e-5),)])
    parsed = Parsed(page("t", sections=[Section("s", tables=[table])]))
    assert parsed.of("td") == ["3.142", "7", "–", "0.50", "1e-05"]


def test_ragged_table() -> None:
    with pytest.raises(ValueError, match="row 1 has 1 cells, but the table has 2 columns"):
        Table(["a", "b"], [(1, 2), (1,)])


def test_write_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    write(path, "<p>κ</p>")
    assert path.read_text(encoding="utf-8") == "<p>κ</p>"
    assert os.listdir(tmp_path) == ["report.html"]


@pytest.mark.parametrize("place", ["missing/report.html", "file/report.html", "folder"])
def test_write_where_it_cannot(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match=f"cannot write the page .*{place}: .*; give the name"):
        write(tmp_path / place, "x")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_browser_draws_all_figures_without_complaint(tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs a `chromium` on the PATH")
    path = tmp_path / "report.html"
    write(path, evil_page())
    command = [chromium, *CHROMIUM.split(), f"--user-data-dir={tmp_path / 'profile'}"]
    run = subprocess.run([*command, path.as_uri()], capture_output=True, text=True, timeout=120)
    assert [line for line in run.stderr.splitlines() if "CONSOLE" in line] == []
    drawn = re.split(r'<div class="figure js-plotly-plot"', run.stdout)[1:]
    assert len(drawn) == len(figures())
    assert all('<svg class="main-svg"' in part for part in drawn)
    assert "<script>alert" not in run.stdout
    assert "found by &lt;/script&gt;" in run.stdout
