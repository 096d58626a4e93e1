"""Which reader a name of a file belongs to."""

from __future__ import annotations

from os import PathLike

from optuna_kappa._files import check_path
from optuna_kappa._validation import one_line
from optuna_kappa.imports.parquet import is_parquet, parquet_cells
from optuna_kappa.imports.wandb import is_chart, of_chart
from optuna_kappa.runs import RunTable
from optuna_kappa.runs.cells import Place
from optuna_kappa.runs.files import csv_cells
from optuna_kappa.runs.mapping import ColumnNames
from optuna_kappa.runs.reading import read_cells


def read_source(source: str | PathLike[str], names: ColumnNames | None = None) -> RunTable:
    r"""Read runs from what a tool recorded.

    Args:
        source: Name of a CSV file (also gzipped) or of a Parquet file.
        names: Which column or metric holds what.

    Raises:
        ValueError: If it cannot be read, a column is missing, or a value is not allowed.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "runs.csv")
        ...     n = path.write_text("run,lr,schedule,horizon,step,loss\na,0.1,constant,10,10,1.5")
        ...     read_source(path).loss.tolist()
        [1.5]
    """
    names = ColumnNames() if names is None else names
    path = check_path("source", source)
    if is_parquet(path):
        cells, place = parquet_cells(path), Place("row")
    else:
        cells, lines = csv_cells(path)
        place = Place("line", lines)

    try:
        if is_chart(list(cells)):
            cells, place = of_chart(cells, names, place)
            names = ColumnNames(horizon=names.horizon, schedule=names.schedule)
        return read_cells(cells, names, place)
    except ValueError as error:
        raise ValueError(f"{one_line(path)}: {error}") from error
