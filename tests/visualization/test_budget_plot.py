from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import optuna
import pytest
from figure_studies import PRUNED, RUNNING, planned, probe, study_of
from optuna.trial import FrozenTrial
from searching import TARGET, objective, search
from simulated import Simulated

from optuna_kappa import KappaSampler
from optuna_kappa.search.trajectory import Trajectory, trajectory
from optuna_kappa.visualization import plot_budget
from optuna_kappa.visualization.budget_info import Search, get_budget_info, quantile, summarize
from optuna_kappa.visualization.regret import expected_regret
from optuna_kappa.visualization.searched import searched
from optuna_kappa.visualization.spending import best_so_far, ended

NAN = np.nan
START = datetime(2026, 1, 1)


def repeats(n: int) -> list[Trajectory]:
    """Repeat i finds loss i + 2 in its first run and i + 1 in its second."""
    return [trajectory([1, 1], [i + 2.0, i + 1.0]) for i in range(n)]


def test_one_repeat_has_no_band() -> None:
    assert summarize("TPE", repeats(1)) == Search("TPE", 1, [1, 2], [2, 1], [], [], [])


def test_few_repeats_have_their_range() -> None:
    found = summarize("TPE", repeats(3))
    assert found == Search("TPE", 3, [1, 2], [3, 2], [1, 2], [2, 1], [4, 3])


def test_many_repeats_have_their_quartiles() -> None:
    found = summarize("TPE", repeats(9))
    assert found == Search("TPE", 9, [1, 2], [6, 5], [1, 2], [4, 3], [8, 7])


def test_lines_start_when_they_are_known() -> None:
    late = trajectory([1, 1, 1], [NAN, NAN, 5.0])
    found = summarize("kappa", [trajectory([0.5], [3.0]), trajectory([2.0], [2.0]), late])
    assert found.budget == [2.0, 3.0]
    assert found.median == [3.0, 3.0]
    assert found.band_budget == [3.0]
    assert (found.low, found.high) == ([2.0], [5.0])


def test_long_searches_are_thinned() -> None:
    found = summarize("TPE", [trajectory(np.full(5000, 0.01), 1 / np.arange(1, 5001))])
    assert len(found.budget) == 300
    assert found.budget[-1] == 50.0


@pytest.mark.parametrize("p", [0.0, 0.25, 0.5, 0.75, 1.0])
def testquantile_is_numpys_where_that_is_finite(p: float) -> None:
    values = np.sort(np.random.default_rng(0).normal(size=(10, 4)), axis=0)
    np.testing.assert_allclose(quantile(values, p), np.quantile(values, p, axis=0))


def testquantile_next_to_infinity_is_infinite() -> None:
    values = np.array([[1.0, 1.0], [2.0, np.inf], [np.inf, np.inf]])
    np.testing.assert_array_equal(quantile(values, 0.5), [2.0, np.inf])
    np.testing.assert_array_equal(quantile(values, 0.75), [np.inf, np.inf])


def test_info_leaves_out_searches_without_a_full_run() -> None:
    searches = {"kappa": repeats(1), "probes": [trajectory([0.1], [NAN])], "none": []}
    info = get_budget_info(searches, 1.5, "reference", log=True, unit="budget")
    assert [search.sampler for search in info.searches] == ["kappa"]
    assert info.log
    assert (info.reference, info.reference_label) == (1.5, "reference")


@pytest.mark.parametrize("reference", [NAN, np.inf])
def test_reference_that_is_not_known(reference: float) -> None:
    assert (
        get_budget_info({"TPE": repeats(1)}, reference, "", log=True, unit="budget").reference
        is None
    )


@pytest.mark.parametrize(("loss", "reference"), [(-1.0, None), (0.0, None), (1.0, -1.0)])
def test_losses_that_are_not_positive_are_linear(loss: float, reference: float | None) -> None:
    info = get_budget_info(
        {"TPE": [trajectory([1], [loss])]}, reference, "", log=True, unit="budget"
    )
    assert not info.log


