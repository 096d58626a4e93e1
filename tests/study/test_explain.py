"""Why trials were pruned: what is told is what was decided."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.pruners import MedianPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial
from simulated import Simulated

from optuna_kappa import KappaPruner, KappaSampler, horizon
from optuna_kappa.pruning import Decision, judge
from optuna_kappa.study.decisions import decisions
from optuna_kappa.study.explain import Explanation, Kill, explain, kills

LR = FloatDistribution(1e-5, 1e-1, log=True)
PROBLEM = Simulated(slope=1.0)
NAN, INF = math.nan, math.inf
Live = dict[int, list[Decision]]
Direction = Literal["minimize", "maximize"]


def train(trial: Trial, sign: float = 1.0) -> float:
    lr, loss = trial.suggest_float("lr", LR.low, LR.high, log=True), NAN
    for step in range(1, horizon(trial, default=32) + 1):
        loss = sign * PROBLEM.loss(lr, step)
        trial.report(loss, step)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return loss


def search(
    monkeypatch: pytest.MonkeyPatch, sampler: BaseSampler, direction: Direction = "minimize"
) -> tuple[Study, Live]:
    """A study, and what was decided about each trial while it ran."""
    live: Live = {}
    sign = -1.0 if direction == "maximize" else 1.0
    study = optuna.create_study(sampler=sampler, pruner=KappaPruner(), direction=direction)

    def heard(*args: Any, **kwargs: Any) -> Decision:
        decision = judge(*args, **kwargs)
        live.setdefault(len(study.get_trials(deepcopy=False)) - 1, []).append(decision)
        return decision

    with monkeypatch.context() as patched:
        patched.setattr("optuna_kappa.study.pruner.judge", heard)
        study.optimize(lambda trial: train(trial, sign), n_trials=14)
    return study, live


@pytest.mark.parametrize(
    ("sampler", "direction", "wanted"),
    [
        (partial(TPESampler, seed=0), "minimize", {"forecast"}),
        (partial(TPESampler, seed=0), "maximize", {"forecast"}),
        (partial(RandomSampler, seed=1), "minimize", {"forecast"}),
        (partial(KappaSampler, horizon=32, n_probes=6, seed=0), "minimize", {"probe"}),
    ],
    ids=["TPE", "maximising", "random", "kappa"],
)
def test_decisions_worked_out_again_are_those_that_were_taken(
    sampler: Callable[[], BaseSampler],
    direction: Direction,
    wanted: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study, live = search(monkeypatch, sampler(), direction)
    found = kills(study)
    assert len(found) > 3
    assert {kill.kind for kill in found} >= wanted
    for trial in study.trials:
        assert explain(study, trial.number).decisions == live.get(trial.number, [])
    for kill in (kill for kill in found if kill.kind == "forecast"):
        last = live[kill.trial][-1]
        assert last.prune
        told = (kill.step, kill.probability, kill.reason)
        assert told == (last.step, last.probability, last.reason)
        one = explain(study, kill.trial)
        assert (one.kind, one.outcome, one.note) == ("forecast", kill.reason, "")


def test_reasons_have_the_values_of_a_study_that_maximises(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study, _ = search(monkeypatch, TPESampler(seed=0), "maximize")
    values = {t.number: t.values[0] for t in study.trials if t.state == TrialState.COMPLETE}
    told = [kill for kill in kills(study) if kill.kind == "forecast"]
    assert told
    for kill in told:
        best = max(value for number, value in values.items() if number < kill.trial)
        assert f" runs, {best:.6g}, was" in kill.reason
    study.add_trial(ended({1: -1.0, 2: -1.0}))
    trial = study.ask({"lr": LR})
    for step, value in ((1, -3.0), (2, -1e4)):
        trial.report(value, step)
    assert trial.should_prune()
    study.tell(trial, state=TrialState.PRUNED)
    start = "diverged: its value fell from -3 at step 1 to -1e+04 at step 2, more than 10 times"
    assert kills(study)[-1].reason.startswith(start)


def ended(
    reports: dict[int, float],
    lr: float | None = 0.01,
    state: TrialState = TrialState.PRUNED,
    horizon: int | None = None,
    pruned: dict[str, object] | None = None,
) -> FrozenTrial:
    attrs: dict[str, object] = {} if pruned is None else {"kappa:pruned": pruned}
    if horizon is not None:
        attrs["kappa:plan"] = {"horizon": horizon, "kind": "probe", "schedule": "constant"}
    return create_trial(
        state=state,
        value=reports[max(reports)] if state == TrialState.COMPLETE else None,
        params={} if lr is None else {"lr": lr},
        distributions={} if lr is None else {"lr": LR},
        intermediate_values=reports,
        user_attrs=attrs,
    )


def study_of(*trials: FrozenTrial) -> Study:
    study = optuna.create_study()
    study.add_trials(trials)
    return study


FORECAST: dict[str, object] = {"probability": 0.01, "reason": "small"}
ROSE: dict[str, object] = {"probability": None, "reason": "diverged: its loss rose"}
NO_REASON = "pruned by the objective or by another pruner, which left no reason"


def test_kinds() -> None:
    study = study_of(
        ended({1: 1.0, 2: 0.5}, pruned=FORECAST),
        ended({1: 1.0, 2: 9.0}, pruned=ROSE),
        ended({1: 1.0, 3: INF}),
        ended({1: 1.0, 4: 0.5}, horizon=4),
        ended({1: 1.0, 2: 0.5}, horizon=4),  # before its planned end
        ended({1: 1.0}, state=TrialState.COMPLETE),
        ended({1: 1.0, 2: 0.5}, lr=None),
        ended({}),
        ended({3: -INF}, horizon=4),
    )
    assert kills(study) == [
        Kill(0, 0.01, 2, 0.5, 0.01, "forecast", "small"),
        Kill(1, 0.01, 2, 9.0, None, "diverged", "diverged: its loss rose"),
        Kill(2, 0.01, 3, INF, None, "diverged", "diverged: its loss at step 3 is inf"),
        Kill(3, 0.01, 4, 0.5, None, "probe", "a probe, planned to end at step 4"),
        Kill(4, 0.01, 2, 0.5, None, "other", NO_REASON),
        Kill(6, None, 2, 0.5, None, "other", NO_REASON),
        Kill(7, 0.01, None, None, None, "other", NO_REASON),
        Kill(8, 0.01, 3, -INF, None, "diverged", "diverged: its loss at step 3 is -inf"),
    ]
    assert kills(study, "rate")[0].lr is None


def test_outcomes() -> None:
    complete, fail, running = TrialState.COMPLETE, TrialState.FAIL, TrialState.RUNNING
    study = study_of(
        ended({0: 3.0}, state=complete),
        ended({1: 1 / 3}, state=complete),
        ended({1: 1.0}, state=fail),
        ended({1: 1.0, 4: 0.5}, horizon=4),
        ended({1: 1.0}, lr=None, state=running),
    )
    nothing = "no decisions: no trial to compare it with had finished before, or it has no finite "
    nothing += "report at a step where it would be compared"
    early = "no decisions: it has no report at a step above 0"
    probe = "no decisions: a probe is run to fit the law and is never judged"
    found = [explain(study, number) for number in range(4)]
    assert found[:2] == [
        Explanation(0, 0.01, "COMPLETE", None, "completed with 3", [], early),
        Explanation(1, 0.01, "COMPLETE", None, "completed with 0.333333", [], nothing),
    ]
    assert (found[2].state, found[2].outcome) == ("FAIL", "failed")
    planned = "a probe, planned to end at step 4"
    assert found[3] == Explanation(3, 0.01, "PRUNED", "probe", planned, [], probe)
    assert explain(study, 4)[1:5] == (None, "RUNNING", None, "is not finished")


def test_a_probe_that_nobody_ended_is_not_judged_either() -> None:
    probes = [ended({1: 1.0, 2: 0.5}, state=TrialState.COMPLETE, horizon=2) for _ in range(5)]
    assert decisions(study_of(*probes), 4) == []
    assert explain(study_of(*probes), 4).decisions == []


def test_a_note_where_others_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    study, _ = search(monkeypatch, TPESampler(seed=0))
    number = next(kill.trial for kill in kills(study) if kill.kind == "forecast")
    note = explain(study, number, KappaPruner(epsilon=0.0)).note
    assert note.startswith("by these decisions it would have gone on: the study's KappaPruner had")
    kept = next(t.number for t in study.trials[5:] if t.state == TrialState.COMPLETE)
    assert explain(study, kept).note == ""
    strict = explain(study, kept, KappaPruner(epsilon=0.9))
    step = next(decision.step for decision in strict.decisions if decision.prune)
    assert strict.note.startswith(f"by these decisions it would have been ended at step {step}: ")


def test_the_kills_of_another_pruner() -> None:
    study = optuna.create_study(sampler=RandomSampler(seed=0), pruner=MedianPruner(3))
    study.optimize(train, n_trials=12)
    found = kills(study)
    assert len(found) > 2
    assert {(kill.kind, kill.probability, kill.reason) for kill in found} == {
        ("other", None, NO_REASON)
    }


def test_wrong_input() -> None:
    study = study_of(ended({1: 1.0}))
    with pytest.raises(ValueError, match=r"has no trial 7; its trials are 0 to 0"):
        explain(study, 7)
    with pytest.raises(ValueError, match="it has no trials yet"):
        explain(optuna.create_study(), 0)
    both = optuna.create_study(directions=["minimize", "minimize"])
    with pytest.raises(ValueError, match="a table of pruned trials needs a study with one obj"):
        kills(both)
    with pytest.raises(ValueError, match="an explanation needs a study with one objective"):
        explain(both, 0)
