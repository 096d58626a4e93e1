"""Results of a part of the benchmarks, for programs and for people."""

from __future__ import annotations

from typing import Any, NamedTuple

from rich.console import RenderableType


class Report(NamedTuple):
    """Results of a part.

    Attributes:
        data: Results for JSON.
        shown: Tables and lines to print, in order.
    """

    data: dict[str, Any]
    shown: list[RenderableType]
