"""The help texts: they fit the screen, and their examples work as printed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from optuna_kappa.cli import main
from optuna_kappa.study.example import example_study
from optuna_kappa.study.storage import open_storage

COMMANDS = ["", "fit ", "propose ", "backtest ", "studies ", "recommend ", "explain "]


def help_text(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(f"{command}--help".split())
    assert ended.value.code == 0
    return capsys.readouterr().out


def example_lines(text: str) -> Iterator[str]:
    for line in text.partition("examples:\n")[2].splitlines():
        if line.startswith("  "):
            yield line


@pytest.fixture
def in_a_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with the study that the examples need; the table is made as the help says."""
    monkeypatch.chdir(tmp_path)
    storage = open_storage("sqlite:///my.db")
    example_study(storage)
    storage.engine.dispose()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_the_screen(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = help_text(command, capsys)
    assert max(len(line) for line in out.splitlines()) <= 80
    assert out.startswith(f"usage: optuna-kappa {command}")


@pytest.mark.usefixtures("in_a_new_folder")
def test_examples_work_as_printed(capsys: pytest.CaptureFixture[str]) -> None:
    examples = []
    for command in COMMANDS:
        lines = list(example_lines(help_text(command, capsys)))
        assert all(line.startswith(f"  optuna-kappa {command}") for line in lines[:1])
        assert lines
        examples += [shlex.split(line, comments=True) for line in lines]

    python = [words for words in examples if words[0] == "python"]
    for _, option, code in python:
        assert option == "-c"
        exec(code, {})
    assert Path("runs.csv").exists()

    for words in examples:
        if words in python:
            continue
        assert words[0] == "optuna-kappa"
        assert main(words[1:]) == 0, words
        assert capsys.readouterr().err == ""
    assert Path("law.html").exists()
