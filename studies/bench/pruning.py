"""Time how long a pruner takes to decide: `python -m studies.bench pruning`.

KappaPruner and Optuna's MedianPruner are asked in turn about the same reports of the same new
trials, at studies of the same finished trials, in memory and on SQLite. Every study size has a
process of its own with one thread, so that the first decision is that of a fresh process.
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
_HEADINGS = (
    "trials",
    "storage",
    "pruner",
    "first",
    "mean",
    "to median",
    "slowest",
    "to median",
)


@dataclass(frozen=True)
class Timing:
    """How long the decisions of one pruner took at studies of one length, in milliseconds.

    Attributes:
        storage: "memory" or "SQLite".
        pruner: "median" or "kappa".
        n_trials: Finished trials before the first decision.
        first_ms: The first decision of its process, which may read the whole history.
        n_timed: New trials, without the one that the first decision is about.
        mean_ms: Mean over the reports of a trial, median over the new trials.
        slowest_ms: Slowest decision about a trial, median over the new trials.
        mean_ratio: `mean_ms` divided by that of the median pruner.
        slowest_ratio: `slowest_ms` divided by that of the median pruner.
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


def measure(
    storage: str,
    n_trials: int,
    n_timed: int,
) -> dict[str, list[Spent]]:
    """Time decisions in a new process, as `spent` does.

    Args:
        storage: One of `STORAGES`.
        n_trials: Finished trials of the studies.
        n_timed: Number of new trials after the first.
    """
    context = multiprocessing.get_context("spawn")
    parent = (os.getpid(),)
    with (
        tempfile.TemporaryDirectory() as folder,
        one_thread(),
        ProcessPoolExecutor(1, context, set_up_worker, parent) as pool,
    ):
        future = pool.submit(spent, storage, n_trials, 1 + n_timed, Path(folder))
        return future.result()


def timings(
    storage: str,
    n_trials: int,
    found: Mapping[str, Sequence[Spent]],
) -> list[Timing]:
    """Summarize the times of the pruners.

    Args:
        storage: Name of the storage.
        n_trials: Finished trials before the first decision.
        found: Times by pruner, one entry for each of at least two new trials.
    """
    means = {}
    slowest = {}
    for name, by_trial in found.items():
        later = by_trial[1:]
        means[name] = statistics.median([trial.mean for trial in later])
        slowest[name] = statistics.median([trial.slowest for trial in later])

    summaries = []
    for name, by_trial in found.items():
        timing = Timing(
            storage=storage,
            pruner=name,
            n_trials=n_trials,
            first_ms=by_trial[0].first,
            n_timed=len(by_trial) - 1,
            mean_ms=means[name],
            slowest_ms=slowest[name],
            mean_ratio=means[name] / means[MEDIAN],
            slowest_ratio=slowest[name] / slowest[MEDIAN],
        )
        summaries.append(timing)

    return summaries


def report(sizes: Sequence[int], n_timed: int) -> Report:
    """Time all pruners at studies of several lengths.

    Args:
        sizes: Numbers of finished trials.
        n_timed: Number of new trials after the first.

    Raises:
        ValueError: A number is not allowed.
    """
    if not sizes or min(sizes) < 1 or n_timed < 1:
        raise ValueError(
            "numbers of finished trials and of trials to be timed must be at least 1, but are "
            f"{', '.join(map(str, sizes)) or 'none'}; {n_timed}"
        )

    summaries: list[Timing] = []
    for n in sizes:
        for storage in STORAGES:
            summaries += timings(storage, n, measure(storage, n, n_timed))

    note = (
        f"Medians over {n_timed} trials on one thread, each with {N_REPORTS} reports and none "
        f"ended; half of the finished trials were pruned. Target: {TARGET}."
    )
    data = {"timings": [asdict(timing) for timing in summaries]}
    return Report(data, [_table(summaries), note])


def _table(summaries: Sequence[Timing]) -> Table:
    """Table of the timings, a row for each."""
    table = Table(title="A pruner's decision: ms")
    for heading in _HEADINGS:
        words = heading in ("storage", "pruner")
        table.add_column(heading, justify="left" if words else "right")

    for i, timing in enumerate(summaries, start=1):
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
