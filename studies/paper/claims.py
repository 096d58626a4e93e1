"""What a checked claim is, and the optima that all of them rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studies.charts import Chart
from studies.paper.curves import Archive
from studies.paper.estimate import Estimate
from studies.paper.optima import optimum
from studies.paper.verdicts import Verdict

OPTIMIZERS = {"adam": "Adam", "sgd": "SGD"}


@dataclass(frozen=True)
class Item:
    """A claim of the paper, checked.

    Attributes:
        key: "figure-5", "table-1": also the name of its figure's file.
        title: What it is about.
        paper: What the paper says, with its number.
        ours: Our number with its interval.
        verdict: What is found of the claim.
        reading: What is seen, in a sentence or two.
        limits: What limits it.
        chart: Its figure.
        details: Lines of Markdown, a table mostly.
        label: Name, where the key is none.
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
        """What the page calls it: its label, or its key as in "Figure 5"."""
        return self.label or self.key.replace("-", " ").capitalize()


def best(archive: Archive, table: str, n_epochs: float) -> Estimate:
    """Logarithm of the best learning rate after this many of the paper's epochs."""
    curves = archive.curves(table)
    return optimum(curves, round(n_epochs * curves.epoch))


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """A Markdown table."""
    rule = ["---"] * len(header)
    return tuple("| " + " | ".join(row) + " |" for row in (header, rule, *rows))
