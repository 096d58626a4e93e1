"""How long a pruner takes to decide: `python -m studies.bench pruning`.

KappaPruner and Optuna's MedianPruner are asked in turn about the same reports of the same new
trials, at studies of the same finished ones, in memory and on SQLite. Every study size has a
process of its own with one thread, so that the first decision is that of a fresh one.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from studies.bench.asker import one_thread
from studies.bench.decider import MEDIAN, N_REPORTS, PRUNERS, STORAGES, Spent, spent
from studies.bench.report import Report
from studies.processes import set_up_worker

TARGET = (
    f"at 1,000 trials of {N_REPORTS} reports a decision takes at most twice the MedianPruner's "
    "time in the same run"
)


@dataclass(frozen=True)
class Timing:
    """How long one pruner's decisions took at studies of one length, in milliseconds.

    Attributes:
        storage: "memory" or "SQLite".
        pruner: "median" or "kappa".
        n_trials: Finished trials before the first decision.
        first_ms: The first decision of its process, which may read the whole history.
        n_timed: New trials, after the one that began with that.
        mean_ms: Mean over the reports of a trial, median over these trials.
        slowest_ms: Slowest decision about a trial, median over these trials.
        mean_ratio: `mean_ms` over that of the median pruner.
        slowest_ratio: The same of `slowest_ms`.
    """

    storage: str
    pruner: str
    n_trials: int
    first_ms: float
    n_timed: int
    mean_ms: float
    slowest_ms: float
    mean_ratio: float
    slowest_ratio: float


def measure(storage: str, n_trials: int, n_timed: int) -> dict[str, list[Spent]]:
    """Times decisions in a new process, as `spent` does, about one trial more than that."""
    context = multiprocessing.get_context("spawn")
    parent = (os.getpid(),)
    with (
        tempfile.TemporaryDirectory() as folder,
        one_thread(),
        ProcessPoolExecutor(1, context, set_up_worker, parent) as pool,
    ):
        return pool.submit(spent, storage, n_trials, 1 + n_timed, Path(folder)).result()


def timings(storage: str, n_trials: int, found: Mapping[str, Sequence[Spent]]) -> list[Timing]:
    """Summarises what the pruners took.

    Args:
        storage: Name of the storage.
        n_trials: Finished trials before the first decision.
        found: By pruner, trial by trial, at least two trials.
    """
    means = {name: statistics.median(s.mean for s in rows[1:]) for name, rows in found.items()}
    slow = {name: statistics.median(s.slowest for s in rows[1:]) for name, rows in found.items()}
    return [
        Timing(
            storage=storage,
            pruner=name,
            n_trials=n_trials,
            first_ms=rows[0].first,
            n_timed=len(rows) - 1,
            mean_ms=means[name],
            slowest_ms=slow[name],
            mean_ratio=means[name] / means[MEDIAN],
            slowest_ratio=slow[name] / slow[MEDIAN],
        )
        for name, rows in found.items()
    ]


def report(sizes: Sequence[int], n_timed: int) -> Report:
    """Times all pruners at studies of several lengths.

    Raises:
        ValueError: A number is not allowed.
    """
    if not sizes or min(sizes) < 1 or n_timed < 1:
        raise ValueError(
            "numbers of finished trials and of trials to be timed must be at least 1, but are "
            f"{', '.join(map(str, sizes)) or 'none'}; {n_timed}"
        )
    found = [
        timing
        for n in sizes
        for storage in STORAGES
        for timing in timings(storage, n, measure(storage, n, n_timed))
    ]
    note = (
        f"Medians over {n_timed} trials on one thread, each with {N_REPORTS} reports and none "
        f"ended; half of the finished ones were. Target: {TARGET}."
    )
    return Report({"timings": [asdict(timing) for timing in found]}, [_table(found), note])


def _table(found: Sequence[Timing]) -> Table:
    """Lays the timings out, a row each."""
    table = Table(title="A pruner's decision: ms")
    headings = ("first", "mean", "to median", "slowest", "to median")
    for i, heading in enumerate(("trials", "storage", "pruner", *headings)):
        table.add_column(heading, justify="left" if i in (1, 2) else "right")
    for i, timing in enumerate(found, start=1):
        table.add_row(
            f"{timing.n_trials:,}",
            timing.storage,
            timing.pruner,
            f"{timing.first_ms:,.1f}",
            f"{timing.mean_ms:,.3f}",
            f"{timing.mean_ratio:,.2f}",
            f"{timing.slowest_ms:,.2f}",
            f"{timing.slowest_ratio:,.2f}",
            end_section=i % len(PRUNERS) == 0,
        )
    return table
