"""Which reader a name of a file belongs to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from os import PathLike

from optuna_kappa._files import check_path
from optuna_kappa._validation import one_line
from optuna_kappa.imports.databases import is_optuna
from optuna_kappa.imports.log_folders import folder_runs, run_folders
from optuna_kappa.imports.logged import LoggedRun, cells_of
from optuna_kappa.imports.mlflow import mlflow_runs, tracking_uri
from optuna_kappa.imports.parquet import is_parquet, parquet_cells
from optuna_kappa.imports.wandb import is_chart, of_chart
from optuna_kappa.runs import RunTable
from optuna_kappa.runs.cells import Cells, Place
from optuna_kappa.runs.files import csv_cells
from optuna_kappa.runs.mapping import ColumnNames
from optuna_kappa.runs.reading import read_cells


def read_source(
    source: str | PathLike[str],
    names: ColumnNames | None = None,
    where: Mapping[str, str] | None = None,
) -> RunTable:
    r"""Read runs from what a tool recorded.

    Args:
        source: Name of a CSV file (also gzipped), of a Parquet file, of a folder of logs of
            TensorBoard or Lightning, or an MLflow store: a folder, a database or the URL of a
            server.
        names: Which column, parameter or metric holds what.
        where: Values by column that are asked for. Readers may leave out other runs, and need
            not.

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
    logs = _logs(path, where or {})
    if logs is None:
        cells, place = _cells(path)
    try:
        if logs is not None:
            cells, names = cells_of(logs, names)
            return read_cells(cells, names, Place("value"))
        if is_chart(list(cells)):
            cells, place = of_chart(cells, names, place)
            names = ColumnNames(horizon=names.horizon, schedule=names.schedule)
        return read_cells(cells, names, place)
    except ValueError as error:
        raise ValueError(f"{one_line(path)}: {error}") from error


def _cells(path: str) -> tuple[Cells, Place]:
    """The columns of a table, and where its rows are."""
    if is_parquet(path):
        return parquet_cells(path), Place("row")
    cells, lines = csv_cells(path)
    return cells, Place("line", lines)


def _logs(path: str, where: Mapping[str, str]) -> list[LoggedRun] | None:
    """The runs of a tracker; None if there is a table.

    Raises:
        ValueError: They cannot be read, or there is neither.
    """
    uri = tracking_uri(path)
    if uri is not None:
        return mlflow_runs(uri, where)

    folders = run_folders(path)
    if folders:
        return folder_runs(path, folders)
    if os.path.isdir(path):
        raise ValueError(
            f"there are no runs in the folder {one_line(path)}: neither an MLflow store, nor "
            "event files of TensorBoard, nor metrics.csv of Lightning"
        )
    if is_optuna(path):
        raise ValueError(f"{one_line(path)} is a storage of Optuna; give it by --storage")
    return None
