from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
import torch  # noqa: E402
from torch.nn import functional  # noqa: E402

from optuna_kappa.schedules import constant, cosine, parse  # noqa: E402
from studies.mnist import training  # noqa: E402
from studies.mnist.data import Dataset  # noqa: E402
from studies.mnist.model import mlp  # noqa: E402
from studies.mnist.training import Run, RunConfig, checkpoints  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def config(**changes: Any) -> RunConfig:
    settings = {"lr": 1e-3, "horizon": 2000, "schedule": constant(), "optimizer": "adam"}
    return RunConfig(**{**settings, "seed": 0, "hidden": 32, **changes})


def losses(dataset: Dataset, *steps: int, **changes: Any) -> list[float]:
    return [e.loss for e in Run(config(**changes), dataset, steps).evaluations()]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lr", 0.0),
        ("lr", math.nan),
        ("lr", math.inf),
        ("horizon", 0),
        ("horizon", 1.5),
        ("batch_size", 0),
        ("hidden", 0),
        ("seed", -1),
        ("weight_decay", -1.0),
        ("weight_decay", math.nan),
        ("optimizer", "adamw"),
    ],
)
def test_config_out_of_range(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{name} must .* got {value!r}"):
        config(**{name: value})


@pytest.mark.parametrize(
    ("horizon", "epoch", "expected"),
    [
        (60_000, 30_000, (3750, 7500, 15_000, 30_000, 60_000)),
        (70_000, 30_000, (3750, 7500, 15_000, 30_000, 60_000, 70_000)),
        (10_000, 30_000, (3750, 7500, 10_000)),
        (3750, 30_000, (3750,)),
        (1, 30_000, (1,)),
        (6, 3, (1, 3, 6)),
        (3, 1, (1, 2, 3)),
    ],
)
def test_checkpoints(horizon: int, epoch: int, expected: tuple[int, ...]) -> None:
    assert checkpoints(horizon, epoch) == expected


@pytest.mark.parametrize(
    ("horizon", "epoch", "first", "expected"),
    [
        (60_000, 30_000, 32, (937, 1875, 3750, 7500, 15_000, 30_000, 60_000)),
        (7500, 30_000, 32, (937, 1875, 3750, 7500)),
        (60_000, 30_000, 2, (15_000, 30_000, 60_000)),
        (60_000, 30_000, 1, (30_000, 60_000)),
        (40, 20, 32, (1, 2, 5, 10, 20, 40)),
    ],
)
def test_first_checkpoint(horizon: int, epoch: int, first: int, expected: tuple[int, ...]) -> None:
    assert checkpoints(horizon, epoch, first=first) == expected


@pytest.mark.parametrize(
    ("wrong", "name"), [((0, 1, 8), "horizon"), ((1, 0, 8), "epoch"), ((1, 1, 0), "first")]
)
def test_checkpoints_of_nothing(wrong: tuple[int, int, int], name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must"):
        checkpoints(*wrong)


@pytest.mark.parametrize("steps", [(0,), (5, 5), (6, 5), (2001,)])
def test_checkpoints_out_of_order(steps: tuple[int, ...], digits: Dataset) -> None:
    with pytest.raises(ValueError, match="checkpoints must ascend"):
        Run(config(), digits, steps)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_same_seed_same_losses(optimizer: str, digits: Dataset) -> None:
    settings = {"optimizer": optimizer, "lr": 0.01}
    first = losses(digits, 700, 2000, **settings)
    torch.manual_seed(123)
    assert losses(digits, 700, 2000, **settings) == first
    assert losses(digits, 700, 2000, seed=1, **settings) != first


def test_global_random_state_is_left_alone(digits: Dataset) -> None:
    before = torch.get_rng_state()
    losses(digits, 2000)
    assert torch.equal(torch.get_rng_state(), before)


def test_evaluating_changes_nothing(digits: Dataset) -> None:
    assert losses(digits, 100, 200, 300, 1000, 2000)[-1] == losses(digits, 2000)[0]


def test_shorter_constant_run_is_a_prefix(digits: Dataset) -> None:
    assert losses(digits, 640, 2000)[0] == losses(digits, 640, horizon=640)[0]


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("schedule", [constant(), cosine(warmup=0.1), parse("linear")])
def test_same_weights_as_with_lambda_lr(schedule: Any, optimizer: str, digits: Dataset) -> None:
    run = Run(config(schedule=schedule, optimizer=optimizer), digits, ())
    run.advance(2000)
    model_seed, order_seed = np.random.SeedSequence(0).generate_state(2, np.uint64).tolist()
    model = mlp(64, 32, seed=model_seed)
    kind = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[optimizer]
    reference = kind(model.parameters(), lr=1e-3, fused=True)
    scheduler = schedule.lambda_lr(reference, 32)
    for rows in itertools.islice(training.batches(digits.train_x, 64, order_seed), 32):
        reference.zero_grad()
        loss = functional.cross_entropy(model(digits.train_x[rows]), digits.train_y[rows])
        loss.backward()  # type: ignore[no-untyped-call]
        reference.step()
        scheduler.step()
    for ours, theirs in zip(run.model.parameters(), model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_rates_of_a_schedule_with_a_period(digits: Dataset) -> None:
    run = Run(config(schedule=parse("halving(period=1000)"), lr=0.8), digits, ())
    rates = []
    for step in range(1, 33):
        run.advance(64 * step)
        rates.append(run._optimizer.param_groups[0]["lr"])
    assert rates == [0.8] * 16 + [0.4] * 16


def test_horizon_and_checkpoints_are_kept(digits: Dataset) -> None:
    run = Run(config(horizon=1000), digits, (1, 64, 65, 125, 1000))
    seen = [(evaluation.step, run.samples) for evaluation in run.evaluations()]
    assert seen == [(1, 64), (64, 64), (65, 128), (125, 128), (1000, 1024)]


def test_trains_to_the_horizon_after_the_last_checkpoint(digits: Dataset) -> None:
    run = Run(config(horizon=1000), digits, (64,))
    assert [evaluation.step for evaluation in run.evaluations()] == [64]
    assert run.samples == 1024


def test_stopping_early_costs_no_more(digits: Dataset) -> None:
    run = Run(config(), digits, (500, 2000))
    assert run.samples == 0
    assert next(run.evaluations()).step == 500
    assert run.samples == 512


def test_advance_stops_at_the_horizon(digits: Dataset) -> None:
    run = Run(config(horizon=100), digits, ())
    run.advance(10_000)
    assert run.samples == 128


@pytest.mark.parametrize("batch_size", [1, 4, 10, 25])
def test_every_epoch_takes_every_image_once(batch_size: int) -> None:
    batches = training.batches(torch.zeros(10, 1), batch_size, seed=0)
    rows = [row for batch in itertools.islice(batches, 100) for row in batch.tolist()]
    epochs = [rows[i : i + 10] for i in range(0, len(rows), 10)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1]


def test_learns(digits: Dataset) -> None:
    run = Run(config(horizon=5000, lr=0.01), digits, (5000,))
    (evaluation,) = run.evaluations()
    loss, accuracy = run.test()
    assert evaluation.accuracy > 0.9 and accuracy > 0.9
    assert loss == pytest.approx(evaluation.loss, rel=0.5)


def test_weight_decay_shrinks(digits: Dataset) -> None:
    norms = []
    for weight_decay in (0.0, 0.1):
        run = Run(config(optimizer="sgd", lr=0.1, weight_decay=weight_decay), digits, ())
        run.advance(2000)
        norms.append(sum(p.norm().item() for p in run.model.parameters()))
    assert norms[1] < norms[0]


def test_diverged_run_stops_at_once(digits: Dataset) -> None:
    run = Run(config(optimizer="sgd", lr=1e10, horizon=5000), digits, (1000, 2000, 5000))
    (evaluation,) = run.evaluations()
    assert evaluation.step == 1000
    assert math.isnan(evaluation.loss) and math.isnan(evaluation.accuracy)
    assert run.diverged and run.samples < 1000
    run.advance(5000)
    assert run.samples < 1000


def test_divergence_seen_only_in_validation(digits: Dataset) -> None:
    # One step: its own loss is that of the initial weights, and finite.
    run = Run(config(optimizer="sgd", lr=1e38, horizon=64), digits, (64,))
    (evaluation,) = run.evaluations()
    assert math.isnan(evaluation.loss) and run.diverged and run.samples == 64
