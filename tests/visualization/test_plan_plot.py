from __future__ import annotations

import optuna
import pytest
from figure_studies import FAIL, RUNNING, of_every_outcome, planned, probe, study_of
from searching import TARGET, objective, search

from optuna_kappa import KappaSampler
from optuna_kappa.study.outlook import certainty
from optuna_kappa.visualization import plot_plan
from optuna_kappa.visualization.plan_info import Placed, PlanInfo, Rung, get_plan_info
from optuna_kappa.visualization.searched import searched


def test_before_the_first_trial_all_is_planned() -> None:
    study = optuna.create_study(sampler=KappaSampler(24, schedule="cosine", seed=0))
    assert get_plan_info(searched(study)) == PlanInfo(
        rungs=[
            Rung(1, False, planned=6, done=0, running=0, spent=0.0, left=0.25),
            Rung(8, False, planned=4, done=0, running=0, spent=0.0, left=1.333),
            Rung(24, True, planned=0, done=0, running=0, spent=0.0, left=0.0),
        ],
        trials=[],
        n_trials=0,
        schedule="cosine",
    )


def test_half_way_through_the_probes() -> None:
    trials = [
        *(probe(1, lr, {1: 1 + lr}) for lr in (0.5, 0.1, 0.01)),
        planned(1, 0.2, {}, FAIL, kind="probe"),
        planned(8, 0.3, {6: 1.5}, RUNNING, kind="probe"),
    ]
    known = searched(study_of(*trials), KappaSampler(24, n_probes=6, seed=0))
    info = get_plan_info(known)
    assert [regret for regret, _ in info.within] == [0.01, 0.02, 0.05]
    assert info._replace(within=()) == PlanInfo(
        rungs=[
            Rung(1, False, planned=4, done=3, running=0, spent=0.125, left=0.042),
            Rung(8, False, planned=2, done=0, running=1, spent=0.25, left=0.417),
            Rung(24, True, planned=0, done=0, running=0, spent=0.0, left=0.0),
        ],
        trials=[
            Placed(0, 1, 0.5, "probe", 1.5, False),
            Placed(1, 1, 0.1, "probe", 1.1, False),
            Placed(2, 1, 0.01, "probe", 1.01, True),
            Placed(3, 1, 0.2, "failed", None, False),
            Placed(4, 8, 0.3, "running", 1.5, False),
        ],
        n_trials=5,
        schedule="constant",
    )


def test_without_the_sampler_what_there_is_was_planned() -> None:
    info = get_plan_info(searched(of_every_outcome()))
    assert info.rungs == [
        Rung(1, False, planned=1, done=1, running=0, spent=0.125, left=0.0),
        Rung(8, True, planned=6, done=5, running=1, spent=4.75, left=0.25),
    ]
    assert info.n_trials == 7
    assert [one.trial for one in info.trials if one.is_best] == [0, 1]


def test_the_best_of_a_study_that_maximizes() -> None:
    trials = [planned(8, 0.1, {8: value}) for value in (0.5, 0.75, 0.25)]
    info = get_plan_info(searched(study_of(*trials, direction="maximize")))
    assert [one.is_best for one in info.trials] == [False, True, False]


def test_many_trials_are_thinned_but_the_best_stays() -> None:
    trials = [planned(8, 0.5, {8: 2.0 - (n == 77)}) for n in range(700)]
    info = get_plan_info(searched(study_of(*trials)))
    assert (len(info.trials), info.n_trials) == (101, 700)
    assert [one.trial for one in info.trials if one.is_best] == [77]
    figure = plot_plan(study_of(*trials))
    assert "101 of 700 trials are shown" in figure.layout.title.text


def test_figure() -> None:
    study = search(n_trials=0)
    study.optimize(objective(), n_trials=8)
    figure = plot_plan(study)
    assert [trace.name for trace in figure.data] == [
        "spent",
        "still to come",
        "probe",
        "best of its horizon",
    ]
    assert figure.data[1].text == ("6 of 6", "2 of 4", "0")
    assert figure.layout.yaxis.ticktext[-1] == f"{TARGET}<br>(full)"
    assert "Probes still to come: 0.625 FRE." in figure.layout.title.text
    stars = figure.data[-1]
    assert (len(stars.x), stars.marker.symbol) == (2, "star")
    assert "bdata" not in figure.to_json()


@pytest.mark.parametrize("sampler", [None, KappaSampler(24, seed=0)])
def test_no_trials(sampler: KappaSampler | None) -> None:
    figure = plot_plan(study_of(), sampler)
    if sampler is None:
        assert "how long a full run is" in figure.layout.annotations[0].text
    else:
        assert [trace.name for trace in figure.data] == ["spent", "still to come"]


def test_how_good_the_recommended_rate_is() -> None:
    study = search(n_trials=14)
    info = get_plan_info(searched(study))
    found = certainty(study)
    assert found is not None
    assert info.within == tuple((regret, found.within(regret)) for regret in (0.01, 0.02, 0.05))
    title = plot_plan(study).layout.title.text.replace("\xa0", " ")
    assert f"is within 1 %: {100 * found.within(0.01):.0f} %, 2 %: " in title
    assert "recommended rate" not in plot_plan(study_of()).layout.title.text
