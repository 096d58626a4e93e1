from __future__ import annotations

import pytest

pytest.importorskip("torch")
import torch  # noqa: E402

from studies.mnist.model import mlp  # noqa: E402


def test_shapes() -> None:
    model = mlp(784, seed=0)
    assert [tuple(p.shape) for p in model.parameters()] == [(256, 784), (256,), (10, 256), (10,)]
    assert model(torch.zeros(3, 784)).shape == (3, 10)
    assert mlp(4, hidden=5, seed=0)(torch.zeros(2, 4)).shape == (2, 10)


def test_seed_determines_the_weights() -> None:
    first, same, other = (list(mlp(4, seed=seed).parameters()) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, same, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_global_random_state_is_left_alone() -> None:
    before = torch.get_rng_state()
    mlp(4, seed=1)
    assert torch.equal(torch.get_rng_state(), before)


def test_same_distribution_as_torch() -> None:
    weight, bias, *_ = mlp(784, seed=0).parameters()
    bound = 784**-0.5
    assert weight.abs().max() <= bound and bias.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.01)


def test_dark_pixels_count() -> None:
    model = mlp(4, seed=0)
    assert not torch.equal(model(torch.full((1, 4), -1.0)), model(torch.full((1, 4), -0.5)))


@pytest.mark.parametrize(("n_inputs", "hidden", "name"), [(0, 1, "n_inputs"), (1, 0, "hidden")])
def test_no_width(n_inputs: int, hidden: int, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must"):
        mlp(n_inputs, hidden, seed=0)
