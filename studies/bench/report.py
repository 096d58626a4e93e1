"""What a part of the benchmarks found, for programs and for people."""

from __future__ import annotations

from typing import Any, NamedTuple

from rich.console import RenderableType


class Report(NamedTuple):
    """What a part found.

    Attributes:
        data: For JSON.
        shown: Tables and lines, in order.
    """

    data: dict[str, Any]
    shown: list[RenderableType]
