from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from optuna_kappa.schedules import cosine, from_callable, from_torch, one_cycle, step


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 0.99), st.floats(0, 1))
@example(0.13018149859306696, 0.0)  # quad's extrapolation takes this one for convergence
@example(0.5 + 1e-7, 0.25)  # between a cell's edge and the first node of a Gauss rule
def test_scalar_function_with_a_jump(jump: float, low: float) -> None:
    schedule = from_callable(lambda p: 1.0 if p < jump else low, "jump")
    assert schedule.mean == pytest.approx(jump + low * (1 - jump), abs=1e-10)
    assert schedule(np.array([[0.0], [1.0]])).tolist() == [[1.0], [low]]


@pytest.mark.parametrize(
    ("function", "mean"),
    [
        (lambda p: 1 - p, 0.5),
        (lambda p: 1, 1.0),
        (lambda p: math.cos(math.pi * p / 2), 2 / math.pi),
        (lambda p: [1.0, 0.5, 0.25][min(2, int(3 * p))], 1.75 / 3),
        (lambda p: np.where((p > 0.51) & (p < 0.52), 1.0, 0.0), 0.01),
        (lambda p: p / np.sum(p) if p > 0 else 1.0, 1.0),
    ],
)
def test_kinds_of_function(function: Any, mean: float) -> None:
    schedule = from_callable(function, "mine")
    assert schedule.mean == pytest.approx(mean, rel=1e-8)
    assert schedule.factors(10).shape == (10,)


def test_array_function_is_called_once_and_may_write_to_its_argument() -> None:
    sizes: list[int] = []

    def halve(p: Any) -> Any:
        sizes.append(np.size(p))
        p *= 0.5
        return p

    schedule = from_callable(halve, "half", knots=[0.5])
    sizes.clear()
    p = np.linspace(0, 1, 6).reshape(2, 3)
    np.testing.assert_allclose(schedule(p), p / 2)
    assert sizes == [6]
    assert schedule.knots == (0.5,)
    assert p.max() == 1


def test_callable_pickles_where_its_function_does() -> None:
    schedule = from_callable(math.exp, "rise")
    assert schedule.mean == pytest.approx(math.e - 1)
    assert pickle.loads(pickle.dumps(schedule))(0.5) == math.exp(0.5)


@pytest.mark.parametrize(
    ("function", "name", "knots", "message"),
    [
        (lambda p: p - 0.5, "a", (), "must be finite and at least 0 .* got -0.5 at p = 0"),
        (lambda p: math.inf if p == 1 else 1.0, "a", (), "got inf at p = 1"),
        (lambda p: p * math.nan, "a", (), "got nan at p"),
        (lambda p: 0.0, "a", (), "positive, finite mean over .* got 0.0"),
        (lambda p: None, "a", (), "return a number for each p .* got None"),
        (3, "a", (), "function must be a function of p, got 3"),
        (lambda p: 1.0, "", (), "name must be text that is not blank"),
        (lambda p: 1.0, None, (), "name must be text"),
        (lambda p: 1.0, "cosine(mine=1)", (), "not be that of a built-in .*another word"),
        (lambda p: 1.0, "a", (math.nan,), "knots must ascend strictly inside"),
        (lambda p: 1.0, "a", (0.5, 2), "knots must ascend strictly inside"),
    ],
)
def test_bad_functions(function: Any, name: Any, knots: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_callable(function, name, knots=knots)


def test_from_torch_cosine_annealing() -> None:
    schedulers = pytest.importorskip("torch.optim.lr_scheduler")
    n = 40
    schedule = from_torch(lambda o: schedulers.CosineAnnealingLR(o, T_max=n), n)
    expected = (1 + np.cos(np.pi * np.arange(n) / n)) / 2
    np.testing.assert_allclose(schedule.factors(n), expected, atol=1e-12)
    assert schedule.mean == pytest.approx(expected.mean())
    assert schedule.mean == pytest.approx(cosine().mean, abs=1 / n)
    assert schedule.name == "torch.CosineAnnealingLR(shape=8875310)"
    again = pickle.loads(pickle.dumps(schedule))
    np.testing.assert_array_equal(again.factors(n), schedule.factors(n))


def test_from_torch_step() -> None:
    schedulers = pytest.importorskip("torch.optim.lr_scheduler")
    schedule = from_torch(lambda o: schedulers.StepLR(o, step_size=10, gamma=0.5), 35, "mine")
    assert schedule.name == "mine"
    assert schedule.knots == pytest.approx([10 / 35, 20 / 35, 30 / 35])
    assert schedule.mean == pytest.approx(step(n=3.5).mean)
    p = np.linspace(0, 1, 36)
    np.testing.assert_allclose(schedule(p), step(n=3.5)(p))


def test_from_torch_one_cycle() -> None:
    torch = pytest.importorskip("torch")
    n, max_lr = 200, 0.37

    def one_cycle_lr(optimizer: Any) -> Any:
        return torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr, total_steps=n)

    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=1e-3)
    scheduler = one_cycle_lr(optimizer)
    rates = []
    for _ in range(n):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(rates) < n:
            scheduler.step()
    measured = from_torch(one_cycle_lr, n)
    np.testing.assert_allclose(measured.factors(n) * max(rates), rates)
    # The closed form is its limit for many steps.
    np.testing.assert_allclose(one_cycle().factors(n), measured.factors(n), atol=2 / n * math.pi)
    assert measured.mean == pytest.approx(one_cycle().mean, abs=1 / n)


def test_from_torch_composed_and_own() -> None:
    schedulers = pytest.importorskip("torch.optim.lr_scheduler")

    def warm_then_cosine(o: Any) -> Any:
        parts = [schedulers.LinearLR(o, 0.1, total_iters=5), schedulers.CosineAnnealingLR(o, 20)]
        return schedulers.SequentialLR(o, parts, milestones=[5])

    schedule = from_torch(warm_then_cosine, 25)
    np.testing.assert_allclose(schedule.factors(25)[[0, 5, 15]], [0.1, 1, 0.5])
    own = cosine(warmup=0.2, floor=0.1)
    again = from_torch(lambda o: own.lambda_lr(o, 30), 30)
    np.testing.assert_allclose(again.factors(30), own.factors(30) / own.factors(30).max())


def test_from_torch_rejects() -> None:
    torch = pytest.importorskip("torch")
    schedulers = torch.optim.lr_scheduler
    other = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    cases: list[tuple[Any, Any, str]] = [
        (schedulers.ReduceLROnPlateau, 5, "known in advance, got ReduceLROnPlateau: .*loss"),
        (lambda o: None, 5, "scheduler of the optimizer it is given, got None"),
        (lambda o: schedulers.StepLR(other, 3), 5, "scheduler of the optimizer it is given"),
        (lambda o: schedulers.LambdaLR(o, lambda k: 0.0), 5, "not all 0, got 0.0 to 0.0"),
        (lambda o: schedulers.LambdaLR(o, lambda k: 1.0 - k), 5, "not negative.* got -3.0"),
        (lambda o: schedulers.LambdaLR(o, lambda k: math.nan), 5, "must be finite"),
        (lambda o: schedulers.StepLR(o, 3), 0, "n_steps must be an int of at least 1, got 0"),
    ]
    for factory, n_steps, message in cases:
        with pytest.raises(ValueError, match=message):
            from_torch(factory, n_steps)
    with pytest.raises(ValueError, match="not be that of a built-in"):
        from_torch(lambda o: schedulers.StepLR(o, 3), 5, "step")
