from __future__ import annotations

import math
import pickle
from collections.abc import Container
from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.samplers import RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from optuna_kappa import KappaPruner, KappaSampler
from optuna_kappa.pruning import ends_anyway
from optuna_kappa.study.decisions import decisions
from optuna_kappa.study.plans import kind_of, plan_of, pruned_reason

LR = FloatDistribution(1e-5, 1e-1, log=True)
NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("reports", "horizon", "expected"),
    [
        ({}, 3, False),
        ({}, None, False),
        ({1: 0.9}, 3, False),
        ({1: 0.9, 2: 0.8}, 3, False),
        ({1: 0.9, 3: 0.8}, 3, True),
        ({1: 0.9, 5: 0.8}, 3, True),  # reported beyond it: the objective reports in larger steps
        ({3: 0.8, 1: 0.9}, 3, True),  # in any order
        ({1: 0.9, 24: 0.1}, None, False),
        ({1: NAN}, None, True),
        ({1: NAN}, 3, True),
        ({1: 0.9, 2: INF}, 24, True),
        ({1: 0.9, 2: -INF}, 24, True),
        ({1: NAN, 2: 0.9}, None, False),  # it came back
    ],
)
def test_decision(reports: dict[int, float], horizon: int | None, expected: bool) -> None:
    assert (ends_anyway(reports, horizon) is not None) == expected


def train(trial: Trial, n_steps: int = 96, diverges_above: float = 1.0) -> float:
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    loss = INF
    for step in range(1, n_steps + 1):
        loss = abs(math.log(lr / 1e-3)) + 1 / step if lr < diverges_above else NAN
        trial.report(loss, step)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return loss


def studied(n_trials: int, n_probes: int = 5, diverges_above: float = 1.0) -> Study:
    sampler = KappaSampler(horizon=96, n_probes=n_probes, seed=0)
    study = optuna.create_study(sampler=sampler, pruner=KappaPruner())
    study.optimize(lambda trial: train(trial, 96, diverges_above), n_trials=n_trials)
    return study


def test_probes_end_pruned_at_their_horizon_and_targets_run_on() -> None:
    study = studied(n_trials=8)
    kinds = [kind_of(trial) for trial in study.trials]
    assert kinds[:5] == ["probe"] * 5
    assert "probe" not in kinds[5:]
    for trial in study.trials:
        plan = plan_of(trial)
        assert plan is not None
        assert max(trial.intermediate_values) == plan.horizon
        probe = plan.kind == "probe"
        assert trial.state == (TrialState.PRUNED if probe else TrialState.COMPLETE)
        assert (plan.horizon < 96) == probe


def test_best_trial_is_a_full_run_even_where_a_probe_looks_better() -> None:
    study = studied(n_trials=7)
    # A probe by hand, far better than any trial so far.
    probe = study.ask({"lr": LR})
    best = study.best_trial
    assert max(best.intermediate_values) == 96
    probe.set_user_attr("kappa:plan", {"horizon": 1, "kind": "probe", "schedule": "constant"})
    probe.report(-100.0, 1)
    assert probe.should_prune()
    study.tell(probe, state=TrialState.PRUNED)
    assert study.trials[-1].value == -100.0
    assert study.best_trial.number == best.number


def test_diverged_trials_end_at_once() -> None:
    study = studied(n_trials=9, diverges_above=0.0)
    assert {trial.state for trial in study.trials} == {TrialState.PRUNED}
    assert [list(trial.intermediate_values) for trial in study.trials] == [[1]] * 9


@pytest.mark.parametrize("kind", ["law", "base", "enqueued"])
def test_a_full_run_is_not_cut_short_at_its_horizon(kind: str) -> None:
    study = optuna.create_study(pruner=KappaPruner())
    trial = study.ask()
    trial.set_user_attr("kappa:plan", {"horizon": 4, "kind": kind, "schedule": "constant"})
    for step in (1, 4, 9):
        trial.report(1.0, step)
        assert not trial.should_prune()


def test_trials_of_other_samplers_are_judged_by_their_forecast() -> None:
    study = optuna.create_study(sampler=RandomSampler(seed=0), pruner=KappaPruner())
    study.optimize(train, n_trials=12)
    states = [trial.state for trial in study.trials]
    assert states[0] == TrialState.COMPLETE  # there was nothing to compare it with
    assert 4 <= states.count(TrialState.PRUNED) <= 10
    best = min(study.trials, key=lambda trial: abs(math.log(trial.params["lr"] / 1e-3)))
    assert study.best_trial.number == best.number
    for trial in study.trials:
        kept = pruned_reason(trial)
        assert (not kept) == (trial.state == TrialState.COMPLETE)
        if kept:
            assert kept["prune"] and kept["step"] == max(trial.intermediate_values)
            assert kept["probability"] < 0.02
            assert "its probability to beat the" in kept["reason"]


