"""One proposal after a ladder, where the truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated import LARGEST, Simulated, grid, joined

from optuna_kappa import RunTable
from studies.replay.grid import Grid
from studies.replay.lending import as_grid, lender_of
from studies.replay.oneshot import LAW, RULES, UNINFORMED, OneShot, one_shot, prior_for
from studies.replay.table import prepare, steps_per_unit

N = 3


def labelled(runs: RunTable, seed: int) -> RunTable:
    return replace(runs, context={"seed": np.full(len(runs), f"{seed}")})


def recorded(simulated: Simulated) -> RunTable:
    tables = []
    for seed in range(3):
        one = replace(simulated, seed=seed).runs(grid(28), first=2.0)
        tables.append(labelled(one, seed))
    return joined(*tables)


def made(simulated: Simulated) -> Grid:
    return as_grid(prepare(recorded(simulated), None, None).objective)


def shots(goal: Grid, lender: Grid, budget: float) -> list[OneShot]:
    return [one_shot(goal, lender, budget, seed) for seed in range(N)]


def medians(several: list[OneShot]) -> dict[str, float]:
    return {rule: float(np.median([one.regrets[rule] for one in several])) for rule in RULES}


def lost(factor: float) -> float:
    """Regret of a rate that is off by a factor, see `simulated`."""
    return float(np.exp(np.sqrt(1 + np.log(factor) ** 2) - 1) - 1)


@pytest.mark.parametrize(
    ("slope", "right"),
    [(0.0, "copy"), (0.5, "slope-0.5"), (1.0, "slope-1")],
)
def test_a_known_law(slope: float, right: str) -> None:
    objective = made(Simulated(slope, noise=0.01))
    several = shots(objective, objective, budget=1.5)
    regrets = medians(several)

    # Of the fixed rules the one with the right slope is best, and copying loses what it is off.
    fixed = {rule: regret for rule, regret in regrets.items() if rule not in (LAW, UNINFORMED)}
    assert min(fixed, key=lambda rule: fixed[rule]) == right
    assert fixed[right] < 0.05
    assert fixed["copy"] == pytest.approx(lost(3.2**slope), rel=0.4, abs=0.05)

    # The law is not told the slope: with a wide prior it is off by a factor of up to 1.6 or so.
    assert regrets[LAW] < lost(1.8)
    assert all(one.covered and one.has_law for one in several)


def test_without_a_prior_the_informed_law_is_the_plain_one() -> None:
    assert prior_for(None, None, LARGEST) is None
    objective = made(Simulated(noise=0.01))
    shot = one_shot(objective, objective, 0.25, seed=0)
    assert shot.regrets[LAW] == shot.regrets[UNINFORMED]


@pytest.mark.parametrize("passes", [0, -1, np.nan])
def test_passes_are_positive(passes: float) -> None:
    with pytest.raises(ValueError, match="passes must be"):
        prior_for("adam", passes, LARGEST)


def test_only_the_informed_law_is_told() -> None:
    objective = made(Simulated(slope=1.0, noise=0.01))
    told = prior_for("adam", 64, objective.horizon)
    plain, shot = (one_shot(objective, objective, 0.25, 0, prior) for prior in (None, told))
    assert shot.regrets[UNINFORMED] == plain.regrets[UNINFORMED]
    assert shot.regrets["copy"] == plain.regrets["copy"]
    assert shot.regrets[LAW] < plain.regrets[LAW]


def test_cost_is_what_was_trained() -> None:
    plain = made(Simulated())
    assert one_shot(plain, plain, 0.5, seed=0).cost == pytest.approx(0.5)
    # High rates diverge before the end of the shorter probes.
    wild = made(Simulated(diverges=1.0))
    assert one_shot(wild, wild, 0.5, seed=0).cost < 0.49


def test_runs_that_all_diverge_are_no_error() -> None:
    objective = made(Simulated())
    runs = recorded(Simulated())
    # A table needs finite losses, but no probe has the lowest rate.
    loss = np.where(runs.lr > runs.lr.min(), np.nan, runs.loss)
    lender = as_grid(prepare(replace(runs, loss=loss), None, None).objective)
    shot = one_shot(objective, lender, 0.25, seed=0)
    assert (shot.has_law, shot.covered) == (False, False)
    assert np.isfinite(list(shot.regrets.values())).all()


def test_probes_of_another_schedule() -> None:
    problem = Simulated(slope=1.0, noise=0.01)
    constant = recorded(problem)
    tables = []
    for seed in range(3):
        one = replace(problem, seed=seed).final(grid(28), LARGEST, "cosine", mean=0.5)
        tables.append(labelled(one, seed))

    target = prepare(joined(*tables), None, None, steps_per_unit(constant))
    goal = as_grid(target.objective)
    # At equal kappa, a cosine run needs twice the rate of a constant one.
    assert goal.best_lr == pytest.approx(2 * problem.optimum(LARGEST), rel=0.1)

    several = shots(goal, lender_of(constant, "constant", target), budget=1.5)
    regrets = medians(several)
    assert regrets["slope-1"] == pytest.approx(lost(2), rel=0.4)
    # The law knows the schedule's mean; the rule does not.
    assert regrets[LAW] < lost(1.6)
