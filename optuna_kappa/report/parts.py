"""The parts of a page: sections, with texts, figures and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optuna_kappa._validation import check_items, check_type

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Cell = str | float | int
"""A cell of a table. Texts are shown as they are, floats with four digits, NaN as a dash."""


@dataclass(frozen=True)
class Table:
    """A table. Columns of numbers are aligned to the right, and readers can sort it by any column.

    Attributes:
        header: Names of the columns.
        rows: Cells of each row, one for each column.

    Raises:
        ValueError: A row has too few or too many cells.

    Example:
        >>> Table(("horizon", "lr"), [(1, 0.01), (64, 0.0002)]).rows[1]
        (64, 0.0002)
    """

    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def __post_init__(self) -> None:
        n_columns = len(check_items("header", self.header, str, "it names the columns"))
        rows: list[Sequence[Cell]] = check_items("rows", self.rows, Sequence, "each has cells")
        for i, row in enumerate(rows):
            if len(row) != n_columns:
                raise ValueError(
                    f"row {i} has {len(row)} cells, but the table has {n_columns} columns"
                )


@dataclass(frozen=True)
class Section:
    """A part of a page: texts, then figures, then tables.

    Attributes:
        title: Heading.
        text: Paragraphs.
        figures: Plotly figures.
        tables: Tables.

    Example:
        >>> Section("Probes", ["Six short runs."]).title
        'Probes'
    """

    title: str
    text: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()

    def __post_init__(self) -> None:
        check_type("title", self.title, str, "it is the heading of the section")
        check_items("text", self.text, str, "each is a paragraph")
        check_items("figures", self.figures, object, "each is a figure")
        check_items("tables", self.tables, Table, "each is a table")
