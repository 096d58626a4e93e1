"""Start the worker processes of a study, and end them together with their parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

CONTINUE = "Run the same command again to continue."
"""What to do after a sweep has stopped early."""

_POLL = 0.2  # seconds between two checks that the parent is alive


class WorkerError(RuntimeError):
    """Work is left undone because worker processes ended too early."""


@contextmanager
def crew(
    target: Callable[..., None], arguments: tuple[Any, ...], jobs: int
) -> Iterator[list[BaseProcess]]:
    """Start worker processes, and stop them at the end.

    Args:
        target: What each process calls. It should call `set_up_worker` first.
        arguments: Arguments of the target; they must be picklable.
        jobs: Number of processes.
    """
    context = multiprocessing.get_context("spawn")
    workers: list[BaseProcess] = []
    try:
        for _ in range(jobs):
            worker = context.Process(target=target, args=arguments)
            with _no_interrupt():
                worker.start()
                workers.append(worker)

        yield workers
    finally:
        # Stop all of them before waiting for any.
        for process in workers:
            process.terminate()
        for process in workers:
            process.join()


def ending(exit_code: int) -> str:
    """Say how a process ended, by its exit code, as the rest of a sentence."""
    if exit_code < 0:
        return f"was killed ({signal.Signals(-exit_code).name})"
    return "failed with the error above"


@contextmanager
def claim(path: Path) -> Iterator[bool]:
    """Lock a piece of work, so that no other process does it; yield whether it was free.

    Args:
        path: File of the lock. It stays.
    """
    from filelock import FileLock, Timeout  # comes with torch, which not all studies need

    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        yield False
        return

    try:
        yield True
    finally:
        lock.release()


def set_up_worker(parent: int) -> None:
    """Set up this process as a worker of the process with the id `parent`."""
    # Ctrl-C reaches all processes. Only the parent reacts to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    # With two threads in each of two processes, the threads would wait for each other.
    os.environ["OMP_NUM_THREADS"] = "1"
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(1)

    watcher = threading.Thread(target=_end_with, args=(parent,), daemon=True)
    watcher.start()
    # Trainings that no study asked for can run where Optuna is not installed.
    with suppress(ImportError):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Delay an interrupt; processes started meanwhile never get one.

    An interrupt from the keyboard reaches all processes, and each one that is still starting would
    print a traceback.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with(parent: int) -> None:
    """End this process when its parent is gone. A parent that was killed sends no signal."""
    while os.getppid() == parent:
        time.sleep(_POLL)

    os._exit(1)
