from __future__ import annotations

import numpy as np
import pytest

from optuna_kappa.psi import Curve, LossLaw, Psi
from optuna_kappa.visualization import plot_psi
from optuna_kappa.visualization.psi_info import get_psi_info

VALUES = np.array([2.0, -1.0, -0.7, -0.5, 3.0, 0.6, -0.6, 0.0, 0.3])


@pytest.fixture(scope="module")
def psi() -> Psi:
    return Psi.from_law(LossLaw(VALUES, np.eye(9) * 1e-4, 0.4, 20.0, 1e-4, 0.005), 1000)


@pytest.fixture
def run() -> Curve:
    """A run of twice the horizon, with one record that has no loss and an evil name."""
    step = np.array([100.0, 500, 900, 2000])
    return Curve("<b>a</b>", step, np.full(4, 0.1), np.array([3, np.nan, 2, 1.9]), warmup=0)


def test_info(psi: Psi, run: Curve) -> None:
    info = get_psi_info(psi, [run])
    assert info.runs == [("<b>a</b>", [0.1, 0.9], [3.0, 2.0])]
    assert info.formula == str(psi.formula)
    assert info.open_loop.loss[0] == psi.expected_loss(0)

    for loss, row in zip(info.loss, info.rate, strict=True):
        for part, rate in zip(info.progress, row, strict=True):
            low, high = psi.seen(part)
            assert rate == (psi(loss, part) if low <= loss <= high else None)


def test_figure(psi: Psi, run: Curve) -> None:
    figure = plot_psi(psi, [run])
    assert [trace.name for trace in figure.data] == ["rate", "runs", "open loop, expected"]
    assert "<b>" not in figure.to_json()


def test_wrong_arguments(psi: Psi) -> None:
    with pytest.raises(ValueError, match="psi must be a Psi"):
        plot_psi("psi")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="runs must be a list"):
        plot_psi(psi, "runs")  # type: ignore[arg-type]
