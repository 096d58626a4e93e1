from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import optuna_kappa

CODE = "import sys, {module}; print(*(m for m in {unwanted!r} if m in sys.modules), end='')"


@pytest.mark.parametrize("module", ["optuna_kappa", "optuna_kappa.law", "optuna_kappa.runs"])
def test_import_loads_nothing_heavy(module: str) -> None:
    unwanted = ("torch", "plotly", "scipy.integrate", "narwhals", "optuna_kappa.visualization")
    code = CODE.format(module=module, unwanted=unwanted)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_the_command_line_draws_only_on_request() -> None:
    unwanted = ("torch", "plotly", "narwhals", "pyarrow")
    code = CODE.format(module="optuna_kappa.cli", unwanted=unwanted)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_the_check_itself_sees_modules() -> None:
    code = CODE.format(module="optuna_kappa, scipy.integrate", unwanted=("scipy.integrate",))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "scipy.integrate"


def test_public_names_exist() -> None:
    import optuna_kappa

    assert [name for name in optuna_kappa.__all__ if not hasattr(optuna_kappa, name)] == []


PACKAGE = Path(optuna_kappa.__file__).parent
# What each folder may import from the others; imports run one way.
MAY_IMPORT = {
    "schedules": (),
    "runs": ("schedules",),
    "imports": ("runs", "schedules"),
    "law": ("runs", "schedules"),
    "search": ("law", "runs", "schedules"),
    "pruning": ("law", "runs", "schedules"),
    "backtest": ("law", "runs", "schedules"),
    "psi": ("runs", "schedules"),
    "study": ("backtest", "law", "pruning", "runs", "schedules", "search"),
    "launch": ("study",),
    "visualization": ("backtest", "law", "pruning", "psi", "runs", "schedules", "search", "study"),
    "report": (),
    "dashboard": ("law", "study", "visualization"),
}


def imported_folders(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    own = [name.split(".")[1] for name in names if name.startswith("optuna_kappa.")]
    return {name for name in own if (PACKAGE / name).is_dir() or name in ("report", "__init__")}


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_folders_import_one_way(folder: str) -> None:
    modules = sorted((PACKAGE / folder).glob("*.py"))
    assert modules
    for module in modules:
        others = imported_folders(module) - {folder}
        assert others <= set(MAY_IMPORT[folder]), module.name


def test_every_folder_has_its_rule() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders == {*MAY_IMPORT, "cli"}


def test_the_root_stays_small() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= 6
