"""Set up the worker processes of a study, and end them together with their parent."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

_POLL = 0.2  # seconds between two checks that the parent is alive


def set_up_worker(parent: int) -> None:
    """Set up this process as a worker of the process with the id `parent`."""
    import optuna

    # Ctrl-C reaches all processes. Only the parent reacts to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    # With two threads in each of two processes, the threads would wait for each other.
    os.environ["OMP_NUM_THREADS"] = "1"
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(1)

    watcher = threading.Thread(target=_end_with, args=(parent,), daemon=True)
    watcher.start()
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def _end_with(parent: int) -> None:
    """End this process when its parent is gone. A parent that was killed sends no signal."""
    while os.getppid() == parent:
        time.sleep(_POLL)

    os._exit(1)
