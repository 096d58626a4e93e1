"""The next learning rate of a category whose best run is its outermost one."""

from __future__ import annotations

import math

import pytest

from optuna_kappa.search.bracketing import STEP, step_beyond

LOW, HIGH = -9.0, -3.0
NAN, BEHIND = math.nan, math.inf


@pytest.mark.parametrize(
    ("ln_lr", "loss", "wanted"),
    [
        ([-7.0, -6.0], [1.2, 1.1], -6.0 + STEP),
        ([-7.0, -6.0], [1.1, 1.2], -7.0 - STEP),
        ([-7.0, -6.0, -5.0], [1.2, 1.1, 1.3], None),  # others on both sides
        ([-7.0], [1.1], None),  # no direction
        ([-7.0, -7.01], [1.1, 1.2], None),  # the same rate twice
        ([], [], None),
        ([-7.0, -6.0], [NAN, NAN], None),
        ([-7.0, -6.0], [BEHIND, 1.1], -6.0 + STEP),  # an ended run has lost
        ([-7.0, -6.0], [BEHIND, BEHIND], None),
        ([-7.0, -3.3], [1.2, 1.1], HIGH),  # within the range
        ([-8.7, -6.0], [1.1, 1.2], LOW),
        ([-7.0, -3.1], [1.2, 1.1], None),  # the end of the range is near
        ([-7.0, -6.0, -5.0], [1.2, 1.1, NAN], -6.0 + STEP),  # the wall is far
        ([-7.0, -6.0, -5.5], [1.2, 1.1, NAN], -5.75),  # halfway to the wall
        ([-7.0, -6.0, -5.7], [1.2, 1.1, NAN], None),  # bracketed by the wall
        ([-7.0, -6.0, -7.5], [1.1, 1.2, NAN], -7.25),  # a wall below, with too small a step
        ([-7.0, -6.0, -2.0], [1.1, 1.2, NAN], -7.0 - STEP),
        ([-6.0, -5.0], [1.1, NAN], None),
    ],
)
def test_where_it_goes(ln_lr: list[float], loss: list[float], wanted: float | None) -> None:
    found = step_beyond(ln_lr, loss, [], LOW, HIGH)
    assert found == (None if wanted is None else pytest.approx(wanted))


@pytest.mark.parametrize(("running", "is_taken"), [(-5.3, True), (-4.0, True), (-6.5, False)])
def test_a_running_run_beyond_it_is_waited_for(running: float, is_taken: bool) -> None:
    found = step_beyond([-7.0, -6.0], [1.2, 1.1], [running], LOW, HIGH)
    assert (found is None) == is_taken


def test_it_never_goes_back_to_where_one_diverged() -> None:
    ln_lr, loss = [-7.0, -6.0], [1.2, 1.1]
    while (wanted := step_beyond(ln_lr, loss, [], LOW, HIGH)) is not None:
        diverges = wanted > -5.0
        assert not any(math.isnan(y) and x <= wanted for x, y in zip(ln_lr, loss, strict=True))
        ln_lr.append(wanted)
        loss.append(NAN if diverges else min(y for y in loss if y == y) - 0.01)
    assert len(ln_lr) < 8
    best = min(zip(loss, ln_lr, strict=True), key=lambda run: (math.isnan(run[0]), run[0]))
    assert -5.5 < best[1] <= -5.0
