"""A claim of the paper, and what our runs say about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studies.charts import Chart
from studies.paper.verdicts import Verdict

OPTIMIZERS = {"adam": "Adam", "sgd": "SGD"}
"""The paper's optimizers: their names in tables of runs, and in texts."""


@dataclass(frozen=True)
class Item:
    """A checked claim.

    Attributes:
        key: "figure-5", "table-1"; also the name of the figure's file.
        title: What the claim is about.
        paper: What the paper says, with its number.
        ours: Our number with its interval.
        verdict: Whether the claim holds.
        reading: What our runs show, in a few sentences.
        limits: What limits our result.
        chart: The figure, if there is one.
        details: Lines of Markdown, usually a table.
        label: Name on the page, where the key does not give one.
    """

    key: str
    title: str
    paper: str
    ours: str
    verdict: Verdict
    reading: str
    limits: str
    chart: Chart | None = None
    details: tuple[str, ...] = ()
    label: str = ""

    @property
    def name(self) -> str:
        """Name on the page: the label, or else the key as in "Figure 5"."""
        if self.label:
            return self.label

        return self.key.replace("-", " ").capitalize()


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the lines of a Markdown table."""
    rule = ["---"] * len(header)
    return tuple("| " + " | ".join(row) + " |" for row in (header, rule, *rows))
