"""What every worker process of a study is told at its start, and how it ends with its parent."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

_POLL = 0.2  # seconds between looks at the parent


def set_up_worker(parent: int) -> None:
    """Sets up this process as a worker of the process with the id `parent`."""
    import optuna

    # An interrupt from the keyboard reaches all processes; the parent alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Two threads in each of two processes would spend their time waiting for each other.
    os.environ["OMP_NUM_THREADS"] = "1"
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(1)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def _end_with(parent: int) -> None:
    """Ends this process when its parent is gone: one that was killed cannot say so."""
    while os.getppid() == parent:
        time.sleep(_POLL)
    os._exit(1)
