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
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optuna_kappa._files import check_path, write_file
from optuna_kappa._typing import Floats
from optuna_kappa._validation import check_type, one_line
from optuna_kappa.runs.columns import COLUMNS, NUMBERS, TEXTS, check_values, missing_column
from optuna_kappa.runs.table import RunTable

_GZIP = b"\x1f\x8b"  # every gzipped file starts with these bytes
_MOST_BYTES = 2**30  # decompressed: some ten million rows
_MISSING = "nan"  # what an empty cell is read as


def read_csv(path: str | PathLike[str]) -> RunTable:
    r"""Read a run table, gzipped or plain.

    An empty loss is read as NaN. Columns without a name, as that of the row numbers of some
    programs, are not read.

    Raises:
        ValueError: If the file cannot be read, is not a CSV table of this format, or holds a value
            that is not allowed. The message names file, line and column.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "runs.csv")
        ...     n = path.write_text("run,lr,schedule,horizon,step,loss\na,0.1,constant,10,10,1.5")
        ...     read_csv(path).loss.tolist()
        [1.5]
    """
    path = check_path("path", path)
    try:
        data = _content(path)
        # Spreadsheets start a CSV with a byte-order mark, which utf-8-sig drops.
        is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = data.decode("utf-16" if is_utf16 else "utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=None))
        rows = [(reader.line_num, row) for row in reader if row]
    except UnicodeError as error:
        raise ValueError(
            f"cannot read the run table {one_line(path)}: {error}; save it as UTF-8"
        ) from error
    except (OSError, EOFError, ValueError, zlib.error, csv.Error) as error:
        problem = one_line(str(error))
        raise ValueError(f"cannot read the run table {one_line(path)}: {problem}") from error

    try:
        return _table(rows)
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


def _table(rows: list[tuple[int, list[str]]]) -> RunTable:
    """The table of the rows of a file, each with the line that it ends on."""
    if not rows:
        raise ValueError("the file is empty; the first line must name the columns")

    header_line, names = rows[0]
    header = [name.strip() for name in names]
    _check_header(header, header_line)

    if len(rows) == 1:
        raise ValueError("the table has a header but no rows")
    lines = [line for line, _ in rows[1:]]
    cells = [row for _, row in rows[1:]]
    _check_cells(header, cells, lines)

    columns: dict[str, Any] = {}
    for name, texts in zip(header, zip(*cells, strict=True), strict=True):
        if name:
            columns[name] = texts
    # A row without a loss is one with a gap, as trackers export them.
    columns["loss"] = [text if text.strip() else _MISSING for text in columns["loss"]]
    for name in NUMBERS:
        columns[name] = _numbers(name, columns[name], lines)

    # RunTable checks the values again, but only here it is known which line a row is on.
    check_values(columns, lines)
    return RunTable.from_columns(columns)


def _check_header(header: Sequence[str], line: int) -> None:
    """Raise a ValueError if a column is named twice or missing."""
    for name in header:
        if name and header.count(name) > 1:
            raise ValueError(f"line {line}: column {name!r} is named twice")

    if problem := missing_column(header):
        separators = [mark for mark in ";\t|" if len(header) == 1 and mark in header[0]]
        hint = "; separate the columns by commas" if separators else ""
        raise ValueError(f"line {line}: {problem}{hint}")


def _check_cells(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    lines: Sequence[int],
) -> None:
    """Raise a ValueError if a row has more or fewer cells than the header, or an empty text."""
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(header):
            raise ValueError(
                f"line {line} has {len(row)} columns, but the header names {len(header)}: "
                f"{_difference(header, row)}"
            )
        for name in TEXTS:
            if not row[header.index(name)].strip():
                raise ValueError(f"line {line}: {name} must not be empty")


def _difference(header: Sequence[str], row: Sequence[str]) -> str:
    """Which cell a row lacks, or has too many."""
    if len(row) < len(header):
        return f"there is none for {header[len(row)]!r}"
    return f"{row[len(header)]!r} is beyond the last, {header[-1]!r}"


def _numbers(name: str, texts: Sequence[str], lines: Sequence[int]) -> Floats:
    try:
        return np.array(texts, dtype=np.float64)
    except ValueError:
        _check_numbers(name, texts, lines)
        raise


def _check_numbers(name: str, texts: Sequence[str], lines: Sequence[int]) -> None:
    """Raise a ValueError that names the first text that is no number."""
    for line, text in zip(lines, texts, strict=True):
        try:
            float(text)
        except ValueError:
            raise ValueError(f"line {line}: {name} must be a number, but is {text!r}") from None
