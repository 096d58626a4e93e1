"""The families of the atlas are what the evaluation of priors needs."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from optuna_kappa import read_csv
from studies.atlas.boosting import OPTIMIZER, BoostingTask
from studies.atlas.catalog import FAMILIES, tables
from studies.atlas.family import CONSTANT, Family
from studies.atlas.optima import losses_of, optimum
from studies.atlas.training import NetworkTask
from studies.recorded import ATLAS

pytestmark = pytest.mark.usefixtures("one_thread")


def test_families_of_both_regimes() -> None:
    repeated = [family for family in FAMILIES if family.repeats]
    assert len(FAMILIES) >= 14 and len(repeated) >= 7 and len(FAMILIES) - len(repeated) >= 5
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    assert all(family.passes == 1 or family.passes >= 10 for family in FAMILIES)


def test_optimizers_are_in_both_regimes() -> None:
    """Otherwise a regime could be taken for an optimizer."""
    regimes: dict[str, list[bool]] = {}
    for family in FAMILIES:
        for trained in family.trained:
            regimes.setdefault(trained.optimizer, []).append(family.repeats)
    assert sorted(regimes) == ["adam", "adamw", OPTIMIZER, "momentum", "rmsprop", "sgd"]
    regimes.pop(OPTIMIZER)
    for of_optimizer in regimes.values():
        assert of_optimizer.count(True) >= 3 and of_optimizer.count(False) >= 3


def test_schedules_of_both_regimes() -> None:
    for schedule in ("cosine", "wsd"):
        regimes = {table.family.repeats for table in tables() if table.schedule == schedule}
        assert regimes == {True, False}


def test_grids() -> None:
    names = [table.name for table in tables()]
    assert len(set(names)) == len(names)
    for table in tables():
        lrs = np.array(table.lrs)
        assert len(lrs) >= 13 and table.family.n_seeds >= 3
        assert math.log10(lrs[-1] / lrs[0]) >= 2.5
        assert 1.5 <= (lrs[1:] / lrs[:-1]).min() and (lrs[1:] / lrs[:-1]).max() <= 2

        family = table.family
        grid = table.grid(table.horizons[-1])
        assert table.horizons[-1] == grid.steps[-1] == family.horizon
        shortest = grid.steps[0] if table.schedule == CONSTANT else table.horizons[0]
        # A 48th, rounded to whole batches.
        assert 47 <= family.horizon / shortest <= 64
        assert shortest / family.batch >= 6
        for horizon in table.horizons:
            steps = table.grid(horizon).steps
            assert steps[-1] == horizon
            assert all(a < b for a, b in pairwise(steps))
            assert all(step % family.batch == 0 for step in steps)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_tasks_are_as_stated(family: Family) -> None:
    task = family.make()
    assert task.n_train == family.n_train
    assert isinstance(task, NetworkTask | BoostingTask)
    if isinstance(task, BoostingTask):
        assert family.batch == family.n_train
        assert {trained.optimizer for trained in family.trained} == {OPTIMIZER}
        assert set(task.valid_y) == {0, 1} or not task.classes
        return

    n_weights = sum(weight.rows * weight.columns for weight in task.network.weights.values())
    assert n_weights < 5000
    assert len(task.train.x) == len(task.train.y) and len(task.valid.x) == len(task.valid.y)
    assert len(task.valid.x) >= 100
    assert ("squared" in family.title) == (task.loss == "squares")


def test_the_recorded_tables_are_those_of_the_catalog() -> None:
    paths = {path.name.removesuffix(".csv.gz"): path for path in ATLAS.glob("*.csv.gz")}
    assert sorted(paths) == sorted(table.name for table in tables())
    assert {path.name for path in ATLAS.iterdir()} - {path.name for path in paths.values()} == {
        "cases.json.gz",
        "one-shot.json",
    }
    assert sum(path.stat().st_size for path in ATLAS.iterdir()) < 3 * 2**20

    for table in list(tables())[::12]:
        runs = read_csv(paths[table.name])
        assert sorted(set(runs.lr)) == list(table.lrs)
        assert sorted(set(runs.horizon)) == list(table.horizons)
        assert set(runs.context["n_train"]) == {str(table.family.n_train)}
        losses = losses_of(table.name, runs)
        assert len(losses.loss) == table.family.n_seeds
        assert not any(optimum(losses, i).edge for i in range(len(losses.horizons)))
