from __future__ import annotations

import numpy as np
import optuna
import pytest
from figure_studies import EVIL, NAN, PRUNED, planned, study_of
from optuna.trial import FrozenTrial
from searching import objective, search

from optuna_kappa.law import Law, Optimum, fit
from optuna_kappa.law.observations import observe
from optuna_kappa.runs import RunTable
from optuna_kappa.visualization import plot_lr_curves
from optuna_kappa.visualization.lr_curves_info import (
    LrCurvesInfo,
    get_lr_curves_info,
    get_lr_curves_info_of_study,
)
from optuna_kappa.visualization.searched import searched

Row = tuple[str, float, str, float, float, float]


def table(rows: list[Row]) -> RunTable:
    names = ("run", "lr", "schedule", "horizon", "step", "loss")
    return RunTable.from_columns(dict(zip(names, zip(*rows, strict=True), strict=True)))


def finals(losses: dict[tuple[float, float], list[float]], schedule: str) -> list[Row]:
    """Final losses by horizon and lr; scheduled runs count at their own horizon only."""
    pairs = [(d, lr, loss) for (d, lr), seen in losses.items() for loss in seen]
    return [(f"{schedule}{i}", lr, schedule, d, d, y) for i, (d, lr, y) in enumerate(pairs)]


@pytest.fixture
def runs() -> RunTable:
    """Cosine runs at two horizons, some of which diverge, and linear ones."""
    short = {(100.0, 0.001): [4.0], (100.0, 0.01): [2.0], (100.0, 0.1): [3.0, 5.0]}
    short |= {(100.0, 1.0): [NAN]}
    long = {(200.0, 0.001): [2.0], (200.0, 0.01): [3.0], (200.0, 0.1): [4.0, NAN]}
    long |= {(200.0, 1.0): [NAN]}
    linear = {(200.0, 0.01): [1.0], (200.0, 0.1): [2.0]}
    return table(finals(short | long, "cosine") + finals(linear, "linear"))


def test_info(runs: RunTable) -> None:
    law = Law((Optimum("cosine", 200.0, np.log(0.001), 0.1, 5, -1),))
    info = get_lr_curves_info(runs, law, "cosine", 8, "samples")
    assert [curve.horizon for curve in info.curves] == [100, 200]
    for found, losses in zip(info.curves, ([4.0, 2.0, 4.0], [2.0, 3.0, 4.0]), strict=True):
        np.testing.assert_allclose(found.lr, [0.001, 0.01, 0.1])
        np.testing.assert_allclose(found.value, losses)
    assert info.curves[0].optimum is None
    assert info.curves[1].optimum == pytest.approx((0.001, 2.0))
    np.testing.assert_allclose(info.diverged, [(0.1, 200), (1.0, 100)])
    assert info.schedules == ["cosine", "linear"]
    assert all(type(value) is float for value in info.curves[0].lr + info.curves[0].value)


def test_info_of_another_schedule(runs: RunTable) -> None:
    info = get_lr_curves_info(runs, None, "linear", 8, "samples")
    assert [(curve.horizon, curve.value) for curve in info.curves] == [(200, [1.0, 2.0])]
    assert info.diverged == []


@pytest.mark.parametrize(
    ("most", "horizons"), [(1, [5]), (2, [1, 5]), (3, [1, 3, 5]), (99, [1, 2, 3, 4, 5])]
)
def test_max_horizons(most: int, horizons: list[float]) -> None:
    losses = {(float(d), lr): [1.0] for d in range(1, 6) for lr in (0.1, 0.2)}
    info = get_lr_curves_info(table(finals(losses, "linear")), None, "linear", most, "")
    assert [curve.horizon for curve in info.curves] == horizons


def test_max_horizons_below_one(runs: RunTable) -> None:
    with pytest.raises(ValueError, match="max_horizons must be an int of at least 1, got 0"):
        plot_lr_curves(runs, max_horizons=0)


def test_constant_rate_curves_are_read_at_many_horizons() -> None:
    rows: list[Row] = []
    for lr in np.geomspace(1e-4, 1e-1, 10):
        for d in np.geomspace(25, 400, 17):
            rows.append((f"{lr}", lr, "constant", 400.0, d, 1 + np.log(lr * d) ** 2))
    runs = table(rows)
    curves = get_lr_curves_info(runs, fit(runs), "constant", 99, "").curves
    assert [curve.horizon for curve in curves] == [seen.horizon for seen in observe(runs)]
    for curve in curves[3:]:
        assert curve.optimum is not None
        assert curve.optimum[0] * curve.horizon == pytest.approx(1.0, rel=0.25)


