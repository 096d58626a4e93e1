"""Which rows of a history belong to one run, and the first and last values of each run."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np

from optuna_kappa._typing import Bools, Floats, Rows, Texts
from optuna_kappa.runs.cells import Cells, texts
from optuna_kappa.runs.mapping import ColumnNames

_logger = logging.getLogger(__name__)


def runs_of(
    cells: Cells,
    chosen: Mapping[str, str],
    names: ColumnNames,
    taken: Mapping[str, Floats],
) -> tuple[Texts, Rows]:
    """The labels of the runs, and which run each row belongs to.

    Without a column that tells runs apart, rows with the same learning rate, schedule, horizon and
    context columns are one run, and a new one begins where the step starts over.

    Args:
        cells: Columns of the history by name.
        chosen: Names of columns by what they hold.
        names: Which columns the caller named.
        taken: The columns `lr` and `step`.

    Returns:
        Labels, shape `(r,)`, in the order in which the runs come first, and codes, shape `(n,)`,
        -1 for rows without a run.

    Raises:
        ValueError: If there is no such column, and the steps do not tell where runs begin.

    Example:
        >>> cells = {"run": ["b", "a", "b", ""]}
        >>> labels, code = runs_of(cells, {"run": "run"}, ColumnNames(), {})
        >>> labels.tolist(), code.tolist()
        (['b', 'a'], [0, 1, 0, -1])
    """
    if "run" in chosen:
        labels, code = _coded(texts(cells[chosen["run"]]).tolist())
        return labels, code

    code = _without_labels(cells, chosen, names, taken)
    n_runs = int(code.max(initial=-1)) + 1
    _logger.warning(
        "no column tells runs apart: rows with the same lr are one run until the step starts "
        "over, %d runs",
        n_runs,
    )
    return np.arange(n_runs).astype(np.str_), code


def _coded(values: list[str]) -> tuple[Texts, Rows]:
    """Distinct texts in the order in which they come first, and the index of each; -1 for ''."""
    index: dict[str, int] = {}
    codes = [index.setdefault(value, len(index)) if value else -1 for value in values]
    return np.array(list(index), dtype=np.str_), np.array(codes, dtype=np.intp)


def _without_labels(
    cells: Cells,
    chosen: Mapping[str, str],
    names: ColumnNames,
    taken: Mapping[str, Floats],
) -> Rows:
    """Which run each row belongs to, by what the rows of a run have in common."""
    keys = [np.unique(taken["lr"], return_inverse=True)[1]]
    for column in [chosen.get("schedule"), chosen.get("horizon"), *(names.context or ())]:
        if column is not None:
            keys.append(_coded(texts(cells[column]).tolist())[1])
    _, group = np.unique(np.stack(keys), axis=1, return_inverse=True)

    # Rows of a group in the order of the table.
    order = np.argsort(group, kind="stable")
    group, step = group[order], taken["step"][order]
    is_new_group = np.ones(len(order), dtype=np.bool_)
    is_new_group[1:] = group[1:] != group[:-1]
    starts_over = np.zeros(len(order), dtype=np.bool_)
    starts_over[1:] = step[1:] <= step[:-1]
    begins = is_new_group | starts_over
    _check_beginnings(group, step, begins)

    code = np.empty(len(order), dtype=np.intp)
    code[order] = np.cumsum(begins) - 1
    return code


def _check_beginnings(group: Rows, step: Floats, begins: Bools) -> None:
    """Raise a ValueError if runs that seem to begin do so later than others of their group.

    The rows of several runs are then mixed, such as in a table ordered by step, or a run was
    resumed.
    """
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    ends = np.append(starts[1:], len(group))
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        firsts = step[start:end][begins[start:end]]
        n_rows = end - start
        if len(firsts) > 1 and len(firsts) < n_rows and firsts.max() > 2 * firsts.min():
            raise ValueError(
                "no column tells runs apart, and rows of several runs with the same lr are mixed: "
                "say which column has the runs by run (--run on the command line)"
            )


def first_of(is_given: Bools, starts: Rows) -> Rows:
    """The first row of each part at which `is_given`; the first row of the part if there is none.

    Args:
        is_given: Shape `(n,)`.
        starts: First row of each part, ascending from 0; no part is empty.

    Example:
        >>> first_of(np.array([False, True, True, False]), np.array([0, 3])).tolist()
        [1, 3]
    """
    n = len(is_given)
    if not n:
        return np.zeros(0, dtype=np.intp)
    rows = np.where(is_given, np.arange(n), n)
    first: Rows = np.minimum.reduceat(rows, starts)
    return np.where(first < n, first, starts)


def last_of(is_given: Bools, starts: Rows) -> Rows:
    """The last row of each part at which `is_given`; the first row of the part if there is none.

    Example:
        >>> last_of(np.array([False, True, True, False]), np.array([0, 3])).tolist()
        [2, 3]
    """
    if not len(is_given):
        return np.zeros(0, dtype=np.intp)
    rows = np.where(is_given, np.arange(len(is_given)), -1)
    last: Rows = np.maximum.reduceat(rows, starts)
    return np.where(last >= 0, last, starts)
