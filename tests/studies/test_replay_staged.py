"""Simulated runs with a plateau."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np

from optuna_kappa import read_csv
from studies.replay.staged import DECOY, TARGET, WALL, Staged

PROBLEM = Staged(lowest=1.8e-3)


def best_rate(step: int) -> float:
    rates = np.geomspace(1e-5, WALL, 400)
    return float(rates[PROBLEM.losses(rates, step).argmin()])


def test_the_best_rate_of_long_runs_falls_as_1_over_their_length() -> None:
    assert best_rate(TARGET // 24) < 2 * DECOY
    ratio = best_rate(TARGET // 2) / best_rate(TARGET)
    assert 1.6 < ratio < 2.0
    assert PROBLEM.best < 0.2 < 0.9 < PROBLEM.loss(DECOY, TARGET)


def test_the_table_has_the_losses_with_noise(tmp_path: Path) -> None:
    path = tmp_path / "staged.csv"
    subprocess.run([sys.executable, "-m", "studies.replay.staged", "0.0018", path], check=True)
    runs = read_csv(path)
    at_end = runs.where(runs.step == TARGET)
    assert len(at_end) == 25 * 5
    diverged = at_end.lr > WALL
    assert np.isnan(at_end.loss[diverged]).all()
    assert math.isnan(PROBLEM.loss(2 * WALL, TARGET))

    low = at_end.where(at_end.lr < 5e-4)
    error = np.log(low.loss / PROBLEM.losses(low.lr, TARGET))
    assert 0 < np.abs(error).max() < 0.05
