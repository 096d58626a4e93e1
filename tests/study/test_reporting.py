from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from optuna_kappa.study.reporting import AS_REPORTED, Reporting, find_reporting

LOSSES = [0.9, 0.3, 1.4, 0.5, 0.7, 0.35, 0.6, 1.1]


def trials(
    losses: Sequence[float],
    returned: Callable[[float], float],
    reported: Callable[[float], float] = float,
) -> list[FrozenTrial]:
    made = []
    for number, loss in enumerate(losses):
        curve = {step: reported(loss + 1 / step - 1 / 8) for step in (1, 2, 4, 8)}
        made.append(create_trial(value=returned(loss), intermediate_values=curve))
        made[-1].number = number
    return made


@pytest.mark.parametrize(
    ("returned", "apart"),
    [
        (float, False),
        (lambda loss: 1.3 * loss, True),
        (lambda loss: loss + 0.02 * math.sin(99 * loss), True),
    ],
    ids=["the last report", "nearly", "another data set"],
)
def test_values_of_the_same_kind_leave_reports_alone(
    returned: Callable[[float], float], apart: bool
) -> None:
    assert find_reporting(trials(LOSSES, returned)) == Reporting(apart=apart)


def test_the_best_of_a_run_is_of_the_same_kind() -> None:
    made = []
    for loss in LOSSES:
        made.append(create_trial(value=loss, intermediate_values={1: loss, 2: 9 * loss}))
    assert find_reporting(made) == AS_REPORTED


def test_a_few_runs_close_to_the_best_have_no_order() -> None:
    """Noise alone turns the order of three in one of six searches."""
    close = [0.300, 0.301, 0.302, 0.303]
    made = trials(close, returned=lambda loss: 0.9 - loss)
    assert find_reporting(made).kind == ""


@pytest.mark.parametrize(
    ("returned", "sign", "kind"),
    [
        (lambda loss: math.exp(-loss), -1.0, "order"),
        (lambda loss: -loss, -1.0, "order"),
        (lambda loss: -loss - 1, -1.0, "order"),
        (lambda loss: 100 * loss, 1.0, "scale"),
        (lambda loss: loss - 5, 1.0, "sign"),
    ],
)
@pytest.mark.parametrize("n", [3, 5, 8])
def test_reports_are_moved_to_the_values(
    returned: Callable[[float], float], sign: float, kind: str, n: int
) -> None:
    reporting = find_reporting(trials(LOSSES[:n], returned), sign)
    assert reporting.kind == kind
    values = np.array([returned(loss) for loss in LOSSES])
    moved = np.array([reporting.value(loss) for loss in LOSSES])
    assert (np.argsort(moved) == np.argsort(values)).all()
    assert np.median(moved) == pytest.approx(np.median(values), rel=0.2)


def test_runs_at_chance_level_do_not_hide_what_gets_worse() -> None:
    """Six runs do not learn, three do: their accuracies rise though the study minimizes."""
    made = []
    for number in range(9):
        learned = max(0, number - 5) / 4
        accuracy = 0.1 + 0.9 * learned
        curve = {1: 0.1, 8: 0.1 if learned == 0 else accuracy}
        made.append(create_trial(value=1 - accuracy, intermediate_values=curve))
    reporting = find_reporting(made)
    assert reporting.slope == pytest.approx(-1)
    assert reporting.offset == pytest.approx(1)


def test_a_crowd_near_the_best_does_not_hide_the_order() -> None:
    """Near the best rate accuracy and training loss disagree, far from it they do not."""
    far = [(0.0, 40.0), (0.2, 2.0), (0.45, 0.7)]
    crowd = [(0.60 + 0.01 * n, 0.40 + 0.02 * (n * 3 % 5)) for n in range(5)]
    made = []
    for accuracy, loss in [*far, *crowd]:
        curve = {1: 3 * loss, 8: loss}
        made.append(create_trial(value=accuracy, intermediate_values=curve))
    reporting = find_reporting(made, sign=-1.0)
    assert (reporting.kind, reporting.slope < 0) == ("order", True)


def test_better_reports_of_another_order_are_not_turned() -> None:
    """Training losses fall as rates rise, beyond the best validation loss."""
    made = []
    for loss in LOSSES:
        curve = {1: 3 - loss, 8: 1.5 - loss}
        made.append(create_trial(value=loss, intermediate_values=curve))
    reporting = find_reporting(made)
    assert (reporting.kind, reporting.value(0.7)) == ("order", 0.7)


def test_one_run_shows_another_sign() -> None:
    (one,) = trials([0.5], returned=lambda loss: -loss)
    reporting = find_reporting([one], sign=-1.0)
    assert (reporting.kind, reporting.value(0.25)) == ("sign", -0.25)


def test_a_later_run_moves_no_report() -> None:
    noise = np.random.default_rng(0).standard_normal(64)
    losses = (1 + 0.2 * noise).tolist()
    made = trials(losses, returned=lambda loss: math.exp(-loss) + 0.001 * math.sin(99 * loss))
    found = {find_reporting(made[:n], sign=-1.0) for n in range(8, 64)}
    assert len(found) <= 3


def test_runs_that_tell_nothing() -> None:
    silent = create_trial(value=0.5)
    diverged = create_trial(value=0.5, intermediate_values={1: math.nan})
    pruned = create_trial(state=TrialState.PRUNED, value=-3.0, intermediate_values={1: 3.0})
    assert find_reporting([silent, diverged, pruned]) == AS_REPORTED
    assert find_reporting([]) == AS_REPORTED
    zero = create_trial(value=0.0, intermediate_values={1: 5.0})
    assert math.isfinite(find_reporting([zero]).value(5.0))
