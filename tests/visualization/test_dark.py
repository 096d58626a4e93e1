from __future__ import annotations

import re

import pytest
from searching import search

from optuna_kappa.visualization import figures_of, on_dark, theme
from optuna_kappa.visualization.dark import BACKGROUND, CONTRAST, _channels, contrast


@pytest.mark.parametrize("color", [theme.BLUE, theme.ORANGE, theme.RED, *theme.OTHERS])
def test_colors_can_be_told_from_the_background(color: str) -> None:
    figure = theme.figure("title").add_scatter(x=[1], y=[1], marker_color=color)
    dark = on_dark(figure).data[0].marker.color
    assert contrast(_channels(dark)) >= CONTRAST - 0.1


def test_bright_colors_stay() -> None:
    figure = theme.figure("title").add_scatter(x=[1], y=[1], marker_color="#56B4E9")
    assert on_dark(figure).data[0].marker.color == "#56B4E9"


def test_transparent_colors_stay_transparent() -> None:
    figure = theme.figure("title").add_scatter(x=[1], y=[1], fillcolor=theme.faint(theme.BLUE))
    assert re.fullmatch(r"rgba\(\d+, \d+, \d+, 0.18\)", on_dark(figure).data[0].fillcolor)


def test_no_color_of_the_light_page_is_left() -> None:
    for one in figures_of(search(n_trials=14)):
        light = one.figure.to_json()
        text = on_dark(one.figure).to_json()
        for color in ('"white"', theme.INK, theme.RULE, "#57606A"):
            assert color not in text, one.id
        assert BACKGROUND in text
        assert one.figure.to_json() == light


def test_texts_that_look_like_colors_stay() -> None:
    figure = theme.figure("#0072B2").add_scatter(x=["#0072B2"], y=[1], name="white")
    dark = on_dark(figure)
    assert "#0072B2" in dark.layout.title.text
    assert (dark.data[0].x, dark.data[0].name) == (("#0072B2",), "white")


def test_the_data_stay() -> None:
    figure = theme.figure("a #b").add_scatter(x=[1.5, None], y=[2, 3], text=["a", "b"])
    dark = on_dark(figure).data[0]
    assert (dark.x, dark.y, dark.text) == ((1.5, None), (2, 3), ("a", "b"))