def test_diverged_trials_of_other_samplers_end_too() -> None:
    study = optuna.create_study(sampler=RandomSampler(seed=0), pruner=KappaPruner())
    study.optimize(lambda trial: train(trial, diverges_above=0.0), n_trials=1)
    assert study.trials[-1].state == TrialState.PRUNED
    assert plan_of(study.trials[-1]) is None


def test_with_epsilon_zero_nothing_is_pruned_for_its_forecast() -> None:
    study = optuna.create_study(sampler=RandomSampler(seed=0), pruner=KappaPruner(epsilon=0.0))
    study.optimize(train, n_trials=6)
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}


@pytest.mark.parametrize(
    ("kind", "judged"), [("probe", False), ("law", False), ("base", True), ("enqueued", True)]
)
def test_planned_trials_that_are_to_tell_are_not_judged(kind: str, judged: bool) -> None:
    study = optuna.create_study(pruner=KappaPruner())
    plan = {"horizon": 96, "schedule": "constant"}
    for lr in (1e-4, 1e-3, 1e-2):
        study.enqueue_trial({"lr": lr}, user_attrs={"kappa:plan": plan | {"kind": "base"}})
        study.optimize(train, n_trials=1)
    study.enqueue_trial({"lr": 0.1}, user_attrs={"kappa:plan": plan | {"kind": kind}})
    trial = study.ask({"lr": LR})
    ended = []
    for step in range(1, 96):
        trial.report(50.0 + step, step)
        ended.append(trial.should_prune())
    assert any(ended) is judged


class Reads(optuna.storages.InMemoryStorage):
    """A storage that counts what is read."""

    n = 0

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        self.n += 1
        return super().get_all_trials(study_id, deepcopy, states)


def test_nothing_is_read_between_decisions() -> None:
    storage = Reads()
    study = optuna.create_study(
        storage=storage, sampler=RandomSampler(seed=0), pruner=KappaPruner(epsilon=0.0)
    )
    study.optimize(train, n_trials=3)
    number = study.ask({"lr": LR}).number
    read = []
    for step in range(1, 97):
        trial = optuna.trial.Trial(study, study.trials[number]._trial_id)
        trial.report(1.0, step)
        storage.n = 0
        trial.should_prune()
        read.append(storage.n)
    assert set(read) == {0, 1}
    assert sum(read) <= 16


def test_another_process_decides_the_same_and_pickles() -> None:
    pruner = KappaPruner(0.1)
    study = optuna.create_study(sampler=RandomSampler(seed=0), pruner=pruner)
    study.optimize(train, n_trials=8)
    copied = pickle.loads(pickle.dumps(pruner))
    for trial in study.trials:
        ours = decisions(study, trial.number, pruner)
        assert decisions(study, trial.number, copied) == ours


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epsilon": 2}, r"epsilon must be .* in \[0, 1\), got 2: it is a probability"),
        ({"margin": -1}, "margin must be .* got -1: it is a part of the best loss"),
        ({"n_startup_trials": 0}, "n_startup_trials must be an int of at least 1"),
        ({"lr": 3}, "lr must be a str or a tuple of different ones, got 3: it is the name of the"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        KappaPruner(**arguments)


def test_one_objective_only() -> None:
    study = optuna.create_study(directions=["minimize", "minimize"])
    trial = study.ask()
    with pytest.raises(RuntimeError, match="multi-objective"):
        KappaPruner().prune(study, study.trials[trial.number])


def test_a_trial_whose_reports_cannot_be_compared_any_more_goes_on() -> None:
    """Finished trials show that its report, in their unit, would be beyond all losses."""
    study = optuna.create_study(pruner=KappaPruner())
    for number in range(8):
        loss = 0.5 + 0.1 * number
        study.add_trial(
            optuna.trial.create_trial(
                value=1e99 * loss,
                params={"lr": 1e-4 * 2**number},
                distributions={"lr": LR},
                intermediate_values={4: loss + 0.1, 8: loss},
            )
        )
    trial = study.ask({"lr": LR})
    trial.report(1e10, step=4)
    assert not trial.should_prune()
