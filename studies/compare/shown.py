"""Shows how far a comparison has come: in place on a terminal, as lines at intervals elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from optuna_kappa.launch.screen import Screen, can_update
from studies.compare.view import View

_OFTEN = 0.5  # seconds between updates in place
_SOMETIMES = 20.0  # seconds between lines


class Shown:
    """A view that is shown."""

    def __init__(self, view: View, console: Console) -> None:
        """Prepare it."""
        self._view = view
        self._console = console
        self._screen = Screen(sys.stdout) if can_update(sys.stdout) else None
        self._next = 0.0

    @contextmanager
    def open(self) -> Iterator[None]:
        """Show the view for as long as it changes, and once more at the end."""
        if self._screen is None:
            try:
                yield
            finally:
                self._print(self._view.line())
            return

        try:
            with self._screen.open():
                yield
        finally:
            for line in self._view.block(self._screen.width):
                self._print(line)

    def refresh(self) -> None:
        """Show the state if it is time to."""
        now = time.monotonic()
        if now < self._next:
            return

        if self._screen is not None:
            self._next = now + _OFTEN
            self._screen.show(self._view.block(self._screen.width))
        else:
            self._next = now + _SOMETIMES
            self._print(self._view.line())

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
