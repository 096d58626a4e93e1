"""Optimizers of many models at once do what those of PyTorch do to each model."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("torch")

import torch

from studies.atlas.optimizers import MOMENTUM, WEIGHT_DECAY, make_optimizer

pytestmark = pytest.mark.usefixtures("one_thread")

LRS = (1e-3, 1e-2, 1e-1)
N_STEPS = 25
THEIRS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": lambda p, lr: torch.optim.AdamW(p, lr=lr, weight_decay=WEIGHT_DECAY),
    "sgd": torch.optim.SGD,
    "momentum": lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=MOMENTUM),
    "rmsprop": torch.optim.RMSprop,
}


def gradient(weights: torch.Tensor) -> torch.Tensor:
    """That of a function which is curved differently in each direction, and not quadratic."""
    curvature = torch.linspace(0.2, 2, weights.shape[-1])
    return curvature * weights + 0.3 * torch.sin(3 * weights)


@pytest.mark.parametrize("name", THEIRS)
def test_each_model_moves_as_alone(name: str) -> None:
    start = torch.randn(7, generator=torch.Generator().manual_seed(0))
    together = start.repeat(len(LRS), 1)
    optimizer = make_optimizer(name)
    for step in range(N_STEPS):
        rates = torch.tensor(LRS).unsqueeze(1) * factor(step)
        optimizer.step(together, gradient(together), rates)

    for row, lr in zip(together, LRS, strict=True):
        alone = start.clone().requires_grad_()
        theirs = THEIRS[name]([alone], lr=lr)
        for step in range(N_STEPS):
            theirs.param_groups[0]["lr"] = lr * factor(step)
            alone.grad = gradient(alone.detach())
            theirs.step()
        assert (row - alone.detach()).abs().max() < 1e-6


def factor(step: int) -> float:
    return 1 - step / (2 * N_STEPS)


@pytest.mark.parametrize("name", THEIRS)
def test_those_that_stay_go_on_as_before(name: str) -> None:
    rates = torch.tensor(LRS).unsqueeze(1)
    weights = torch.ones(len(LRS), 7)
    both, fewer = make_optimizer(name), make_optimizer(name)
    kept = torch.tensor([0, 2])
    reduced = weights.clone()
    for _ in range(5):
        both.step(weights, gradient(weights), rates)
        fewer.step(reduced, gradient(reduced), rates)

    fewer.keep(kept)
    reduced = reduced[kept]
    for _ in range(5):
        both.step(weights, gradient(weights), rates)
        fewer.step(reduced, gradient(reduced), rates[kept])
    assert torch.equal(reduced, weights[kept])


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="got 'lion'"):
        make_optimizer("lion")
