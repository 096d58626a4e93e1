from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from optuna_kappa.study.counting import (
    counts_from_0,
    interval_of,
    is_step_0_unclear,
    starts_from_0,
)
from optuna_kappa.study.plans import PLAN

COMPLETE, PRUNED = TrialState.COMPLETE, TrialState.PRUNED


def trial(
    reports: Mapping[int, float] | Sequence[int],
    state: TrialState = PRUNED,
    horizon: int | None = 24,
) -> FrozenTrial:
    by_step = reports if isinstance(reports, Mapping) else dict.fromkeys(reports, 0.5)
    plan = {"horizon": horizon, "kind": "base", "schedule": "constant"}
    return create_trial(
        state=state,
        value=0.5,
        intermediate_values=dict(by_step),
        user_attrs={PLAN: plan} if horizon else {},
    )


@pytest.mark.parametrize(
    ("steps", "from_0"),
    [
        (range(24), True),
        (range(3, 24, 4), True),
        (range(1, 24, 2), True),
        ([0], None),
        (range(1, 25), False),
        (range(25), False),  # the untrained model, too
        (range(5, 24, 5), False),
        (range(1, 24), False),
        (range(1, 14), False),  # stopped early
        (range(14), None),
        (range(0, 24, 5), None),
        ([1, 3, 9], None),
        ([23], None),
        ([24], False),
    ],
    ids=str,
)
def test_what_one_completed_run_shows(steps: Sequence[int], from_0: bool | None) -> None:
    """`None`: it is outvoted by any other."""
    shows = trial(list(steps), COMPLETE)
    yes, no = trial(range(24), COMPLETE), trial(range(1, 25), COMPLETE)
    assert counts_from_0([shows], [shows]) == bool(from_0)
    if from_0 is None:
        assert counts_from_0([shows, yes], [shows, yes])
        assert not counts_from_0([shows, no], [shows, no])


def test_a_probe_of_one_step_that_completed_at_step_0() -> None:
    done = trial([0], COMPLETE, horizon=1)
    assert counts_from_0([done], [done])


def test_the_length_of_a_run_without_a_plan_is_not_known() -> None:
    done = trial(range(24), COMPLETE, horizon=None)
    assert not counts_from_0([done], [done])


def test_an_untrained_model_does_not_know_its_rate() -> None:
    trained = [trial({0: 1.0 + i, 1: 0.9 + i}) for i in range(4)]
    untrained = [trial({0: 2.3 + 0.01 * i, 1: 0.9 + i}) for i in range(4)]
    assert counts_from_0([], trained)
    assert not counts_from_0([], untrained)
    assert not counts_from_0([], trained[:2])  # too few to tell


def test_nothing_tells() -> None:
    alike = [trial({0: 1.0, 1: 1.0}) for _ in range(4)]
    assert is_step_0_unclear(alike)
    assert not is_step_0_unclear([*alike, trial(range(25), COMPLETE)])
    assert not is_step_0_unclear([trial([1, 2])] * 4)


def test_regular_reports_show_it_by_themselves() -> None:
    assert starts_from_0(trial([3, 7, 11])) is True
    assert starts_from_0(trial([3, 7])) is None
    assert starts_from_0(trial([4, 8])) is False
    assert starts_from_0(trial([1, 3])) is None
    assert starts_from_0(trial([1, 3, 5])) is True
    assert starts_from_0(trial([])) is None


def test_interval() -> None:
    assert [interval_of(trial(steps)) for steps in ([], [7], [5, 10, 24])] == [1, 1, 14]
