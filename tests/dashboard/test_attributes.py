"""Study attributes in the format of optuna-dashboard."""

from __future__ import annotations

from typing import Any

import optuna
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optuna_kappa.dashboard.attributes import (
    VERSION,
    figure_of,
    figure_parts,
    merged,
    note_of,
    note_parts,
    stored_ids,
    unused_parts,
    with_ours,
)
from optuna_kappa.study.private import study_attrs

optuna_dashboard = pytest.importorskip("optuna_dashboard")

LONG = "κ, a figure of many parts. " * 300


@pytest.mark.parametrize("text", ["short", LONG])
def test_reads_what_optuna_dashboard_writes(text: str) -> None:
    study = optuna.create_study()
    optuna_dashboard.save_note(study, text)
    figure = go.Figure(layout={"title": {"text": text}})
    optuna_dashboard.save_plotly_graph_object(study, figure, graph_object_id="kappa-law")
    stored = study_attrs(study)
    assert note_of(stored) == text
    assert figure_of(stored, "kappa-law") == figure.to_json()
    assert stored_ids(stored) == ["kappa-law"]
    assert note_parts(text).items() <= stored.items()
    assert figure_parts("kappa-law", figure.to_json()).items() <= stored.items()


@pytest.mark.parametrize("text", ["short", LONG])
def test_optuna_dashboard_reads_what_is_shown(text: str) -> None:
    from optuna_dashboard._custom_plot_data import get_plotly_graph_objects
    from optuna_dashboard._note import get_note_from_system_attrs

    shown = with_ours({}, text, {"kappa-law": text, "kappa-plan": "{}"})
    assert get_plotly_graph_objects(shown) == {"kappa-law": text, "kappa-plan": "{}"}
    assert text.strip() in get_note_from_system_attrs(shown, None)["body"]


def test_what_others_store_stays() -> None:
    others: dict[str, Any] = {
        "dashboard:plot_data:mine:0": "{}",
        "dashboard:7:note_str:0": "note of trial 7",
        "dashboard:note_str:0": "my note",
        VERSION: 5,
        "other": 1,
    }
    stale = {"dashboard:plot_data:kappa-old:0": "{}", "dashboard:plot_data:kappa-law:1": "x"}
    shown = with_ours({**others, **stale}, "ours", {"kappa-law": "{}"})
    assert {
        name: shown[name] for name in others if "note_str" not in name
    }.items() <= shown.items()
    assert shown["dashboard:7:note_str:0"] == "note of trial 7"
    assert stored_ids(shown) == ["kappa-law"] and figure_of(shown, "kappa-law") == "{}"
    assert note_of(shown).endswith("my note")
    assert with_ours({**others, **stale}, "", {}) == others


@given(theirs=st.text(), first=st.text(min_size=1), second=st.text(min_size=1))
def test_only_our_part_is_replaced(theirs: str, first: str, second: str) -> None:
    theirs, first, second = theirs.strip(), first.strip(), second.strip()
    once = merged(theirs, first)
    assert merged(once, first) == once
    assert merged(once, second) == merged(theirs, second)
    assert merged(once, "") == theirs
    assert first in once and theirs in once


def test_a_deleted_line_makes_the_text_theirs() -> None:
    note = merged("mine", "ours")
    without_end = note.replace("[/optuna-kappa]", "")
    again = merged(without_end, "new")
    assert again.startswith("[optuna-kappa]") and "new" in again
    assert "mine" in again


def test_longer_texts_leave_no_rest() -> None:
    stored = {**note_parts(LONG), **figure_parts("kappa-law", LONG), "dashboard:note_ver": 1}
    parts = {**note_parts("short"), **figure_parts("kappa-law", "{}")}
    emptied = {**stored, **unused_parts(stored, parts), **parts}
    assert note_of(emptied) == "short"
    assert figure_of(emptied, "kappa-law") == "{}"
