"""Shows how far a comparison has come: in place on a terminal, as lines at intervals elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from studies.compare.view import View

_OFTEN = 0.5  # seconds between updates in place
_SOMETIMES = 20.0  # seconds between lines


class Shown:
    """A view that is shown."""

    def __init__(self, view: View, console: Console) -> None:
        """Prepare it."""
        self._view = view
        self._console = console
        self._live: Live | None = None
        if console.is_terminal and not console.is_dumb_terminal:
            self._live = Live(console=console, auto_refresh=False)
        self._next = 0.0

    def __enter__(self) -> Shown:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._next = 0.0
        self.refresh()
        if self._live:
            self._live.stop()

    def refresh(self) -> None:
        """Show the state if it is time to."""
        now = time.monotonic()
        if now < self._next:
            return

        self._next = now + (_OFTEN if self._live else _SOMETIMES)
        if self._live:
            block = "\n".join(self._view.block(self._console.width))
            self._live.update(Text(block, no_wrap=True), refresh=True)
        else:
            self._console.print(self._view.line(), markup=False, highlight=False, soft_wrap=True)
