"""The unit of learning rates, data or losses decides nothing, to 1e-6.

Tables are drawn such that comparisons come out even: rates on grids, steps that are whole numbers,
losses of few digits, many ties. An ordinary run tries a few; for thousands,
`HYPOTHESIS_EXAMPLES=5000 pytest tests/law/test_units.py`.
"""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulated import table

from optuna_kappa import RunTable, fit
from optuna_kappa._typing import Floats
from optuna_kappa.backtest import backtest
from optuna_kappa.law import Optimum

_EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "60"))
_FACTORS = (1.1, 0.3, 1 / 3, 7.0, 1e3, 1e-3, 937.0, float(np.pi))
_STEPS = (1, 2, 3, 4, 5, 8, 10, 15, 16, 20, 21, 24, 32, 64, 100, 105, 128, 256, 1000)
_SPACINGS = (0.025, 0.1, 0.25, 0.5, float(np.log(2)), 1.0, float(np.log(10)) / 4, 1.5, 2.0)


@st.composite
def _rates(draw: st.DrawFn) -> Floats:
    n = draw(st.integers(2, 9) | st.integers(31, 45))
    if draw(st.booleans()):
        ln_lr = np.arange(n) * draw(st.sampled_from(_SPACINGS)) - 9.0
        return np.asarray(np.exp(ln_lr))

    grid: Floats = np.geomspace(1e-5, 1e-1, 200)
    chosen = draw(st.lists(st.integers(0, 199), min_size=n, max_size=n))
    return np.asarray(grid[chosen])


@st.composite
def _losses(draw: st.DrawFn, lr: Floats, horizon: float) -> Floats:
    """Losses of rates: of a valley or of a few values, rounded, some of them diverged."""
    off = np.log(lr / (2e-3 * (horizon / 64) ** -0.7))
    if draw(st.booleans()):
        loss = horizon**-0.25 * np.exp(np.sqrt(1 + off**2) - 1)
        loss = np.round(loss, draw(st.integers(0, 6))) + 0.01
    else:
        few = draw(st.lists(st.integers(1, 4), min_size=len(lr), max_size=len(lr)))
        loss = np.array(few) / 10

    wall = draw(st.sampled_from([np.inf, np.inf, 2.0, 0.0]))
    return np.where(off > wall, np.nan, loss)


@st.composite
def _tables(draw: st.DrawFn) -> RunTable:
    schedule = draw(st.sampled_from(["constant", "constant", "cosine", "my own"]))
    horizons = draw(st.lists(st.sampled_from(_STEPS), min_size=1, max_size=4, unique=True))
    has_curves = schedule == "constant" and draw(st.booleans())
    sign = draw(st.sampled_from([1.0, 1.0, -1.0]))
    rates = draw(_rates())

    parts = []
    for horizon in horizons:
        steps = [step for step in _STEPS if step <= horizon] if has_curves else [horizon]
        for step in steps[-6:]:
            loss = draw(_losses(rates, step)) if step == steps[-1] else None
            if loss is None:
                loss = np.abs(np.log(rates / (2e-3 * (step / 64) ** -0.7))).round(1) + 0.5
            run = [f"{horizon} {i}" for i in range(len(rates))]
            parts.append(table(run, rates, horizon, step, sign * loss, schedule))

    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
    return RunTable.from_columns(columns)


_COLUMNS = ("run", "lr", "schedule", "horizon", "step", "loss")
_units = st.tuples(*[st.sampled_from(_FACTORS)] * 3)
_thorough = settings(
    max_examples=_EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def in_units(runs: RunTable, lr: float, data: float, loss: float) -> RunTable:
    return replace(
        runs,
        lr=runs.lr * lr,
        horizon=runs.horizon * data,
        step=runs.step * data,
        loss=runs.loss * loss,
    )


def _moved(optimum: Optimum, lr: float, data: float) -> Optimum:
    return replace(optimum, ln_lr=optimum.ln_lr + np.log(lr), horizon=optimum.horizon * data)


@_thorough
@given(_tables(), _units)
def test_proposals_are_the_same_in_any_unit(
    runs: RunTable, units: tuple[float, float, float]
) -> None:
    lr, data, _ = units
    before, after = fit(runs), fit(in_units(runs, *units))
    assert len(after.optima) == len(before.optima)

    for expected, found in zip(before.optima, after.optima, strict=True):
        moved = _moved(expected, lr, data)
        assert (found.n, found.at_edge, found.schedule) == (moved.n, moved.at_edge, moved.schedule)
        assert found.horizon == pytest.approx(moved.horizon, rel=1e-6)
        assert found.ln_lr == pytest.approx(moved.ln_lr, abs=1e-6)
        assert found.se == pytest.approx(moved.se, rel=1e-6)

    schedule = str(runs.schedule[0])
    if before.optima and schedule != "my own":
        one = before.propose(300.0, schedule)
        other = after.propose(300.0 * data, schedule)
        assert other.lr == pytest.approx(one.lr * lr, rel=1e-6)
        assert other.low == pytest.approx(one.low * lr, rel=1e-6)
        assert other.high == pytest.approx(one.high * lr, rel=1e-6)
        assert other.verdict.word == one.verdict.word


@settings(_thorough, max_examples=_EXAMPLES // 3)
@given(_tables(), _units)
def test_backtests_are_the_same_in_any_unit(
    runs: RunTable, units: tuple[float, float, float]
) -> None:
    before, after = backtest(runs), backtest(in_units(runs, *units))
    assert len(after.tested) == len(before.tested)
    for expected, found in zip(before.tested, after.tested, strict=True):
        for method, tried in expected.methods.items():
            assert found.methods[method].lr == pytest.approx(tried.lr * units[0], rel=1e-6)
