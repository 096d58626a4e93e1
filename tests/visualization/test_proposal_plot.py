from __future__ import annotations

import numpy as np
import optuna
import pytest
from figure_studies import EVIL, PRUNED, of_every_outcome, planned, study_of
from searching import TARGET, objective, search

from optuna_kappa import KappaSampler
from optuna_kappa.visualization import plot_proposal
from optuna_kappa.visualization.classes import class_shares
from optuna_kappa.visualization.proposal_info import Tried, get_proposal_info
from optuna_kappa.visualization.searched import searched


def test_what_was_tried() -> None:
    info = get_proposal_info(searched(of_every_outcome()))
    assert info.full == [
        Tried(1, 0.5, 1.0, 8, "complete"),
        Tried(2, 0.125, 1.25, 8, "complete"),
    ]
    assert info.others == [
        Tried(0, 0.25, 2.0, 1, "probe"),
        Tried(3, 0.0625, 3.0, 4, "pruned"),
        Tried(4, 1.0, None, 2, "diverged"),
        Tried(6, 0.5, 1.25, 6, "running"),
    ]
    assert (info.best, info.counts, info.maximize) == (1, (2, 4), False)


def test_the_best_of_a_study_that_maximizes() -> None:
    trials = of_every_outcome().trials[1:3]
    info = get_proposal_info(searched(study_of(*trials, direction="maximize")))
    assert (info.best, info.maximize) == (1, True)
    assert [one.value for one in info.full] == [1.0, 1.25]


def test_runs_of_another_horizon_are_no_full_runs() -> None:
    shorter = planned(4, 0.5, {4: 0.5})
    info = get_proposal_info(searched(study_of(*of_every_outcome().trials[1:3], shorter)))
    assert [one.trial for one in info.full] == [0, 1]
    assert info.others == [Tried(2, 0.5, 0.5, 4, "complete")]


def test_the_densities_are_those_of_the_law_in_parts() -> None:
    study = search(n_trials=13)
    known = searched(study)
    info = get_proposal_info(known)
    assert info.shares == class_shares(known.law)
    assert list(info.densities) == [share.name for share in info.shares]

    ln_lr = np.log(info.lr)
    whole = np.sum(list(info.densities.values()), axis=0)
    expected = known.law.predict(TARGET).density(ln_lr) * np.log(10)
    np.testing.assert_allclose(whole, expected, rtol=1e-2, atol=1e-3 * expected.max())
    for share in info.shares:
        density = np.array(info.densities[share.name])
        area = np.diff(np.log10(info.lr)) @ (density[1:] + density[:-1]) / 2
        assert area == pytest.approx(share.posterior, abs=0.01)


def test_interval_and_recommendation() -> None:
    study = search(n_trials=13)
    assert isinstance(study.sampler, KappaSampler)
    info = get_proposal_info(searched(study))
    proposal = study.sampler.law(study).propose(TARGET)
    assert info.interval == (proposal.low, proposal.lr, proposal.high)
    assert info.recommended == study.sampler.recommend(study)
    assert info.verdict == str(proposal.verdict)


def test_many_trials_are_thinned_but_the_best_stays() -> None:
    trials = [planned(8, 0.5, {8: 2.0 - (n == 78)}) for n in range(700)]
    trials += [planned(8, 0.5, {4: 3.0}, PRUNED) for _ in range(500)]
    info = get_proposal_info(searched(study_of(*trials)))
    assert info.counts == (700, 500)
    assert (len(info.full), len(info.others)) == (151, 150)
    assert 78 in [one.trial for one in info.full]


def test_figure() -> None:
    study = search(n_trials=13)
    figure = plot_proposal(study)
    names = [trace.name for trace in figure.data]
    assert names[0].startswith("inverse: ")
    assert names[0].endswith("% (prior 50 %)")
    assert names[4:7] == ["90 % interval", "the law's median", "full runs"]
    assert "probes" in names
    text = figure.layout.annotations[0].text
    assert text.startswith("recommended ")
    assert figure.layout.xaxis.type == "log"
    assert "bdata" not in figure.to_json()


def test_a_study_that_maximizes() -> None:
    study = search(n_trials=0, direction="maximize")
    study.optimize(objective(sign=-1.0), n_trials=13)
    figure = plot_proposal(study)
    lower = figure.layout.yaxis2
    assert lower.type is None
    others = [trace for trace in figure.data if trace.name == "probes"]
    assert min(others[0].y) >= lower.range[0]


def test_other_parameters_are_said_to_vary() -> None:
    def choose(trial: optuna.Trial) -> float:
        trial.suggest_categorical("optimizer", ["a", "b"])
        return float(objective()(trial))

    study = search(n_trials=0)
    study.optimize(choose, n_trials=14)
    assert get_proposal_info(searched(study)).varied == ["optimizer"]
    assert "Other parameters vary" in plot_proposal(study).layout.title.text


def test_names_are_escaped() -> None:
    study = search(n_trials=0, study_name=EVIL)
    sampler = KappaSampler(TARGET, seed=0)
    study.enqueue_trial({"lr": 0.01}, user_attrs={EVIL: EVIL})
    study.optimize(objective(), n_trials=12)
    assert "<script>" not in str(plot_proposal(study, sampler).to_dict())


def test_nothing_to_show() -> None:
    figure = plot_proposal(study_of())
    assert not figure.data
    assert figure.layout.annotations[0].text.startswith("Undecided: ")
