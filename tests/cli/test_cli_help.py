"""The help texts: they fit the screen, and their examples work as printed."""

from __future__ import annotations

import shlex
import wsgiref.simple_server
from collections.abc import Iterator
from pathlib import Path

import pytest

from optuna_kappa.cli import main
from optuna_kappa.dashboard import serving

COMMANDS = [
    "",
    "import ",
    "fit ",
    "propose ",
    "backtest ",
    "tune ",
    "worker ",
    "plan ",
    "psi ",
    "schedule ",
    "studies ",
    "recommend ",
    "explain ",
    "report ",
    "dashboard ",
    "storage ",
]


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
    """A folder where the table and the study are made as the help says, and a quiet dashboard."""
    monkeypatch.chdir(tmp_path)
    # Other programs may listen at the port, and nobody ends the dashboard.
    monkeypatch.setattr(serving.Server, "serve_forever", lambda server: None)
    listen = wsgiref.simple_server.make_server
    monkeypatch.setattr(
        serving, "make_server", lambda host, port, *rest, **more: listen(host, 0, *rest, **more)
    )


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
    assert Path("runs.csv").exists() and Path("my.db").exists()
    capsys.readouterr()

    for words in examples:
        if words in python:
            continue
        assert words[0] == "optuna-kappa"
        assert main(words[1:]) == 0, words
        lines = capsys.readouterr().err.splitlines()
        told = [line for line in lines if not line.startswith("wrote the ")]
        # A search tells of its trials there, and a loss law of all that the small table lacks.
        tells = words[1] in ("tune", "worker", "psi", "schedule")
        assert not told or (tells and not any("error" in line for line in told))
    assert Path("law.html").exists() and Path("report.html").exists()


@pytest.mark.parametrize("command", ["import ", "tune ", "studies ", "dashboard "])
def test_no_help_shows_a_password(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(
        "OPTUNA_STORAGE", "postgresql://me:se%25cret@host/name?application_name=a%20b"
    )
    text = help_text(command, capsys)
    assert "cret" not in text
    if command in ("import ", "tune "):
        assert "me:***@host/name" in text
