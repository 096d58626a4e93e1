"""Folders named on a command line."""

from __future__ import annotations

import tempfile
from pathlib import Path


def writable(folder: Path, option: str) -> Path:
    """The folder, made if need be.

    Args:
        folder: Where files are to be written.
        option: What to change where that cannot be, such as "--out".

    Raises:
        ValueError: Nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ValueError(
            f"cannot write to the folder {folder} ({error.strerror}); choose another {option}"
        ) from error
    return folder
