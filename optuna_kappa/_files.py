"""How files are written: whole or not at all, and never in place of something else.

A file is written beside its target and then renamed, so that readers see the old content or the
new one, never a part. Renaming would replace whatever bears the name, so a target that is no plain
file (a folder, a device, a pipe, a symbolic link) is refused, and so is a file that is
write-protected. A file that exists keeps its permissions.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from os import PathLike
from pathlib import Path

from optuna_kappa._validation import one_line, shown

_ANY_WRITES = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_GROUP = stat.S_IRWXG
_HINT = "give the name of a file in a folder that exists and can be written"


def write_file(path: str | PathLike[str], content: bytes, what: str) -> None:
    """Write a file, or replace its content.

    Args:
        path: Name of the file.
        content: What it is to hold.
        what: What it is, for the error message, such as "page".

    Raises:
        ValueError: The file cannot be written, or the name belongs to something else.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_file(f"{folder}/law.json", b"{}", "law")
        ...     Path(f"{folder}/law.json").read_text()
        '{}'
    """
    target = check_target(path, what)

    # Renaming replaces a file in one step, but only within a folder. With a random name, two
    # programs that write the file at the same time do not mix their parts.
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        _write_new(part, content, like=_status(target))
        part.replace(target)
    except OSError as error:
        raise ValueError(_message(target, what, f"{error.strerror}; {_HINT}")) from error
    finally:
        with suppress(OSError):  # after a success, the part is gone already
            part.unlink()


def check_target(path: str | PathLike[str], what: str) -> Path:
    """Return the path of a file that is to be written.

    Args:
        path: Name of the file.
        what: What it is to hold, for the error message.

    Raises:
        ValueError: The name is empty, or belongs to something that must not be replaced, or no
            file can be made there.

    Example:
        >>> check_target("/dev/null", "page")
        Traceback (most recent call last):
        ValueError: cannot write the page /dev/null: it is a device or a pipe; give the name of ...
    """
    name = os.fspath(path) if isinstance(path, (str, PathLike)) else None
    if not isinstance(name, str):
        raise ValueError(
            f"the name of the {what} must be a text or a path, got {shown(path)}: {_HINT}."
        )

    problem = _problem(name)
    if problem:
        raise ValueError(_message(name, what, problem))
    return Path(name)


def check_path(name: str, value: object) -> str:
    """Return the name of a file as text.

    Args:
        name: Name of the parameter, as the caller writes it.
        value: Value that the caller passed: a text or a path.

    Raises:
        ValueError: If it is something else, or empty.

    Example:
        >>> check_path("path", "runs.csv")
        'runs.csv'
    """
    if isinstance(value, (str, os.PathLike)):
        path = os.fspath(value)
        if isinstance(path, str) and path.strip() and "\0" not in path:
            return path

    raise ValueError(f"{name} must be a text or a path, got {shown(value)}: it names a file.")


def _problem(name: str) -> str:
    """Why no file of this name may be written, and what to do; '' if it may."""
    if not name.strip():
        return f"its name is empty; {_HINT}"
    if name == "-":
        return "it cannot go to the output, where the results are printed; give the name of a file"
    if name.endswith(("/", os.sep)):
        return f"it is the name of a folder; {_HINT}"

    try:
        folder = os.stat(os.path.dirname(name) or os.curdir)
        status = _status(name)
    except OSError as error:
        return f"{error.strerror}; {_HINT}"
    except ValueError as error:  # a name with a null character
        return f"{error}; {_HINT}"

    if not stat.S_ISDIR(folder.st_mode):
        return f"{os.path.dirname(name)} is no folder; {_HINT}"
    return "" if status is None else _problem_of_existing(name, status)


def _problem_of_existing(name: str, status: os.stat_result) -> str:
    """Why the file, link, folder or device that exists may not be replaced; '' if it may."""
    mode = status.st_mode
    if stat.S_ISLNK(mode):
        return f"it is a symbolic link to {os.path.realpath(name)}; give that name, or another one"
    if stat.S_ISDIR(mode):
        return f"it is a folder; {_HINT}"
    if not stat.S_ISREG(mode):
        return f"it is a device or a pipe; {_HINT}"

    # To the superuser, every file seems writable.
    if not mode & _ANY_WRITES or not os.access(name, os.W_OK):
        return "it is write-protected; give another name, or allow to write it"
    return ""


def _status(path: str | Path) -> os.stat_result | None:
    """Status of what bears a name, links not followed; None if nothing does."""
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _write_new(path: Path, content: bytes, like: os.stat_result | None) -> None:
    """Write a file that does not exist yet, with the owner and the permissions of another."""
    # Until the permissions are set, nobody else may read what the old file kept to itself.
    mode = 0o666 if like is None else stat.S_IRUSR | stat.S_IWUSR
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)

    if like is not None:
        os.chmod(path, _permissions(path, like))


def _permissions(path: Path, like: os.stat_result) -> int:
    """Give a file the owner and the group of another, and return the permissions it may have."""
    permissions = stat.S_IMODE(like.st_mode)
    created = os.stat(path)
    if (created.st_uid, created.st_gid) == (like.st_uid, like.st_gid):
        return permissions

    try:
        os.chown(path, like.st_uid, like.st_gid)
    except OSError:
        # What one group was allowed is not meant for another.
        return permissions & ~_GROUP
    return permissions


def _message(path: str | Path, what: str, problem: str) -> str:
    # A name of spaces only would not be seen.
    name = one_line(str(path)) if str(path).strip() else repr(path)
    return f"cannot write the {what} {name}: {problem}"
