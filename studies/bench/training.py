"""Time training on this machine: `python -m studies.bench training`.

The cases are timed in short slices, in turn, so that a machine that slows down or is shared slows
all of them alike. The figure of a case is the median over its slices, in samples per second.

To add a benchmark, add to `CASES` a function that takes a dataset and returns an endless iterator.
At each step the iterator does a piece of work and yields its number of samples.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial

import torch
from rich.table import Table
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data import Dataset as TorchDataset

from optuna_kappa.schedules import constant
from studies.bench.report import Report
from studies.mnist.data import Dataset, Source, load
from studies.mnist.download import torchvision_reason
from studies.mnist.model import mlp
from studies.mnist.training import OptimizerName, Run, RunConfig

BATCH_SIZE = 64
Work = Iterator[int]
"""Does a piece of work at each `next` and yields its number of samples."""

# For each case. The number is odd, so that the median is one of the slices.
_N_SLICES = 9
_LR: dict[OptimizerName, float] = {"adam": 1e-3, "sgd": 0.1}


@dataclass(frozen=True)
class Case:
    """Something to be timed.

    Attributes:
        name: Name in the table.
        start: Returns the work for a dataset.
    """

    name: str
    start: Callable[[Dataset], Work]


@dataclass(frozen=True)
class Timing:
    """The speed of one case at one number of threads.

    Attributes:
        case: Name of the case.
        threads: Number of torch threads.
        samples_per_second: Median over the slices.
        low: Slowest slice, in samples per second.
        high: Fastest slice, in samples per second.
        ratio: Median of this case divided by that of the first one at the same number of threads.
    """

    case: str
    threads: int
    samples_per_second: float
    low: float
    high: float
    ratio: float


def our_loop(dataset: Dataset, *, optimizer: OptimizerName) -> Work:
    """Train by the loop of the studies, without evaluations.

    Args:
        dataset: Data to train on.
        optimizer: Name of the optimizer.
    """
    horizon = 10 * dataset.n_train
    config = RunConfig(_LR[optimizer], horizon, constant(), optimizer, seed=0)

    while True:
        run = Run(config, dataset, checkpoints=())
        for samples in range(BATCH_SIZE, horizon + 1, BATCH_SIZE):
            run.advance(samples)
            yield BATCH_SIZE


def data_loader_loop(dataset: Dataset) -> Work:
    """Train by a plain loop over a DataLoader of tensors, with PyTorch's default Adam."""
    return _plain_loop(dataset, TensorDataset(dataset.train_x, dataset.train_y))


def torchvision_loop(dataset: Dataset) -> Work:
    """Train by a plain loop over a DataLoader of images, each converted when it is read."""
    return _plain_loop(dataset, _ConvertedImages(dataset))


def matrix_products(dataset: Dataset) -> Work:
    """Compute the five matrix products of a training step and nothing else.

    These are X W1 and H W2 forward, and H' dO, dO W2' and X' dZ backward; the gradient of X is not
    needed. A loop that trains on whole batches of this size with the same library cannot be
    faster.
    """
    x = dataset.train_x[:BATCH_SIZE].contiguous()
    w1 = torch.randn(dataset.n_inputs, 256)
    w2 = torch.randn(256, 10)
    h = torch.randn(BATCH_SIZE, 256)
    out = torch.randn(BATCH_SIZE, 10)

    pairs = [(x, w1), (h, w2), (h.T, out), (out, w2.T), (x.T, h)]
    results = [left @ right for left, right in pairs]
    while True:
        for (left, right), result in zip(pairs, results, strict=True):
            torch.mm(left, right, out=result)
        yield BATCH_SIZE


CASES = (
    Case("our loop, Adam", partial(our_loop, optimizer="adam")),
    Case("our loop, SGD", partial(our_loop, optimizer="sgd")),
    Case("DataLoader of tensors, Adam", data_loader_loop),
    Case("DataLoader of torchvision images, Adam", torchvision_loop),
    Case("matrix products only (bound)", matrix_products),
)


class _ConvertedImages(TorchDataset[tuple[Tensor, Tensor]]):
    """Images kept as bytes and converted one by one, as in torchvision.datasets.MNIST."""

    def __init__(self, dataset: Dataset) -> None:
        # Imported here because that takes seconds and the other cases run without it.
        from PIL import Image
        from torchvision import transforms

        side = round(dataset.n_inputs**0.5)
        pixels = dataset.train_x.add(1).mul(127.5).round().to(torch.uint8)

        self._images = pixels.view(-1, side, side)
        self._labels = dataset.train_y
        self._to_pil = Image.fromarray
        self._transform = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize(0.5, 0.5), torch.flatten]
        )

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        picture = self._to_pil(self._images[index].numpy())
        image: Tensor = self._transform(picture)
        return image, self._labels[index]


