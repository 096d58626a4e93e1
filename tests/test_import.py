from __future__ import annotations

import subprocess
import sys

import pytest

CODE = "import sys, {module}; print(*(m for m in {unwanted!r} if m in sys.modules), end='')"


@pytest.mark.parametrize("module", ["optuna_kappa", "optuna_kappa.law", "optuna_kappa.runs"])
def test_import_loads_nothing_heavy(module: str) -> None:
    unwanted = ("torch", "plotly", "scipy.integrate", "optuna_kappa.visualization")
    code = CODE.format(module=module, unwanted=unwanted)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_the_command_line_draws_only_on_request() -> None:
    code = CODE.format(module="optuna_kappa.cli", unwanted=("torch", "plotly"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_the_check_itself_sees_modules() -> None:
    code = CODE.format(module="optuna_kappa, scipy.integrate", unwanted=("scipy.integrate",))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "scipy.integrate"


def test_public_names_exist() -> None:
    import optuna_kappa

    assert [name for name in optuna_kappa.__all__ if not hasattr(optuna_kappa, name)] == []
