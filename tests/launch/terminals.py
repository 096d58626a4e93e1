"""A terminal that keeps what is written to it: enough of one to see what a user would."""

from __future__ import annotations

import re
from unicodedata import category, east_asian_width

_TOKEN = re.compile(r"\x1b\[(\d*)([A-Za-z])|(.)", re.DOTALL)


class Terminal:
    """Rows of cells, without an end below; the second cell of a wide character is empty."""

    def __init__(self, columns: int = 80) -> None:
        self.columns = columns
        self.rows: list[list[str]] = [[]]
        self.row = self.column = 0

    def feed(self, text: str) -> None:
        for number, command, char in _TOKEN.findall(text):
            if command:
                self._move(command, max(1, int(number or 1)))
            elif char == "\n":  # as the driver of a terminal translates it
                self._go(self.row + 1, 0)
            elif char == "\r":
                self.column = 0
            else:
                assert char >= " ", f"unexpected {char!r}"
                self._show(char)

    @property
    def lines(self) -> list[str]:
        lines = ["".join(row).rstrip() for row in self.rows]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def _move(self, command: str, n: int) -> None:
        if command == "A":
            self.row = max(0, self.row - n)
        elif command == "B":
            self._go(self.row + n, self.column)
        elif command == "G":
            self.column = n - 1
        elif command == "J":
            del self.rows[self.row + 1 :]
            del self.rows[self.row][self.column :]
        else:
            assert command == "m", f"unexpected {command}"

    def _go(self, row: int, column: int) -> None:
        self.row, self.column = row, column
        self.rows += [[] for _ in range(row + 1 - len(self.rows))]

    def _show(self, char: str) -> None:
        if category(char) == "Mn":
            return
        width = 2 if east_asian_width(char) in "WF" else 1
        if self.column + width > self.columns:
            self._go(self.row + 1, 0)
        row = self.rows[self.row]
        row += [" "] * (self.column + width - len(row))
        row[self.column : self.column + width] = [char, ""][:width]
        self.column += width
