"""Run tables in files: CSV, gzipped when the name ends in `.gz`.

See `optuna_kappa.runs.table` for the columns.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optuna_kappa._files import check_path, write_file
from optuna_kappa._validation import check_type, one_line
from optuna_kappa.runs.cells import Column, Place
from optuna_kappa.runs.columns import COLUMNS
from optuna_kappa.runs.mapping import ColumnNames, listed
from optuna_kappa.runs.reading import read_cells
from optuna_kappa.runs.table import RunTable

_GZIP = b"\x1f\x8b"  # every gzipped file starts with these bytes
_MOST_BYTES = 2**30  # decompressed: some ten million rows
_OTHER_SEPARATORS = ";\t|"
_ROWS = 4096  # that are read at a time


def read_csv(
    path: str | PathLike[str],
    *,
    lr: str | None = None,
    horizon: str | float | None = None,
    step: str | None = None,
    loss: str | None = None,
    run: str | None = None,
    schedule: str | None = None,
    context: Sequence[str] | None = None,
) -> RunTable:
    r"""Read a run table, gzipped or plain.

    An empty loss is read as NaN. Columns without a name, as that of the row numbers of some
    programs, are not read. Where columns have other names, or some are missing, the file is read
    as `RunTable.from_dataframe` reads a data frame.

    Args:
        path: Name of the file.
        lr: Column of the learning rate; by default "lr", or another usual name.
        horizon: Column of the planned horizon, or the horizon of all runs as a number.
        step: Column of the data seen.
        loss: Column of the loss.
        run: Column that tells runs apart.
        schedule: Column of the schedule's name, or the schedule of all runs.
        context: Columns to keep as context; by default all that do not change within a run.

    Raises:
        ValueError: If the file cannot be read, is not a CSV table, lacks a column, or holds a
            value that is not allowed. The message names file, line and column.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "runs.csv")
        ...     n = path.write_text("run,lr,schedule,horizon,step,loss\na,0.1,constant,10,10,1.5")
        ...     read_csv(path).loss.tolist()
        [1.5]
    """
    names = ColumnNames(run, lr, schedule, horizon, step, loss, context)
    cells, lines = csv_cells(path)
    try:
        return read_cells(cells, names, Place("line", lines))
    except ValueError as error:
        raise ValueError(f"{one_line(check_path('path', path))}: {error}") from error


def csv_cells(path: str | PathLike[str]) -> tuple[dict[str, Column], Sequence[int]]:
    r"""The columns of a CSV file as texts by name, and the line of each row.

    Raises:
        ValueError: If the file cannot be read, or is not a CSV table.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "metrics.csv")
        ...     n = path.write_text("step,loss\n1,0.5\n2,")
        ...     csv_cells(path)
        ({'step': ['1', '2'], 'loss': ['0.5', '']}, [2, 3])
    """
    path = check_path("path", path)
    try:
        data = _content(path)
        # Spreadsheets start a CSV with a byte-order mark, which utf-8-sig drops.
        is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeError as error:
        raise ValueError(
            f"cannot read the run table {one_line(path)}: {error}; save it as UTF-8"
        ) from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        problem = one_line(str(error))
        raise ValueError(f"cannot read the run table {one_line(path)}: {problem}") from error

    try:
        return _columns(text)
    except csv.Error as error:
        problem = one_line(str(error))
        raise ValueError(f"cannot read the run table {one_line(path)}: {problem}") from error
    except ValueError as error:
        raise ValueError(f"{one_line(path)}: {error}") from error


def _content(path: str) -> bytes:
    """The bytes of a file, decompressed.

    Raises:
        ValueError: There are more of them than a run table can have, as in a device.
    """
    with open(path, "rb") as file:
        is_gzip = file.read(2) == _GZIP
    with gzip.open(path) if is_gzip else open(path, "rb") as file:
        data = file.read(_MOST_BYTES + 1)

    if len(data) > _MOST_BYTES:
        raise ValueError(f"it holds more than {_MOST_BYTES:,} bytes; leave out what is not needed")
    return data


def write_csv(runs: RunTable, path: str | PathLike[str]) -> None:
    """Write a run table, gzipped if the name ends in `.gz`.

    The same table gives the same bytes.

    Raises:
        ValueError: The file cannot be written.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from optuna_kappa.runs import example_runs
        >>> with TemporaryDirectory() as folder:
        ...     write_csv(example_runs(), Path(folder, "runs.csv.gz"))
        ...     len(read_csv(Path(folder, "runs.csv.gz")))
        24
    """
    path = Path(check_path("path", path))
    check_type("runs", runs, RunTable, "read_csv and run_table make one")
    header = [*COLUMNS]
    for name in runs.context:
        # The parameter of a study may have the name of a column.
        header.append(name if name not in header else f"{name} (parameter)")
    columns = [getattr(runs, name) for name in COLUMNS]
    columns += runs.context.values()

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    texts = [_texts(column) for column in columns]
    writer.writerows(zip(*texts, strict=True))

    # What is no character, in the name of something, has no encoding.
    data = text.getvalue().encode(errors="backslashreplace")
    if path.suffix == ".gz":
        # Without mtime=0 the bytes would depend on the clock.
        data = gzip.compress(data, mtime=0)
    write_file(path, data, "run table")


def _texts(column: NDArray[Any]) -> list[str]:
    """The values of a column as they are written; a float reads back as the same float."""
    values: list[Any] = column.tolist()
    if np.issubdtype(column.dtype, np.floating):
        return [repr(value) for value in values]
    return values


def _columns(text: str) -> tuple[dict[str, Column], list[int]]:
    """The columns of the rows of a file, and the line that each row ends on."""
    reader = csv.reader(io.StringIO(text, newline=None))
    rows = ((reader.line_num, row) for row in reader if row)
    header_line, names = next(rows, (0, []))
    if not names:
        raise ValueError("the file is empty; the first line must name the columns")

    header = [name.strip() for name in names]
    _check_header(header, header_line)

    # A few rows at a time: with a list for each row of a large file, Python spends half of the
    # time on its garbage collection.
    cells: list[list[str]] = [[] for _ in header]
    lines: list[int] = []
    while part := list(islice(rows, _ROWS)):
        part_lines = [line for line, _ in part]
        part_rows = [row for _, row in part]
        _check_lengths(header, part_rows, part_lines)
        lines += part_lines
        for column, texts in zip(cells, zip(*part_rows, strict=True), strict=True):
            column += texts

    if not lines:
        raise ValueError(f"the table has a header but no rows; its columns are {listed(header)}")
    return {name: column for name, column in zip(header, cells, strict=True) if name}, lines


def _check_header(header: Sequence[str], line: int) -> None:
    """Raise a ValueError if a column is named twice, or columns are separated by other marks."""
    for name in header:
        if name and header.count(name) > 1:
            raise ValueError(f"line {line}: column {name!r} is named twice")

    if len(header) == 1 and any(mark in header[0] for mark in _OTHER_SEPARATORS):
        raise ValueError(
            f"line {line}: there is one column, {header[0]!r}; separate the columns by commas"
        )


def _check_lengths(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    lines: Sequence[int],
) -> None:
    """Raise a ValueError if a row has more or fewer cells than the header."""
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(header):
            raise ValueError(
                f"line {line} has {len(row)} columns, but the header names {len(header)}: "
                f"{_difference(header, row)}"
            )


def _difference(header: Sequence[str], row: Sequence[str]) -> str:
    """Which cell a row lacks, or has too many."""
    if len(row) < len(header):
        return f"there is none for {header[len(row)]!r}"
    return f"{row[len(header)]!r} is beyond the last, {header[-1]!r}"
