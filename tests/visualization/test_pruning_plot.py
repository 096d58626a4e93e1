from __future__ import annotations

import math
from typing import Literal

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

from optuna_kappa.study.explain import Kill
from optuna_kappa.visualization import plot_pruning
from optuna_kappa.visualization.pruning import _frame, _hover_text, _probability_colors
from optuna_kappa.visualization.pruning_info import Curve, PruningInfo, get_pruning_info

COMPLETE, PRUNED = TrialState.COMPLETE, TrialState.PRUNED
NAN = math.nan
LR = FloatDistribution(1e-5, 1.0, log=True)
NO_REASON = "pruned by the objective or by another pruner, which left no reason"


def trial(
    reports: dict[int, float],
    state: TrialState = COMPLETE,
    probability: float | None = None,
    horizon: int | None = None,
) -> FrozenTrial:
    attrs: dict[str, object] = {}
    if probability is not None:
        attrs["kappa:pruned"] = {"probability": probability, "reason": "<small>"}
    if horizon is not None:
        attrs["kappa:plan"] = {"horizon": horizon, "kind": "probe", "schedule": "constant"}
    return create_trial(
        state=state,
        value=reports[max(reports)] if state == COMPLETE else None,
        params={"lr": 0.01},
        distributions={"lr": LR},
        intermediate_values=reports,
        user_attrs=attrs,
    )


def study_of(
    *trials: FrozenTrial, direction: Literal["minimize", "maximize"] = "minimize"
) -> Study:
    study = optuna.create_study(direction=direction)
    study.add_trials(trials)
    return study


@pytest.fixture
def study() -> Study:
    return study_of(
        trial({1: 3.0, 2: 2.0, 4: 1.0}),
        trial({0: 9.0, 2: 2.0, 4: 0.5123456}),
        trial({1: 3.0, 2: 2.5}, PRUNED, probability=0.01),
        trial({1: 3.0, 2: NAN}, PRUNED),
        trial({1: 2.0, 2: 1.5}, PRUNED, horizon=2),
        trial({1: 4.0}, PRUNED),
        trial({1: 5.0}, TrialState.FAIL),
        trial({1: 5.0}, TrialState.RUNNING),
    )


def test_info(study: Study) -> None:
    info = get_pruning_info(study, "lr")
    diverged = info.kills.pop(1)
    assert info == PruningInfo(
        kept=[
            Curve(0, 0.01, [1, 2, 4], [3.0, 2.0, 1.0]),
            Curve(1, 0.01, [2, 4], [2.0, 0.51235]),
        ],
        pruned=[
            Curve(2, 0.01, [1, 2], [3.0, 2.5]),
            Curve(3, 0.01, [1], [3.0]),
            Curve(5, 0.01, [1], [4.0]),
        ],
        probes=[Curve(4, 0.01, [1, 2], [2.0, 1.5])],
        best=1,
        kills=[
            Kill(2, 0.01, 2, 2.5, 0.01, "forecast", "<small>"),
            Kill(5, 0.01, 1, 4.0, None, "other", NO_REASON),
        ],
        counts=(2, 3, 1),
        first=1,
        maximize=False,
    )
    assert (diverged.trial, diverged.step, diverged.kind) == (3, 2, "diverged")


def test_the_best_of_a_study_that_maximises(study: Study) -> None:
    info = get_pruning_info(study_of(*study.trials[:2], direction="maximize"), "lr")
    assert (info.best, info.maximize) == (0, True)


def test_the_axis_begins_where_the_first_trial_ended() -> None:
    full = {step: 1.0 for step in range(10, 10_001, 10)}
    assert get_pruning_info(study_of(trial(full)), "lr").first == 100
    early = trial({10: 1.0, 50: 1.0}, PRUNED)
    info = get_pruning_info(study_of(trial(full), early), "lr")
    assert info.first == 50
    assert info.pruned == [Curve(1, 0.01, [50], [1.0])]
    never = trial({0: 1.0}, PRUNED)
    assert get_pruning_info(study_of(never), "lr").first == 1


def test_many_long_curves_are_thinned_but_the_best_stays() -> None:
    steps = range(1, 501)
    trials = [
        trial(dict.fromkeys(steps, 2.0 - (n == 79)), PRUNED if n % 2 == 0 else COMPLETE)
        for n in range(300)
    ]
    info = get_pruning_info(study_of(*trials), "lr")
    assert info.counts == (150, 150, 0)
    assert (len(info.kept), len(info.pruned), len(info.kills)) == (37, 36, 100)
    assert 79 in [curve.trial for curve in info.kept]
    for curve in (*info.kept, *info.pruned):
        assert 15 <= len(curve.step) <= 24
        assert (curve.step[0], curve.step[-1]) == (5, 500)