def test_many_trials_are_thinned_but_the_best_stays() -> None:
    lrs = np.geomspace(1e-5, 1.0, 2001)
    losses = {(1.0, float(lr)): [2.0 - (i == 777)] for i, lr in enumerate(lrs)}
    runs = table(finals(losses, "linear"))
    [found] = get_lr_curves_info(runs, None, "linear", 8, "").curves
    assert len(found.lr) <= 101
    assert min(found.value) == 1.0


def accuracies() -> list[FrozenTrial]:
    """Linear runs at two horizons, one of which diverged."""
    trials = []
    for horizon, values in ((4, (0.5, 0.75, 0.25)), (8, (0.75, 0.5, 0.25))):
        for lr, value in zip((0.0625, 0.125, 0.5), values, strict=True):
            trials.append(planned(horizon, lr, {horizon: value}, schedule="linear"))
    return [*trials, planned(8, 1.0, {4: NAN}, PRUNED, schedule="linear")]


def test_info_of_a_study_that_maximizes() -> None:
    study = study_of(*accuracies(), direction="maximize")
    info = get_lr_curves_info_of_study(searched(study))._replace(schedules=[])
    assert [round(lr, 9) for curve in info.curves for lr in curve.lr] == [0.0625, 0.125, 0.5] * 2
    assert [(curve.horizon, curve.value) for curve in info.curves] == [
        (4.0, [0.5, 0.75, 0.25]),
        (8.0, [0.75, 0.5, 0.25]),
    ]
    assert info == LrCurvesInfo(info.curves, [(1.0, 8.0)], "linear", [], 2, "steps", True, False)

    figure = plot_lr_curves(study)
    assert figure.layout.yaxis.title.text == "value"
    crosses = figure.data[-1]
    assert (crosses.name, crosses.y) == ("diverged", (0.25,))


def test_info_of_a_study_has_the_optima_of_its_law() -> None:
    study = search(n_trials=14)
    known = searched(study)
    info = get_lr_curves_info_of_study(known, max_horizons=99)
    found = [curve.optimum[0] for curve in info.curves if curve.optimum]
    np.testing.assert_allclose(found, [np.exp(optimum.ln_lr) for optimum in known.law.optima])


def test_other_parameters_are_said_to_be_taken_out() -> None:
    def choose(trial: optuna.Trial) -> float:
        trial.suggest_categorical(EVIL, ["a", EVIL])
        return objective()(trial)

    study = search(n_trials=0, sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(choose, n_trials=12)
    assert get_lr_curves_info_of_study(searched(study)).adjusted
    figure = plot_lr_curves(study)
    assert "average of the other parameters" in figure.layout.title.text
    assert "<script>" not in str(figure.to_dict())


def test_figure(runs: RunTable) -> None:
    figure = plot_lr_curves(runs, law=fit(runs), schedule="cosine", unit="<b>tokens")
    assert [trace.name for trace in figure.data] == [
        "100 &lt;b&gt;tokens",
        "200 &lt;b&gt;tokens",
        "optimum",
        "diverged",
    ]
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert set(figure.data[-1].y) == {4.0}
    assert "bdata" not in figure.to_json()


def test_losses_that_are_not_positive_are_drawn_on_a_linear_axis() -> None:
    runs = table(finals({(9.0, 0.1): [-1.0], (9.0, 0.2): [2.0]}, "linear"))
    figure = plot_lr_curves(runs, schedule="linear")
    assert figure.layout.yaxis.type is None
    assert [trace.name for trace in figure.data] == ["9 samples"]


@pytest.mark.parametrize("empty", [True, False])
def test_nothing_to_show(runs: RunTable, empty: bool) -> None:
    figure = plot_lr_curves(RunTable.empty() if empty else runs)
    assert not figure.data
    text = figure.layout.annotations[0].text.replace("<br>", " ")
    assert text.endswith(f"Schedules of the runs: {'none' if empty else 'cosine, linear'}.")
