from __future__ import annotations

import math

from figure_studies import FAIL, LR, NAN, PRUNED, of_every_outcome, planned, study_of
from optuna.distributions import FloatDistribution
from optuna.trial import create_trial

from optuna_kappa.visualization.outcomes import COLORS, Ran, ran
from optuna_kappa.visualization.searched import searched


def test_every_outcome() -> None:
    assert ran(searched(of_every_outcome())) == [
        Ran(0, 0.25, "probe", 1, 1, 2.0, "probe"),
        Ran(1, 0.5, "law", 8, 8, 1.0, "complete"),
        Ran(2, 0.125, "law", 8, 8, 1.25, "complete"),
        Ran(3, 0.0625, "law", 8, 4, 3.0, "pruned"),
        Ran(4, 1.0, "law", 8, 2, None, "diverged"),
        Ran(5, 0.5, "law", 8, 2, None, "failed"),
        Ran(6, 0.5, "law", 8, 6, 1.25, "running"),
        Ran(7, None, "law", 8, 8, 1.0, "complete"),
    ]


def test_every_outcome_has_a_color() -> None:
    outcomes = {one.outcome for one in ran(searched(of_every_outcome()))}
    assert outcomes == set(COLORS)
    assert len(set(COLORS.values())) == len(COLORS)


def test_a_failed_trial_with_a_loss_that_is_no_number_diverged() -> None:
    (one,) = ran(searched(study_of(planned(8, 0.5, {1: 2.0, 2: NAN}, FAIL))))
    assert (one.outcome, one.trained, one.value) == ("diverged", 2, None)


def test_an_infinite_value_is_none() -> None:
    (one,) = ran(searched(study_of(planned(8, 0.5, {8: math.inf}))))
    assert (one.outcome, one.value) == ("diverged", None)


def test_what_nobody_planned_is_left_out_only_if_it_cannot_be_read() -> None:
    lr = {"params": {"lr": 0.5}, "distributions": {"lr": LR}}
    unplanned = create_trial(value=1.0, intermediate_values={8: 1.0}, **lr)  # type: ignore[arg-type]
    garbage = create_trial(value=1.0, user_attrs={"kappa:plan": "eight"}, **lr)  # type: ignore[arg-type]
    study = study_of(unplanned, garbage)
    study.enqueue_trial({"lr": 0.1})
    assert ran(searched(study)) == [Ran(0, 0.5, "", 8, 8, 1.0, "complete")]


def test_a_rate_beyond_all_reckoning_is_none() -> None:
    lr = FloatDistribution(1e-300, 1e300, log=True)
    of_any_size = create_trial(value=1.0, params={"lr": 1e300}, distributions={"lr": lr})
    (one,) = ran(searched(study_of(of_any_size)))
    assert one.lr is None


def test_a_trial_without_reports_has_trained_nothing() -> None:
    (one,) = ran(searched(study_of(planned(8, 0.5, {}, PRUNED))))
    assert (one.trained, one.value, one.outcome) == (0, None, "pruned")
