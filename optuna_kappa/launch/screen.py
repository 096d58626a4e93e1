"""A block of lines at the bottom of a terminal, updated in place, with what is printed above it.

The cursor rests at the start of the row below the block. To print, the block is erased, the cursor
goes back to where the last print left it, and the block is drawn again below. So progress bars,
which go back to the start of their line or up, work above the block. What is printed past Python,
by child processes or libraries in C, moves the cursor unseen: a part of the block may stay behind.

The terminal is left as it was: no hidden cursor, no second screen. A SIGKILL leaves the block.
"""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from optuna_kappa._validation import one_line
from optuna_kappa.launch.above import Above
from optuna_kappa.launch.cursor import Cursor, cut, width_of
from optuna_kappa.launch.signals import uninterrupted

_COLUMNS, _ROWS = 80, 24  # of a terminal that does not say

# Prints in so many seconds, with each of which the block is drawn. What is printed beyond waits
# until they are over, since drawing costs much more than printing.
_MOST_DRAWN, _WINDOW = 20, 0.1


def can_update(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal in which lines can be updated in place.

    `TERM=dumb` says that it cannot, and `NO_COLOR` that only plain text is wanted. Where the
    output of the process is a pipe, as before `| tee`, it may come out at the same terminal.

    Example:
        >>> import io
        >>> can_update(io.StringIO())
        False
    """
    if stream is None or os.name != "posix" or not hasattr(stream, "buffer"):
        return False
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb"
    return stream.isatty() and not is_plain and not _is_pipe(sys.stdout)


class Screen:
    """A terminal with a block of lines at its bottom.

    Args:
        stream: The terminal, for which `can_update` is true.
    """

    def __init__(self, stream: TextIO) -> None:
        """Print nothing yet."""
        self._stream = stream
        self._encoding = stream.encoding
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._lines: list[str] = []
        self._drawn: list[int] = []  # the width of each line of the block as it stands
        self._cursor = Cursor()  # where the last print left it
        self._window = 0.0  # when the current one began, of `time.monotonic()`
        self._n_drawn = 0  # in it
        self._waiting: list[str] = []  # what is printed at its end

    @property
    def width(self) -> int:
        """Columns for a line of the block; a row that is full might go on in the next one."""
        return max(1, self._size().columns - 1)

    @property
    def height(self) -> int:
        """Lines for the block; beside it, a line of what is printed is seen."""
        return max(1, self._size().lines - 2)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Print above the block what comes by `sys.stdout` and `sys.stderr`; erase it at the end.

        A stream that is not this terminal is left alone.
        """
        taken = []
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if _is_same_terminal(stream, self._stream):
                stream.flush()
                above = Above(stream, self.print, self._encoding)
                taken.append((name, stream, above))
                setattr(sys, name, above)
        try:
            with self._continued():
                yield
        finally:
            for name, stream, above in taken:
                above.release()
                if getattr(sys, name) is above:  # nobody has put another one in its place
                    setattr(sys, name, stream)
            self.show([])

    def show(self, lines: Sequence[str]) -> None:
        """Put lines into the block, as far as they fit; none erases it."""
        printable = [self._encodable(one_line(line)) for line in lines]
        with self._lock:
            is_same = printable == self._lines
            self._lines = printable
            if not is_same or self._drawn != list(map(width_of, self._fitted())):
                self._print("")

    def say(self, text: str) -> None:
        """Print lines above the block, below what others have printed."""
        with self._lock:
            self._print_waiting()
            self._print(f"{self._to_next_row()}{self._encodable(text)}\n")

    def print(self, text: str) -> None:
        """Print a text above the block, as it is."""
        if os.getpid() != self._process:  # a fork, in which the lock may be held for ever
            self._put(text)
            return
        with self._lock:
            if self._may_draw():
                self._print(text)
                return
            self._waiting.append(text)
            if len(self._waiting) == 1:
                timer = threading.Timer(_WINDOW, self._print_waiting)
                timer.daemon = True
                timer.start()

    def _may_draw(self) -> bool:
        """Whether the block may be drawn with another print; counts it."""
        now = time.monotonic()
        if now - self._window >= _WINDOW:
            self._window, self._n_drawn = now, 0
        self._n_drawn += 1
        return not self._lines or self._n_drawn <= _MOST_DRAWN

    def _print_waiting(self) -> None:
        with self._lock:
            if self._waiting:
                self._print("")

    def _print(self, text: str) -> None:
        with uninterrupted():
            text = "".join([*self._waiting, text])
            self._waiting.clear()
            columns = self._size().columns
            erased = self._erased(columns)
            self._cursor = self._cursor.after(text, columns)

            lines = self._fitted()
            start = self._to_next_row() if lines else ""
            block = "".join(f"{line}\r\n" for line in lines)
            self._drawn = list(map(width_of, lines))
            self._put(f"{erased}{text}{start}{block}")

    def _erased(self, columns: int) -> str:
        """What erases the block and puts the cursor where the last print has left it."""
        if not self._drawn:
            return ""

        # In a terminal that has become narrower, lines have been wrapped.
        rows = sum(max(1, -(-width // columns)) for width in self._drawn)
        erased = f"\x1b[{rows}A\r\x1b[J"
        if self._cursor.is_in_free_row:
            return erased

        # Behind the last column the cursor can be put by a character only.
        last = self._cursor.last
        column = min(self._cursor.column, columns) - width_of(last)
        return f"{erased}\x1b[{self._cursor.up + 1}A\x1b[{column + 1}G{last}"

    def _to_next_row(self) -> str:
        """What moves the cursor to the first free row."""
        if self._cursor.is_in_free_row:
            return ""
        down = f"\x1b[{self._cursor.up}B" if self._cursor.up else ""
        return f"{down}\r\n"

    def _fitted(self) -> list[str]:
        """The lines of the block as they are drawn; none in the background."""
        try:
            in_front = os.tcgetpgrp(self._stream.fileno()) == os.getpgrp()
        except OSError:  # not the terminal that this process belongs to
            in_front = True
        if not in_front:
            return []
        width = self.width
        return [cut(line, width) for line in self._lines[: self.height]]

    def _encodable(self, text: str) -> str:
        """A text with the characters escaped that the terminal cannot show."""
        return text.encode(self._encoding, "backslashreplace").decode(self._encoding)

    def _size(self) -> os.terminal_size:
        try:
            columns, rows = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            columns, rows = 0, 0
        return os.terminal_size((columns or _COLUMNS, rows or _ROWS))

    def _put(self, text: str) -> None:
        self._stream.buffer.write(text.encode(self._encoding, "surrogateescape"))
        self._stream.buffer.flush()

    @contextmanager
    def _continued(self) -> Iterator[None]:
        """Begin a new block after Ctrl-Z, since the shell has printed below the old one."""

        def forget(_number: int, _frame: FrameType | None) -> None:
            self._drawn, self._cursor = [], Cursor()

        is_main = threading.current_thread() is threading.main_thread()
        if not is_main or signal.getsignal(signal.SIGCONT) is not signal.SIG_DFL:
            yield
            return

        signal.signal(signal.SIGCONT, forget)
        try:
            yield
        finally:
            signal.signal(signal.SIGCONT, signal.SIG_DFL)


def _is_pipe(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):  # it has no file, or is closed
        return False


def _is_same_terminal(one: TextIO | None, other: TextIO) -> bool:
    """Whether a stream goes to the terminal of another one."""
    if one is None:
        return False
    try:
        numbers = [os.fstat(stream.fileno()).st_rdev for stream in (one, other)]
        return one.isatty() and numbers[0] == numbers[1]
    except (OSError, ValueError):  # it has no file, or is closed
        return False
