"""Format tables and percentages for the Markdown pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def as_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table. All columns but the first are aligned to the right."""
    yield f"| {' | '.join(heads)} |"
    yield f"|---|{'---:|' * (len(heads) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def ends(interval: Sequence[float | None]) -> str:
    """Format an interval of fractions in %."""
    return " to ".join(map(percent, interval))


def percent(value: float | None) -> str:
    """Format a fraction in %, with two digits; None becomes a dash."""
    if value is None:
        return "-"

    return f"{100 * value:.2g}" if value < 0.1 else f"{100 * value:.0f}"
