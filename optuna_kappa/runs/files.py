"""Run tables in files: CSV, gzipped when the name ends in `.gz`.

See `optuna_kappa.runs.table` for the columns.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.runs.table import COLUMNS, NUMBERS, RunTable, check_values, missing_column


def read_csv(path: str | PathLike[str]) -> RunTable:
    """Reads a run table, gzipped or plain.

    Raises:
        ValueError: The file cannot be read, is not a CSV table of this format, or holds a value
            that is not allowed; the message names file, line and column.
    """
    try:
        raw = Path(path).read_bytes()
        # A spreadsheet's CSV starts with a byte-order mark, which utf-8-sig drops.
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text))
        rows = [(reader.line_num, row) for row in reader if row]
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"cannot read the run table {path}: {error}") from error
    try:
        return _table(rows)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _table(rows: list[tuple[int, list[str]]]) -> RunTable:
    """The table of a file's rows, each with the line that it ends on."""
    if not rows:
        raise ValueError("the file is empty; the first line must name the columns")
    (first, *lines), (names, *values) = zip(*rows, strict=True)
    header = [name.strip() for name in names]
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise ValueError(f"line {first}: column {twice[0]!r} is named twice")
    if lacking := missing_column(header):
        raise ValueError(f"line {first}: {lacking}")
    if not values:
        raise ValueError("the table has a header but no rows")
    _check_cells(header, values, lines)
    columns: dict[str, Any] = dict(zip(header, zip(*values, strict=True), strict=True))
    for name in NUMBERS:
        columns[name] = _parsed(name, columns[name], lines)
    check_values(columns, lines)
    return RunTable.from_columns(columns)


def _check_cells(
    header: Sequence[str], rows: Sequence[Sequence[str]], lines: Sequence[int]
) -> None:
    """Raises a ValueError if a row has other columns than the header, or no run or schedule."""
    texts = [(name, header.index(name)) for name in COLUMNS if name not in NUMBERS]
    for line, row in zip(lines, rows, strict=True):
        if len(row) < len(header):
            wrong = f"there is none for {header[len(row)]!r}"
        elif len(row) > len(header):
            wrong = f"{row[len(header)]!r} is beyond the last, {header[-1]!r}"
        else:
            empty = [name for name, column in texts if not row[column].strip()]
            if empty:
                raise ValueError(f"line {line}: {empty[0]} must not be empty")
            continue
        raise ValueError(
            f"line {line} has {len(row)} columns, but the header names {len(header)}: {wrong}"
        )


def _parsed(name: str, texts: Sequence[str], lines: Sequence[int]) -> Floats:
    try:
        return np.array(texts, dtype=np.float64)
    except ValueError:
        for line, text in zip(lines, texts, strict=True):
            try:
                float(text)
            except ValueError:
                raise ValueError(
                    f"line {line}: {name} must be a number, but is {text!r}"
                ) from None
        raise


def write_csv(runs: RunTable, path: str | PathLike[str]) -> None:
    """Write a run table, gzipped if the name ends in `.gz`; same table, same bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *runs.context])
    columns = [getattr(runs, name) for name in COLUMNS] + list(runs.context.values())
    numeric = [np.issubdtype(column.dtype, np.floating) for column in columns]
    for row in zip(*columns, strict=True):
        pairs = zip(row, numeric, strict=True)
        writer.writerow([repr(float(v)) if number else v for v, number in pairs])

    data = text.getvalue().encode()
    path = Path(path)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
