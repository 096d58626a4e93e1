"""Make the trainings behind the three measures in several processes, each kept as it ends."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from studies.processes import set_up_worker
from studies.psi.cells import Cell, Trained, Trainings, add, probes_of, read, wanted

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
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, set_up_worker, (os.getpid(),)) as pool:
        try:
            for first in range(0, seeds, _BLOCK):
                block = range(first, min(first + _BLOCK, seeds))
                while todo := wanted(done, block, n_probes):
                    for trained in _made(pool, done, todo, n_probes):
                        add(trained, path)
                        done[trained.cell] = trained
                        yield trained
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _made(
    pool: ProcessPoolExecutor, done: Trainings, cells: Sequence[Cell], n_probes: int
) -> Iterator[Trained]:
    """Make some trainings; yield each as it ends."""
    futures = []
    for cell in cells:
        probes = [done[probe] for probe in probes_of(cell, n_probes)]
        futures.append(pool.submit(run, cell, probes))
    for future in as_completed(futures):
        yield future.result()


def run(cell: Cell, probes: Sequence[Trained]) -> Trained:
    """Make one training in a worker."""
    import torch

    from studies.psi.methods import train

    torch.set_num_threads(1)
    return train(cell, probes)
