from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from optuna_kappa.study.lengths import Lengths, curves_of, losses_by_step
from optuna_kappa.study.plans import PLAN
from optuna_kappa.study.reporting import Reporting

NAN = math.nan


def complete(
    reports: Mapping[int, float] | Sequence[int], value: float = 0.5, horizon: int | None = None
) -> FrozenTrial:
    by_step = reports if isinstance(reports, Mapping) else dict.fromkeys(reports, 0.6)
    plan = {"horizon": horizon, "kind": "base", "schedule": "cosine"}
    return create_trial(
        value=value, intermediate_values=dict(by_step), user_attrs={PLAN: plan} if horizon else {}
    )


def end(trial: FrozenTrial, others: Sequence[FrozenTrial] = (), full: int | None = None) -> int:
    return Lengths([*others, trial], Reporting(), full).end(trial)


WHOLE = complete(range(1, 25))


@pytest.mark.parametrize(
    ("trial", "others", "full", "expected"),
    [
        (complete([], horizon=24), [], None, 24),
        (complete([5, 10, 15, 20], horizon=24), [], None, 24),
        (complete(range(1, 8), horizon=24), [], None, 24),  # stopped early
        (complete(range(1, 31), horizon=24), [], None, 30),
        # A probe whose objective trained for the full horizon, and one for a little longer.
        (complete([10, 20], horizon=1), [], 24, 24),
        (complete([1, 2, 3], horizon=2), [], 24, 3),
        # Without a plan: a full run.
        (complete([]), [], 24, 24),
        (complete([]), [WHOLE], None, 24),
        (complete([]), [complete([], horizon=48)], None, 48),
        (complete([]), [], None, 0),
        (complete(range(1, 8)), [WHOLE, WHOLE], None, 24),  # stopped early
        (complete(range(1, 8)), [WHOLE, WHOLE], 24, 24),
        (complete([5, 10, 15, 20]), [], 24, 24),
        (complete([5, 10]), [complete([5, 10])], 24, 10),  # of a shorter study
        (complete([7200]), [WHOLE, WHOLE], None, 7200),
        (complete(range(1, 25)), [complete([7200])] * 2, None, 7200),
    ],
)
def test_where_a_value_counts(
    trial: FrozenTrial, others: Sequence[FrozenTrial], full: int | None, expected: int
) -> None:
    assert end(trial, others, full) == expected


@pytest.mark.parametrize(
    ("trial", "expected"),
    [
        (complete({10: 0.5, 20: 0.3}, 0.25, 24), {10: 0.5, 20: 0.3, 24: 0.25}),
        (complete({12: 0.5, 24: 0.3}, 0.25, 24), {12: 0.5, 24: 0.25}),
        (complete({0: 2.3, 24: 0.3}, 0.3, 24), {24: 0.3}),
        # The best loss before a divergence is not the loss at the end.
        (complete({1: 0.5, 2: NAN}, 0.5, 24), {1: 0.5, 2: NAN}),
        (complete({1: 0.5}, math.inf, 24), {1: 0.5, 24: math.inf}),
        # A gap: it was not evaluated at the last step.
        (complete({1: NAN, 2: 0.5, 3: NAN}, 0.4, 4), {1: NAN, 2: 0.5, 3: NAN, 4: 0.4}),
    ],
)
def test_losses_by_step(trial: FrozenTrial, expected: Mapping[int, float]) -> None:
    losses = losses_by_step(trial, Lengths([trial], Reporting()))
    assert repr(dict(losses)) == repr(dict(expected))


def test_reports_are_shifted_and_moved() -> None:
    reporting = Reporting(shift=1, offset=1.0, slope=-0.1, kind="order")
    trial = create_trial(state=TrialState.PRUNED, intermediate_values={0: 2.0, 3: 1.0})
    assert losses_by_step(trial, Lengths([trial], reporting)) == {1: 0.8, 4: 0.9}


@pytest.mark.parametrize(
    ("apart", "schedule", "expected"),
    [
        (False, "constant", [{12: 0.6, 23: 0.5, 24: 0.25}]),
        # The law would average the reports at 23 and 24 with the value.
        (True, "constant", [{12: 0.6}, {24: 0.25}]),
        (True, "cosine", [{12: 0.6, 23: 0.5, 24: 0.25}]),
    ],
)
def test_a_value_that_was_not_reported_is_kept_apart(
    apart: bool, schedule: str, expected: Sequence[Mapping[int, float]]
) -> None:
    trial = complete({12: 0.6, 23: 0.5, 24: 0.4}, 0.25, 24)
    lengths = Lengths([trial], Reporting(apart=apart))
    assert list(curves_of(trial, lengths, schedule).values()) == expected


def test_no_value_is_kept_apart_of_runs_that_did_not_end_well() -> None:
    lengths = Lengths([WHOLE], Reporting(apart=True))
    diverged = complete({1: 0.5, 2: NAN}, 0.5, 24)
    pruned = create_trial(state=TrialState.PRUNED, intermediate_values={1: 0.5})
    assert len(curves_of(diverged, lengths, "constant")) == 1
    assert list(curves_of(pruned, lengths, "constant").values()) == [{1: 0.5}]
