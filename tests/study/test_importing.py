"""Imported runs: exact, added once, and worth as much as probes of the study's own."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState
from simulated import Simulated, grid, joined

from optuna_kappa import KappaPruner, KappaSampler, RunTable, fit, run_table
from optuna_kappa.launch import Settings
from optuna_kappa.launch.settings import settle
from optuna_kappa.study.example import example_study
from optuna_kappa.study.imported import is_imported
from optuna_kappa.study.importing import add_runs
from optuna_kappa.study.incoming import Target, incoming_runs, incoming_trials
from optuna_kappa.study.plans import kind_of, plan_of
from optuna_kappa.study.summary import counts
from optuna_kappa.study.whole_steps import whole_steps


def rows(**changed: object) -> RunTable:
    columns: dict[str, object] = {
        "run": ["a", "a", "b", "b"],
        "lr": [0.1, 0.1, 0.2, 0.2],
        "schedule": ["cosine"] * 4,
        "horizon": [8, 8, 16, 16],
        "step": [4, 8, 8, 16],
        "loss": [0.5, 0.25, 1 / 3, 0.1],
    }
    return RunTable.from_columns({**columns, **changed})  # type: ignore[dict-item]


def imported(runs: RunTable, **target: object) -> optuna.Study:
    study = optuna.create_study()
    add_runs(study, incoming_runs(runs, Target(**target), "runs.csv"))  # type: ignore[arg-type]
    return study


def whole_runs() -> RunTable:
    """Runs of five horizons, with noise, at whole steps."""
    problem = Simulated(noise=0.1)
    parts = [problem.final(grid(), horizon) for horizon in (4.0, 8.0, 16.0, 32.0, 64.0)]
    return joined(*parts)


def test_values_and_reports_are_exact() -> None:
    first, second = imported(rows()).trials
    assert first.intermediate_values == {4: 0.5, 8: 0.25}
    assert first.params == {"lr": 0.1}
    assert first.state == TrialState.PRUNED and kind_of(first) == "probe"
    assert second.values == [0.1] and kind_of(second) == "imported"
    plan = plan_of(second)
    assert plan is not None and (plan.horizon, plan.schedule) == (16, "cosine")


def test_a_run_that_stopped_early_is_not_the_best_trial() -> None:
    study = imported(rows(step=[4, 8, 8, 12]))
    assert {trial.state for trial in study.trials} == {TrialState.PRUNED}


def test_gaps_are_left_out_and_divergences_are_not() -> None:
    nan = float("nan")
    gap, diverged = imported(rows(loss=[nan, 0.25, 0.3, nan])).trials
    assert gap.intermediate_values == {8: 0.25}
    assert math.isnan(diverged.intermediate_values[16]) and diverged.state == TrialState.PRUNED


def test_the_law_is_that_of_the_runs() -> None:
    runs = whole_runs()
    expected, found = fit(runs), fit(run_table(imported(runs, horizon=256)))
    np.testing.assert_allclose(found.slope, expected.slope, rtol=1e-9)
    optima = [(o.schedule, o.horizon, o.ln_lr, o.se) for o in expected.optima]
    for one, (schedule, *numbers) in zip(found.optima, optima, strict=True):
        assert one.schedule == schedule
        np.testing.assert_allclose([one.horizon, one.ln_lr, one.se], numbers, rtol=1e-9)


@pytest.mark.parametrize("first", [99, 0])
def test_steps_are_not_taken_for_steps_from_0(first: int) -> None:
    """An objective that counts from 0 would report there."""
    steps = first + 100 * np.arange(10)
    table = RunTable.from_columns(
        {
            "run": np.repeat(["a", "b", "c", "d"], 10),
            "lr": np.repeat([0.1, 0.2, 0.3, 0.4], 10),
            "schedule": ["constant"] * 40,
            "horizon": [1000] * 40,
            "step": np.tile(steps, 4),
            "loss": np.arange(40.0) + 1,
        }
    )
    read = run_table(imported(table))
    assert set(read.step.tolist()) == {float(step) for step in steps if step}


def test_the_same_import_again_adds_nothing() -> None:
    study = optuna.create_study()
    incoming = incoming_runs(whole_runs(), Target(), "runs.csv")
    assert len(add_runs(study, incoming[:7]).added) == 7  # it broke off there
    rest = add_runs(study, incoming)
    assert (len(rest.added), len(rest.present)) == (len(incoming) - 7, 7)
    again = add_runs(study, incoming_runs(whole_runs(), Target(), "a copy of runs.csv"))
    assert not again.added and not again.changed and len(again.present) == len(incoming)


def test_a_run_that_has_gone_on_is_said_and_left_as_it_was() -> None:
    study = imported(rows())
    grown = add_runs(study, incoming_runs(rows(loss=[0.5, 0.25, 0.3, 0.05]), Target(), "runs.csv"))
    assert grown.changed == ["b"] and len(study.trials) == 2
    other = add_runs(study, incoming_runs(rows(loss=[0.5, 0.2, 0.3, 0.05]), Target(), "other.csv"))
    assert len(other.added) == 2  # labels of another file are other runs


def n_probes(study: optuna.Study, target: int = 256) -> int:
    """Probes that a search asks for before its first full run."""
    study.sampler = KappaSampler(target, seed=0)
    study.pruner = KappaPruner()
    for n in range(20):
        trial = study.ask()
        plan = plan_of(trial)
        assert plan is not None
        if not plan.is_probe:
            return n
        trial.suggest_float("lr", 1e-6, 1e-1, log=True)
        trial.report(1.0 + n, step=plan.horizon)
        study.tell(trial, state=TrialState.PRUNED)
    raise AssertionError("the probes do not end")


def test_a_search_asks_for_fewer_probes() -> None:
    runs = whole_runs()
    alone = n_probes(optuna.create_study())
    short = n_probes(imported(runs.where(runs.horizon == 16), horizon=256))
    assert alone == 10
    assert short == 4  # those of the longer rung
    assert n_probes(imported(runs, horizon=256)) == 0
    assert n_probes(imported(runs.where(runs.horizon == 64), horizon=64), 64) == 0


def test_seeds_of_one_rate_are_one_probe() -> None:
    one = Simulated(noise=0.1).final(np.full(10, 1e-3), 64.0)
    seeds = replace(one, run=np.arange(10).astype(str))
    assert n_probes(imported(seeds, horizon=256)) == 9  # of ten


def test_what_was_imported_has_cost_the_search_nothing() -> None:
    study = imported(whole_runs(), horizon=64)
    sampler = KappaSampler(64, seed=0)
    found = counts(study, sampler)
    assert found.spent == 0 and found.kinds["imported"] == len(grid())
    assert sampler.recommend(study) > 0


def test_a_launch_goes_on_with_a_study_of_imported_runs() -> None:
    study = imported(whole_runs())
    assert settle(study, Settings(horizon=256, seed=0)).horizon == 256
    own = optuna.create_study()
    own.add_trial(optuna.trial.create_trial(value=0.5))
    with pytest.raises(ValueError, match="was not launched by this command"):
        settle(own, Settings(horizon=256))


def test_trials_of_a_study_are_copied_as_they_are() -> None:
    source = example_study()
    study = optuna.create_study()
    add_runs(study, incoming_trials(source, "lr", Target(horizon=96), "my.db"))
    for copy, trial in zip(study.trials, source.trials, strict=True):
        assert copy.params == trial.params and copy.distributions == trial.distributions
        assert copy.state == trial.state and copy.values == trial.values
        assert copy.intermediate_values == trial.intermediate_values
        assert plan_of(copy) == plan_of(trial)
        assert copy.datetime_start == trial.datetime_start
    assert fit(run_table(study)).to_json() == fit(run_table(source)).to_json()


def test_trials_of_another_sampler_get_a_plan() -> None:
    def objective(trial: optuna.Trial) -> float:
        lr = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
        for step in (4, 8):
            trial.report(step * lr, step)
        return 8 * lr

    source = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    source.optimize(objective, n_trials=6)
    source.ask()  # still running
    study = optuna.create_study()
    added = add_runs(study, incoming_trials(source, "lr", Target(horizon=24, lr="rate"), "my.db"))
    assert len(added.added) == 6
    assert {kind_of(trial) for trial in study.trials} == {"probe"}
    assert [t.params["rate"] for t in study.trials] == [t.params["lr"] for t in source.trials[:6]]
    assert fit(run_table(study, lr="rate")).to_json() == fit(run_table(source)).to_json()

    # Imported once more from there, it is still the same run.
    third = optuna.create_study()
    add_runs(third, incoming_trials(source, "lr", Target(horizon=24, lr="rate"), "my.db"))
    from_copy = incoming_trials(study, "rate", Target(horizon=24, lr="rate"), "copy.db")
    assert not add_runs(third, from_copy).added


def test_a_study_that_counts_from_0() -> None:
    study = optuna.create_study()
    for number in range(4):
        reports = {0: 1.0 + number, 1: 0.5 + number, 2: 0.3 + number}
        attrs = {"kappa:plan": '{"horizon": 3, "kind": "base", "schedule": "constant"}'}
        rate: dict[str, BaseDistribution] = {"lr": FloatDistribution(0.1, 10, log=True)}
        study.add_trial(
            optuna.trial.create_trial(
                value=0.3 + number,
                params={"lr": 0.1 + number},
                distributions=rate,
                intermediate_values=reports,
                user_attrs=attrs,
            )
        )
    add_runs(study, incoming_runs(rows(schedule=["constant"] * 4), Target(), "runs.csv"))
    read = run_table([trial for trial in study.trials if is_imported(trial)] + study.trials[:4])
    assert set(read.where(read.run == "4").step.tolist()) == {4.0, 8.0}


@pytest.mark.parametrize(
    ("step", "unit", "message"),
    [
        ([0.5, 1.0], 1.0, "run 'constant 1 0' has 0.5: say by --unit .*, such as --unit 0.5"),
        ([0.123457, 1.0], 1.0, "say by --unit what a step stands for$"),
        ([2.0**33, 2.0**34], 1.0, "at most 2147483647, .* such as --unit 8589934592"),
        ([3.0, 4.0], 2.0, "steps of a study are whole numbers"),
    ],
)
def test_steps_that_no_study_can_have(step: list[float], unit: float, message: str) -> None:
    runs = Simulated().final(np.array([0.1, 0.2]), step[1])
    runs = replace(runs, step=np.array(step))
    with pytest.raises(ValueError, match=message):
        whole_steps(runs.step, unit, runs)


def test_a_unit() -> None:
    tokens = rows(step=[4e9, 8e9, 8e9, 16e9], horizon=[8e9, 8e9, 16e9, 16e9])
    first, second = imported(tokens, unit=1e9).trials
    assert list(first.intermediate_values) == [4, 8] and second.state == TrialState.COMPLETE


def test_the_scale_of_the_study_is_kept() -> None:
    study = optuna.create_study()
    study.optimize(lambda trial: trial.suggest_float("lr", 0.1, 1.0), n_trials=1)
    add_runs(study, incoming_runs(rows(), Target(), "runs.csv"))
    assert study.trials[1].distributions == {"lr": FloatDistribution(0.1, 0.2)}


def test_columns_as_parameters() -> None:
    table = rows(width=[64, 64, 128, 128], optimizer=["adam"] * 4)
    study = imported(table, params={"width": IntDistribution(32, 256, log=True)})
    assert [trial.params["width"] for trial in study.trials] == [64, 128]
    assert study.trials[0].user_attrs["optimizer"] == "adam"
    with pytest.raises(ValueError, match="width '128' of a run is not in the range"):
        imported(table, params={"width": IntDistribution(32, 64)})
