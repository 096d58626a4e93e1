"""What a worker prints, taken from its terminal, so that it comes above the block of its parent.

The output streams of a worker become a pipe, also for libraries in C and for what it starts. Whole
lines are passed on: the progress bars of several workers could not all be updated in place.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection

from optuna_kappa.launch.cursor import without_controls

_OUTPUTS = (1, 2)  # numbers of the output and the error stream of a process


def print_to(pipe: Connection) -> None:
    """Let what this process would print to a terminal go to a pipe, for as long as it lives."""
    for number in _OUTPUTS:
        if os.isatty(number):
            os.dup2(pipe.fileno(), number)
    pipe.close()


def pass_on(pipe: Connection, say: Callable[[str], None]) -> threading.Thread:
    r"""Pass on the lines that come out of a pipe, until nobody holds its other end.

    Returns:
        The thread that does it.

    Example:
        >>> import multiprocessing
        >>> ours, theirs = multiprocessing.Pipe(duplex=False)
        >>> _ = os.write(theirs.fileno(), b"epoch 1\nepoch 2")
        >>> theirs.close()
        >>> pass_on(ours, print).join()
        epoch 1
        epoch 2
    """

    def read() -> None:
        with pipe, os.fdopen(os.dup(pipe.fileno()), "rb") as lines:
            for line in lines:
                say(without_controls(line.decode("utf-8", "replace")))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread
