"""The objective of a study, found by a name such as `train.py:objective`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from optuna.trial import Trial

Objective = Callable[[Trial], Any]

_FORM = "write path/to/file.py:objective or package.module:objective"


def load_objective(name: str) -> Objective:
    """Load the function that a name stands for.

    Args:
        name: `path/to/file.py:function`, or `package.module:function`; modules are looked for in
            the current folder, too.

    Raises:
        ValueError: There is no such file, module or function, or it cannot be imported.

    Example:
        >>> load_objective("math:cos")(0.0)
        1.0
        >>> load_objective("train.py")
        Traceback (most recent call last):
        ValueError: the objective must have a file or module and a function, got 'train.py'; ...
    """
    place, colon, function = name.rpartition(":")
    if not colon or not place or not function:
        raise ValueError(
            f"the objective must have a file or module and a function, got {name!r}; {_FORM}"
        )

    module = _import(place)
    objective = getattr(module, function, None)
    if callable(objective):
        return objective  # type: ignore[no-any-return]

    own = [one for one, value in vars(module).items() if _is_own(value, module)]
    listed = f"it has {', '.join(sorted(own))}" if own else "it has no functions"
    raise ValueError(f"there is no function {function!r} in {place}: {listed}")


def study_name_for(name: str, horizon: int, schedule: str) -> str:
    """The name of a study that is given none: from its objective and its full runs.

    Example:
        >>> study_name_for("runs/train.py:objective", 24, "constant")
        'train objective 24'
        >>> study_name_for("train.py:objective", 24, "cosine")
        'train objective 24 cosine'
    """
    place, _, function = name.rpartition(":")
    stem = place.rpartition("/")[2].removesuffix(".py")
    words = [stem, function, str(horizon)]
    if schedule != "constant":
        words.append(schedule)
    return " ".join(words)


def _import(place: str) -> ModuleType:
    """Import a module by its name, or a file by its path.

    Raises:
        ValueError: It does not exist, or raises an error.
    """
    if place.endswith(".py") or "/" in place:
        path = Path(place)
        if path.is_dir():
            raise ValueError(_of_folder(path))
        if not path.is_file():
            raise ValueError(f"there is no file {place!r} with an objective; {_FORM}")
        return _executed(path)

    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = importlib.util.find_spec(place)
    except (ImportError, ValueError):
        found = None
    if found is None:
        raise ValueError(f"there is no module {place!r} in this folder or environment; {_FORM}")

    if found.origin is None:  # as Python has it for a folder without __init__.py
        raise ValueError(_of_folder(Path(place.replace(".", "/"))))

    try:
        return importlib.import_module(place)
    except Exception as error:
        raise ValueError(_why(place, error)) from error


def _of_folder(folder: Path) -> str:
    """What to write where a folder is named in place of one of its files."""
    files = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
    file = files[0] if files else folder / "train.py"
    return f"{folder} is a folder; name the file and its function, such as {file}:objective"


def _executed(path: Path) -> ModuleType:
    """Import a file; what lies beside it can be imported from it."""
    sys.path.insert(0, str(path.resolve().parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is no Python file; {_FORM}")

    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # as pickle and dataclasses expect
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(_why(str(path), error)) from error
    return module


def _why(place: str, error: Exception) -> str:
    return f"{place} cannot be imported: {type(error).__name__}: {error}"


def _is_own(value: object, module: ModuleType) -> bool:
    """Whether a module defines a function itself, for others to see."""
    of_module = getattr(value, "__module__", None) == module.__name__
    return callable(value) and of_module and not getattr(value, "__name__", "_").startswith("_")
