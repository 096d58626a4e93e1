from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from laws import known_law

from optuna_kappa.psi import Psi, PsiScheduler

N = 400


@pytest.fixture(scope="module")
def psi() -> Psi:
    return Psi.from_law(known_law(), 1000)


def optimizer(*lrs: float) -> torch.optim.Optimizer:
    groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": lr} for lr in lrs or (1.0,)]
    return torch.optim.SGD(groups)


def rates(psi: Psi, loss: Callable[[int], Any]) -> np.ndarray:
    scheduler = psi.scheduler(optimizer(), N)
    out = scheduler.get_last_lr()
    for k in range(1, N):
        scheduler.step(loss(k))
        out += scheduler.get_last_lr()
    return np.array(out)


def open_loop(psi: Psi) -> np.ndarray:
    return psi.peak_lr() * psi.open_loop().factors(N)


def test_without_losses_it_is_the_open_loop(psi: Psi) -> None:
    low = np.maximum(open_loop(psi), psi.rate_low)
    assert rates(psi, lambda k: None) == pytest.approx(low, rel=1e-12)


def test_as_expected_it_is_the_open_loop(psi: Psi) -> None:
    expected = rates(psi, lambda k: psi.expected_loss(k / N))
    assert expected == pytest.approx(rates(psi, lambda k: None), rel=1e-9)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None, 0.0, torch.tensor(math.nan)])
def test_losses_that_tell_nothing_do_no_harm(psi: Psi, bad: Any) -> None:
    """With every third loss bad, rates are finite and nearly those without it."""
    behind = [1.05 * psi.expected_loss(k / N) for k in range(N)]
    with_bad = rates(psi, lambda k: bad if k % 3 == 0 else behind[k])
    without = rates(psi, lambda k: None if k % 3 == 0 else behind[k])
    assert np.isfinite(with_bad).all()
    assert with_bad.tolist() == without.tolist()


def test_noisy_losses_give_smooth_rates(psi: Psi) -> None:
    random = np.random.default_rng(0)
    noisy = psi.scheduler(optimizer(), N)
    quiet = rates(psi, lambda k: None)
    ratio = []
    for k in range(1, N):
        noisy.step(psi.expected_loss(k / N) * float(np.exp(random.normal(0, 0.3))))
        ratio.append(noisy.get_last_lr()[0] / quiet[k])
    assert np.abs(np.diff(np.log(ratio))).max() < 0.15


def test_a_run_that_is_behind_gets_another_rate(psi: Psi) -> None:
    high = psi.seen(0.95)[1]
    slight = high / psi.expected_loss(0.95) * 0.999
    behind = rates(psi, lambda k: psi.expected_loss(k / N) * slight)
    own = rates(psi, lambda k: None)
    assert (np.abs(behind / own - 1) > 0.01).any()
    assert (behind >= psi.rate_low).all() and (behind <= psi.rate_high).all()


def test_far_from_what_was_seen_it_is_the_open_loop(psi: Psi) -> None:
    far = rates(psi, lambda k: 50.0)
    assert far == pytest.approx(rates(psi, lambda k: None), rel=1e-9)


def test_killed_and_resumed_it_gives_the_same_rates(psi: Psi) -> None:
    losses = [psi.expected_loss(k / N) * (1 + 0.05 * math.sin(k / 7)) for k in range(N)]
    whole = rates(psi, lambda k: losses[k])

    first = optimizer()
    scheduler = psi.scheduler(first, N)
    got = scheduler.get_last_lr()
    for k in range(1, 150):
        scheduler.step(losses[k])
        got += scheduler.get_last_lr()
    saved = json.dumps(scheduler.state_dict())
    saved_optimizer = first.state_dict()

    second = optimizer()
    second.load_state_dict(saved_optimizer)
    again = Psi.from_json(psi.to_json()).scheduler(second, N)
    again.load_state_dict(json.loads(saved))
    assert again.get_last_lr() == [got[-1]]
    for k in range(150, N):
        again.step(losses[k])
        got += again.get_last_lr()
    assert got == whole.tolist()


def test_a_training_loop(psi: Psi) -> None:
    model = torch.nn.Linear(3, 1)
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = psi.scheduler(sgd, 20)
    for _ in range(25):
        loss = (model(torch.ones(4, 3)) ** 2).mean()
        loss.backward()
        sgd.step()
        scheduler.step(loss)
    assert psi.rate_low <= scheduler.get_last_lr()[0] < psi.peak_lr() / 100


def test_groups_keep_their_ratio(psi: Psi) -> None:
    scheduler = PsiScheduler(optimizer(0.1, 0.01), psi, N)
    scheduler.step(2.0)
    one, other = scheduler.get_last_lr()
    assert other == pytest.approx(one / 10)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "x"}, "state must be that of a PsiScheduler"),
        ({"n_steps": 7}, "n_steps must be 400"),
        ({"horizon": 7}, "horizon must be 1000"),
        ({"step": 401}, "step must be at most 400"),
        ({"factor": math.nan}, "factor must be a finite number"),
        ({"ratios": [1.0, 2.0]}, "ratios must be 1 numbers"),
    ],
)
def test_other_states_are_refused(psi: Psi, changes: dict[str, object], message: str) -> None:
    scheduler = psi.scheduler(optimizer(), N)
    scheduler.step(2.0)
    before = scheduler.state_dict()
    with pytest.raises(ValueError, match=message):
        scheduler.load_state_dict(before | changes)
    assert scheduler.state_dict() == before


def test_wrong_arguments(psi: Psi) -> None:
    with pytest.raises(ValueError, match="n_steps must be an int of at least 1"):
        psi.scheduler(optimizer(), 0)
    with pytest.raises(ValueError, match="optimizer must be a torch optimizer"):
        PsiScheduler("sgd", psi, 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="loss must be a number or None"):
        psi.scheduler(optimizer(), 3).step("low")  # type: ignore[arg-type]
