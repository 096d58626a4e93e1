from __future__ import annotations

import numpy as np
import pytest
from figure_studies import EVIL, study_of

from optuna_kappa.law import Law, Optimum
from optuna_kappa.visualization import plot_schedule_transfer
from optuna_kappa.visualization.law_info import Interval
from optuna_kappa.visualization.schedule_transfer_info import get_schedule_transfer_info

HORIZONS = (100.0, 200.0, 400.0, 800.0)


def optimum(
    schedule: str, horizon: float, lr: float, mean: float | None, edge: int = 0
) -> Optimum:
    peak = None if mean is None else 1.0
    return Optimum(schedule, horizon, float(np.log(lr)), 0.0, 9, edge, mean, peak)


@pytest.fixture
def law() -> Law:
    """Optima of 1 / D at constant rate, and of 2 / D under linear: kappa is the same."""
    constant = [optimum("constant", d, 1 / d, 1.0) for d in HORIZONS]
    linear = [optimum("linear", d, 2 / d, 0.5) for d in HORIZONS[1:3]]
    return Law((*linear, *constant))


def test_info(law: Law) -> None:
    info = get_schedule_transfer_info(law, "steps")
    assert (info.base, info.shapeless, info.unit) == ("constant", [], "steps")
    (carried,) = info.carried
    from_constant = Law(law.optima[2:])
    expected = [from_constant.propose(d, "linear").lr for d in HORIZONS[1:3]]
    for found, lr, horizon in zip(carried.found, expected, HORIZONS[1:3], strict=True):
        factor = pytest.approx(2 / horizon / lr)
        assert found == Interval("linear", horizon, factor, factor, factor, False)  # type: ignore[arg-type]
    assert carried.lr == pytest.approx([2 / 200, 2 / 400])


def test_rules(law: Law) -> None:
    (carried,) = get_schedule_transfer_info(law, "steps").carried
    first, *_, last = carried.rules
    assert first.horizon == pytest.approx(200)
    assert last.horizon == pytest.approx(400)

    from_constant = Law(law.optima[2:])
    expected = from_constant.propose(200, "linear")
    constant = from_constant.propose(200, "constant").lr
    assert first.low == pytest.approx(expected.low / expected.lr)
    assert first.high == pytest.approx(expected.high / expected.lr)
    assert first.same_kappa == pytest.approx(2 * constant / expected.lr)
    assert first.same_peak == pytest.approx(constant / expected.lr)


def test_one_horizon_has_a_band_around_it(law: Law) -> None:
    (carried,) = get_schedule_transfer_info(Law(law.optima[1:]), "").carried
    assert len(carried.found) == 1
    assert carried.rules[0].horizon < 400 < carried.rules[-1].horizon


def test_schedules_without_a_shape(law: Law) -> None:
    info = get_schedule_transfer_info(Law((*law.optima, optimum(EVIL, 100.0, 0.1, None))), "")
    assert info.shapeless == [EVIL]
    assert [carried.schedule for carried in info.carried] == ["linear"]
    text = plot_schedule_transfer(Law((*law.optima[2:], optimum(EVIL, 100.0, 0.1, None))))
    assert "&lt;script&gt;" in text.layout.annotations[0].text


def test_figure(law: Law) -> None:
    edge = optimum("cosine", 400.0, 3 / 400, 0.5, edge=1)
    figure = plot_schedule_transfer(Law((*law.optima, edge)), unit="tokens")
    assert [trace.name for trace in figure.data] == [
        "expected, linear (90 %)",
        "same kappa, linear",
        "same peak, linear",
        "found, linear",
        "expected, cosine (90 %)",
        "same kappa, cosine",
        "same peak, cosine",
        "found, cosine",
    ]
    assert figure.data[-1].marker.symbol == ("circle-open",)
    assert figure.layout.xaxis.title.text == "horizon (tokens)"
    assert "bdata" not in figure.to_json()


def test_one_schedule_has_nothing_to_carry_over(law: Law) -> None:
    figure = plot_schedule_transfer(Law(law.optima[2:]))
    assert not figure.data
    assert "All optima are of one schedule, constant" in figure.layout.annotations[0].text


def test_nothing_to_show() -> None:
    figure = plot_schedule_transfer(study_of())
    assert figure.layout.annotations[0].text == "No optimum is located yet."
