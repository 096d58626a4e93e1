from __future__ import annotations

import numpy as np
import pytest
from figure_studies import EVIL, study_of
from searching import TARGET, search

from optuna_kappa.law import Law, Optimum
from optuna_kappa.visualization import plot_kappa
from optuna_kappa.visualization.kappa_info import Kappa, get_kappa_info, info_of_law
from optuna_kappa.visualization.searched import searched

HORIZONS = (100.0, 200.0, 400.0, 800.0)


def exact(
    schedule: str, horizon: float, kappa: float, mean: float | None, edge: int = 0
) -> Optimum:
    """An optimum without an error, which has this kappa."""
    ln_lr = float(np.log(kappa / horizon / (mean or 1.0)))
    return Optimum(schedule, horizon, ln_lr, 0.0, 9, edge, mean)


def rounded(kappas: list[Kappa]) -> list[Kappa]:
    return [
        one._replace(kappa=round(one.kappa, 9), low=round(one.low, 9), high=round(one.high, 9))
        for one in kappas
    ]


@pytest.fixture
def law() -> Law:
    """Kappa is 2 at constant rate, and 3 under cosine."""
    constant = [exact("constant", horizon, 2.0, 1.0) for horizon in HORIZONS]
    return Law((exact("cosine", 400.0, 3.0, 0.5), *constant))


def test_info(law: Law) -> None:
    info = info_of_law(law, None, "samples")
    assert rounded(info.optima) == [
        *(Kappa("constant", horizon, 2.0, 2.0, 2.0, False) for horizon in HORIZONS),
        Kappa("cosine", 400.0, 3.0, 3.0, 3.0, False),
    ]
    assert info.constant == pytest.approx(2.0)
    assert info.variation == law.checks.kappa_cv
    assert (info.target, info.shapeless, info.unit) == (None, [], "samples")


def test_the_band_is_the_law_times_the_horizon(law: Law) -> None:
    band = info_of_law(law, None, "samples").band
    assert {one.schedule for one in band} == {"constant"}
    assert band[0].horizon == pytest.approx(100)
    assert band[-1].horizon == pytest.approx(1600)
    proposal = law.propose(1600)
    expected = [1600 * lr for lr in (proposal.lr, proposal.low, proposal.high)]
    np.testing.assert_allclose(band[-1][2:5], expected)


def test_the_target_is_the_full_run_of_a_study() -> None:
    study = search(n_trials=12)
    known = searched(study)
    info = get_kappa_info(known)
    proposal = known.law.propose(TARGET)
    assert info.target is not None
    assert (info.target.schedule, info.target.horizon) == ("constant", TARGET)
    assert info.target.kappa == pytest.approx(TARGET * proposal.lr)
    assert info.band[-1].horizon == pytest.approx(TARGET)


def test_optima_at_an_edge_are_told_apart() -> None:
    law = Law((exact("constant", 100.0, 2.0, 1.0), exact("constant", 200.0, 2.0, 1.0, edge=-1)))
    assert [one.at_edge for one in info_of_law(law, None, "").optima] == [False, True]
    points = plot_kappa(law).data[-1]
    assert points.marker.symbol == ("circle", "circle-open")


def test_kappa_needs_the_shape_of_a_schedule(law: Law) -> None:
    mine = Optimum(EVIL, 100.0, -5.0, 0.1, 9, 0)
    assert info_of_law(Law((*law.optima, mine)), None, "").shapeless == [EVIL]
    alone = plot_kappa(Law((mine,)))
    assert not alone.data
    assert "&lt;script&gt;alert(1)" in alone.layout.annotations[0].text


def test_figure(law: Law) -> None:
    figure = plot_kappa(law, unit="tokens")
    assert [trace.name for trace in figure.data] == [
        "90 % interval",
        "law, constant",
        "kappa constant (slope 1)",
        "optimum, constant",
        "optimum, cosine",
    ]
    assert figure.data[2].y == (2.0, 2.0)
    assert figure.data[3].y == (2.0, 2.0, 2.0, 2.0)
    assert figure.layout.yaxis.title.text == "kappa (lr × tokens)"
    assert "bdata" not in figure.to_json()


def test_nothing_to_show() -> None:
    figure = plot_kappa(study_of())
    assert not figure.data
    assert "no optimum is located" in figure.layout.annotations[0].text
