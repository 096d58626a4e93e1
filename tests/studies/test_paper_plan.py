"""The planned runs are those that the paper's claims need."""

from __future__ import annotations

import collections
import math

import pytest

pytest.importorskip("torch")

from optuna_kappa.schedules import as_schedule
from studies.mnist.data import ALL, MAX_TRAIN
from studies.paper.plan import Group, Plan, full_plan, quick_plan

EPOCH = 30_000


def groups(plan: Plan) -> dict[str, Group]:
    return {group.name: group for group in plan.groups}


def test_grids_are_dense_over_three_decades() -> None:
    for group in full_plan().groups:
        assert len(group.lrs) >= 21
        assert list(group.lrs) == sorted(set(group.lrs))
        assert group.lrs[-1] / group.lrs[0] == pytest.approx(1000)
        ratios = [b / a for a, b in zip(group.lrs, group.lrs[1:], strict=False)]
        assert max(ratios) == pytest.approx(min(ratios), rel=5e-3)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize(
    ("name", "schedule", "epochs"),
    [
        ("constant", "constant", [40]),
        ("halving", "halving(period=30000)", [22]),
        ("cyclic", "cyclic(period=30000)", [22]),
        ("cosine", "cosine", [1, 2, 4, 8, 16, 32]),
    ],
)
def test_schedules_and_horizons(
    optimizer: str, name: str, schedule: str, epochs: list[int]
) -> None:
    group = groups(full_plan())[f"{optimizer}-{name}"]
    assert (group.optimizer, group.schedule) == (optimizer, schedule)
    assert group.sizes[-len(epochs) :] == tuple((EPOCH, n * EPOCH) for n in epochs)
    assert all(horizon < EPOCH for _, horizon in group.sizes[: -len(epochs)])
    assert as_schedule(schedule).resolve(EPOCH)


def test_all_images_at_one_five_and_ten_epochs() -> None:
    (size,) = groups(full_plan())["adam-full"].sizes
    # One run at constant rate is evaluated at each epoch of the paper, 1, 5 and 10 among them.
    assert size == (ALL, 10 * ALL)
    assert ALL % full_plan().epoch == 0


def test_fixed_total_of_data() -> None:
    """Figure 7: the same samples as 1 to 16 epochs of ever fewer images."""
    epochs = collections.defaultdict(list)
    for n_train, horizon in groups(full_plan())["adam-data"].sizes:
        epochs[horizon].append(horizon / n_train)
    assert epochs[EPOCH] == [1, 2, 3, 4, 5, 6, 8, 10, 12, 16]
    assert set(epochs) == {EPOCH, 8 * EPOCH}
    assert min(epochs[8 * EPOCH]) == 5 and max(epochs[8 * EPOCH]) == 16


def test_every_planned_size_can_be_loaded() -> None:
    sizes = {run.n_train for _, run in full_plan().runs()}
    assert all(1 <= n <= MAX_TRAIN or n == ALL for n in sizes)


@pytest.mark.parametrize("plan", [full_plan(), quick_plan()], ids=["full", "quick"])
def test_each_run_is_planned_once_whole_seeds_first(plan: Plan) -> None:
    runs = list(plan.runs())
    assert len(set(runs)) == len(runs)
    seeds = [run.seed for _, run in runs]
    assert seeds == sorted(seeds) and set(seeds) == set(range(plan.seeds))
    assert set(collections.Counter(seeds).values()) == {len(runs) // plan.seeds}
    assert all(math.isfinite(run.lr) and run.lr > 0 for _, run in runs)


def test_five_seeds_by_default_and_the_same_groups_in_miniature() -> None:
    full, quick = full_plan(), quick_plan()
    assert full.seeds == 5 and full.source == "mnist"
    assert quick.source == "digits" and list(groups(quick)) == list(groups(full))
    assert full_plan(7).seeds == 7
