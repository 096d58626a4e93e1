"""The rules for pruners catch those that break them.

The rules that are not here are broken by a pruner of Optuna's, in `test_pruner_conformance`, but
for one: that a step was reported twice, no pruner can see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from optuna.pruners import BasePruner, NopPruner
from optuna.storages import InMemoryStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState
from pruner_conformance import DivergencePrunerTestCase, PrunerTestCase
from pruner_conformance.streams import continued

Decide = Callable[[Study, FrozenTrial], bool]

NONE = {"others": "none"}
MINIMIZE = {"direction": "minimize", "sign": 1.0}


class By(BasePruner):
    def __init__(self, decide: Decide) -> None:
        self.decide = decide

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        return self.decide(study, trial)


class OneAtATime(BasePruner):
    """Must not be asked about a trial before the last one has ended."""

    last = 0

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        assert self.last == trial.number or study.trials[self.last].state.is_finished()
        self.last = trial.number
        return False


class Counting(BasePruner):
    """Prunes when it has been asked five times."""

    def __init__(self) -> None:
        self.asked = Counter[int]()

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        self.asked[trial.number] += 1
        return self.asked[trial.number] >= 5


def always(study: Study, trial: FrozenTrial) -> bool:
    return True


def from_the_first_report(study: Study, trial: FrozenTrial) -> bool:
    return bool(trial.intermediate_values)


def by_the_best_report(study: Study, trial: FrozenTrial) -> bool:
    return min(trial.intermediate_values.values()) > 1.0  # there may be none


def by_the_latest_report(study: Study, trial: FrozenTrial) -> bool:
    return list(trial.intermediate_values.values())[-1:] > [1.0]


def after_ten(study: Study, trial: FrozenTrial) -> bool:
    return len(study.get_trials(states=[TrialState.COMPLETE])) >= 10


def with_gaps(study: Study, trial: FrozenTrial) -> bool:
    steps = {step for other in study.trials for step in other.intermediate_values}
    return any(step < (trial.last_step or 0) for step in steps - set(trial.intermediate_values))


def writes_to_the_study(study: Study, trial: FrozenTrial) -> bool:
    study.set_user_attr("asked", trial.number)
    return False


def tidies_up(study: Study, trial: FrozenTrial) -> bool:
    study.get_trials(deepcopy=False)[0].intermediate_values.clear()
    return False


@pytest.mark.parametrize(
    ("rule", "pruner", "arguments"),
    [
        ("never_raises", lambda: By(by_the_best_report), NONE),
        ("two_threads", OneAtATime, {"storage": InMemoryStorage()}),
        ("keeps_a_trial_without_reports", lambda: By(always), NONE),
        ("keeps_the_only_trial", lambda: By(from_the_first_report), {}),
        ("keeps_the_best_trial", lambda: By(after_ten), MINIMIZE),
        ("keeps_the_best_trial_where_steps_are_missing", lambda: By(with_gaps), {}),
        ("order_of_reports", lambda: By(by_the_latest_report), {}),
        ("continued_trial", Counting, {"storage": InMemoryStorage()}),
        ("changes_nothing", lambda: By(writes_to_the_study), {"storage": InMemoryStorage()}),
        ("changes_nothing", lambda: By(tidies_up), {"storage": InMemoryStorage()}),
    ],
)
def test_a_rule_catches(
    rule: str, pruner: Callable[[], BasePruner], arguments: dict[str, Any]
) -> None:
    with pytest.raises((AssertionError, ValueError)):
        getattr(PrunerTestCase(), f"test_{rule}")(pruner, **arguments)


def test_what_keeps_most_rules_breaks_a_promise() -> None:
    promise = DivergencePrunerTestCase()
    with pytest.raises(AssertionError):
        promise.test_prunes_a_diverged_trial(NopPruner, "none", float("nan"), "minimize", 1.0)


@pytest.mark.parametrize(
    ("prefix", "prunes", "allowed"),
    [("own:", True, True), ("own:", False, False), ("another:", True, False), (None, True, False)],
)
def test_attributes_are_added_under_the_prefix_when_pruning(
    prefix: str | None, prunes: bool, allowed: bool
) -> None:
    storage, rules = InMemoryStorage(), PrunerTestCase()
    rules.own_prefix = prefix

    def decide(study: Study, trial: FrozenTrial) -> bool:
        continued(study, storage, trial.number).set_user_attr("own:asked", trial.last_step)
        return prunes

    try:
        rules.test_changes_nothing(lambda: By(decide), storage)
    except AssertionError:
        assert not allowed
    else:
        assert allowed
