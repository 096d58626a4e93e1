"""A stream in place of `sys.stdout` or `sys.stderr`, whose text comes above a block of lines."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TextIO


class Above:
    r"""Passes on what is printed by whole lines, as a terminal's stream does.

    Everything else (its encoding, its number, whether it is a terminal) is asked of the stream
    that it stands for. Whoever keeps it after its time, as handlers of logging do, prints to that
    stream.

    Args:
        stream: The stream that it stands for, a terminal.
        print_above: Prints a text above the block.
        encoding: Of `print_above`.

    Example:
        >>> import sys
        >>> printed = []
        >>> above = Above(sys.stdout, printed.append, "utf-8")
        >>> for i in range(2):
        ...     print(i, end=" ", file=above)
        >>> print("go", file=above)
        >>> printed
        ['0 1 go\n']
    """

    def __init__(self, stream: TextIO, print_above: Callable[[str], None], encoding: str) -> None:
        """Take nothing yet."""
        self._stream = stream
        self._print_above: Callable[[str], None] | None = print_above
        self._encoding = encoding
        self._parts: deque[str] = deque()  # of a line that is not whole yet; threads may add

    def write(self, text: str) -> int:
        """Print a text; what is no whole line waits for the rest, or for `flush`."""
        if self._print_above is None:
            return self._stream.write(text)
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")

        self._parts.append(self._recoded(text))
        if "\n" in text or "\r" in text or getattr(self._stream, "write_through", False):
            self.flush()
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Print several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Print what there is of a line."""
        parts = []
        while self._parts:
            parts.append(self._parts.popleft())

        text = "".join(parts)
        if text and self._print_above is not None:
            self._print_above(text)
        elif text:
            self._stream.write(text)
        self._stream.flush()

    def release(self) -> None:
        """Print to the stream itself from now on."""
        self.flush()
        self._print_above = None

    def _recoded(self, text: str) -> str:
        """A text as the stream would show it.

        Raises:
            UnicodeEncodeError: The stream cannot show it.
        """
        if text.isascii():
            return text
        data = text.encode(self._stream.encoding, self._stream.errors or "strict")
        return data.decode(self._encoding, "surrogateescape")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
