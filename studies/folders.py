"""Check the folders that are named on a command line."""

from __future__ import annotations

import tempfile
from pathlib import Path


def writable(folder: Path, option: str) -> Path:
    """Create the folder if it does not exist, and return it.

    Args:
        folder: Folder that files will be written to.
        option: Command-line option that the error message names, such as "--out".

    Raises:
        ValueError: Files cannot be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ValueError(
            f"cannot write to the folder {folder} ({error.strerror}); choose another {option}"
        ) from error

    return folder