def test_figures_of_large_studies_are_small() -> None:
    steps = range(1, 51)
    curve = {step: 1.234567890123 / step for step in steps}
    trials = [
        *(trial(curve, horizon=50, state=PRUNED) for _ in range(200)),
        *(trial(curve) for _ in range(400)),
        *(trial({**curve, 50: NAN}, PRUNED) for _ in range(200)),
        *(trial(curve, PRUNED, 0.0123456789) for _ in range(200)),
    ]
    text = plot_pruning(study_of(*trials)).to_json()
    assert len(text) < 200_000
    assert "bdata" not in text


def test_bad_values_leave_the_frame(study: Study) -> None:
    info = get_pruning_info(study, "lr")
    curve = Curve(0, None, [1] * 9, [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1e9])
    frame = _frame([curve], info)
    assert frame.log
    assert frame.low == pytest.approx(1.0)
    assert 2 < frame.high == frame.bad < 10
    mirrored = curve._replace(value=[-value for value in curve.value])
    frame = _frame([mirrored], info._replace(maximize=True))
    assert (frame.log, frame.high) == (False, -1.0)
    assert -10 < frame.low == frame.bad < -1.7


def pruned_at(probability: float) -> Kill:
    return Kill(0, 0.01, 2, 2.5, probability, "forecast", "")


def test_values_beyond_reckoning_are_not_drawn() -> None:
    study = optuna.create_study()
    for last in (1.0, 1e308, -1e308, math.inf):
        study.add_trial(create_trial(value=0.5, intermediate_values={1: 2.0, 2: last}))
    plot_pruning(study)
    assert [curve.value for curve in get_pruning_info(study, "lr").kept][:2] == [[2.0, 1.0], [2.0]]


def test_probability_colors() -> None:
    made = _probability_colors([pruned_at(p) for p in (0.0, 1e-9, 1e-3, 0.02)])
    assert made["color"] == [-6, -6, -3, -1.699]
    assert (made["cmin"], made["cmax"]) == (-6, math.log10(0.02))
    bar = made["colorbar"]
    assert isinstance(bar, dict)
    assert bar["title"]["text"] == "probability<br>to win"
    assert bar["tickvals"] == [-6, -5, -4, -3, -2]
    assert bar["ticktext"] == ["≤ 1e-6", "1e-5", "1e-4", "1e-3", "0.01"]


def test_one_colour_has_a_bar_too() -> None:
    made = _probability_colors([pruned_at(0.0173)])
    low, high = made["cmin"], made["cmax"]
    assert isinstance(low, float) and isinstance(high, float)
    assert high - low == pytest.approx(2.0)


def test_hover_text_is_wrapped_at_words_and_shown_as_it_is() -> None:
    reason = "its probability to beat the best of 25 runs, <b>, was 0.012 at step 7, below 0.02"
    told = _hover_text(Kill(7, 0.00026, 7, 0.51234, 0.0123, "forecast", reason)).split("<br>")
    assert told[:3] == ["trial 7, lr 2.6e-4", "step 7: 0.5123", "probability 0.012"]
    assert " ".join(told[3:]) == reason.replace("<b>", "&lt;b&gt;")
    assert max(map(len, told)) <= 62


def test_figure(study: Study) -> None:
    figure = plot_pruning(study)
    assert [trace.name for trace in figure.data] == [
        "probes (1)",
        "kept (2)",
        "pruned (3)",
        "best",
        "pruned otherwise",
        "where pruned",
        "diverged",
    ]
    other, forecast, diverged = figure.data[-3:]
    assert (other.x, other.y) == ((1,), (4.0,))
    assert (forecast.x, forecast.y, forecast.marker.color) == ((2,), (2.5,), (-2,))
    assert (diverged.x, diverged.y, diverged.marker.symbol) == ((2,), (4.0,), "triangle-up")
    assert "&lt;small&gt;" in forecast.text[0]
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"


def test_a_study_that_maximises_has_bad_values_at_the_bottom(study: Study) -> None:
    figure = plot_pruning(study_of(*study.trials[:6], direction="maximize"))
    diverged = figure.data[-1]
    assert (diverged.y, diverged.marker.symbol) == ((0.51235,), "triangle-down")
    assert figure.layout.yaxis.type is None


def test_what_ended_at_step_zero_is_marked_at_the_edge() -> None:
    figure = plot_pruning(study_of(trial({5: 1.0, 9: 1.0}), trial({0: NAN}, PRUNED)))
    assert figure.data[-1].x == (5,)


@pytest.mark.parametrize("trials", [[], [trial({1: NAN}, PRUNED)], [trial({0: 1.0})]])
def test_nothing_to_show(trials: list[FrozenTrial]) -> None:
    figure = plot_pruning(study_of(*trials))
    assert not figure.data
    assert "No trial has ended with a finite report" in figure.layout.annotations[0].text


def test_one_objective_only() -> None:
    with pytest.raises(ValueError, match="one objective"):
        plot_pruning(optuna.create_study(directions=["minimize", "minimize"]))
