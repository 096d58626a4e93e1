"""Make the trainings behind the three measures in several processes, each kept as it ends."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, as_completed, wait
from pathlib import Path

from studies.processes import set_up_worker
from studies.psi.cells import Cell, Trained, add, probes_of, read, wanted

_BLOCK = 5  # seeds that are finished before others begin, so that a part is of use
_AHEAD = 2  # trainings handed to the pool for each process, so that none waits


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
        for first in range(0, seeds, _BLOCK):
            block = range(first, min(first + _BLOCK, seeds))
            while todo := wanted(done, block, n_probes):
                tasks = [(cell, [done[one] for one in probes_of(cell, n_probes)]) for cell in todo]
                for trained in _made(pool, tasks, _AHEAD * jobs):
                    add(trained, path)
                    done[trained.cell] = trained
                    yield trained


def _made(
    pool: ProcessPoolExecutor, tasks: Sequence[tuple[Cell, Sequence[Trained]]], ahead: int
) -> Iterator[Trained]:
    """Make some trainings; yield each as it ends.

    Only a few are handed to the workers ahead, so that an interrupted sweep waits for no others.
    """
    waiting: set[Future[Trained]] = set()
    for task in tasks:
        waiting.add(pool.submit(run, *task))
        if len(waiting) >= ahead:
            ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in ended)
    yield from (future.result() for future in as_completed(waiting))


def run(cell: Cell, probes: Sequence[Trained]) -> Trained:
    """Make one training in a worker."""
    import torch

    from studies.psi.methods import train

    torch.set_num_threads(1)
    return train(cell, probes)
