"""Loss curves in CSV files, gzipped when the name ends in `.gz`: run, step, rate, loss."""

from __future__ import annotations

import csv
import gzip
import zlib
from os import PathLike
from pathlib import Path
from typing import TextIO

import numpy as np

from optuna_kappa.psi.curve import Curve

COLUMNS = ("run", "step", "rate", "loss")


def read_curves(path: str | PathLike[str], warmup: float | None = None) -> dict[str, Curve]:
    r"""Read the curves of all runs of a file, by name of the run.

    Args:
        path: CSV file with the columns run, step, rate and loss; others are ignored.
        warmup: See `Curve`; the same for all runs.

    Raises:
        ValueError: If the file cannot be read, lacks a column or has a value that is not allowed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "curves.csv"
        ...     _ = file.write_text("run,step,rate,loss\na,1,0.1,3\na,2,0.1,2\n")
        ...     read_curves(file)["a"].loss.tolist()
        [3.0, 2.0]
    """
    path = Path(path)
    try:
        with _open(path) as file:
            records = _records(csv.DictReader(file), path)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"cannot read {str(path)!r}: {reason}") from None

    if not records:
        raise ValueError(f"{str(path)!r} has no rows; it must have at least one run")
    curves = {}
    for name, rows in records.items():
        step, rate, loss = np.array(rows).T
        curves[name] = Curve(name, step, rate, loss, warmup)
    return curves


def has_curves(path: str | PathLike[str]) -> bool:
    r"""Whether a file is a table of loss curves, by its columns; False if it cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "curves.csv"
        ...     _ = file.write_text("run,step,rate,loss\na,1,0.1,3\n")
        ...     has_curves(file)
        True
    """
    try:
        with _open(Path(path)) as file:
            names = csv.DictReader(file).fieldnames or ()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error, ValueError):
        return False
    return set(COLUMNS) <= set(names) and "lr" not in names and "horizon" not in names


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _records(
    reader: csv.DictReader[str], path: Path
) -> dict[str, list[tuple[float, float, float]]]:
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise ValueError(
            f"{str(path)!r} has no column {missing[0]!r}; loss curves have the columns "
            f"{', '.join(COLUMNS)}"
        )
    records: dict[str, list[tuple[float, float, float]]] = {}
    for row in reader:
        try:
            values = float(row["step"]), float(row["rate"]), float(row["loss"])
        except (TypeError, ValueError):
            raise ValueError(
                f"{str(path)!r}, line {reader.line_num}: step, rate and loss must be numbers"
            ) from None
        records.setdefault(row["run"], []).append(values)
    return records
