from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from optuna_kappa import KappaPruner
from optuna_kappa.study.plans import PLAN, plan_of
from optuna_kappa.study.setup_hints import hint, study_hints

COMPLETE, PRUNED, FAIL = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL
LR = FloatDistribution(1e-5, 1e-1, log=True)


def trial(
    steps: Sequence[int] | Mapping[int, float],
    horizon: int = 24,
    state: TrialState = COMPLETE,
    kind: str = "base",
    value: float = 0.5,
) -> FrozenTrial:
    by_step = steps if isinstance(steps, Mapping) else dict.fromkeys(steps, value)
    return create_trial(
        state=state,
        value=value if state == COMPLETE else None,
        params={"lr": 1e-3},
        distributions={"lr": LR},
        intermediate_values=dict(by_step),
        user_attrs={PLAN: {"horizon": horizon, "kind": kind, "schedule": "constant"}},
    )


def topic(one: FrozenTrial, pruner: optuna.pruners.BasePruner | None = None) -> str:
    advice = hint(one, plan_of(one), one.state, pruner or KappaPruner(), "lr")
    return advice.topic if advice else ""


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (trial([1, 24]), ""),
        (trial([1, 14]), ""),  # stopped early
        (trial([5, 10, 15, 20]), ""),
        (trial([469, 938]), "unit"),
        (trial([20], horizon=1, state=PRUNED, kind="probe"), "unit"),
        (trial([10, 20], horizon=11, state=PRUNED, kind="probe"), ""),  # evaluated every 10
        (trial([5], horizon=8, kind="probe"), ""),  # evaluated every 5, and returned its loss at 8
        (trial([8], horizon=8, kind="probe"), "probe complete"),
        (trial([], state=FAIL), "told nothing"),
        (trial([], state=PRUNED), "told nothing"),
        (trial([1], state=FAIL), ""),
    ],
)
def test_what_one_trial_shows(one: FrozenTrial, expected: str) -> None:
    assert topic(one) == expected


def topics(trials: Sequence[FrozenTrial]) -> list[str]:
    return [advice.topic for advice in study_hints(trials, trials, StudyDirection.MINIMIZE)]


@pytest.mark.parametrize(
    ("trials", "expected"),
    [
        ([trial([1, 2, 24])] * 5, []),
        ([trial(range(1, 25), 2400)] * 3, ["unit"]),
        ([trial(range(1, 25), 2400)] * 2, []),  # may have stopped early
        ([trial(range(1, 12))] * 5 + [trial(range(1, 25))], []),
        ([trial(range(24))], ["step 0"]),
        ([trial({0: 1.0, 1: 1.0}, state=PRUNED)] * 3, ["step 0"]),
        ([trial(range(25))] * 3, []),
        ([trial({24: 2.0 + n}, value=-2.0 - n) for n in range(4)], ["contradiction"]),
        ([trial({24: 1e3}, value=1.0)], ["contradiction"]),
        ([trial({24: math.nan}, value=1.0)], []),
    ],
)
def test_what_a_study_shows(trials: Sequence[FrozenTrial], expected: Sequence[str]) -> None:
    assert topics(trials) == expected
