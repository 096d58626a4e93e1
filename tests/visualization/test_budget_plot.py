from __future__ import annotations

import numpy as np
import pytest

from optuna_kappa.search.trajectory import Trajectory, trajectory
from optuna_kappa.visualization import plot_budget
from optuna_kappa.visualization.budget import _get_budget_info, _quantile, _Search, _search

NAN = np.nan


def repeats(n: int) -> list[Trajectory]:
    """Repeat i finds loss i + 2 in its first run and i + 1 in its second."""
    return [trajectory([1, 1], [i + 2.0, i + 1.0]) for i in range(n)]


def test_one_repeat_has_no_band() -> None:
    assert _search("TPE", repeats(1)) == _Search("TPE", 1, [1, 2], [2, 1], [], [], [])


def test_few_repeats_have_their_range() -> None:
    found = _search("TPE", repeats(3))
    assert found == _Search("TPE", 3, [1, 2], [3, 2], [1, 2], [2, 1], [4, 3])


def test_many_repeats_have_their_quartiles() -> None:
    found = _search("TPE", repeats(9))
    assert found == _Search("TPE", 9, [1, 2], [6, 5], [1, 2], [4, 3], [8, 7])


def test_lines_start_when_they_are_known() -> None:
    late = trajectory([1, 1, 1], [NAN, NAN, 5.0])
    found = _search("kappa", [trajectory([0.5], [3.0]), trajectory([2.0], [2.0]), late])
    assert found.budget == [2.0, 3.0]
    assert found.median == [3.0, 3.0]
    assert found.band_budget == [3.0]
    assert (found.low, found.high) == ([2.0], [5.0])


def test_long_searches_are_thinned() -> None:
    found = _search("TPE", [trajectory(np.full(5000, 0.01), 1 / np.arange(1, 5001))])
    assert len(found.budget) == 300
    assert found.budget[-1] == 50.0


@pytest.mark.parametrize("p", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_quantile_is_numpys_where_that_is_finite(p: float) -> None:
    values = np.sort(np.random.default_rng(0).normal(size=(10, 4)), axis=0)
    np.testing.assert_allclose(_quantile(values, p), np.quantile(values, p, axis=0))


def test_quantile_next_to_infinity_is_infinite() -> None:
    values = np.array([[1.0, 1.0], [2.0, np.inf], [np.inf, np.inf]])
    np.testing.assert_array_equal(_quantile(values, 0.5), [2.0, np.inf])
    np.testing.assert_array_equal(_quantile(values, 0.75), [np.inf, np.inf])


def test_info_leaves_out_searches_without_a_full_run() -> None:
    searches = {"kappa": repeats(1), "probes": [trajectory([0.1], [NAN])], "none": []}
    info = _get_budget_info(searches, 1.5, "reference", True)
    assert [search.sampler for search in info.searches] == ["kappa"]
    assert info.log
    assert (info.reference, info.reference_label) == (1.5, "reference")


@pytest.mark.parametrize("reference", [NAN, np.inf])
def test_reference_that_is_not_known(reference: float) -> None:
    assert _get_budget_info({"TPE": repeats(1)}, reference, "", True).reference is None


@pytest.mark.parametrize(("loss", "reference"), [(-1.0, None), (0.0, None), (1.0, -1.0)])
def test_losses_that_are_not_positive_are_linear(loss: float, reference: float | None) -> None:
    info = _get_budget_info({"TPE": [trajectory([1], [loss])]}, reference, "", True)
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
