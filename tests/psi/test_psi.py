from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from laws import known_law

from optuna_kappa.psi import Psi, planned
from optuna_kappa.schedules import Schedule, constant, cosine, linear, step, wsd

HORIZON = 1000.0


@pytest.fixture(scope="module")
def psi() -> Psi:
    return Psi.from_law(known_law(), HORIZON)


def end(schedule: Schedule, lr: float, horizon: float = HORIZON) -> float:
    return float(known_law().loss(planned(schedule, lr, horizon))[-1])


def test_no_common_schedule_ends_lower(psi: Psi) -> None:
    own = end(psi.open_loop(), psi.peak_lr())
    for schedule in (constant(), cosine(), linear(), step(n=4), wsd(warmup=0)):
        others = [end(schedule, lr) for lr in np.geomspace(0.001, 0.4, 30)]
        assert own < min(others) * 1.001, schedule.name


def test_it_is_not_greedy(psi: Psi) -> None:
    """The rate that is best for the next hundredth of the data is far smaller than that of Psi."""
    rates = np.geomspace(1e-3, 0.4, 40)
    done = 500.0
    losses = []
    for rate in rates:
        schedule = step(factor=min(1.0, rate / psi.peak_lr()), n=2)
        losses.append(end(schedule, psi.peak_lr(), 2 * done) if rate < psi.peak_lr() else np.inf)
    assert rates[int(np.argmin(losses))] < psi(psi.expected_loss(0.3), 0.3)


def test_units_do_not_matter(psi: Psi) -> None:
    law = known_law()
    other = type(law)(law.values, law.covariance, 0.4e-3, 20.0 * 64, 1e-7, law.scatter)
    same = Psi.from_law(other, HORIZON * 64_000)
    assert same.peak_lr() == pytest.approx(psi.peak_lr() * 1e-3, rel=1e-3)
    assert same.open_loop()(0.9) == pytest.approx(psi.open_loop()(0.9), rel=1e-2)


def test_the_table_gives_its_own_open_loop(psi: Psi) -> None:
    schedule = psi.open_loop()
    for progress in (0.0, 0.3, 0.8, 0.95):
        rate = psi(psi.expected_loss(progress), progress)
        assert rate == pytest.approx(psi.peak_lr() * schedule(progress), rel=0.01)


def test_the_rate_is_clamped_to_what_was_fitted(psi: Psi) -> None:
    for loss in (1e-9, 1.0, 1e9):
        for progress in (0.0, 0.5, 1.0):
            assert psi.rate_low * 0.999 <= psi(loss, progress) <= 0.4 * 1.001


def test_open_loops_of_other_horizons(psi: Psi) -> None:
    for horizon in (250.0, 300.0, 777.0, 2000.0):
        schedule = psi.open_loop(horizon)
        assert schedule.peak == pytest.approx(1.0)
        middles = (np.arange(10_000) + 0.5) / 10_000
        assert schedule.mean == pytest.approx(float(schedule(middles).mean()), rel=1e-3)
        assert schedule(1.0) < 0.1


def test_a_warmup_rises_from_0() -> None:
    schedule = Psi.from_law(known_law(), HORIZON, warmup=100).open_loop()
    assert schedule(0.0) == 0
    assert schedule(0.05) == pytest.approx(schedule(0.1) / 2, rel=0.05)


def test_open_loops_can_be_pickled(psi: Psi) -> None:
    schedule = psi.open_loop()
    again = pickle.loads(pickle.dumps(schedule))
    assert again(0.7) == schedule(0.7)


def test_the_formula_states_how_close_it_is(psi: Psi) -> None:
    formula = psi.formula
    assert 0 < formula.determination < 1
    assert f"R2 = {formula.determination:.3f}" in str(formula)
    assert formula(psi.expected_loss(0.5), 0.5) > 0
    assert formula(loss=formula.lowest - 1, progress=0.5) == 0


def test_json_round_trip(psi: Psi) -> None:
    again = Psi.from_json(psi.to_json())
    assert again(2.5, 0.4) == psi(2.5, 0.4)
    assert again.open_loop()(0.7) == psi.open_loop()(0.7)
    assert str(again.formula) == str(psi.formula)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "its format is 'other'"),
        ({"more": 1}, "must have the fields"),
        ({"horizon": -1}, "horizon must be a finite number"),
        ({"horizon": 1e9}, "must ascend"),
        ({"scatter": "x"}, "scatter must be a finite number"),
        ({"rate_low": 1.0}, "rate_low must be at most rate_high"),
        ({"rate": [[1, 2], [3, 4]]}, "a row for each horizon"),
        ({"rate": [[1, 2], [3]]}, "rate must be numbers in 2 dimensions"),
        ({"loss": None}, "loss must be a list"),
        ({"horizons": [0, 1]}, "horizons must be numbers above 0"),
    ],
)
def test_other_json_is_refused(psi: Psi, changes: dict[str, object], message: str) -> None:
    text = json.dumps(json.loads(psi.to_json()) | changes)
    with pytest.raises(ValueError, match=f"not a Psi written by Psi.to_json: .*{message}"):
        Psi.from_json(text)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "[" * 100_000, "nan", 3])
def test_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Psi.from_json(text)


def test_wrong_arguments(psi: Psi) -> None:
    with pytest.raises(ValueError, match="loss must be a finite number"):
        psi(float("nan"), 0.5)
    with pytest.raises(ValueError, match="progress must be"):
        psi(1.0, 1.5)
    with pytest.raises(ValueError, match=r"horizon must be a finite number in \[250, 2000\]"):
        psi.open_loop(2001)
    with pytest.raises(ValueError, match="warmup must be"):
        Psi.from_law(known_law(), HORIZON, warmup=500)
