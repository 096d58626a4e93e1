"""Make the trainings behind the three measures in several processes, each kept as it ends."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from studies.processes import set_up_worker
from studies.psi.cells import CLOSED, OPEN, Cell, Trained, add, probe_cells, read, wanted

_BLOCK = 5  # seeds that are finished before others begin, so that a part is of use


def sweep(path: Path, seeds: int, jobs: int, n_probes: int) -> Iterator[Trained]:
    """Make the trainings that are not recorded yet, and yield each when it is recorded.

    What is trained depends on the recorded trainings alone, so an interrupted sweep goes on where
    it stopped.

    Args:
        path: File that the trainings are added to.
        seeds: Number of seeds.
        jobs: Number of processes, one thread each.
        n_probes: Probes of a Psi.
    """
    done = read(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, set_up_worker, (os.getpid(),)) as pool:
        try:
            for first in range(0, seeds, _BLOCK):
                block = range(first, min(first + _BLOCK, seeds))
                while todo := wanted(done, block, n_probes):
                    futures = [
                        pool.submit(run, cell, _probes(done, cell, n_probes)) for cell in todo
                    ]
                    for left, future in enumerate(as_completed(futures), start=1 - len(todo)):
                        trained = future.result()
                        add(trained, path)
                        done[trained.cell] = trained
                        yield trained, -left
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _made(
    pool: ProcessPoolExecutor, done: dict[Cell, Trained], cells: Sequence[Cell], n_probes: int
) -> Iterator[Trained]:
    """Make some trainings; yield each as it ends."""
    futures = [pool.submit(run, cell, _probes(done, cell, n_probes)) for cell in cells]
    for future in as_completed(futures):
        yield future.result()


def run(cell: Cell, probes: list[Trained]) -> Trained:
    """Make one training in a worker."""
    import torch

    from studies.psi.methods import train

    torch.set_num_threads(1)
    return train(cell, probes)


def _probes(done: dict[Cell, Trained], cell: Cell, n_probes: int) -> list[Trained]:
    if cell.method not in (OPEN, CLOSED):
        return []
    return [done[probe] for probe in probe_cells(cell.optimizer, cell.seed, n_probes)]
