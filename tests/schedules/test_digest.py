"""The same shape has the same name, however many steps it is measured at."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from optuna_kappa import RunTable, fit
from optuna_kappa._typing import Floats
from optuna_kappa.runs import example_runs
from optuna_kappa.schedules import Schedule, from_torch
from optuna_kappa.schedules.digest import digest


def transformers_like(k: int, *, n: int, warmup: float, kind: str) -> float:
    """Multipliers as transformers' `get_<kind>_schedule_with_warmup` gives them to LambdaLR."""
    n_warmup = round(warmup * n)
    if k < n_warmup:
        return k / max(1, n_warmup)
    progress = (k - n_warmup) / max(1, n - n_warmup)
    falls: dict[str, Callable[[float], float]] = {
        "linear": lambda p: 1 - p,
        "cosine": lambda p: (1 + math.cos(math.pi * p)) / 2,
        "cosine with restarts": lambda p: (1 + math.cos(math.pi * (2 * p % 1))) / 2,
        "polynomial": lambda p: (1 - p) ** 2,
        "constant": lambda p: 1.0,
        "stable, then decay": lambda p: min(1.0, (1 - p) / 0.2),
    }
    return falls[kind](progress)


KINDS = (
    "linear",
    "cosine",
    "cosine with restarts",
    "polynomial",
    "constant",
    "stable, then decay",
)


def shape(kind: str, warmup: float, n: int) -> Floats:
    one = partial(transformers_like, n=n, warmup=warmup, kind=kind)
    return np.array([one(k) for k in range(n)])


def drops(n: int, pieces: int, factor: float) -> Floats:
    return np.asarray(factor ** (np.arange(n) * pieces // n).astype(float))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("warmup", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_the_number_of_steps_does_not_matter(kind: str, warmup: float) -> None:
    digests = {digest(shape(kind, warmup, n)) for n in (100, 200, 1000, 2400)}
    assert len(digests) == 1


@pytest.mark.parametrize("pieces", [2, 3, 4, 10])
@pytest.mark.parametrize("factor", [0.1, 0.5, 0.9])
def test_shapes_that_drop(pieces: int, factor: float) -> None:
    assert len({digest(drops(pieces * m, pieces, factor)) for m in (40, 100, 1000)}) == 1


def test_few_steps_are_enough_without_a_warmup() -> None:
    for kind in ("linear", "cosine", "constant"):
        assert len({digest(shape(kind, 0.0, n)) for n in (8, 12, 24, 240)}) == 1
    assert digest(np.ones(1)) == digest(np.ones(100))


def test_other_shapes_have_other_digests() -> None:
    shapes = [shape(kind, 0.05, 1000) for kind in KINDS]
    shapes += [drops(1000, pieces, 0.5) for pieces in (2, 3, 4)]
    assert len({digest(one) for one in shapes}) == len(shapes)


def measured(n: int, kind: str = "cosine") -> Schedule:
    schedulers = pytest.importorskip("torch.optim.lr_scheduler")
    multiplier = partial(transformers_like, n=n, warmup=0.1, kind=kind)

    def factory(optimizer: Any) -> Any:
        return schedulers.LambdaLR(optimizer, multiplier)

    return from_torch(factory, n)


def test_names_of_lambda_lr() -> None:
    short, long, other = measured(100), measured(200), measured(200, "linear")
    assert short.name == long.name != other.name
    assert short.name.startswith("torch.LambdaLR(shape=")


def test_runs_of_the_same_shape_are_of_one_schedule() -> None:
    """Optima of a shorter schedule carry over at equal kappa, as those of the schedule itself."""
    short, long = measured(100), measured(200)
    runs = RunTable.concatenate(
        [
            example_runs(schedule="cosine(warmup=0.1)", horizons=[1, 4]),
            example_runs(schedule="cosine(warmup=0.1)", horizons=[16]),
        ]
    )
    names = np.where(runs.horizon < 16, short.name, long.name)
    named = RunTable(runs.run, runs.lr, names, runs.horizon, runs.step, runs.loss)
    law = fit(named, {long.name: long})
    assert {optimum.schedule for optimum in law.optima} == {long.name}
    assert all(optimum.kappa is not None for optimum in law.optima)
    expected = fit(runs).propose(64, "cosine(warmup=0.1)").lr
    assert law.propose(64, long).lr == pytest.approx(expected, rel=0.02)
