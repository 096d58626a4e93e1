"""Horizons at which nothing was learned yet have no optimum."""

from __future__ import annotations

import numpy as np
import pytest

from optuna_kappa import RunTable, fit
from optuna_kappa.law.observations import Observations, observations_of, observe
from optuna_kappa.law.stages import lowest_of, on_plateau, start_of
from optuna_kappa.runs import example_runs
from studies.replay.staged import Staged

Losses = dict[float, list[float]]  # of ln lr -9, -8, ... by horizon


def seen(losses: Losses, schedule: str = "constant") -> list[Observations]:
    found = []
    for horizon, row in losses.items():
        rows = [(i - 9.0, loss, f"{i}") for i, loss in enumerate(row)]
        found.append(observations_of(schedule, horizon, rows))
    return found


def runs(problem: Staged, horizons: tuple[int, ...]) -> RunTable:
    rows = []
    for lr in np.geomspace(1e-5, 3e-2, 15):
        for horizon in horizons:
            rows.append((f"{lr} {horizon}", lr, horizon, problem.loss(lr, horizon)))
    run, rate, step, loss = (np.array(column) for column in zip(*rows, strict=True))
    constant = np.full(len(rows), "constant")
    columns = {"run": run, "lr": rate, "horizon": step, "step": step, "loss": loss}
    return RunTable.from_columns({**columns, "schedule": constant})


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ({1: [1, 1, 0.99], 4: [1, 0.99, 0.5]}, [True, False]),
        ({1: [1, 1, 0.99], 4: [1, 0.99, 0.99], 8: [1, 0.9, 0.5]}, [True, True, False]),
        # Nobody has left it yet.
        ({1: [1, 1, 0.99], 4: [1, 0.99, 0.985]}, [False, False]),
        # A valley, however long it stays where it is.
        ({1: [1, 0.9, 0.95], 4: [1, 0.6, 0.5]}, [False, False]),
        # Rates that are all good, and learn together.
        ({1: [1, 0.99, 1], 4: [0.8, 0.79, 0.8]}, [False, False]),
        # Two runs locate no optimum that could stand in.
        ({1: [1, 1, 0.99], 4: [1, 0.5]}, [False, False]),
        # Losses below 0, as of an accuracy that is maximized.
        ({1: [-0.5, -0.5, -0.505], 4: [-0.5, -0.5, -0.8]}, [True, False]),
        # The run that diverged is no lowest one, and the highest may be bad.
        ({1: [1, 1, 0.99, 3, np.nan], 4: [1, 0.99, 0.5, 3, np.nan]}, [True, False]),
    ],
)
def test_on_plateau(losses: Losses, expected: list[bool]) -> None:
    assert on_plateau(seen(losses)) == expected


def test_a_lower_rate_that_was_not_tried_before_says_nothing() -> None:
    """Where only good rates were tried first, a bad one that is behind later is no plateau."""
    first = observations_of("constant", 1.0, [(-5.0, 1.0, "a"), (-4.8, 0.99, "b")])
    rows = [(-9.0, 2.0, "c"), (-5.0, 0.7, "a"), (-4.8, 0.6, "b"), (-4.5, 0.65, "d")]
    assert on_plateau([first, observations_of("constant", 4.0, rows)]) == [False, False]


def test_schedules_are_judged_apart() -> None:
    first = seen({1: [1, 1, 0.99]})
    later = seen({4: [1, 0.99, 0.5]}, "cosine")
    assert on_plateau([*first, *later]) == [False, False]
    assert on_plateau([]) == []


def test_start_and_lowest() -> None:
    (one,) = seen({1: [0.7, np.nan, 0.8, 0.9]})
    assert (start_of(one), lowest_of(one)) == (0.8, 0.7)
    (steep,) = seen({1: [2.0, 0.8, 0.9]})
    assert start_of(steep) == 2.0


def test_no_optimum_is_found_on_a_plateau_that_was_left() -> None:
    problem = Staged(lowest=1.8e-3)
    short = fit(runs(problem, (10, 20)))
    assert [optimum.horizon for optimum in short.optima] == [10, 20]
    law = fit(runs(problem, (10, 20, 40, 80)))
    assert [optimum.horizon for optimum in law.optima] == [40, 80]
    low, high = law.propose(240).low, law.propose(240).high
    assert low < 1.8e-3 * 1.5 < high


def test_ordinary_runs_keep_all_their_optima() -> None:
    observations = observe(example_runs())
    assert not any(on_plateau(observations))
