"""Networks side by side are trained as each would be alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from studies.atlas import networks
from studies.atlas.networks import Network
from studies.atlas.training import Grid, NetworkTask, Samples

pytestmark = pytest.mark.usefixtures("one_thread")

N_TRAIN = 40
SYMBOLS = {
    "factors": networks.factors(5, 5, 2),
    "context": networks.context_mlp(5, 2, 3, 4),
}
SEQUENCES = {
    "rnn": networks.rnn(5, 4, 5),
    "gru": networks.gru(5, 4),
    "attention": networks.attention(5, 6, 4, 5, each=True),
}
WHOLE_SEQUENCES = {
    "rnn-last": networks.rnn(5, 4, 3, each=False),
    "attention-mean": networks.attention(5, 6, 4, 3, each=False),
}


def task(network: Network, loss: str = "cross-entropy") -> NetworkTask:
    """Random data of the form that the network asks for."""
    generator = torch.Generator().manual_seed(0)
    length = 6 if network in (*SEQUENCES.values(), *WHOLE_SEQUENCES.values()) else 2
    x = torch.randint(5, (N_TRAIN + 20, length), generator=generator)
    y = torch.randint(3, (len(x),), generator=generator)
    if network in SEQUENCES.values():
        y = x.roll(1, dims=1)
    if loss == "squares":
        y = torch.randn(len(x), 1, generator=generator)
    return NetworkTask(network, Samples(x[20:], y[20:]), Samples(x[:20], y[:20]), loss)


def dense() -> NetworkTask:
    """Noisy values of a linear function, by a network with a hidden layer."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(N_TRAIN + 20, 3, generator=generator)
    y = x.sum(dim=1, keepdim=True) + 0.1 * torch.randn(len(x), 1, generator=generator)
    network = networks.mlp(3, 8, 1)
    return NetworkTask(network, Samples(x[20:], y[20:]), Samples(x[:20], y[:20]), "squares")


def grid(lrs: tuple[float, ...], n_seeds: int = 2, schedule: str = "constant") -> Grid:
    return Grid("sgd", schedule, lrs, n_seeds, 96, (16, 48, 96), 8)


CASES = [
    *((task(network, "squares"), 0.1) for network in [SYMBOLS["factors"]]),
    (task(SYMBOLS["context"]), 0.1),
    *((task(network), 0.1) for network in (*SEQUENCES.values(), *WHOLE_SEQUENCES.values())),
    (dense(), 0.01),
]


@pytest.mark.parametrize(("made", "lr"), CASES)
def test_a_run_among_others_is_the_run_alone(made: NetworkTask, lr: float) -> None:
    together = made.losses(grid((lr / 3, lr, 3 * lr)))
    assert together.shape == (2, 3, 3) and np.isfinite(together).all()
    assert together[:, 1:2] == pytest.approx(made.losses(grid((lr,))), rel=1e-5)
    # Rates and seeds make a difference.
    assert len(np.unique(together.round(7))) == together.size


@pytest.mark.parametrize(("made", "lr"), CASES)
def test_training_helps(made: NetworkTask, lr: float) -> None:
    fit = NetworkTask(made.network, made.train, made.train, made.loss)
    losses = fit.losses(grid((lr,)))
    assert (losses[..., -1] < losses[..., 0]).all()


def test_it_is_gradient_descent_on_the_mean_loss() -> None:
    """One whole pass as one batch, by hand."""
    made = dense()
    lr = 0.05
    one = Grid("sgd", "constant", (lr,), 1, N_TRAIN, (N_TRAIN,), N_TRAIN)
    start = made.losses(Grid("sgd", "constant", (1e-30,), 1, N_TRAIN, (N_TRAIN,), N_TRAIN))

    hidden, out = torch.nn.Linear(3, 8), torch.nn.Linear(8, 1)
    model = torch.nn.Sequential(hidden, torch.nn.ReLU(), out)
    generator = torch.Generator().manual_seed(1_000)
    with torch.no_grad():
        for layer, gain in ((hidden, math.sqrt(2)), (out, 1.0)):
            rows = layer.in_features
            weight = torch.randn(rows, layer.out_features, generator=generator)
            layer.weight.copy_((gain / math.sqrt(rows) * weight).T)
            torch.randn(1, layer.out_features, generator=generator)
            layer.bias.zero_()

    def valid_loss() -> float:
        with torch.no_grad():
            return float((model(made.valid.x) - made.valid.y).square().mean())

    assert start[0, 0, 0] == pytest.approx(valid_loss(), rel=1e-5)
    loss = (model(made.train.x) - made.train.y).square().mean()
    for weight, gradient in zip(
        model.parameters(), torch.autograd.grad(loss, list(model.parameters())), strict=True
    ):
        weight.data -= lr * gradient
    assert made.losses(one)[0, 0, 0] == pytest.approx(valid_loss(), rel=1e-5)


def test_diverged_runs_end_and_leave_the_others_alone() -> None:
    made = dense()
    losses = made.losses(grid((0.01, 1e6)))
    assert np.isfinite(losses[:, 0]).all()
    assert np.isnan(losses[:, 1]).all()
    assert losses[:, :1] == pytest.approx(made.losses(grid((0.01,))), rel=1e-5)
    assert np.isnan(made.losses(grid((1e6,)))).all()


def test_the_schedule_is_that_of_the_horizon() -> None:
    made = dense()
    constant = made.losses(grid((0.01,)))
    cosine = made.losses(grid((0.01,), schedule="cosine"))
    assert cosine[:, :, 0] == pytest.approx(constant[:, :, 0], rel=0.1)
    assert not np.allclose(cosine[..., -1], constant[..., -1], rtol=1e-3)


def test_the_data_seen_are_each_sample_once_a_pass() -> None:
    from studies.atlas.training import _batches

    batches = _batches(20, 8, seed=3)
    seen = torch.cat([next(batches) for _ in range(5)])
    for rows in (seen[:20], seen[20:]):
        assert sorted(rows.tolist()) == list(range(20))
    assert seen[:20].tolist() != seen[20:].tolist()


def test_networks_do_not_see_the_future() -> None:
    x = torch.tensor([[[0, 1, 2, 3, 4, 0]]])
    later = x.clone()
    later[..., 3:] = 1
    for network in SEQUENCES.values():
        weights = {name: torch.randn(1, w.rows, w.columns) for name, w in network.weights.items()}
        before = network.forward(weights, x)
        after = network.forward(weights, later)
        assert before.shape == (1, 1, 6, 5)
        assert torch.allclose(before[:, :, :3], after[:, :, :3], atol=1e-6)
        assert not torch.allclose(before[:, :, 3:], after[:, :, 3:], atol=1e-6)
