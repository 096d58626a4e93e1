"""How much room a text takes in a terminal, and where it leaves the cursor.

A terminal of n columns keeps its cursor at column n after a character in the last one, and goes to
the next row with the next character. Wide characters (of East Asia, and most emojis) take two
columns, combining ones none: https://www.unicode.org/reports/tr11/.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from unicodedata import category, east_asian_width

# A run of characters that are shown; or an escape sequence, whole or cut off; or a control.
_TOKEN = re.compile(
    r"(?P<shown>[^\x00-\x1f\x7f-\x9f]+)"
    r"|\x1b\[(?P<numbers>[0-?]*)[ -/]*(?P<command>[@-~])"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -~]?"
    r"|(?P<control>[\x00-\x1f\x7f-\x9f])"
)
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_TAB = 8


def width_of(text: str) -> int:
    """Columns that a text without control characters takes.

    Example:
        >>> width_of("lr"), width_of("学習率"), width_of("e\u0301")
        (2, 6, 1)
    """
    return len(text) if text.isascii() else sum(map(_columns, text))


def cut(text: str, width: int) -> str:
    """The start of a text, as much as fits into a width.

    Example:
        >>> cut("学習率", 5), cut("lr", 5)
        ('学習', 'lr')
    """
    if len(text) <= width and text.isascii():
        return text

    room = width
    for i, char in enumerate(text):
        room -= _columns(char)
        if room < 0:
            return text[:i]
    return text


def without_controls(line: str) -> str:
    r"""What is left to see of a line that a program has printed, in its colours.

    What was overwritten from the start of the line on is left out, as the earlier states of a
    progress bar.

    Example:
        >>> without_controls("10 %\r100 %\x1b[K")
        '100 %'
    """
    last = line.rstrip("\r").rpartition("\r")[2]
    parts = []
    for token in _TOKEN.finditer(last):
        is_seen = token["shown"] or token["control"] == "\t" or _COLOUR.fullmatch(token[0])
        parts.append(token[0] if is_seen else "")
    return "".join(parts)


class Cursor(NamedTuple):
    r"""Where a text has left the cursor.

    Attributes:
        column: Columns to its left.
        up: How many rows it is above the lowest row of the text.
        end: Columns of the lowest row up to the end of what is seen there.
        last: The character in the last column, if the cursor is behind it.

    Example:
        >>> Cursor().after("a bar\nand one below it\x1b[A", columns=80)
        Cursor(column=16, up=1, end=16, last='')
    """

    column: int = 0
    up: int = 0
    end: int = 0
    last: str = ""

    @property
    def is_in_free_row(self) -> bool:
        """Whether the cursor is at the start of an empty row, with nothing below."""
        return not any(self[:3])

    def after(self, text: str, columns: int) -> Cursor:
        """Where more text leaves the cursor in a terminal of so many columns."""
        cursor = self
        for token in _TOKEN.finditer(text):
            if token["shown"]:
                cursor = cursor._past(token["shown"], columns)
            elif token["control"]:
                cursor = cursor._controlled(token["control"], columns)
            elif token["command"]:
                first = token["numbers"].partition(";")[0]
                n = int(first) if first.isdigit() else 1
                cursor = cursor._moved(token["command"], max(1, n), columns)

            is_behind_last = cursor.column >= columns
            if token["shown"] or not is_behind_last:
                cursor = cursor._replace(last=token[0][-1] if is_behind_last else "")
        return cursor

    def _down(self, n: int) -> Cursor:
        return self._replace(up=max(0, self.up - n), end=self.end if n <= self.up else 0)

    def _past(self, shown: str, columns: int) -> Cursor:
        """Where characters that are shown leave the cursor."""
        if shown.isascii():
            end = self.column + len(shown)
            rows = max(0, end - 1) // columns
            column = end - rows * columns
        else:
            column, rows = self.column, 0
            for char in shown:
                width = _columns(char)
                if column + width > columns:
                    column, rows = 0, rows + 1
                column += width

        start = 0 if rows else self.column
        moved = self._down(rows)._replace(column=column)
        if moved.up:
            return moved
        if not shown.isspace():
            return moved._replace(end=max(moved.end, column))
        # Progress bars are removed by as many spaces.
        return moved._replace(end=min(moved.end, start) if column >= moved.end else moved.end)

    def _controlled(self, control: str, columns: int) -> Cursor:
        if control == "\n":
            return self._down(1)._replace(column=0)
        if control == "\r":
            return self._replace(column=0)
        if control == "\b":
            return self._replace(column=max(0, min(self.column, columns - 1) - 1))
        if control == "\t":
            return self._replace(column=min(columns - 1, (self.column // _TAB + 1) * _TAB))
        return self

    def _moved(self, command: str, n: int, columns: int) -> Cursor:
        """Where a control sequence moves the cursor; see ECMA-48, 8.3."""
        if command == "A":
            return self._replace(up=self.up + n)
        if command == "B":
            return self._down(n)
        if command == "C":
            return self._replace(column=min(columns - 1, self.column + n))
        if command == "D":
            return self._replace(column=max(0, min(self.column, columns - 1) - n))
        if command == "E":
            return self._down(n)._replace(column=0)
        if command == "F":
            return self._replace(column=0, up=self.up + n)
        if command == "G":
            return self._replace(column=min(columns, n) - 1)
        if command == "K" and not self.up:  # erases the row
            return self._replace(end=0 if n == 2 else min(self.end, self.column))
        if command in "Hf":  # a place of the screen: what is below it counts as empty
            return Cursor()
        return self


def _columns(char: str) -> int:
    """Columns that a character takes."""
    if category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(char) in ("W", "F") else 1
