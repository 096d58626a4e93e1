"""Parquet files, read by PyArrow."""

from __future__ import annotations

from optuna_kappa._validation import one_line
from optuna_kappa.imports.libraries import required
from optuna_kappa.runs.cells import Cells
from optuna_kappa.runs.frames import frame_cells

_MAGIC = b"PAR1"  # every Parquet file starts with these bytes


def is_parquet(path: str) -> bool:
    """Whether a file is a Parquet file, by its content or, if it cannot be read, by its name.

    Example:
        >>> is_parquet("no-such-file.csv"), is_parquet("no-such-file.parquet")
        (False, True)
    """
    try:
        with open(path, "rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except (OSError, ValueError):
        return path.endswith(".parquet")


def parquet_cells(path: str) -> Cells:
    """The columns of a Parquet file.

    Raises:
        ValueError: If it cannot be read, or PyArrow is not installed.

    Example:
        >>> parquet_cells("no-such-file.parquet")
        Traceback (most recent call last):
        ValueError: ...
    """
    with required("pyarrow", "parquet", "Parquet files"):
        import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(path).read()
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise ValueError(
            f"cannot read the run table {one_line(path)}: {one_line(str(error))}"
        ) from error
    return frame_cells(table)