def _plain_loop(dataset: Dataset, images: TorchDataset[tuple[Tensor, ...]]) -> Work:
    """The loop of a tutorial: a shuffled DataLoader, default Adam, one step for each batch."""
    loader: Iterable[list[Tensor]] = DataLoader(images, batch_size=BATCH_SIZE, shuffle=True)
    model = mlp(dataset.n_inputs, seed=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=_LR["adam"])

    while True:
        for x, y in loader:
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(x), y)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            yield len(x)


def measure(
    cases: Iterable[Case],
    dataset: Dataset,
    *,
    threads: Iterable[int],
    seconds: float,
) -> list[Timing]:
    """Time cases in turn, slice by slice. The number of torch threads is restored at the end.

    Args:
        cases: What to time. Ratios are to the first.
        dataset: Data for all of them.
        threads: Numbers of torch threads to time each case with.
        seconds: Time to spend on each case at each number of threads.

    Returns:
        The timings, by number of threads and then by case, in the order given.
    """
    started = [(case.name, case.start(dataset)) for case in cases]
    default = torch.get_num_threads()
    speeds: dict[tuple[int, str], list[float]] = {}

    try:
        # The first round warms up caches, lazy initialization and thread pools.
        for round_ in range(_N_SLICES + 1):
            for n in threads:
                torch.set_num_threads(n)
                for name, work in started:
                    speed = _speed(work, seconds / _N_SLICES)
                    if round_ > 0:
                        speeds.setdefault((n, name), []).append(speed)
    finally:
        torch.set_num_threads(default)

    return _timings(speeds, reference=started[0][0])


def _timings(speeds: dict[tuple[int, str], list[float]], *, reference: str) -> list[Timing]:
    """Summarize slices, with ratios to the reference at the same number of threads."""
    medians = {key: statistics.median(slices) for key, slices in speeds.items()}
    timings = []
    for (n, name), slices in speeds.items():
        timing = Timing(
            case=name,
            threads=n,
            samples_per_second=medians[n, name],
            low=min(slices),
            high=max(slices),
            ratio=medians[n, name] / medians[n, reference],
        )
        timings.append(timing)

    return timings


def _speed(work: Work, seconds: float) -> float:
    """Samples per second, over at least one piece of work and about the given time."""
    samples = 0
    start = time.perf_counter()
    while True:
        samples += next(work)
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            return samples / elapsed


def usable(cases: Iterable[Case], dataset: Dataset) -> tuple[list[Case], dict[str, str]]:
    """Separate the cases that run here from those whose library does not work here.

    Returns:
        The cases that run; and by name, for each other case, the reason in one clause.
    """
    running = []
    skipped = {}
    for case in cases:
        try:
            next(case.start(dataset))
        # A torchvision built for another torch fails with RuntimeError when it is imported.
        except (ImportError, RuntimeError) as error:
            skipped[case.name] = torchvision_reason(str(error))
        else:
            running.append(case)

    return running, skipped


def report(source: Source, seconds: float) -> Report:
    """Time all cases that run here.

    Args:
        source: Where the data comes from.
        seconds: Time to spend on each case at each number of threads.
    """
    dataset = load(source)
    cases, skipped = usable(CASES, dataset)
    threads = sorted({torch.get_num_threads(), 1}, reverse=True)
    timings = measure(cases, dataset, threads=threads, seconds=seconds)

    data = {
        "data": dataset.source,
        "torch": torch.__version__,
        "skipped": skipped,
        "timings": [asdict(timing) for timing in timings],
    }
    left_out = [f"Left out: {name}: {reason}." for name, reason in skipped.items()]
    return Report(data, [dataset.source, _table(timings), *left_out])


def _table(timings: list[Timing]) -> Table:
    """Table of the timings, a row for each."""
    table = Table(title=f"Training at batch {BATCH_SIZE}: samples a second")
    table.add_column("case")
    for heading in ("threads", "median", "slowest to fastest", "to ours"):
        table.add_column(heading, justify="right")

    for i, timing in enumerate(timings):
        last = i + 1 == len(timings) or timings[i + 1].threads != timing.threads
        table.add_row(
            timing.case,
            str(timing.threads),
            f"{timing.samples_per_second:,.0f}",
            f"{timing.low:,.0f} to {timing.high:,.0f}",
            f"{timing.ratio:.2f}",
            end_section=last,
        )

    return table
