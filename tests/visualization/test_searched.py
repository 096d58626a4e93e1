from __future__ import annotations

import optuna
import pytest
from figure_studies import PRUNED, of_every_outcome, planned, probe, study_of
from searching import TARGET, search

from optuna_kappa import KappaSampler
from optuna_kappa.schedules import cosine
from optuna_kappa.visualization.searched import searched


def test_settings_are_those_of_the_sampler() -> None:
    study = of_every_outcome()
    sampler = KappaSampler(48, schedule="cosine", lr="rate", seed=0)
    known = searched(study, sampler)
    assert (known.horizon, known.schedule, known.lr) == (48, "cosine", "rate")
    assert known.shape == cosine()


def test_settings_follow_from_the_plans() -> None:
    known = searched(
        study_of(probe(2, 0.1, {2: 1.0}), planned(9, 0.1, {9: 1.0}, schedule="linear"))
    )
    assert (known.horizon, known.schedule, known.lr) == (9, "linear", "lr")


def test_the_schedule_is_that_of_most_full_runs() -> None:
    schedules = ("cosine", "linear", "cosine")
    trials = [planned(9, 0.1, {9: 1.0}, schedule=schedule) for schedule in schedules]
    shorter = [planned(3, 0.1, {3: 1.0}, schedule="linear") for _ in range(3)]
    assert searched(study_of(*trials, *shorter)).schedule == "cosine"


def test_a_schedule_of_the_users_own_has_a_name_but_no_shape() -> None:
    rates = (0.001, 0.01, 0.1, 0.5)
    trials = [planned(8, lr, {8: 1 + abs(i - 1.5)}, schedule="mine") for i, lr in enumerate(rates)]
    known = searched(study_of(*trials))
    assert (known.schedule, known.shape, known.recommended) == ("mine", None, None)
    assert [optimum.schedule for optimum in known.law.optima] == ["mine"]


def test_a_reopened_study_has_the_law_of_its_sampler() -> None:
    study = search(n_trials=14)
    assert isinstance(study.sampler, KappaSampler)
    own = searched(study)
    assert own.law == study.sampler.law(study)
    assert own.recommended == study.sampler.recommend(study)

    reopened = searched(study_of(*study.trials))
    assert (reopened.horizon, reopened.schedule) == (TARGET, "constant")
    assert reopened.law == own.law
    assert reopened.recommended == own.recommended


@pytest.mark.parametrize("trials", [[], [planned(8, 0.1, {}, PRUNED)]])
def test_nothing_has_run(trials: list[optuna.trial.FrozenTrial]) -> None:
    known = searched(study_of(*trials))
    assert not known.law.optima
    assert known.recommended is None
    assert not len(known.runs)


def test_wrong_arguments() -> None:
    study = optuna.create_study()
    with pytest.raises(ValueError, match="sampler must be a KappaSampler, got 'mine'"):
        searched(study, "mine")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="lr must be a str"):
        searched(study, lr=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one objective"):
        searched(optuna.create_study(directions=["minimize", "minimize"]))
