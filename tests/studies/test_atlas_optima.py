"""Optima, slopes and regrets of tables whose law is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from optuna_kappa import RunTable
from studies.atlas.optima import Losses, losses_of, optimum, regret, rule_regrets, slope_between

LRS = tuple(1e-4 * 1.8**i for i in range(16))
HORIZONS = (64, 128, 256, 512, 1024, 2048, 4096)


def loss(lr: float, horizon: float, slope: float, seed: int = 0) -> float:
    """A parabola in ln lr around a law, which is 3e-3 at 512."""
    distance = math.log(lr / 3e-3) + slope * math.log(horizon / 512)
    return float(horizon**-0.2 * (1 + 0.1 * seed) * math.exp(0.1 * distance**2))


def table(
    slope: float, schedule: str = "constant", wall: float = math.inf, n_seeds: int = 3
) -> RunTable:
    """Runs of which those above the wall have diverged."""
    columns: dict[str, list[object]] = {}

    def add(run: str, lr: float, seed: int, horizon: int, step: int, value: float) -> None:
        row = {"run": run, "lr": lr, "schedule": schedule, "horizon": horizon, "step": step}
        for name, cell in {**row, "loss": value, "seed": seed}.items():
            columns.setdefault(name, []).append(cell)

    for seed in range(n_seeds):
        for lr in LRS:
            if schedule == "constant":
                for step in HORIZONS:
                    value = loss(lr, step, slope, seed) if lr < wall else math.nan
                    add(f"{seed}-{lr}", lr, seed, HORIZONS[-1], step, value)
                    if lr >= wall:
                        break
                continue
            for horizon in HORIZONS:
                run = f"{seed}-{lr}-{horizon}"
                add(run, lr, seed, horizon, horizon // 2, 9.0)
                add(run, lr, seed, horizon, horizon, loss(lr, horizon, slope, seed))

    return RunTable.from_columns(columns)  # type: ignore[arg-type]


def losses(slope: float, **settings: object) -> Losses:
    return losses_of("made", table(slope, **settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_a_law_is_found_again(slope: float, schedule: str) -> None:
    made = losses(slope, schedule=schedule)
    assert made.loss.shape == (3, 16, 7)
    for index, horizon in enumerate(HORIZONS):
        best = optimum(made, index)
        assert best.value == pytest.approx(math.log(3e-3 * (512 / horizon) ** slope), abs=0.02)
        assert not best.edge
    for first, last in ((1 / 64, 1 / 8), (1 / 8, 1.0)):
        found = slope_between(made, first, last)
        assert found.value == pytest.approx(slope, abs=0.02)
        assert found.low < slope < found.high


def test_the_rule_with_the_right_slope_loses_nothing() -> None:
    copy, half, right = rule_regrets(losses(1.0), 1 / 16, [0.0, 0.5, 1.0])
    assert right == pytest.approx(0, abs=1e-3)
    # The logarithm of the regret grows with the square of the distance.
    assert math.log1p(copy) == pytest.approx(0.1 * math.log(16) ** 2, rel=0.05)
    assert math.log1p(half) == pytest.approx(0.1 * math.log(4) ** 2, rel=0.05)


def test_diverged_runs_have_no_loss() -> None:
    made = losses(0.0, wall=LRS[8])
    assert np.isinf(made.loss[:, 8:]).all() and np.isfinite(made.loss[:, :8]).all()
    assert regret(made, LRS[8]) == math.inf
    assert regret(made, LRS[7] * 1.1) == math.inf
    assert math.isfinite(regret(made, LRS[6] * 1.1))


def test_rates_beyond_the_grid_have_no_loss() -> None:
    made = losses(0.0)
    assert regret(made, LRS[0] / 2) == regret(made, LRS[-1] * 2) == math.inf


def test_an_optimum_at_an_end_of_the_grid_is_told() -> None:
    made = losses(3.0)
    assert optimum(made, 0).edge and not optimum(made, 3).edge


def test_seeds_give_the_interval() -> None:
    """A seed whose optimum is elsewhere widens it."""
    same = losses(0.5)
    shifted = same.loss.copy()
    shifted[0] = np.roll(shifted[0], 1, axis=0)
    differing = Losses("made", same.lrs, same.horizons, shifted)
    assert optimum(differing, 3).half_width > 2 * optimum(same, 3).half_width


def test_missing_runs_are_told() -> None:
    runs = table(0.5)
    some = runs.where(runs.run != runs.run[0])
    with pytest.raises(ValueError, match="made has 47 runs, but 48 are needed"):
        losses_of("made", some)