def test_figure() -> None:
    searches = {"kappa": repeats(9), "TPE": repeats(1), "<b>": repeats(2)}
    figure = plot_budget(searches, reference=2.0)
    shown = [trace.name for trace in figure.data if trace.showlegend is not False]
    assert shown == [
        "kappa (9 repeats)",
        "TPE",
        "&lt;b&gt; (2 repeats)",
        "TPE's final median",
    ]
    assert len(figure.data) == 3 + 1 + 3 + 1
    assert all(trace.line.shape == "hv" for trace in figure.data[:-1])
    assert figure.layout.xaxis.title.text == "budget spent (full-run equivalents)"
    assert figure.layout.yaxis.type == "log"
    assert "bdata" not in figure.to_json()


def test_view_is_of_what_comes_late() -> None:
    losses = np.concatenate([[1e6], np.linspace(1.3, 1.0, 29)])
    figure = plot_budget({"TPE": [trajectory(np.ones(30), losses)]}, log=False)
    low, high = figure.layout.yaxis.range
    assert low < 1.0
    assert 1.2 < high < 1.4


@pytest.mark.parametrize("log", [True, False])
def test_constant_loss(log: bool) -> None:
    low, high = plot_budget({"TPE": [trajectory([1], [2.0])]}, log=log).layout.yaxis.range
    assert low < (np.log10(2.0) if log else 2.0) < high


def test_nothing_to_show() -> None:
    figure = plot_budget({})
    assert not figure.data
    assert "No search has finished" in figure.layout.annotations[0].text


def timed(trial: FrozenTrial, start: float, end: float) -> FrozenTrial:
    """The trial, as it started and ended so many seconds after midnight."""
    trial.datetime_start = START + timedelta(seconds=start)
    trial.datetime_complete = START + timedelta(seconds=end)
    return trial


def two_workers() -> list[FrozenTrial]:
    """Four trials, the second of which ended last."""
    return [
        timed(probe(2, 0.1, {2: 3.0}), 0, 10),
        timed(planned(8, 0.2, {8: 1.0}), 5, 60),
        timed(planned(8, 0.3, {4: 2.0}, PRUNED), 10, 30),
        timed(planned(8, 0.4, {8: 2.0}), 30, 50),
    ]


def test_a_study_counts_what_its_trials_were_trained() -> None:
    info = get_budget_info(
        {"mine": [searched(study_of(*two_workers()))]}, None, "", log=True, unit="budget"
    )
    # In the order in which they ended: 1/4, 1/2, 1 and 1.
    assert info.searches == [Search("mine", 1, [1.75, 2.75], [2.0, 1.0], [], [], [])]


def test_a_study_against_time() -> None:
    study = study_of(*two_workers(), planned(8, 0.1, {4: 1.0}, RUNNING))
    info = get_budget_info({"mine": [searched(study)]}, None, "", log=True, unit="time")
    assert info.searches == [Search("mine", 1, [50.0, 60.0], [2.0, 1.0], [], [], [])]
    figure = plot_budget(study, against="time")
    assert figure.data[0].x == (50.0, 60.0)
    assert figure.layout.xaxis.title.text == "time since the first trial started (s)"


def test_values_of_studies_that_maximize_rise() -> None:
    values = (0.5, 0.25, 0.75)
    trials = [planned(8, 0.1, {8: value}) for value in values]
    study = study_of(*trials, direction="maximize", name="accuracy")
    figure = plot_budget([study])
    assert (figure.data[0].name, figure.data[0].y) == ("accuracy", (0.5, 0.5, 0.75))
    assert figure.layout.yaxis.type is None


def test_directions_cannot_be_mixed() -> None:
    studies = [study_of(direction="maximize"), study_of()]
    with pytest.raises(ValueError, match="searches must have one direction"):
        plot_budget(studies)


