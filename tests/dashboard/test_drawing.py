"""Figures as the dashboard stores them."""

from __future__ import annotations

import json
import logging
import math

import plotly.graph_objects as go
import pytest

from optuna_kappa import KappaSampler
from optuna_kappa.dashboard import drawing
from optuna_kappa.dashboard.drawing import MOST, figures_of, small, small_figures
from optuna_kappa.study.example import example_study
from optuna_kappa.visualization.theme import figure


def test_figures_fill_the_place_they_are_given() -> None:
    for _, _, drawn in figures_of(example_study(), KappaSampler(24, seed=0)):
        layout = json.loads(small(drawn))["layout"]
        assert "height" not in layout and "width" not in layout


def test_values_that_json_does_not_know() -> None:
    drawn = go.Figure(go.Scatter(x=[1, 2, 3], y=[math.nan, math.inf, 1 / 3]))
    assert json.loads(small(drawn))["data"][0]["y"] == [None, None, 0.33333]


def test_the_lines_under_a_title_are_wrapped() -> None:
    words = "how the optimal learning rate moves with the horizon of a run, and why " * 3
    drawn = figure("Title", words)
    before = json.loads(drawn.to_json())["layout"]
    after = json.loads(small(drawn))["layout"]
    lines = [line for _, line in drawing._SUBTITLE.findall(after["title"]["text"])]
    assert " ".join(lines) == words.strip()
    assert max(map(len, lines)) <= 60
    n_before = before["title"]["text"].count("<br>")
    assert after["margin"]["t"] - before["margin"]["t"] == 18 * (len(lines) - n_before)
    assert json.loads(small(figure("Title")))["layout"]["title"]["text"] == "Title"


def test_no_more_than_a_study_may_have(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    study = example_study()
    sampler = KappaSampler(24, seed=0)
    whole = small_figures(study, sampler)
    assert sum(map(len, whole.values())) < MOST
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []

    first = next(iter(whole))
    monkeypatch.setattr(drawing, "MOST", len(whole[first]))
    assert list(small_figures(study, sampler)) == [first]
    assert "too large" in caplog.text
