from __future__ import annotations

import pytest
from figure_studies import EVIL, PRUNED, of_every_outcome, planned, probe, study_of
from searching import TARGET, search

from optuna_kappa.visualization import plot_cumulative_learning
from optuna_kappa.visualization.cumulative_info import Curve, get_cumulative_info
from optuna_kappa.visualization.searched import searched


def test_info() -> None:
    info = get_cumulative_info(searched(of_every_outcome()))
    assert info.curves == {
        "probe": [Curve(0, 0.25, [0.5, 1.0], [0.125, 0.25], 2.0)],
        "complete": [
            Curve(1, 0.5, [0.5, 8.0], [0.25, 4.0], 1.0),
            Curve(2, 0.125, [0.5, 8.0], [0.0625, 1.0], 1.25),
        ],
        "pruned": [Curve(3, 0.0625, [0.5, 4.0], [0.03125, 0.25], 3.0)],
        "diverged": [Curve(4, 1.0, [0.5, 2.0], [0.5, 2.0], None)],
        "failed": [Curve(5, 0.5, [0.5, 2.0], [0.25, 1.0], None)],
        "running": [Curve(6, 0.5, [0.5, 6.0], [0.25, 3.0], 1.25)],
    }
    assert info.counts == {
        "probe": 1,
        "complete": 2,
        "pruned": 1,
        "diverged": 1,
        "failed": 1,
        "running": 1,
    }
    assert (info.best, info.shapeless, info.horizon) == (1, 0, 8)


def test_a_scheduled_run_ends_with_the_kappa_of_its_schedule() -> None:
    info = get_cumulative_info(searched(study_of(planned(8, 0.5, {8: 1.0}, schedule="linear"))))
    (curve,) = info.curves["complete"]
    assert curve.kappa[-1] == pytest.approx(0.5 * 8 * 0.5, rel=1e-3)
    halfway = min(range(len(curve.step)), key=lambda i: abs(curve.step[i] - 4))
    done = curve.step[halfway] / 8
    assert curve.kappa[halfway] == pytest.approx(0.5 * 8 * (done - done**2 / 2), rel=1e-3)


def test_a_run_that_goes_on_beyond_its_plan_keeps_its_last_rate() -> None:
    full = planned(8, 0.5, {8: 1.0}, schedule="cosine(floor=0.5)")
    longer = planned(4, 1.0, {8: 2.0}, PRUNED, schedule="cosine(floor=0.5)")
    info = get_cumulative_info(searched(study_of(full, longer)))
    (curve,) = info.curves["pruned"]
    assert curve.kappa[-1] == pytest.approx(4 * 0.75 + 4 * 0.5, rel=1e-3)


def test_the_best_full_run_of_a_study_that_maximizes() -> None:
    trials = [probe(1, 0.5, {1: 9.0}), planned(8, 0.5, {8: 1.0}), planned(8, 0.5, {8: 2.0})]
    assert get_cumulative_info(searched(study_of(*trials, direction="maximize"))).best == 2
    assert get_cumulative_info(searched(study_of(*trials))).best == 1


def test_schedules_without_a_shape_are_counted() -> None:
    known = searched(study_of(planned(8, 0.5, {8: 1.0}, schedule=EVIL)))
    info = get_cumulative_info(known)
    assert (info.curves, info.shapeless) == ({}, 1)
    figure = plot_cumulative_learning(known.study)
    assert "1 trials are known by their names only" in figure.layout.annotations[0].text


def test_runs_that_ended_early_begin_where_they_ended() -> None:
    trials = [planned(10_000, 0.5, {10_000: 1.0}), planned(10_000, 0.5, {1: 3.0}, PRUNED)]
    info = get_cumulative_info(searched(study_of(*trials)))
    assert info.curves["complete"][0].step == [50.0, 10_000.0]
    assert info.curves["pruned"][0].step == [1.0]


def test_the_optimum_is_the_kappa_that_the_law_expects() -> None:
    known = searched(search(n_trials=12))
    proposal = known.law.propose(TARGET)
    expected = [TARGET * lr for lr in (proposal.low, proposal.lr, proposal.high)]
    assert get_cumulative_info(known).optimum == pytest.approx(expected)


def test_many_trials_are_thinned_but_the_best_stays() -> None:
    trials = [planned(8, 0.5, {8: 2.0 - (n == 77)}) for n in range(1000)]
    info = get_cumulative_info(searched(study_of(*trials)))
    assert info.counts == {"complete": 1000}
    assert len(info.curves["complete"]) == 61
    assert 77 in [curve.trial for curve in info.curves["complete"]]
    figure = plot_cumulative_learning(study_of(*trials))
    assert "61 of 1000 trials are shown" in figure.layout.title.text


def test_figure() -> None:
    figure = plot_cumulative_learning(of_every_outcome())
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert shown == [
        "failed (1)",
        "probe (1)",
        "running (1)",
        "pruned (1)",
        "diverged (1)",
        "complete (2)",
        "best",
    ]
    lines, ends = figure.data[-2:]
    assert lines.x == (0.5, 8.0, None)
    assert (ends.x, ends.y, ends.text) == ((8.0,), (4.0,), ("trial 1, lr 0.5<br>value 1",))
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert "bdata" not in figure.to_json()


def test_nothing_to_show() -> None:
    figure = plot_cumulative_learning(study_of(planned(8, 0.5, {}, PRUNED)))
    assert not figure.data
    assert "No trial has a learning rate and a report" in figure.layout.annotations[0].text