def test_studies_of_one_name_are_counted() -> None:
    studies = [study_of(planned(8, 0.1, {8: 1.0}), name="mine") for _ in range(3)]
    assert [trace.name for trace in plot_budget(studies).data] == ["mine", "mine (2)", "mine (3)"]


def test_regret_is_that_of_the_rates_recommended() -> None:
    problem = Simulated(slope=1.0)
    study = search(n_trials=16, problem=problem)
    known = searched(study)
    regret = expected_regret([known], "budget")
    assert regret is not None and regret.is_fraction
    (progress,) = regret.by_study
    assert progress.spent[-1] == pytest.approx(ended(known, "budget").spent[-1])

    # After ten probes and six full runs, the rate is good, and known to be.
    assert isinstance(study.sampler, KappaSampler)
    lr = study.sampler.recommend(study)
    true = problem.loss(lr, TARGET) / problem.loss(problem.optimum(TARGET), TARGET) - 1
    assert true < 0.01
    assert 0 <= progress.value[-1] < 0.05
    assert progress.value[-1] <= np.nanmax(progress.value[np.isfinite(progress.value)])


def test_regret_of_other_samplers_is_that_of_their_best_run() -> None:
    sampler = optuna.samplers.RandomSampler(seed=0)
    known = searched(search(sampler, n_trials=12))
    regret = expected_regret([known], "budget")
    assert regret is not None
    losses = best_so_far(known, "budget").best
    (progress,) = regret.by_study
    # Whenever the best run changes, and only then, the regret does.
    changes = np.flatnonzero(np.diff(losses))
    np.testing.assert_array_equal(np.flatnonzero(np.diff(progress.value)), changes)


def test_two_studies_have_two_plots() -> None:
    studies = {"kappa": search(n_trials=13), "TPE": search(optuna.samplers.TPESampler(seed=0))}
    figure = plot_budget(studies)
    below = [trace for trace in figure.data if trace.yaxis == "y2"]
    assert [trace.name for trace in below] == ["kappa", "TPE"]
    assert figure.layout.yaxis2.title.text == "expected regret (%)"
    assert figure.layout.yaxis2.domain[1] < figure.layout.yaxis.domain[0]


def test_regret_is_left_out_where_rates_alone_do_not_tell() -> None:
    def with_width(trial: optuna.Trial) -> float:
        trial.suggest_int("width", 1, 9)
        return float(objective()(trial))

    study = search(n_trials=0)
    study.optimize(with_width, n_trials=13)
    other_target = study_of(planned(9, 0.1, {9: 1.0}))
    assert expected_regret([searched(study)], "budget") is None
    assert expected_regret([searched(search()), searched(other_target)], "budget") is None
    assert expected_regret([], "budget") is None


@pytest.mark.parametrize(
    ("searches", "message"),
    [
        ("mine", "searches must be a list, each of it a Study"),
        ([3], "each of searches must be a Study"),
        ({"TPE": [3]}, "each of searches\\['TPE'\\] must be a Trajectory, got 3: or a Study"),
        ({"TPE": 3}, "searches\\['TPE'\\] must be a list"),
    ],
)
def test_wrong_searches(searches: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plot_budget(searches)  # type: ignore[arg-type]


def test_what_is_spent() -> None:
    with pytest.raises(ValueError, match="against must be 'budget' or 'time', got 'money'"):
        plot_budget([], against="money")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must be a Study, got .*: others know no time"):
        plot_budget({"TPE": repeats(1)}, against="time")


@pytest.mark.parametrize(
    ("seconds", "last", "unit"), [(100, 100.0, "s"), (600, 10.0, "min"), (36_000, 10.0, "h")]
)
def test_times_are_in_a_unit_that_can_be_read(seconds: int, last: float, unit: str) -> None:
    study = study_of(timed(planned(8, 0.1, {8: 1.0}), 0, seconds))
    figure = plot_budget(study, against="time")
    assert figure.data[0].x[-1] == last
    assert figure.layout.xaxis.title.text == f"time since the first trial started ({unit})"
