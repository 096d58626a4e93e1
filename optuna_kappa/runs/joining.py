"""Run tables joined into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from optuna_kappa._typing import Texts
from optuna_kappa.runs.columns import COLUMNS
from optuna_kappa.runs.table import RunTable


def joined(tables: Sequence[RunTable]) -> RunTable:
    """One table of several. Runs of different tables stay apart; missing context becomes ''.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> joined([example_runs(), example_runs(schedule="cosine")]).run[[0, 24]].tolist()
        ['0:0', '1:0']
    """
    if not tables:
        return RunTable.empty()

    columns: dict[str, ArrayLike] = {}
    for name in COLUMNS[1:]:
        parts = [getattr(table, name) for table in tables]
        columns[name] = np.concatenate(parts)

    labels: list[str] = []
    for i, table in enumerate(tables):
        labels += [f"{i}:{run}" for run in table.run]
    columns["run"] = labels

    context = {}
    for name in _context_names(tables):
        parts = [_context_or_blank(table, name) for table in tables]
        context[name] = np.concatenate(parts)
    known: dict[str, Any] = columns
    return RunTable(**known, context=context)


def _context_names(tables: Sequence[RunTable]) -> list[str]:
    """The names of all context columns, each once, in the order in which they come first."""
    names: dict[str, None] = {}
    for table in tables:
        names |= dict.fromkeys(table.context)
    return list(names)


def _context_or_blank(table: RunTable, name: str) -> Texts:
    """A context column; '' in each row if the table has none of this name."""
    blank = np.full(len(table), "", dtype=np.str_)
    return table.context.get(name, blank)
