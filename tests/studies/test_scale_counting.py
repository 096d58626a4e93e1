"""What is counted of a study that several workers share, and the command line."""

from __future__ import annotations

from datetime import datetime, timedelta

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState

from studies.scale.__main__ import main
from studies.scale.duplicates import count_shared

LR = FloatDistribution(1e-5, 1e-1, log=True)
START = datetime(2026, 1, 1)


def trial(number: int, lr: float, horizon: int, began: float, ended: float) -> FrozenTrial:
    kind = "probe" if horizon < 24 else "law"
    plan = f'{{"horizon": {horizon}, "kind": "{kind}", "schedule": "constant"}}'
    made = optuna.trial.create_trial(
        value=0.5, params={"lr": lr}, distributions={"lr": LR}, user_attrs={"kappa:plan": plan}
    )
    made.number = number
    made.datetime_start = START + timedelta(seconds=began)
    made.datetime_complete = START + timedelta(seconds=ended)
    made.state = TrialState.COMPLETE
    return made


def test_what_is_done_twice() -> None:
    trials = [
        trial(0, 1e-3, 24, 0, 2),
        trial(1, 1.001e-3, 24, 1, 3),  # alike, and at the same time
        trial(2, 1e-3, 24, 5, 6),  # the same, but later
        trial(3, 1e-3, 1, 5, 6),  # another horizon
        trial(4, 5e-2, 1, 7, 8),
    ]
    shared = count_shared(trials)
    assert (shared.n_trials, shared.n_repeated, shared.n_at_once) == (5, 1, 1)
    assert (shared.probes, shared.n_cells) == ({1: 2}, 2)
    assert shared.seconds == 8.0
    assert shared.off == pytest.approx(1.0)


def test_a_storage_that_nobody_knows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chaos", "--storages", "paper"]) == 2
    assert "got 'paper'" in capsys.readouterr().err
