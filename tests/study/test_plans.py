from __future__ import annotations

import json
import math
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial
from searching import TARGET, kinds, search

from optuna_kappa import KappaPruner, KappaSampler, run_table
from optuna_kappa.study import explain, kills
from optuna_kappa.study.plans import (
    PLAN,
    PRUNED,
    Plan,
    has_unreadable_plan,
    has_unreadable_reason,
    plan_of,
    pruned_reason,
)

FIELDS = {"horizon": 8, "kind": "probe", "schedule": "constant"}
GARBAGE = [
    "eight steps", "", "[1, 2]", "null", "{", "[" * 10_000, 8, 8.5, None, True, [], {}, math.nan,
    {"horizon": 8}, FIELDS | {"horizon": 0}, FIELDS | {"horizon": "8"}, FIELDS | {"horizon": True},
    FIELDS | {"horizon": 10**400}, FIELDS | {"horizon": math.inf}, FIELDS | {"kind": 1},
    FIELDS | {"kind": ""}, FIELDS | {"schedule": None}, FIELDS | {"schedule": "\0"},
]  # fmt: skip


def with_attr(name: str, value: Any) -> optuna.trial.FrozenTrial:
    return create_trial(
        state=TrialState.PRUNED,
        params={"lr": 1e-3},
        distributions={"lr": FloatDistribution(1e-5, 1e-1, log=True)},
        intermediate_values={1: 0.5},
        user_attrs={name: value},
    )


@pytest.mark.parametrize("stored", [FIELDS, json.dumps(FIELDS), FIELDS | {"horizon": 8.0}])
def test_old_and_new_plans_are_read(stored: Any) -> None:
    assert plan_of(with_attr(PLAN, stored)) == Plan(8, "probe", "constant")


def test_what_a_later_version_adds_is_left_alone() -> None:
    later = FIELDS | {"kind": "refined", "seed": [1]}
    for stored in (later, json.dumps(later)):
        plan = plan_of(with_attr(PLAN, stored))
        assert plan is not None
        assert (plan.horizon, plan.kind, plan.is_probe) == (8, "refined", False)


@pytest.mark.parametrize("stored", GARBAGE)
def test_garbage_is_no_plan(stored: Any) -> None:
    trial = with_attr(PLAN, stored)
    assert plan_of(trial) is None
    assert has_unreadable_plan(trial)
    assert len(run_table([trial])) == 0


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["horizon", "kind", "schedule", "step", "probability", "reason"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None)
@given(ANYTHING)
def test_whatever_is_stored_is_read_without_an_error(stored: Any) -> None:
    for value in (stored, json.dumps(stored)):
        study = optuna.create_study()
        study.add_trial(with_attr(PLAN, value))
        study.add_trial(with_attr(PRUNED, value))
        run_table(study)
        assert [kill.trial for kill in kills(study)] == [0, 1]
        for number in (0, 1):
            explain(study, number)


@pytest.mark.parametrize(
    "stored",
    [
        *("too slow", 3, [], {"reason": 5}, {"step": 3}, '{"reason": 1}'),
        *({"reason": "a", "step": "b"}, {"reason": "a", "step": math.nan}),
        {"reason": "a", "probability": [1]},
    ],
)
def test_garbage_is_no_reason(stored: Any) -> None:
    trial = with_attr(PRUNED, stored)
    assert pruned_reason(trial) == {}
    assert has_unreadable_reason(trial)


def test_one_note_says_what_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    study = optuna.create_study()
    study.add_trials([with_attr(PLAN, "eight"), with_attr(PLAN, 8), with_attr(PRUNED, "why")])
    run_table(study)
    (plan,) = [text for text in caplog.messages if "cannot be read" in text]
    assert "'kappa:plan' of trial 0 and 1 other cannot be read: it is 'eight'" in plan
    caplog.clear()
    kills(study)
    assert sum("'kappa:pruned' of trial 2 cannot be read" in text for text in caplog.messages) == 1


def test_a_search_goes_on_beside_garbage(caplog: pytest.LogCaptureFixture) -> None:
    study = optuna.create_study(sampler=KappaSampler(TARGET, seed=0), pruner=KappaPruner())
    for stored in GARBAGE:
        study.add_trial(with_attr(PLAN, stored))
    study.enqueue_trial({"lr": 1e-3}, user_attrs={PLAN: {"horizon": 42}})
    caplog.clear()
    study.optimize(lambda trial: trial.suggest_float("lr", 1e-5, 1e-1, log=True), n_trials=3)
    assert kinds(study)[-3:] == ["enqueued", "probe", "probe"]
    assert len([text for text in caplog.messages if "cannot be read" in text]) == 1


def test_a_table_of_trials_has_one_flat_text_an_attribute() -> None:
    study = search(n_trials=12)
    for trial in study.trials:
        assert all(isinstance(value, str) for value in trial.user_attrs.values())
        assert json.loads(trial.user_attrs[PLAN])["schedule"] == "constant"
