"""Trains the atlas in several processes, which share nothing but the folders."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from studies.atlas import catalog
from studies.atlas.sweep import Sweep
from studies.processes import CONTINUE, WorkerError, crew, ending, set_up_worker


def train_all(sweep: Sweep, jobs: int, deadline: float) -> int:
    """Train what is missing of tables of the catalog; return how many parts still are.

    Args:
        sweep: What to train.
        jobs: Number of processes, one thread each.
        deadline: Time, as of `time.time()`, from which no part is started; may be infinite.

    Raises:
        WorkerError: A worker failed, and there are parts that no other has trained.
    """
    names = [table.name for table in sweep.tables]
    arguments = (names, sweep.parts, sweep.to, os.getpid(), deadline)
    with crew(_work, arguments, jobs if sweep.missing() else 0) as workers:
        for worker in workers:
            worker.join()
        failed = [worker.exitcode for worker in workers if worker.exitcode]

    sweep.finish()
    n_missing = len(sweep.missing())
    if n_missing and failed:
        raise WorkerError(
            f"a worker process {ending(failed[0])}; parts still to do: {n_missing:,}. {CONTINUE}"
        )
    return n_missing


def set_up_torch() -> None:
    """Use one thread, and treat tiny numbers as 0: they are slow, and come up near divergence."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def _work(names: Sequence[str], parts: Path, to: Path, parent: int, deadline: float) -> None:
    """Train tables in a process of its own."""
    set_up_worker(parent)
    set_up_torch()
    tables = [table for table in catalog.tables() if table.name in names]
    Sweep(tables, parts, to).work(lambda: time.time() < deadline)
