from __future__ import annotations

import numpy as np
import pytest

from optuna_kappa.psi import LossLaw, Psi
from studies.mnist.data import load
from studies.mnist.training import OptimizerName, Run, RunConfig
from studies.psi.mnist import HORIZON, Followed, best_recorded, probe_runs

VALUES = np.array([2.0, -1.0, -0.7, -0.5, 3.0, 0.6, -0.6, 0.0, 0.3])


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_the_probes_cost_one_full_run(optimizer: OptimizerName) -> None:
    runs = probe_runs(optimizer, 0)
    names = np.unique(runs.run)
    assert len(names) == 7
    assert sum(runs.step[runs.run == name].max() for name in names) == HORIZON


def test_the_best_recorded_runs() -> None:
    best = best_recorded("adam")
    assert best["cosine"] < best["constant"] < 0.2


def test_a_followed_run_has_the_rates_of_the_scheduler() -> None:
    law = LossLaw(VALUES, np.eye(9), 0.4, 2000.0, 1e-4, 0.01)
    psi = Psi.from_law(law, 3200)
    config = RunConfig(psi.peak_lr(), 3200, psi.open_loop(), "sgd", seed=0)
    dataset = load("digits")

    followed = Followed(config, dataset, [1600, 3200], psi)
    evaluations = list(followed.evaluations())
    assert np.isfinite([one.loss for one in evaluations]).all()
    assert followed._scheduler.state_dict()["n_losses"] == 2
    open_loop = Run(config, dataset, [1600, 3200])
    list(open_loop.evaluations())
    assert followed._rates[:25] == pytest.approx(open_loop._rates[:25], rel=1e-9)
