"""What a worker prints, taken from its terminal, so that it comes above the block of its parent.

The output streams of a worker become a pipe, also for libraries in C and for what it starts. Whole
lines are passed on, and progress bars as they are at their ends: there is no room to update those
of several workers in place.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait

from optuna_kappa.launch.cursor import without_controls

_OUTPUTS = (1, 2)  # numbers of the output and the error stream of a process
_MOST = 1 << 16  # bytes that are read at once
_PAUSE = 0.05  # seconds without more, after which what a program draws at once is there

# A bar below others, which ends where it began: one row up.
_LOWER_BAR = re.compile(rb"\n[^\n\x1b]*(?:\x1b\[[0-9;]*[mK][^\n\x1b]*)*\x1b\[1?A")


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
        >>> _ = os.write(theirs.fileno(), b"epoch 1\n10 %\r100 %")
        >>> theirs.close()
        >>> pass_on(ours, print).join()
        epoch 1
        100 %
    """
    thread = threading.Thread(target=_read, args=(pipe, say), daemon=True)
    thread.start()
    return thread


def _read(pipe: Connection, say: Callable[[str], None]) -> None:
    waiting = b""
    is_open = True
    with pipe:
        while is_open:
            data = os.read(pipe.fileno(), _MOST)
            waiting += data
            is_open = bool(data)
            if is_open and len(waiting) < _MOST and wait([pipe], _PAUSE):
                continue

            lines, waiting = _parted(waiting)
            for line in lines:
                say(line)
    if waiting:
        say(_seen(waiting))


def _parted(data: bytes) -> tuple[list[str], bytes]:
    r"""The whole lines of what was printed, and the rest, of which more may come.

    Example:
        >>> _parted(b"epoch 1\n10 %\n5 of 9\x1b[A\r20 %")
        (['epoch 1'], b'\r20 %')
    """
    n_bars = 1
    while n_bars:
        data, n_bars = _LOWER_BAR.subn(b"", data)
    whole, newline, rest = data.rpartition(b"\n")
    lines = [_seen(line) for line in whole.split(b"\n")] if newline else []
    return lines, rest[max(0, rest.rstrip(b"\r").rfind(b"\r")) :]


def _seen(line: bytes) -> str:
    return without_controls(line.decode("utf-8", "replace"))
