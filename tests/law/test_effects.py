"""Effects of other parameters: found where runs show them, and taken out of the runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from simulated import LARGEST, Simulated

from optuna_kappa import RunTable, fit
from optuna_kappa.law.effects import find_effects

NAMES = ["batch", "kind", "width"]
MIDDLE = {"batch": 64, "kind": "a", "width": 288}
MOVES, HELPS = 1.2, 0.3  # ln lr over the range of batch sizes; ln loss over that of widths


def runs(n: int, seed: int, *, moves: float = MOVES, helps: float = HELPS) -> RunTable:
    """Constant-rate runs at random rates, batch sizes (16 to 256), widths and kinds."""
    rng = np.random.default_rng(seed)
    tables = []
    for run in range(n):
        batch, width = 2 ** rng.integers(4, 9), rng.integers(64, 513)
        q_batch, q_width = np.log2(batch / 64) / 4, (width - 288) / 448
        lr = 2e-3 * np.exp(rng.uniform(-3, 3))
        table = Simulated(noise=0.01, seed=seed + run).runs([lr * np.exp(-moves * q_batch)])
        columns = {name: getattr(table, name) for name in ("schedule", "horizon", "step")}
        context = {"batch": batch, "width": width, "kind": rng.choice(["a", "b"])}
        tables.append(
            RunTable.from_columns(
                columns
                | {"run": np.full(len(table), str(run)), "lr": np.full(len(table), lr)}
                | {"loss": table.loss * np.exp(-helps * q_width)}
                | {name: np.full(len(table), str(value)) for name, value in context.items()}
            )
        )
    joined = RunTable.concatenate(tables)
    assert len(joined.by_run()) == n
    return joined


def error(table: RunTable) -> float:
    """Of the law's proposal for a batch size of 64, in ln lr."""
    return abs(float(np.log(fit(table).propose(LARGEST).lr / Simulated().optimum(LARGEST))))


def test_what_moves_the_optimum_is_found() -> None:
    moved, raised = [], []
    for seed in range(0, 500, 50):
        effects = find_effects(runs(24, seed), NAMES)
        small, large = (effects.shift(MIDDLE | {"batch": b}) for b in (16, 256))
        narrow, wide = (effects.shift(MIDDLE | {"width": w}) for w in (64, 512))
        moved.append(large - small)
        raised.append(wide - narrow)
    assert np.median(moved) == pytest.approx(MOVES, abs=0.3)
    assert np.median(np.abs(raised)) < 0.15 * MOVES


def test_effects_are_taken_out() -> None:
    plain, adjusted = [], []
    for seed in range(0, 1000, 50):
        table = runs(12, seed)
        effects = find_effects(table, NAMES)
        centre = effects.shift(MIDDLE)
        plain.append(error(table))
        found = fit(effects.adjusted(table)).propose(LARGEST).lr * np.exp(centre)
        adjusted.append(abs(float(np.log(found / Simulated().optimum(LARGEST)))))
    assert np.median(adjusted) < 0.6 * np.median(plain)


def test_what_does_nothing_is_left_alone() -> None:
    shifts = []
    for seed in range(0, 500, 50):
        effects = find_effects(runs(9, seed, moves=0.0, helps=0.0), NAMES)
        low, high = (effects.shift({"batch": b, "kind": "b", "width": 300}) for b in (16, 256))
        shifts.append(abs(high - low))
    assert np.median(shifts) < 0.25


def test_no_effects_without_other_parameters() -> None:
    table = Simulated().runs([1e-3, 2e-3, 4e-3])
    effects = find_effects(table, [])
    assert effects.shift({}) == 0.0
    assert effects.adjusted(table) is table
    constant = RunTable.from_columns(
        {
            name: getattr(table, name)
            for name in ("run", "lr", "schedule", "horizon", "step", "loss")
        }
        | {"width": np.full(len(table), "64")}
    )
    assert find_effects(constant, ["width"]).adjusted(constant) is constant


def test_values_not_seen_and_missing_ones() -> None:
    effects = find_effects(runs(24, 0), NAMES)
    assert effects.shift(MIDDLE | {"batch": 4096}) == effects.shift(MIDDLE | {"batch": 256})
    assert effects.shift(MIDDLE | {"kind": "c"}) == pytest.approx(
        (effects.shift(MIDDLE) + effects.shift(MIDDLE | {"kind": "b"})) / 2
    )
    assert np.isfinite(effects.shift({}))


def test_diverged_runs_stay_diverged() -> None:
    table = runs(12, 0)
    loss = table.loss.copy()
    loss[table.by_run()[0]] = np.nan
    broken = RunTable.from_columns(
        {name: getattr(table, name) for name in ("run", "lr", "schedule", "horizon", "step")}
        | {"loss": loss}
        | dict(table.context)
    )
    adjusted = find_effects(broken, NAMES).adjusted(broken)
    assert (np.isnan(adjusted.loss) == np.isnan(loss)).all()


def two_optimizers(factor: float, *, spread: float = 3.0, n: int = 16, seed: int = 0) -> RunTable:
    """Runs of two optimizers, around the optimum of each; the rate diverges 20 times above it."""
    rng = np.random.default_rng(seed)
    tables = []
    for run in range(n):
        name, own_factor = [("adam", 1.0), ("sgd", factor)][run % 2]
        off = rng.uniform(-spread, spread)
        problem = Simulated(noise=0.01, seed=seed + run, diverges=20.0)
        table = problem.runs([2e-3 * np.exp(off)])
        tables.append(
            replace(
                table,
                run=np.full(len(table), str(run)),
                lr=table.lr * own_factor,
                context={"optimizer": np.full(len(table), name)},
            )
        )
    return RunTable.concatenate(tables)


def shift_between(table: RunTable) -> float:
    """From Adam's optimum to SGD's, in ln lr."""
    effects = find_effects(table, ["optimizer"])
    return effects.shift({"optimizer": "sgd"}) - effects.shift({"optimizer": "adam"})


@pytest.mark.parametrize("factor", [1 / 100, 1 / 30, 1.0, 5.0, 30.0, 100.0])
def test_optima_far_apart(factor: float) -> None:
    errors = [
        abs(shift_between(two_optimizers(factor, seed=seed)) - np.log(factor))
        for seed in range(0, 250, 50)
    ]
    assert np.median(errors) < 0.3


@pytest.mark.parametrize("factor", [1 / 30, 30.0])
def test_a_diverged_run_bounds_the_optimum_of_its_own_optimizer(factor: float) -> None:
    """SGD has one run that did not diverge, which says little, and some that did."""
    table = two_optimizers(factor, n=12)
    own = [rows[0] for rows in table.by_run() if table.context["optimizer"][rows[0]] == "sgd"]
    known = set(table.run[own[1:]])
    kept = [rows for rows in table.by_run() if str(table.run[rows[0]]) not in known]
    base = RunTable.concatenate([table_of(table, rows) for rows in kept])
    before = shift_between(base)

    bound = 2e-3 * np.exp(before) / 10  # far below where the optimum is now thought to be
    rows = kept[0]
    broken = table_of(table, rows)
    broken = replace(
        broken,
        run=np.full(len(broken), "broken"),
        lr=np.full(len(broken), bound),
        loss=np.full(len(broken), np.nan),
        context={"optimizer": np.full(len(broken), "sgd")},
    )
    assert shift_between(RunTable.concatenate([base, broken])) < before - 0.5


def table_of(table: RunTable, rows: NDArray[np.intp]) -> RunTable:
    columns = {
        name: getattr(table, name)[rows]
        for name in ("run", "lr", "schedule", "horizon", "step", "loss")
    }
    return RunTable.from_columns(columns | {name: c[rows] for name, c in table.context.items()})


def test_the_level_is_that_of_the_better_optimizer() -> None:
    table = two_optimizers(30.0)
    is_sgd = table.context["optimizer"] == "sgd"
    for helps in (-0.3, 0.3):
        moved = replace(table, loss=table.loss * np.exp(helps * is_sgd))
        effects = find_effects(moved, ["optimizer"])
        difference = effects.level({"optimizer": "sgd"}) - effects.level({"optimizer": "adam"})
        assert difference == pytest.approx(helps, abs=0.15)
