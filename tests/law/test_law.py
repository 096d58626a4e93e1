"""What a law says: schedules, verdicts, JSON and errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from simulated import AT_LARGEST, LARGEST, Simulated, grid, joined, table

from optuna_kappa import Law, Proposal, RunTable, fit
from optuna_kappa.law.prior import MIXTURE
from optuna_kappa.runs import COLUMNS
from optuna_kappa.schedules import cosine, cyclic, from_callable, linear, parse, step

AHEAD = 4 * LARGEST
CONSTANT = Simulated(noise=0.01).runs(grid())
RULE_ALONE = replace(MIXTURE, annealing=0.0)


def width(found: Proposal) -> float:
    return float(np.log(found.high / found.low))


def scheduled(name: str, mean: float, problem: Simulated) -> RunTable:
    """Five runs at each of two horizons, planned for them."""
    lrs = AT_LARGEST / mean * np.exp(np.linspace(-2.0, 2.5, 5))
    return joined(*(problem.final(lrs, horizon, name, mean) for horizon in (16.0, LARGEST)))


@pytest.mark.parametrize("schedule", [cosine(), linear(warmup=0.1), step(n=4)])
@pytest.mark.parametrize("slope", [1.0, 0.3])
def test_a_schedule_is_a_constant_rate_run_of_its_kappa_at_its_peak(
    slope: float, schedule: Any
) -> None:
    law = fit(Simulated(slope, noise=0.01).runs(grid()), prior=RULE_ALONE)
    other, same = law.propose(AHEAD, schedule), law.propose(AHEAD * schedule.mean)
    assert other.lr == pytest.approx(same.lr, rel=0.03)
    assert other.kappa == pytest.approx(other.lr * schedule.mean * AHEAD)
    assert width(other) > 1.05 * width(same)
    assert law.propose(AHEAD, schedule.name).lr == other.lr


def test_where_the_slope_is_1_kappa_is_carried_over() -> None:
    law = fit(Simulated(1.0).runs(grid(19)))
    constant, other = law.propose(LARGEST), law.propose(LARGEST, "cosine")
    assert other.kappa == pytest.approx(constant.kappa, rel=0.1)


def test_where_the_optimum_does_not_move_the_peak_rate_is_carried_over() -> None:
    law = fit(Simulated(0.0).runs(grid(19)), prior=RULE_ALONE)
    tripled = cyclic(3.0, n=4)
    assert tripled.peak == 3.0
    for schedule, peak in ((cosine(), 1.0), (step(n=4), 1.0), (tripled, 3.0)):
        assert law.propose(LARGEST, schedule).lr * peak == pytest.approx(AT_LARGEST, rel=0.1)


@pytest.mark.parametrize(
    ("schedule", "fallen"),
    [
        ("constant", 0.0),
        (cyclic(3.0, n=4), 0.0),
        (step(n=2), 0.5),
        ("linear", 1.0),
        ("cosine", 1.0),
    ],
)
def test_annealing_raises_the_peak_of_a_law_that_is_flat(schedule: Any, fallen: float) -> None:
    runs = Simulated(0.0, noise=0.01).runs(grid(19))
    alone, law = fit(runs, prior=RULE_ALONE), fit(runs)
    higher = np.log(law.propose(LARGEST, schedule).lr / alone.propose(LARGEST, schedule).lr)
    assert higher == pytest.approx(MIXTURE.annealing * fallen, rel=0.15)


def test_annealing_adds_little_where_the_slope_is_1() -> None:
    runs = Simulated(1.0, noise=0.01).runs(grid(19))
    alone, law = fit(runs, prior=RULE_ALONE), fit(runs)
    higher = np.log(law.propose(AHEAD, "cosine").lr / alone.propose(AHEAD, "cosine").lr)
    assert 0 <= higher < 0.15


def test_runs_of_one_schedule_say_what_annealing_adds_to_another() -> None:
    """It adds nothing to cosine runs, so less is expected of linear ones."""
    flat = Simulated(0.0, noise=0.01)
    constant = flat.runs(grid(19))
    seen = [flat.final(grid(9), horizon, "cosine") for horizon in (16.0, LARGEST)]
    before, after = (
        fit(runs).propose(LARGEST, "linear").lr for runs in (constant, joined(constant, *seen))
    )
    assert after < 0.9 * before


@pytest.mark.parametrize("ratio", [0.6, 1.0, 1.6])
def test_observed_runs_correct_kappa_invariance_and_narrow_the_interval(ratio: float) -> None:
    """Cosine runs whose kappa is `ratio` times that of constant-rate ones."""
    seen = scheduled("cosine", 0.5 / ratio, Simulated(noise=0.01))
    before, after = (
        fit(runs).propose(AHEAD, "cosine") for runs in (CONSTANT, joined(CONSTANT, seen))
    )
    truth = Simulated().optimum(AHEAD) / 0.5 * ratio
    assert after.lr == pytest.approx(truth, rel=0.25)
    assert width(after) < 0.85 * width(before)
    assert before.low < truth < before.high


def test_schedules_of_unknown_shape_still_move_with_the_horizon() -> None:
    name = "house mix, v2"
    alone = fit(scheduled(name, 0.3, Simulated()))
    both = fit(joined(CONSTANT, scheduled(name, 0.3, Simulated())))
    truth = Simulated().optimum(AHEAD) / 0.3
    for law in (alone, both):
        found = law.propose(AHEAD, name)
        assert found.low < truth < found.high
        assert (found.schedule, found.kappa) == (name, None)
    assert both.propose(AHEAD, name).lr == pytest.approx(truth, rel=0.35)
    assert width(both.propose(AHEAD)) == pytest.approx(
        width(fit(CONSTANT).propose(AHEAD)), rel=0.2
    )


def test_own_schedules_given_to_fit_are_known_by_name() -> None:
    own = from_callable(lambda p: 1 - p / 2, "mine")
    law = fit(joined(CONSTANT, scheduled("mine", 0.75, Simulated())), {"mine": own})
    assert law.propose(AHEAD, own).lr == pytest.approx(Simulated().optimum(AHEAD) / 0.75, rel=0.2)
    assert law.propose(AHEAD, "mine") == law.propose(AHEAD, own)


def test_verdict_holds() -> None:
    for slope in (1.0, 0.7):
        verdict = fit(Simulated(slope).runs(grid(37))).verdict
        assert verdict.word == "holds"
        assert "falls as horizon^-slope" in verdict.sentence


def test_verdict_flat() -> None:
    verdict = fit(Simulated(slope=0.0).runs(grid(37))).verdict
    assert verdict.word == "flat"
    assert "copied" in verdict.remedy


def test_verdict_undecided() -> None:
    one_horizon = fit(Simulated().final(grid(), LARGEST)).verdict
    assert one_horizon.word == "undecided"
    assert "at least a factor 2 apart" in one_horizon.sentence
    assert one_horizon.remedy.endswith(f"horizon {2 * LARGEST:.2g}.")
    few = fit(Simulated(0.3, noise=0.3).runs(grid(4))).verdict
    assert few.word == "undecided"
    assert "do not fix how the optimum moves" in few.sentence
    assert few.remedy.startswith("Three runs at horizon")


@pytest.mark.parametrize(("slope", "side"), [(-4.0, "above"), (5.0, "below")])
def test_verdict_broken(slope: float, side: str) -> None:
    """Up to horizon 16 the optimum falls as 1/D, at 256 it is nowhere near."""
    shorter = Simulated(1.0).runs(grid(19), horizon=16.0)
    far = Simulated(slope).final(grid(41, -12.0, 12.0), AHEAD)
    verdict = fit(joined(shorter, far)).verdict
    assert verdict.word == "broken"
    assert f"deviations {side} what the shorter ones predict" in verdict.sentence
    assert str(verdict) == f"broken: {verdict.sentence} {verdict.remedy}"
    near = Simulated(1.0).final(grid(41, -12.0, 12.0), AHEAD)
    assert fit(joined(shorter, near)).verdict.word == "holds"


def test_every_proposal_carries_the_verdict() -> None:
    law = fit(CONSTANT)
    assert law.propose(AHEAD).verdict == law.propose(LARGEST, "cosine").verdict == law.verdict


def test_json_round_trip() -> None:
    law = fit(joined(CONSTANT, scheduled("cosine", 0.5, Simulated())))
    again = Law.from_json(law.to_json())
    assert again == law
    for schedule in ("constant", "cosine", "linear"):
        assert again.propose(AHEAD, schedule) == law.propose(AHEAD, schedule)
    assert Law.from_json(fit(RunTable.empty()).to_json()) == Law(())


def test_a_law_saved_before_annealing_counted_goes_on_without_it() -> None:
    data = json.loads(fit(CONSTANT, prior=RULE_ALONE).to_json())
    for name in ("annealing", "annealing_sd"):
        del data["prior"][name]
    for one in data["optima"]:
        del one["end"]
    old = Law.from_json(json.dumps(data))
    assert (old.prior.annealing, old.prior.annealing_sd) == (0.0, 0.0)
    assert {one.end for one in old.optima} == {None}
    assert old.propose(AHEAD).lr == pytest.approx(fit(CONSTANT).propose(AHEAD).lr)


def changed(**optimum: Any) -> str:
    data = json.loads(fit(CONSTANT).to_json())
    data["optima"][0] |= optimum
    return json.dumps(data)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"optima": []}',
        '{"format": "optuna-kappa law 0", "optima": []}',
        '{"format": "optuna-kappa law 1"}',
        '{"format": "optuna-kappa law 1", "optima": 3}',
        '{"format": "optuna-kappa law 1", "optima": [{"ln_lr": 1}]}',
        changed(more=1),
        *(
            changed(**{name: value})
            for name, value in (
                ("ln_lr", "low"),
                ("horizon", -1),
                ("schedule", 3),
                ("end", "low"),
                ("end", -1),
            )
        ),
    ],
)
def test_bad_json(text: str) -> None:
    with pytest.raises(ValueError, match="^not a law written by Law.to_json: ") as error:
        Law.from_json(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "runs",
    [
        RunTable.empty(),
        table(["a", "b"], [1e-3, 1e-2], 8, 8, [1.0, 2.0]),
        table(["a", "b", "c"], [1e-3, 1e-2, 1e-1], 8, 8, [1.0, np.nan, np.inf]),
        table(["a", "b", "c"], 1e-3, 8, 8, [1.0, 2.0, 1.0]),
    ],
)
def test_a_law_without_an_optimum_says_what_is_missing(runs: RunTable) -> None:
    law = fit(runs)
    assert law.optima == ()
    assert law.verdict.word == "undecided"
    for call in (law.predict, law.propose):
        with pytest.raises(ValueError, match="needs runs with at least three learning rates"):
            call(AHEAD)
    with pytest.raises(ValueError, match="a law without optima has no slope"):
        law.slope  # noqa: B018


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda law: law.propose(0), "horizon must be a finite number in .*, got 0"),
        (lambda law: law.propose(-1.5), "horizon must be .*, got -1.5"),
        (lambda law: law.propose(float("nan")), "horizon must be .*, got nan"),
        (lambda law: law.predict(float("inf")), "horizon must be .*, got inf"),
        (lambda law: law.propose(8, "cosinus"), "got 'cosinus'. Did you mean 'cosine'"),
        (lambda law: law.predict(8, "cosine(2)"), r"warmup must be .* in \[0, 1\)"),
        (lambda law: law.propose(8, None), "schedule must be a name .* got None"),
    ],
)
def test_bad_questions(call: Callable[[Law], object], message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        call(fit(CONSTANT))
    assert "\n" not in str(error.value)


def test_schedules_are_known_by_any_spelling() -> None:
    runs = Simulated().runs(grid())
    spelled = changed_schedule(runs, "Constant()")
    assert fit(spelled) == fit(runs)


def test_a_periodic_schedule_has_another_mean_at_another_horizon() -> None:
    name = "step(period=30000)"
    rows = changed_schedule(Simulated().final(grid(), 60_000), name)
    law = fit(joined(Simulated().runs(grid(), horizon=60_000.0), rows))
    by_name, by_object = law.propose(390_000, name), law.propose(390_000, parse(name))
    assert by_name == by_object
    assert by_name.kappa == pytest.approx(by_name.lr * 390_000 * step(n=13).mean)


def test_far_extrapolation_is_undecided() -> None:
    law = fit(Simulated(1.0).runs(grid(37)))
    assert law.verdict.word == "holds"
    far = law.propose(LARGEST * 1e4).verdict
    assert far.word == "undecided" and "Three runs at horizon" in far.remedy


def changed_schedule(runs: RunTable, name: str) -> RunTable:
    columns = {column: getattr(runs, column) for column in COLUMNS}
    return RunTable.from_columns(columns | {"schedule": [name] * len(runs)})


def test_fit_says_what_it_needs() -> None:
    with pytest.raises(ValueError, match="read_csv makes one from a file"):
        fit("runs.csv")  # type: ignore[arg-type]
