"""Recorded runs as compressed CSV tables: those of the paper's sweep, and those of the atlas."""

from __future__ import annotations

import os
from pathlib import Path

from optuna_kappa import RunTable

FOLDER = Path(__file__).parent
"""Folder of the tables of the paper's sweep."""

ATLAS = FOLDER / "atlas"
"""Folder of the tables of the atlas."""


def write(table: RunTable, path: Path) -> None:
    """Write a table so that a reader never finds part of one, not even after a kill."""
    part = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        table.to_csv(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
