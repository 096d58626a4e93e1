"""The table of a target: what each sampler found, and how soon it was where TPE ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studies.compare.results import Found

BASELINE = "tpe"
"""The sampler that the others are compared with."""


@dataclass(frozen=True, eq=False)
class Row:
    """The results of a sampler at one target, with one value for each repeat.

    Attributes:
        sampler: Its name.
        budget: Median budget spent, in full-run equivalents.
        loss: Best validation losses.
        lr: Learning rates of the best full runs.
        test_accuracy: Test accuracies of the best full runs.
        to_match: Full-run equivalents until the loss was at most the baseline's final median;
            infinite if it never was. None for the baseline itself, or if the baseline did not
            run.
    """

    sampler: str
    budget: float
    loss: Sequence[float]
    lr: Sequence[float]
    test_accuracy: Sequence[float]
    to_match: Sequence[float] | None


def baseline_loss(searches: dict[str, list[Found]]) -> float | None:
    """Median over repeats of the baseline's final loss, None if the baseline did not run."""
    if BASELINE not in searches:
        return None

    return float(np.median([search.loss for search in searches[BASELINE]]))


def rows(searches: dict[str, list[Found]]) -> list[Row]:
    """Return the table of one target, one row for each sampler."""
    goal = baseline_loss(searches)
    table = []
    for name, repeats in searches.items():
        to_match = None
        if goal is not None and name != BASELINE:
            to_match = [search.trajectory.budget_to(goal) for search in repeats]

        row = Row(
            sampler=name,
            budget=float(np.median([search.spent for search in repeats])),
            loss=[search.loss for search in repeats],
            lr=[search.lr for search in repeats],
            test_accuracy=[search.test_accuracy for search in repeats],
            to_match=to_match,
        )
        table.append(row)

    return table
