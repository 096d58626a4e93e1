from __future__ import annotations

import math
from datetime import timedelta

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from optuna_kappa import KappaSampler, fail_interrupted
from optuna_kappa.study.interrupted import was_interrupted


def test_only_running_trials_are_marked() -> None:
    study = optuna.create_study(sampler=KappaSampler(24, seed=0))
    done, left = study.ask(), study.ask()
    study.tell(done, 0.5)
    assert fail_interrupted(study) == [left.number]
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE, TrialState.FAIL]
    assert [was_interrupted(trial) for trial in study.trials] == [False, True]
    assert fail_interrupted(study) == []


def test_young_trials_may_be_left_alone() -> None:
    study = optuna.create_study()
    study.ask()
    old = create_trial(state=TrialState.RUNNING)
    assert old.datetime_start is not None
    old.datetime_start -= timedelta(hours=2)
    study.add_trial(old)
    assert fail_interrupted(study, older_than=3600) == [1]
    assert fail_interrupted(study, older_than=1e300) == []
    assert fail_interrupted(study) == [0]


@pytest.mark.parametrize("older_than", [-1, math.nan, math.inf, "1h"])
def test_wrong_ages(older_than: object) -> None:
    with pytest.raises(ValueError, match="older_than must be a finite number"):
        fail_interrupted(optuna.create_study(), older_than)  # type: ignore[arg-type]
