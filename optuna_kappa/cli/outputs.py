"""The files that commands write: what was written is said, and an output never replaces an input.

Inputs are the run table, the law and the file of a SQLite database, with those that SQLite keeps
beside it. They are compared as files, so that other spellings and links count as the same. What
else an output must not replace is told by `optuna_kappa._files`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from optuna_kappa._files import check_target
from optuna_kappa.cli.output import print_text
from optuna_kappa.study.storage import database_files

# What each option reads, by its name.
_INPUTS = {"runs": "run table", "law": "law"}


def check_outputs(options: argparse.Namespace) -> None:
    """Check the names of all files that a command is to write, before it reads or writes any.

    Args:
        options: Options of the command.

    Raises:
        ValueError: An output is an input too, two outputs are the same file, or no file may be
            written there.

    Example:
        >>> check_outputs(argparse.Namespace(runs="runs.csv", figure="./runs.csv"))
        Traceback (most recent call last):
        ValueError: --figure ./runs.csv would overwrite the run table runs.csv, which is ...
    """
    taken = _inputs(options)
    for option, what, name in _outputs(options):
        for path, role in taken.items():
            if _is_same_file(name, path):
                raise ValueError(
                    f"--{option} {name} would overwrite the {role}; give another name"
                )
        check_target(name, what)
        taken[name] = f"{what} {name}, which --{option} writes"


def say_what_was_written(options: argparse.Namespace) -> None:
    """Print on the error stream which files a command has written.

    Args:
        options: Options of the command.

    Example:
        >>> say_what_was_written(argparse.Namespace(save="law.json", figure=None))
    """
    for option, what, name in _outputs(options):
        if option != "out":  # the result of its command, which prints it
            print_text(f"wrote the {what} {name}", sys.stderr)


def _outputs(options: argparse.Namespace) -> Iterator[tuple[str, str, str]]:
    """The options that name files to write: each with what it writes, and the name."""
    saved = getattr(options, "saved", "law")
    for option, what in (("save", saved), ("figure", "page"), ("out", "page")):
        name = getattr(options, option, None)
        if name is not None:
            yield option, what, name


def _inputs(options: argparse.Namespace) -> dict[str, str]:
    """What each file that the command reads is, by its name."""
    inputs = {}
    for option, what in _INPUTS.items():
        name = getattr(options, option, None)
        if name:
            inputs[name] = f"{what} {name}, which is read"

    storage = getattr(options, "storage", None)
    for path in database_files(storage) if storage else []:
        inputs[str(path)] = f"database {path}, which is read"
    journal = storage.removeprefix("journal:///") if storage else ""
    if os.path.isfile(journal):
        inputs[journal] = f"journal {journal}, which is read"
    return inputs


def _is_same_file(a: str, b: str) -> bool:
    """Whether two names belong to one file, or would if it existed."""
    try:
        return os.path.samefile(a, b)
    except (OSError, ValueError):
        # One of them does not exist, so that only the names can be compared.
        return bool(a) and _resolved(a) == _resolved(b)


def _resolved(name: str) -> Path | None:
    try:
        return Path(os.path.normcase(os.path.realpath(name)))
    except (OSError, ValueError):
        return None
