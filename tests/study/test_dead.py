from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from optuna_kappa import KappaSampler
from optuna_kappa.study.dead import Living
from optuna_kappa.study.interrupted import INTERRUPTED
from optuna_kappa.study.plans import PLAN

COMPLETE, PRUNED = TrialState.COMPLETE, TrialState.PRUNED
FAIL, RUNNING = TrialState.FAIL, TrialState.RUNNING
LR = FloatDistribution(1e-5, 1e-1, log=True)
NOON = datetime(2026, 1, 1, 12)
NAN = math.nan


def trial(
    number: int,
    state: TrialState = FAIL,
    lr: float | None = 1e-3,
    reports: dict[int, float] | None = None,
    horizon: int = 8,
    age: float = 0.0,
    took: float = 1.0,
    interrupted: bool = False,
    system: Mapping[str, Any] | None = None,
) -> FrozenTrial:
    """Age and duration in seconds."""
    attributes: dict[str, Any] = {
        PLAN: {"horizon": horizon, "kind": "probe", "schedule": "constant"}
    }
    if interrupted:
        attributes[INTERRUPTED] = True
    made = create_trial(
        state=state,
        value=0.5 if state == COMPLETE else None,
        params={} if lr is None else {"lr": lr},
        distributions={} if lr is None else {"lr": LR},
        intermediate_values=reports or ({8: 0.5} if state == PRUNED and reports is None else {}),
        user_attrs=attributes,
        system_attrs=dict(system or {}),
    )
    made.number = number
    made.datetime_start = NOON - timedelta(seconds=age)
    if state.is_finished():
        made.datetime_complete = made.datetime_start + timedelta(seconds=took)
    return made


def living(
    others: Sequence[FrozenTrial], number: int = 99, dead_after: float | None = None
) -> Living:
    return Living(others, trial(number, RUNNING), "lr", dead_after)


def counted(others: Sequence[FrozenTrial], dead_after: float | None = None) -> list[int]:
    by_horizon = living(others, dead_after=dead_after).by_horizon
    return [trial.number for trials in by_horizon.values() for trial in trials]


@pytest.mark.parametrize(
    ("other", "counts"),
    [
        (trial(0, COMPLETE), True),
        (trial(0, PRUNED), True),
        (trial(0, RUNNING), True),
        (trial(0, RUNNING, lr=None), True),
        (trial(0, FAIL, reports={1: NAN}), True),
        (trial(0, FAIL), False),
        (trial(0, FAIL, reports={1: 0.5}), False),
        (trial(0, FAIL, lr=None), False),
        (trial(0, PRUNED, reports={}), False),
        (trial(0, FAIL, interrupted=True), False),
    ],
)
def test_what_uses_up_a_probe(other: FrozenTrial, counts: bool) -> None:
    assert bool(counted([other])) == counts


def test_a_retried_trial_counts_once() -> None:
    diverged = trial(0, FAIL, reports={1: NAN})
    history = {"failed_trial": 0, "retry_history": [0]}
    again = trial(1, RUNNING, system=history)
    third = trial(2, COMPLETE, system={"failed_trial": 0, "retry_history": [0, 1]})
    assert counted([diverged, again]) == [1]
    assert counted([diverged, again, third]) == [2]


@pytest.mark.parametrize(
    ("age", "dead_after", "alive"),
    [
        (50.0, None, True),  # under a minute
        (70.0, None, True),  # ten times as slow as the slowest, 2 seconds a step
        (170.0, None, False),
        (170.0, 200.0, True),
        (170.0, 100.0, False),
    ],
)
def test_running_trials_live_for_so_long(
    age: float, dead_after: float | None, alive: bool
) -> None:
    slowest = trial(0, PRUNED, took=16.0)
    quick = trial(1, PRUNED, took=1.0)
    running = trial(2, RUNNING, age=age)
    assert counted([slowest, quick, running], dead_after) == [0, 1, *([2] if alive else [])]


def test_before_any_has_finished_all_are_alive() -> None:
    assert counted([trial(0, RUNNING, age=1e6)]) == [0]


def rates_avoided(others: Sequence[FrozenTrial], number: int) -> list[float]:
    return sorted(trial.params["lr"] for trial in living(others, number).avoided(8))


def test_a_rate_is_avoided_for_twice_as_long_each_time() -> None:
    for n in range(1, 6):
        dead = [trial(number, lr=1e-3) for number in range(n)]
        last = n - 1
        assert rates_avoided(dead, last + 2**n) == [1e-3] * n
        assert rates_avoided(dead, last + 2**n + 1) == []


def test_what_lived_between_them_clears_a_rate() -> None:
    dead = [trial(number, lr=10.0**-number) for number in (2, 3, 4)]
    assert rates_avoided(dead, 10) == [1e-4, 1e-3, 1e-2]
    lived = [trial(5, PRUNED, lr=3e-4), trial(6, PRUNED, lr=3e-3)]
    assert rates_avoided([*dead, *lived], 10) == []


@pytest.mark.parametrize(
    ("dead", "lived", "high"),
    [
        ([1e-2, 3e-2], [1e-4, 1e-3, 3e-3], 1e-2),
        ([1e-2], [1e-4, 1e-3, 3e-3], 1e-1),  # one may be bad luck
        ([1e-5, 1e-2, 3e-2], [1e-4, 1e-3, 3e-3], 1e-1),  # deaths below as well
        ([1e-2, 3e-2], [1e-4], 1e-1),
        ([1e-2, 3e-2], [1e-4, 1e-3, 5e-2], 1e-1),
    ],
)
def test_above_a_ceiling_nothing_is_tried(
    dead: Sequence[float], lived: Sequence[float], high: float
) -> None:
    others = [trial(number, lr=lr) for number, lr in enumerate(dead)]
    others += [trial(9, PRUNED, lr=lr) for lr in lived]
    range_of_lr = (math.log(1e-5), math.log(1e-1))
    for horizon in (8, 24):  # what killed them would kill longer runs
        low, below = living(others, number=3).below_ceiling(range_of_lr, horizon)
        assert (low, below) == pytest.approx((math.log(1e-5), math.log(high)))
    assert living(others, number=3).below_ceiling(range_of_lr, 4) == range_of_lr


def test_where_no_probe_can_live_every_second_trial_is_a_full_run() -> None:
    dead = [trial(number) for number in range(12)]
    assert [living(dead, number).may_probe(8, number) for number in (12, 13, 14, 15)] == [
        True,
        False,
        True,
        False,
    ]
    assert living(dead[:10], 13).may_probe(8, 13)
    assert living([*dead, trial(12, PRUNED)], 13).may_probe(8, 13)


@pytest.mark.parametrize("dead_after", [0, -1.0, math.nan, "1h", True])
def test_wrong_ages(dead_after: object) -> None:
    with pytest.raises(ValueError, match="dead_after must be a finite number"):
        KappaSampler(24, dead_after=dead_after)  # type: ignore[arg-type]
