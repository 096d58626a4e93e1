"""Signals that arrive at a bad moment: held back, or ignored for a while.

Handlers of signals belong to the main thread; in others nothing is changed.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held_back() -> Iterator[list[int]]:
    """Yield a list that takes the interrupts of the next lines, in place of their handlers.

    A signal that is ignored, or whose handler is not a Python function, is left alone.

    Example:
        >>> before = signal.signal(signal.SIGINT, signal.default_int_handler)
        >>> with held_back() as held:
        ...     signal.raise_signal(signal.SIGINT)
        >>> held == [signal.SIGINT]
        True
        >>> _ = signal.signal(signal.SIGINT, before)
    """
    held: list[int] = []

    def hold(number: int, _frame: FrameType | None) -> None:
        held.append(number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in _INTERRUPTS:
            handler = signal.getsignal(number)
            if callable(handler):
                before[number] = handler
                signal.signal(number, hold)
    try:
        yield held
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ignored(number: int) -> Iterator[None]:
    """Ignore a signal for a while; processes that are started meanwhile begin so.

    Args:
        number: The signal.

    Example:
        >>> with ignored(signal.SIGINT):
        ...     signal.raise_signal(signal.SIGINT)
    """
    before = signal.getsignal(number)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or before is None:  # None: a handler that Python cannot put back
        yield
        return

    signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold interrupts back until the next lines are done.

    Example:
        >>> with uninterrupted():
        ...     done = True
    """
    held: list[int] = []
    try:
        with held_back() as held:
            yield
    finally:
        for number in held:
            signal.raise_signal(number)
