from __future__ import annotations

import re

import numpy as np
import pytest
from searching import TARGET, search

from optuna_kappa import KappaSampler
from optuna_kappa.law import Law, Optimum
from optuna_kappa.visualization import plot_law
from optuna_kappa.visualization.classes import class_shares, share_text
from optuna_kappa.visualization.law_info import Interval, get_law_info

HORIZONS = (100.0, 200.0, 400.0, 800.0)


@pytest.fixture
def law() -> Law:
    """An optimum of 1 / D at constant rate and of 2 / D under cosine."""
    constant = [Optimum("constant", d, -np.log(d), 0.1, 9, 0, 1.0) for d in HORIZONS]
    return Law((*constant, Optimum("cosine", 400.0, np.log(2 / 400), 0.2, 5, 0, 0.5)))


def test_info(law: Law) -> None:
    info = get_law_info(law, [(3200.0, "cosine")], [(3200, 6e-4, "found")], "samples")
    assert [o.schedule for o in info.optima] == ["constant"] * 4 + ["cosine"]
    np.testing.assert_allclose(info.optima[0][1:5], [100, 0.01, *(0.01 * np.exp([-0.164, 0.164]))])
    proposal = law.propose(3200, "cosine")
    assert info.targets == [Interval("cosine", 3200.0, proposal.lr, proposal.low, proposal.high)]
    assert info.truth == [(3200.0, 6e-4, "found")]
    assert info.verdict == str(law.verdict)
    assert info.prior == "mixture"
    np.testing.assert_allclose(info.paper, [(100, 0.01), (3200, 1 / 3200)])


def test_a_line_for_each_class_of_slopes(law: Law) -> None:
    classes = get_law_info(law, [], [], "").classes
    assert [line.share for line in classes] == class_shares(law)
    assert sum(line.share.posterior for line in classes) == pytest.approx(1.0)

    inverse, *_, flat, _ = classes
    assert inverse.horizon == pytest.approx(flat.horizon)
    assert (inverse.horizon[0], inverse.horizon[-1]) == pytest.approx((100, 1600))
    # Beyond the runs, where only the classes tell, each goes its own way.
    assert inverse.lr[-1] == pytest.approx(1 / 1600, rel=0.15)
    assert flat.lr[-1] > inverse.lr[-1]


def test_optima_at_an_edge_are_told_apart(law: Law) -> None:
    lowest = Optimum("constant", 400.0, -np.log(400), 0.1, 9, -1, 1.0)
    info = get_law_info(Law((*law.optima[:2], lowest)), [], [], "")
    assert [optimum.at_edge for optimum in info.optima] == [False, False, True]
    figure = plot_law(Law((*law.optima[:2], lowest)))
    assert figure.data[-1].marker.symbol == ("circle", "circle", "circle-open")
    assert "Open markers" in figure.layout.title.text


def test_the_law_of_a_study_proposes_for_its_full_run() -> None:
    study = search(n_trials=12)
    assert isinstance(study.sampler, KappaSampler)
    figure = plot_law(study)
    (proposal,) = [trace for trace in figure.data if trace.name == "proposal, constant"]
    assert (proposal.x, proposal.y) == (
        (TARGET,),
        (study.sampler.law(study).propose(TARGET).lr,),
    )
    assert figure.layout.xaxis.title.text == "horizon (steps)"
    assert not [trace for trace in plot_law(study, targets=[]).data if "proposal" in trace.name]


def test_band_is_the_law_from_the_smallest_horizon_to_the_largest_target(law: Law) -> None:
    info = get_law_info(law, [(3200.0, "cosine"), (1600.0, "constant")], [], "")
    assert info.band[0].horizon == pytest.approx(100)
    assert info.band[-1].horizon == pytest.approx(3200)
    assert {i.schedule for i in info.band} == {"constant"}
    proposal = law.propose(3200)
    np.testing.assert_allclose(info.band[-1][2:5], [proposal.lr, proposal.low, proposal.high])
    assert all(i.low < i.lr < i.high for i in info.band)


@pytest.mark.parametrize(("targets", "largest"), [([], 1600), ([(50.0, "constant")], 800)])
def test_band_without_far_targets(
    law: Law, targets: list[tuple[float, str]], largest: float
) -> None:
    info = get_law_info(law, targets, [], "")
    assert info.band[-1].horizon == pytest.approx(largest)


def test_without_constant_rate_the_band_is_of_the_most_frequent_schedule() -> None:
    names = ("linear", "cosine", "cosine")
    pairs = zip(names, HORIZONS, strict=False)
    law = Law(tuple(Optimum(name, d, -np.log(d), 0.1, 9, 0, 0.5) for name, d in pairs))
    info = get_law_info(law, [], [], "")
    assert {i.schedule for i in info.band} == {"cosine"}
    np.testing.assert_allclose(info.paper[0], (100, 0.01))


def test_figure(law: Law) -> None:
    targets = [(1600.0, "constant"), (3200.0, "constant"), (3200.0, "linear")]
    truth = [(1600.0, 6e-4, "a<b>"), (3200.0, 3e-4, "a<b>"), (3200.0, 5e-4, "c")]
    figure = plot_law(law, targets=targets, truth=truth, unit="tokens")
    assert [trace.name for trace in figure.data] == [
        "90 % interval",
        "law, constant",
        *(share_text(share) for share in class_shares(law)),
        "kappa constant (slope 1)",
        "optimum, constant",
        "proposal, constant",
        "optimum, cosine",
        "proposal, linear",
        "a&lt;b&gt;",
        "c",
    ]
    proposals = figure.data[8]
    assert len(proposals.x) == len(proposals.error_y.array) == 2
    assert set(proposals.marker.symbol) == {"diamond"}
    assert figure.layout.xaxis.title.text == "horizon (tokens)"
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert "Holds: the optimum falls" in figure.layout.title.text
    assert "(prior: mixture)." in re.sub("<.*?>", " ", figure.layout.title.text)
    assert "bdata" not in figure.to_json()


def test_many_labels_share_entries_of_the_legend(law: Law) -> None:
    truth = [(800.0, 1e-3, f"{name}, repeat {i}") for name in ("kappa", "TPE") for i in range(3)]
    *_, kappa, tpe = plot_law(law, truth=truth).data
    assert (kappa.name, tpe.name) == ("kappa", "TPE")
    assert tpe.text == ("TPE, repeat 0", "TPE, repeat 1", "TPE, repeat 2")


def test_nothing_found_is_left_out(law: Law) -> None:
    assert get_law_info(law, [], [(800.0, np.nan, "TPE")], "").truth == []


def test_names_of_schedules_are_escaped() -> None:
    law = Law((Optimum("</script><b>x", 100.0, -5.0, 0.1, 9, 0),))
    text = str(plot_law(law).to_dict())
    assert "<b>x" not in text
    assert "law, &lt;/script&gt;&lt;b&gt;x" in text


def test_law_without_optima() -> None:
    figure = plot_law(Law(()), targets=[(100.0, "constant")])
    assert not figure.data
    assert figure.layout.annotations[0].text.startswith("Undecided: optima at horizons")


def test_unknown_schedule_of_a_target(law: Law) -> None:
    with pytest.raises(ValueError, match="zigzag"):
        plot_law(law, targets=[(1600.0, "zigzag")])
