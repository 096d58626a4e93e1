from __future__ import annotations

import numpy as np
import pytest

from optuna_kappa.visualization import TransferPoint, plot_transfer, theme
from optuna_kappa.visualization.transfer import _get_transfer_info

KAPPA = TransferPoint("kappa, repeat 1", "kappa", 4e-4, 2e-4, 8e-4, 5e-4, 6e-4)
TPE = TransferPoint("TPE, repeat 1", "TPE", 4e-4, 3e-4, 5e-4, np.nan, 1e-3)


def test_info() -> None:
    info = _get_transfer_info([KAPPA, TPE, KAPPA])
    assert info.samplers == {"kappa": [KAPPA, KAPPA], "TPE": [TPE]}
    assert info.invariant == [(5e-4, 6e-4, "kappa, repeat 1")] * 2
    assert info.span == (2e-4, 1e-3)


@pytest.mark.parametrize("name", ["expected", "low", "high", "found"])
@pytest.mark.parametrize("lr", [0.0, -1e-3, np.inf])
def test_invalid_learning_rate(name: str, lr: float) -> None:
    with pytest.raises(ValueError, match="repeat 1: expected, low, high and found must be"):
        plot_transfer([TransferPoint(**(KAPPA._asdict() | {name: lr}))])


def test_searches_that_found_nothing_are_left_out() -> None:
    assert _get_transfer_info([KAPPA._replace(found=np.nan), TPE]).samplers == {"TPE": [TPE]}


def test_figure() -> None:
    figure = plot_transfer([KAPPA, TPE])
    assert [trace.name for trace in figure.data] == [
        "as expected",
        "a factor 2",
        "a factor 0.5",
        "found by kappa",
        "found by TPE",
        "if kappa were invariant",
    ]
    kappa = figure.data[3]
    assert (kappa.x, kappa.y) == ((4e-4,), (6e-4,))
    np.testing.assert_allclose(kappa.error_x.array, [4e-4])
    np.testing.assert_allclose(kappa.error_x.arrayminus, [2e-4])
    assert kappa.marker.color == theme.SAMPLERS["kappa"]
    assert figure.layout.xaxis.range == figure.layout.yaxis.range
    assert "bdata" not in figure.to_json()


def test_guides_are_lines_of_their_factor() -> None:
    for trace, factor in zip(plot_transfer([KAPPA]).data, (1, 2, 0.5), strict=False):
        np.testing.assert_allclose(np.divide(trace.y, trace.x), factor)


def test_names_are_escaped() -> None:
    figure = plot_transfer([KAPPA._replace(label="<i>a", sampler="<b>x")])
    assert figure.data[3].name == "found by &lt;b&gt;x"
    assert {trace.text[0] for trace in figure.data[3:]} == {"&lt;i&gt;a"}


def test_nothing_to_show() -> None:
    figure = plot_transfer([])
    assert not figure.data
    assert figure.layout.annotations[0].text == "No search to show yet."
