from __future__ import annotations

import numpy as np
import pytest

from optuna_kappa._typing import Floats
from optuna_kappa.psi import Curve, LossLaw, fit

VALUES = np.array([3.0, -1.5, -0.7, -1.7, 4.0, 0.6, -0.6, 0.0, 0.0])


def curve(name: str, rate: Floats, unit: float = 1.0, data: float = 1.0) -> Curve:
    step = np.arange(1.0, len(rate) + 1) * 100
    return Curve(name, step * data, rate * unit, np.ones(len(rate)))


def shapes() -> dict[str, Floats]:
    share = np.linspace(0, 1, 80)
    return {
        "constant": np.full(80, 0.3),
        "cosine": 0.03 + 0.135 * (1 + np.cos(np.pi * share)),
        "two stages": np.where(share < 0.4, 0.3, 0.09),
        "linear": 0.3 - 0.25 * share,
        "late fall": np.where(share < 0.8, 0.3, 0.05),
    }


def simulated(unit: float = 1.0, data: float = 1.0) -> dict[str, Curve]:
    """Curves of a known law, in other units of rate and data."""
    plain = {name: curve(name, rate) for name, rate in shapes().items()}
    truth = LossLaw(VALUES, np.eye(9), 0.3, plain["constant"].kappa[-1], 0.03, 0.0)
    losses = {name: truth.predict(one).loss for name, one in plain.items()}
    return {
        name: Curve(name, one.step * data, one.rate * unit, losses[name])
        for name, one in plain.items()
    }


FITTED = ("constant", "cosine", "two stages")


def test_a_known_law_is_recovered() -> None:
    curves = simulated()
    law = fit([curves[name] for name in FITTED])

    assert law.values[:4] == pytest.approx(VALUES[:4], abs=0.1)
    for name in ("linear", "late fall"):
        assert law.predict(curves[name]).loss == pytest.approx(curves[name].loss, rel=1e-3)


def test_units_do_not_matter() -> None:
    plain = fit([simulated()[name] for name in FITTED])
    other = fit([simulated(1e-4, 512)[name] for name in FITTED])

    assert other.values == pytest.approx(plain.values, abs=1e-3)
    assert other.rate_unit == pytest.approx(plain.rate_unit * 1e-4)


def test_the_error_grows_outside_what_was_fitted() -> None:
    curves = simulated()
    random = np.random.default_rng(0)
    noisy = [
        Curve(one.name, one.step, one.rate, one.loss * np.exp(random.normal(0, 2e-3, 80)))
        for one in (curves[name] for name in FITTED)
    ]
    law = fit(noisy)
    long = Curve("long", np.array([8e3, 8e5]), np.full(2, 0.3), np.ones(2))

    predicted = law.predict(long)
    spread = np.sqrt(predicted.error**2 - (law.scatter * predicted.loss) ** 2)
    assert spread[1] > 2 * spread[0]
    for name in ("linear", "late fall"):
        unseen = law.predict(curves[name])
        assert (np.abs(unseen.loss - curves[name].loss) < 3 * unseen.error).all()
    assert "kappa goes to" in predicted.beyond
    assert law.predict(noisy[0]).beyond == ""


def test_json_round_trip() -> None:
    curves = simulated()
    law = fit([curves[name] for name in FITTED])
    again = LossLaw.from_json(law.to_json())

    expected, got = law.predict(curves["linear"]), again.predict(curves["linear"])
    assert np.array_equal(expected.loss, got.loss)
    assert np.array_equal(expected.error, got.error)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"format": "other"}',
        '{"format": 1}',
        pytest.param("[" * 100_000, id="nested"),
    ],
)
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a loss law"):
        LossLaw.from_json(text)


def test_a_law_with_a_number_out_of_range_is_refused() -> None:
    law = LossLaw(VALUES, np.eye(9), 0.3, 2.0, 0.03, 0.001)
    with pytest.raises(ValueError, match="not a loss law"):
        LossLaw.from_json(law.to_json().replace('"rate_unit": 0.3', '"rate_unit": -0.3'))


def test_constant_rates_alone_do_not_determine_the_law() -> None:
    with pytest.raises(ValueError, match="rate must change"):
        fit([simulated()["constant"]])


def test_too_few_records() -> None:
    with pytest.raises(ValueError, match="more than 9 measured losses together, got 2"):
        fit([Curve("a", np.array([1, 2]), np.array([1, 0.5]), np.ones(2))])


def test_parameters_far_in_a_tail_give_no_overflow() -> None:
    wide = LossLaw(VALUES, np.eye(9) * 1e6, 0.3, 2.0, 0.03, 0.001)
    predicted = wide.predict(simulated()["linear"])
    assert np.isfinite(predicted.loss).all()
    assert np.isfinite(predicted.error).all()
